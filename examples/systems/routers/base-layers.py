"""BASE layers: balanced assignment by auction, or the best expert for each token."""
import itertools

import numpy as np

T, D, E, F, STEP = 8, 5, 4, 8, 0.001


def weights(rng):
    w = {f'experts.{e}.w1': 0.5 * rng.standard_normal((F, D)) for e in range(E)}
    w.update({f'experts.{e}.w2': 0.5 * rng.standard_normal((D, F)) for e in range(E)})
    return dict(w, w=rng.standard_normal((E, D)))


def cases(rng):
    return [(dict(h=rng.standard_normal((T, D)).astype(np.float32)), {'balance': b}) for b in (False, True, True)]


def assign(score):
    """The best balanced assignment, by trying every one (2520 for 8 tokens and 4 experts)."""
    experts, seats = score.shape[1], len(score) // score.shape[1]
    best, who = -np.inf, None

    def place(t, left, value, chosen):
        nonlocal best, who
        if t == len(score):
            if value > best:
                best, who = value, list(chosen)
            return
        for e in range(experts):
            if left[e]:
                left[e] -= 1
                place(t + 1, left, value + score[t, e], chosen + [e])
                left[e] += 1
    place(0, [seats] * experts, 0.0, [])
    return np.array(who)


FULL = {'force': {'fair': 'closed'}, 'edits': [('route_ids(each[t, j in 1] who[t], each[t, j in 1] nn.sigmoid(score[t, who[t]]))', 'routers.dense(nn.sigmoid(score))')]}


def reference(w, knobs, h):
    score = h @ w['w'].T
    who = assign(score) if knobs['balance'] else score.argmax(1)
    y = h.copy()
    for t, e in enumerate(who):
        y[t] += (w[f'experts.{e}.w2'] @ np.maximum(w[f'experts.{e}.w1'] @ h[t], 0)) / (1 + np.exp(-score[t, e]))
    return {'y': y, 'who': who}


def counts(y):
    return {'pick': np.bincount(y['who'], minlength=E)}


def check(t):
    rng = t.rng(2)
    two = t.program(('dim E = 4', 'dim E = 2'), weights={n: v[:2] if n == 'w' else v for n, v in t.weights.items()})
    # The best assignment: within T steps of it, and none but it where scores are whole numbers, for T steps are less than 1.
    for trial, (program, experts) in itertools.product(range(20), ((t, E), (two, 2))):
        h, w = rng.standard_normal((T, D)), program.weights['w'].astype(float)
        if trial % 2:
            h, w = h.round(), (2 * w).round()
        h, weights, score = np.float32(h), dict(program.weights, w=np.float32(w)), np.float32(h).astype(float) @ w.T
        who = program.run({'h': h}, {'balance': True}, weights)['who']
        t.true((np.bincount(who, minlength=experts) == T // experts).all(), f'loads {np.bincount(who, minlength=experts)}')
        value, best = score[np.arange(T), who].sum(), score[np.arange(T), assign(score)].sum()
        t.true(value == best if trial % 2 else value >= best - T * STEP, f'{experts} experts: value {value:.4f}, the best is {best:.4f}')
        t.true((program.run({'h': h}, {'balance': False}, weights)['who'] == score.argmax(1)).all(), 'greedy is argmax')
    # Experts without tokens may hold anything.
    h = rng.standard_normal((T, D)).astype(np.float32)
    run = t.run({'h': h}, {'balance': False})
    idle = [f'experts.{e}.' for e in range(E) if e not in run['who']]
    if idle:
        t.equal(t.run({'h': h}, {'balance': False}, t.poisoned(*idle)), run, 'NaN in idle experts')
