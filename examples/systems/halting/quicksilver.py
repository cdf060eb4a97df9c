"""QuickSilver: tokens that have converged stop; tokens that are alike share one row."""
import numpy as np

D, L, F, H = 6, 5, 10, 2


def weights(rng):
    w = {n: 0.3 * rng.standard_normal((L, D, D)) for n in ('wq', 'wk', 'wv')}
    for l in range(L):
        shrink = 0.4 ** l                                   # later layers move tokens less
        w['wv'][l] *= shrink
        w.update({f'ffn.{l}.w1': 0.4 * rng.standard_normal((F, D)), f'ffn.{l}.w2': 0.4 * shrink * rng.standard_normal((D, F))})
    return w


def twins(rng):
    x = rng.standard_normal((8, D)).astype(np.float32)
    x[5], x[6] = x[2], x[0]
    return x


def cases(rng):
    x = twins(rng)
    return [(dict(x=x), {'tau': 0.3}), (dict(x=x), {'tau': 0.2, 'near': 0.999}), (dict(x=x[:6]), {}), (dict(x=x[:1]), {'tau': 0.5})]


def bench(rng, size):
    return {}, {'tau': 0.5}


def reference(w, knobs, x, causal=True):
    tau, near, n = knobs.get('tau', 0.0), knobs.get('near', 2.0), len(x)
    norm = np.linalg.norm(x, axis=1)
    place = [next(u for u in range(n) if u == t or x[u] @ x[t] / (norm[u] * norm[t]) > near) for t in range(n)]
    rows = [u for u in range(n) if u in place]
    size = {u: place.count(u) for u in rows}
    h = {u: np.mean([x[t] for t in range(n) if place[t] == u], 0) for u in rows}
    k, v, depth, live = {}, {}, {u: 0 for u in rows}, list(rows)
    for l in range(L):
        before = dict(h)
        for u in live:
            k[u], v[u], depth[u] = w['wk'][l] @ h[u], w['wv'][l] @ h[u], l + 1
        for a in live:
            keys = [b for b in rows if b <= a or not causal]
            q, y = w['wq'][l] @ before[a], np.zeros(D)
            for c in range(0, D, D // H):
                part = slice(c, c + D // H)
                e = np.array([size[b] * np.exp(q[part] @ k[b][part] / np.sqrt(D // H)) for b in keys])
                y[part] = sum(p * v[b][part] for p, b in zip(e / e.sum(), keys))
            h[a] = before[a] + y
            h[a] = h[a] + w[f'ffn.{l}.w2'] @ np.maximum(w[f'ffn.{l}.w1'] @ h[a], 0)
        live = [u for u in live if not np.linalg.norm(h[u] - before[u]) < tau]
    return {'h': np.array([h[place[t]] for t in range(n)]), 'depth': np.array([depth[place[t]] for t in range(n)]),
            'place': np.array(place)}


def counts(y):
    return {'first': len(set(y['place']))}


def check(t):
    x = twins(t.rng(1))
    # tau = 0 is the dense graph.
    dense = t.program(('b in whole T] = log((whole size)[b]) + attention.causal[T, whole T]()', 'b in T] = log(size[b]) + attention.causal[T, T]()'),
                      ('whole k', 'k'), ('whole v', 'v'), ('halt frozen[T] when nn.norm(h - before) < tau;', ''), ('(h, frozen.steps)', '(h, each[t in T] L)'))
    t.equal(t.run({'x': x}), dense.run({'x': x}), 'tau = 0 and no halting')
    # Layers after the second do nothing: every token stops at the third, and the rest is not computed.
    w = {n: v.copy() for n, v in t.weights.items()}
    w['wv'][2:] = 0
    for l in range(2, L):
        w[f'ffn.{l}.w2'][:] = 0
    planted = t.run({'x': x}, {'tau': 1e-6}, w)
    t.true((planted['depth'] == 3).all(), f'identity layers: depth {planted["depth"]}')
    t.equal(planted['h'], t.run({'x': x}, {}, w)['h'], 'identity layers, stopped or not')
    for l in range(3, L):
        for n in ('wq', 'wk', 'wv'):
            w[n][l] = np.nan
        w[f'ffn.{l}.w1'][:] = np.nan
    t.equal(t.run({'x': x}, {'tau': 1e-6}, w), planted, 'NaN in layers that nobody reaches')
    # Some stop, some do not; those that do keep what they had.
    some = t.run({'x': x}, {'tau': 0.3})
    t.true(1 < len(set(some['depth'])), f'depths {some["depth"]}')
    # Keys and values are written as often as a token is alive, and for one token of each group.
    writes = t.program(('v: f32[T, D] = 0 {', 'v: f32[T, D] = 0, wrote: i32[T] = 0 {'), ("v = h @ wv[l]';", "v = h @ wv[l]'; wrote += 1;"),
                       ('(h, frozen.steps)', '(h, wrote)'), ('each[t] depth[place[t]]', 'depth'))
    got = writes.run({'x': x}, {'tau': 0.3, 'near': 0.999})
    want = t.run({'x': x}, {'tau': 0.3, 'near': 0.999})
    first = want['place'] == np.arange(len(x))
    t.equal(got['depth'], np.where(first, want['depth'], 0), 'writes of keys and values')
    t.true(got['depth'].sum() < first.sum() * L, f'some writes are left out: {got["depth"]}')
    # Without positions equal tokens are one row, and the results are those of all rows.
    free = t.program(('+ attention.causal[T, whole T]()[a, b]', ''))
    fused, all_rows = free.run({'x': x}, {'near': 0.9999}), free.run({'x': x})
    t.true(len(set(fused['place'])) == 6 and len(set(all_rows['place'])) == 8, 'eight tokens, six of them different')
    t.near(fused['h'], all_rows['h'], 'fused and not')
