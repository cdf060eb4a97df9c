"""GateSkip: per layer and branch the least important tokens pass by; their keys and values stay."""
import numpy as np

D, F, L, H = 8, 12, 3, 2


def weights(rng):
    w = {n: 0.35 * rng.standard_normal((L, D, D)) for n in ('wq', 'wk', 'wv')}
    for l in range(L):
        for g in ('gate_a', 'gate_m'):
            w[f'{g}.{l}.w'] = 0.5 * rng.standard_normal((D, D))
            w[f'{g}.{l}.b'] = np.full(D, 1.0)
        w.update({f'mlp.{l}.gate_proj': 0.3 * rng.standard_normal((F, D)),
                  f'mlp.{l}.up_proj': 0.3 * rng.standard_normal((F, D)),
                  f'mlp.{l}.down_proj': 0.3 * rng.standard_normal((D, F))})
    return w


def cases(rng):
    return [(dict(x=rng.standard_normal((n, D)).astype(np.float32)), {'budget': b})
            for n, b in ((8, 0.25), (7, 0.5), (8, 0.0), (1, 0.5))]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def kept(g, budget):
    importance = g.mean(1)
    return importance >= np.sort(importance)[min(int(np.float32(budget) * np.float32(len(g))), len(g) - 1)]


def bench(rng, size):
    return {}, {'budget': 0.5}


CURVE = {'x': 'budget', 'points': [(q, {'knobs': {'budget': q}}) for q in (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)]}


def reference(w, knobs, x):
    n, h = len(x), x.copy()
    k, v = np.zeros((n, D)), np.zeros((n, D))
    attends, thinks = np.zeros((L, n), bool), np.zeros((L, n), bool)
    for l in range(L):
        g = sigmoid(h @ w[f'gate_a.{l}.w'].T + w[f'gate_a.{l}.b'])
        attends[l] = kept(g, knobs['budget'])
        for t in range(n):
            if attends[l, t] or l == 0:
                k[t], v[t] = w['wk'][l] @ h[t], w['wv'][l] @ h[t]
        before = h.copy()
        for t in np.nonzero(attends[l])[0]:
            q = w['wq'][l] @ before[t]
            for c in range(0, D, D // H):
                part = slice(c, c + D // H)
                s = np.array([q[part] @ k[u, part] for u in range(t + 1)]) / np.sqrt(D // H)
                p = np.exp(s - s.max())
                h[t, part] += g[t, part] * (p / p.sum() @ v[:t + 1, part])
        g = sigmoid(h @ w[f'gate_m.{l}.w'].T + w[f'gate_m.{l}.b'])
        thinks[l] = kept(g, knobs['budget'])
        for t in np.nonzero(thinks[l])[0]:
            a = w[f'mlp.{l}.gate_proj'] @ h[t]
            h[t] += g[t] * (w[f'mlp.{l}.down_proj'] @ (a * sigmoid(a) * (w[f'mlp.{l}.up_proj'] @ h[t])))
    return {'h': h, 'attends': attends, 'thinks': thinks}


def counts(y):
    return {'attend': y['attends'].sum(), 'think': y['thinks'].sum()}


SLOPES = """use std.nn;
use std.gates;
dim T = 8;
dim D = 8;
dim F = 12;
network slopes(h: f32[T, D]) -> (y: f32[T, D], open: bit[T], d_h: f32[T, D], d_w: f32[D, D], d_b: f32[D]) {
    param w: f32[D, D] at "gate_m.0.w";
    param b: f32[D] at "gate_m.0.b";
    part mlp: nn.swiglu[F: F] at "mlp.0";
    let g = nn.sigmoid(nn.detach(h) @ w' + b);
    let rank[t in T] = mean[d] g[t, d];
    gate think[T] = rank >= gates.quantile_of(rank, 0.5);
    let y = h + when think { g * mlp(h) } else 0;
    let e = sum[t, d] y[t, d] ** 2;
    (y, think.mask, grad[h] e, grad[w] e, grad[b] e)
}
"""


def slopes(t, h):
    """The gate learns through its value; the branch and what is before it learn as if the gate were a constant."""
    got = t.program(text=SLOPES).run({'h': h})
    w = {n: v.astype(float) for n, v in t.weights.items()}

    def energy(seen, h, w):
        g = sigmoid(seen @ w['gate_m.0.w'].T + w['gate_m.0.b'])
        a = h @ w['mlp.0.gate_proj'].T
        f = (a * sigmoid(a) * (h @ w['mlp.0.up_proj'].T)) @ w['mlp.0.down_proj'].T
        return ((h + got['open'][:, None] * g * f) ** 2).sum()
    h = h.astype(float)
    t.slope(got['d_h'], lambda v: energy(h, v, w), h, 'by the input of the branch')
    for n in ('w', 'b'):
        t.slope(got['d_' + n], lambda v: energy(h, h, dict(w, **{'gate_m.0.' + n: v})), w['gate_m.0.' + n], f'by {n} of the gate')
    t.true(not got['open'].all(), 'some tokens skip')
    t.near(got['d_h'][~got['open']], 2 * h[~got['open']], 'tokens that skip', 1e-6)


def first_layers(w, n):
    return {name: v[:n] if name in ('wq', 'wk', 'wv') else v for name, v in w.items()}


def inheritance(t, inputs, knobs):
    """Two layers of attention: who skips the second has the keys of the first, everybody else those of the second."""
    keys = ('(h, attends, thinks)', '(k, attends, thinks)')
    two, one = (t.program(keys, ('dim L = 3', f'dim L = {n}'), weights=first_layers(t.weights, n)).run(inputs, knobs) for n in (2, 1))
    skipped = ~two['attends'][1]
    t.true(skipped.any() and not skipped.all(), 'some tokens skip the second layer')
    t.equal(two['h'][skipped], one['h'][skipped], 'keys of tokens that skip')
    t.true((two['h'] != one['h'])[~skipped].any(1).all(), 'keys of tokens that do not')


def check(t):
    inputs, knobs = t.module.cases(t.rng(1))[0]
    got = t.run(inputs, knobs)
    t.true((got['attends'].sum(1) == 6).all() and (got['thinks'].sum(1) == 6).all(), 'a quarter of the tokens skips')
    # Computing every branch and clearing the closed rows gives the same.
    masked = t.program(
        ('ga * attention.flat(attention.attend(attention.heads[H](h @ wq[l]\'), attention.heads[H](whole k),',
         'ga * attention.flat(attention.attend(attention.heads[H](h @ wq[l]\'), attention.heads[H](k),'),
        ('attention.heads[H](whole v), attention.causal[T, whole T]()))', 'attention.heads[H](v), attention.causal[T, T]()))'),
        ('h = h + when attend {', 'let a = {'), ('} else 0;\n        let gm', '};\n        h = h + each[t] select(attend.mask[t], a[t], 0);\n        let gm'),
        ('h = h + when think { gm * mlp[l](h) } else 0;', 'let m = gm * mlp[l](h);\n        h = h + each[t] select(think.mask[t], m[t], 0);'))
    t.near(masked.run(inputs, knobs), got, 'masked and skipped')
    # Budget 0 is the stack without gates on tokens.
    dense = t.program(
        ('gate attend[T] = rank_a >= gates.quantile_of(rank_a, budget)', 'gate attend[T] = each[t] true'),
        ('gate think[T] = rank_m >= gates.quantile_of(rank_m, budget)', 'gate think[T] = each[t] true'))
    t.folds(dense, 'attend=open', 'think=open')
    t.equal(t.run(inputs, {'budget': 0}), dense.run(inputs), 'budget 0 and no gates')
    # The multiply-adds: every token has gates, and keys and values to begin with; branches have the share 1 - q of theirs.
    always, branches = (2 * L + 2) * 8 * D * D, L * 8 * (3 * D * D + 2 * 8 * D + 3 * D * F)
    for q in (0, 0.25, 0.5, 0.75):
        t.equal(t.work(inputs, {'budget': q}), always + (1 - q) * branches, f'multiply-adds with budget {q}')
    slopes(t, inputs['x'])
    inheritance(t, inputs, knobs)
    # Inherited keys and values: without them the result is another.
    own = t.program(('on attend {', 'gate every[T] = each[t] true;\n        on every {'))
    t.true(abs(own.run(inputs, knobs)['h'] - got['h']).max() > 1e-3, 'skipped tokens keep the keys of the layer before')
