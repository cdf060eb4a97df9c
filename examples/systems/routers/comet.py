"""COMET: leaves of soft trees, permuted onto experts."""
import numpy as np

D, E, K, H, F = 5, 8, 2, 3, 6


def weights(rng):
    w = {}
    for e in range(E):
        w.update({f'experts.{e}.w1': 0.5 * rng.standard_normal((F, D)), f'experts.{e}.w2': 0.5 * rng.standard_normal((D, F))})
    return dict(w, node=0.4 * rng.standard_normal((K, E - 1, D)), leaf=rng.standard_normal((K, E, D)),
                place=np.stack([rng.permutation(E) for _ in range(K)]).astype(np.int32))


def cases(rng):
    x = rng.standard_normal((6, D)).astype(np.float32)
    return [({'x': x}, {}), ({'x': x[:1]}, {}), ({'x': x[:0]}, {})]


def step(u):
    return 0.0 if u <= -0.5 else 1.0 if u >= 0.5 else -2 * u ** 3 + 1.5 * u + 0.5


def leaves(w, k, x, node=0, depth=0, p=1.0):
    """The probabilities of the leaves below a node, from left to right; a branch of 0 is not looked into."""
    if depth == H:
        return [p]
    if p == 0:
        return [0.0] * 2 ** (H - depth)
    right = step(w['node'][k, node] @ x)
    return (leaves(w, k, x, 2 * node + 1, depth + 1, p * (1 - right))
            + leaves(w, k, x, 2 * node + 2, depth + 1, p * right))


def gate(w, x):
    score = {(k, i): w['leaf'][k, i] @ x + np.log(p) for k in range(K) for i, p in enumerate(leaves(w, k, x)) if p > 0}
    total, g = sum(np.exp(s) for s in score.values()), np.zeros(E)
    for (k, i), s in score.items():
        g[w['place'][k, i]] += np.exp(s) / total
    return g


FULL = {'edits': [('routers.positive(w)', 'routers.dense(w + 0.001)')]}


def reference(w, knobs, x):
    g = np.array([gate(w, row) for row in x]).reshape(len(x), E)
    y = np.zeros_like(x)
    for t in range(len(x)):
        for e in np.nonzero(g[t])[0]:
            y[t] += g[t, e] * (w[f'experts.{e}.w2'] @ np.maximum(w[f'experts.{e}.w1'] @ x[t], 0))
    return {'y': y, 'w': g}


def counts(y):
    return {'pick': (y['w'] > 0).sum(0)}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    x, w = inputs['x'].astype(float), {n: v.astype(float) if v.dtype == np.float32 else v for n, v in t.weights.items()}
    run = t.run(inputs)
    t.near(run['w'].sum(1), np.ones(6), 'weights sum to 1', 1e-6)
    # A leaf that is cut off, log 0, has the weight 0 exactly; others do not.
    cut = np.array([gate(w, row) for row in x]) == 0
    t.true(cut.any() and ((run['w'] == 0) == cut).all(), 'experts whose leaves are cut off')
    # The steeper the steps, the fewer experts run; saturated, a leaf per tree.
    rows = []
    for scale in (0.01, 1, 3, 1e4):
        weights = dict(t.weights, node=t.weights['node'] * np.float32(scale))
        run, counted = t.run(inputs, weights=weights), t.counted(inputs, weights=weights)['pick']
        t.equal(counted, (run['w'] > 0).sum(0), 'rows of each expert')
        rows.append(counted.sum())
    t.true(rows[0] == 6 * E and rows == sorted(set(rows))[::-1], f'rows of experts as the trees saturate: {rows}')
    t.true(((run['w'] > 0).sum(1) <= K).all() and np.isfinite(run['y']).all(), 'saturated trees name K leaves')
    t.near(run['w'].sum(1), np.ones(6), 'weights of saturated trees sum to 1', 1e-6)
    unused = [f'experts.{e}.' for e in range(E) if not (run['w'][:, e] > 0).any()]
    t.true(unused, 'some experts are idle')
    t.equal(t.run(inputs, weights=dict(t.poisoned(*unused), node=weights['node'])), run, 'NaN in idle experts')
    # The tables are folded, and are the permutation matrices of the formula.
    t.true('place' not in t.compiled.reads(), 'the permutations are folded')
    by_tree = t.program(('-> (y:', '-> (p: f32[T, K, E], y:'), ('(send x', '(p, send x')).run(inputs)
    matrices = np.eye(E)[t.weights['place']]
    t.near(np.einsum('tki,kie->te', by_tree['p'], matrices), by_tree['w'], 'permutation tables and matrices', 1e-6)
    learning(t, x, w)


def learning(t, x, w):
    fit, rng = t.program(network='fit'), t.rng(3)
    # A step of descent, through leaves of log 0.
    label = np.float32([1, 0, 1, 1, 0, 0])
    at = {n: np.float32(v) for n, v in (('node', w['node']), ('leaf', w['leaf']), ('u', rng.standard_normal((E, D))))}

    def loss(at):
        g = np.array([gate(dict(at, place=np.tile(np.arange(E), (K, 1))), row) for row in x])
        z = np.einsum('te,ed,td->t', g, at['u'], x)
        return (np.log1p(np.exp(z)) - label * z).mean()
    after = fit.run(dict(at, x=x, label=label), {'steps': 1, 'rate': 1})
    t.slope({n: at[n].astype(float) - after[n] for n in at}, loss, at, 'descent')
    hard = dict(at, node=at['node'] * np.float32(1e4))
    after = fit.run(dict(hard, x=x, label=label), {'steps': 3, 'rate': 1})
    t.true(all(np.isfinite(after[n]).all() for n in at), 'no NaN from saturated trees')
    t.equal(after['node'], hard['node'], 'saturated trees stay where they are')
    # A click depends on the region of a tree that a user is in. After as many steps: this gate, and the best K by a score.
    best, areas = t.program(text=t.text[:t.text.index('network comet')] + t.text[t.text.index('fn logits'):] + BEST, network='fit_best'), []
    for seed in range(3):
        rng = t.rng(10 + seed)
        split, taste = rng.standard_normal((E - 1, D)), 3 * rng.standard_normal((E, D))
        users = rng.standard_normal((2, 512, D)).astype(np.float32)
        chance = [[1 / (1 + np.exp(-2 * taste[region(split, row)] @ row)) for row in part] for part in users]
        clicks = (rng.random((2, 512)) < chance).astype(np.float32)
        start = {n: 0.2 * rng.standard_normal(s) for n, s in (('node', (K, E - 1, D)), ('leaf', (K, E, D)), ('u', (E, D)), ('a', (E, D)))}
        for program in (fit, best):
            fitted = program.run(dict(start, x=users[0], label=clicks[0]))
            areas.append(area(program.run(dict(start, **fitted, x=users[1], label=clicks[1]), {'steps': 0})['z'], clicks[1]))
    trees, best = np.mean(areas[::2]), np.mean(areas[1::2])
    t.true(trees > best, f'area under the curve {trees:.3f}, of the best {K} {best:.3f}')


def region(split, x):
    node = 0
    for _ in range(H):
        node = 2 * node + 1 + int(split[node] @ x > 0)
    return node - (E - 1)


def area(z, label):
    """Under the ROC curve: the share of pairs that are in order."""
    return (z[label == 1][:, None] > z[label == 0]).mean()


BEST = """network fit_best(x: f32[N, D], label: f32[N], a: f32[E, D], u: f32[E, D]) -> (a: f32[E, D], u: f32[E, D], z: f32[N]) {
    loop n in 0..steps carry a = a, u = u {
        let z = best_logits(x, a, u);
        let loss = mean[r] (nn.softplus(z[r]) - label[r] * z[r]);
        a = a - grad[a] loss;
        u = u - grad[u] loss;
    }
    (a, u, best_logits(x, a, u))
}
knob steps: int = 200 in 0..1000;
fn best_logits(x: f32[t, D], a: f32[E, D], u: f32[E, D]) -> f32[t] {
    let best = topk(x @ a', K);
    let p = nn.softmax(best.values);
    each[r] sum[j in K] p[r, j] * sum[d] u[best.ids[r, j], d] * x[r, d]
}
"""
