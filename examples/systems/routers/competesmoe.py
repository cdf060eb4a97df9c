"""CompeteSMoE: the strongest responses win, or a router that has learned who they are."""
import numpy as np

D, E, F = 6, 6, 8


def weights(rng):
    w = {f'experts.{e}.w1': 0.5 * rng.standard_normal((F, D)) for e in range(E)}
    w.update({f'experts.{e}.w2': 0.5 * rng.standard_normal((D, F)) for e in range(E)})
    return dict(w, wr=rng.standard_normal((D, E)))


def cases(rng):
    x = rng.standard_normal((8, D)).astype(np.float32)
    return [({'x': x[:n]}, {'compete': c}) for n, c in ((8, True), (8, False), (1, True), (2, False), (0, True))]


def expert(w, e, x):
    return w[f'experts.{e}.w2'] @ np.maximum(w[f'experts.{e}.w1'] @ x, 0)


FULL = {'edits': [('top_k(x @ wr, k: 2)', 'top_k(x @ wr, k: E)')], 'force': {'contest': 'closed'}}


def reference(w, knobs, x):
    y, picks = np.zeros_like(x), np.zeros((len(x), E), bool)
    for t in range(len(x)):
        if knobs['compete']:
            out = [expert(w, e, x[t]) for e in range(E)]
            score = np.array([np.log1p(np.exp(o)).mean() for o in out])
        else:
            out, score = None, x[t] @ w['wr']
        chosen = np.argsort(-score, kind='stable')[:2]
        g = score[chosen] if knobs['compete'] else np.exp(score[chosen])
        picks[t, chosen] = True
        y[t] = sum(p * (out[e] if out else expert(w, e, x[t])) for p, e in zip(g / g.sum(), chosen))
    return {'y': y, 'picks': picks}


def counts(y):
    return {'won': y['picks'].sum(0)}


def responses(w, x):
    out = np.array([[expert(w, e, row) for e in range(E)] for row in x])
    return out, np.log1p(np.exp(out)).mean(2)


def softmax(s):
    return np.exp(s) / np.exp(s).sum(1, keepdims=True)


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    x, w = inputs['x'].astype(float), {n: v.astype(float) for n, v in t.weights.items()}
    # The schedule decides call by call: a competition runs every expert once on every token and does not ask the
    # router, without one only the 2 that the router names run. The winners are not run again.
    for compete in (True, False, True):
        run, counted = t.run(inputs, {'compete': compete}), t.counted(inputs, {'compete': compete})
        t.equal(counted['won' if compete else 'pick'], run['picks'].sum(0), 'rows of the chosen experts')
        work = 8 * (E * 2 * D * F if compete else D * E + 2 * 2 * D * F)
        t.true(t.work(inputs, {'compete': compete}) == work, f"{t.work(inputs, {'compete': compete})} multiply-adds, should be {work}")
        t.true(counted['pick'].sum() == (0 if compete else 2 * 8), 'experts are called by the router for 2 of them, else not')
    run = t.run(inputs, {'compete': True})
    t.equal(t.run(inputs, {'compete': True}, t.poisoned('wr')), run, 'NaN in the router of a competition')
    one = {'x': inputs['x'][:1]}
    learned = t.run(one, {'compete': False})
    idle = [f'experts.{e}.' for e in range(E) if not learned['picks'][0, e]]
    t.equal(t.run(one, {'compete': False}, t.poisoned(*idle)), learned, 'NaN in experts that are not chosen')
    # The losses, of a competition only.
    losses = t.program(options=['--aux=*'])
    out, s = responses(w, x)
    u, v = (out[np.arange(8), np.argsort(-s, 1)[:, k]] for k in (0, 1))
    cosine = (u * v).sum(1) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1)
    for compete in (True, False):
        got = losses.run(inputs, {'compete': compete})
        t.near(got['diversity'], cosine.mean() * compete, 'diversity of the winners')
        t.near(got['distil'], ((softmax(x @ w['wr']) - softmax(s)) ** 2).mean() * compete, 'distance of router and responses')
    # Every third call is a competition, after which the router takes some steps. It learns who wins.
    rng, wr = t.rng(2), t.weights['wr']
    wide = ('dim T <= 8;', 'dim T <= 64;')
    moe, fit = t.program(wide), t.program(wide, network='fit')
    after = fit.run(dict(inputs, wr=wr), {'steps': 1, 'rate': 1})
    t.slope({'wr': wr.astype(float) - after['wr']}, lambda v: ((softmax(x @ v['wr']) - softmax(s)) ** 2).mean(), {'wr': wr}, 'a step')
    seen = []
    for call in range(60):
        x = {'x': rng.standard_normal((64, D)).astype(np.float32)}
        if call % 3 == 0:
            wr = fit.run(dict(x, wr=wr), {'steps': 20, 'rate': 10})['wr']
        weights = dict(t.weights, wr=wr)
        picks = [moe.run(x, {'compete': compete}, weights)['picks'] for compete in (True, False)]
        seen.append((picks[0] & picks[1]).sum() / 128)
    first, last = np.mean(seen[:6]), np.mean(seen[-6:])
    t.true(last > first + 0.1, f'agreement of the router with the winners {first:.2f} at first and {last:.2f} at last')
