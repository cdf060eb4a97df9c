"""QuickSilver: tokens that have converged stop; tokens that are alike share one row."""
import numpy as np

D, L, F, H = 6, 5, 10, 2
DROPPED = [1, 16, 64]                                       # of the 8 bits of a weight 0, 4 and 6


def weights(rng):
    w = {n: 0.3 * rng.standard_normal((L, D, D)) for n in ('wq', 'wk', 'wv')}
    for l in range(L):
        shrink = 0.4 ** l                                   # later layers move tokens less
        w['wv'][l] *= shrink
        w.update({f'ffn.{l}.{n}': np.int8(np.clip(np.round(40 * rng.standard_normal(s)), -128, 127))
                  for n, s in (('w1', (F, D)), ('w2', (D, F)))})
        w[f'ffn.{l}.scale'] = np.array([0.01 * np.sqrt(6 / D), 0.01 * np.sqrt(10 / F) * shrink])
    return w


def twins(rng):
    x = rng.standard_normal((8, D)).astype(np.float32)
    x[5], x[6] = x[2], x[0]
    return x


def cases(rng):
    x = twins(rng)
    return [(dict(x=x), {'tau': 0.3, 'four': 0.85, 'two': 0.75}), (dict(x=x), {'tau': 0.2, 'near': 0.999}), (dict(x=x[:6]), {}), (dict(x=x[:1]), {'tau': 0.5})]


def bench(rng, size):
    return {}, {'tau': 0.5}


FULL = {'force': {'bits': None}, 'work': lambda size, skipped: 1 - skipped['frozen']}


def first_bits(w, width):
    return np.floor(w / DROPPED[width]) * DROPPED[width] + DROPPED[width] // 2


def reference(w, knobs, x, causal=True):
    tau, near, n = knobs.get('tau', 0.0), knobs.get('near', 2.0), len(x)
    norm = np.linalg.norm(x, axis=1)
    place = [next(u for u in range(n) if u == t or x[u] @ x[t] / (norm[u] * norm[t]) > near) for t in range(n)]
    rows = [u for u in range(n) if u in place]
    size = {u: place.count(u) for u in rows}
    h = {u: np.mean([x[t] for t in range(n) if place[t] == u], 0) for u in rows}
    k, v, depth, live, used = {}, {}, {u: 0 for u in rows}, list(rows), {u: np.zeros(3, int) for u in rows}
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
            p = np.exp(h[a]) / np.exp(h[a]).sum()
            unsure = -(p * np.log(p)).sum() / np.log(D)
            width = 2 if unsure < knobs.get('two', 0) else 1 if unsure < knobs.get('four', 0) else 0
            w1, w2 = (s * first_bits(w[f'ffn.{l}.{n}'], width) for n, s in zip(('w1', 'w2'), w[f'ffn.{l}.scale']))
            h[a] = h[a] + w2 @ np.maximum(w1 @ h[a], 0)
            used[a][width] += 1
        live = [u for u in live if not np.linalg.norm(h[u] - before[u]) < tau]
    return {'h': np.array([h[place[t]] for t in range(n)]), 'depth': np.array([depth[place[t]] for t in range(n)]),
            'place': np.array(place), 'used': np.array([used[place[t]] for t in range(n)])}


def counts(y):
    return {'first': len(set(y['place'])), 'bits': y['used'].sum(0)}


def check(t):
    x, rng = twins(t.rng(1)), t.rng(2)
    # tau = 0 is the dense graph.
    alive = (('b in whole T] = log((whole size)[b]) + attention.causal[T, whole T]()', 'b in T] = log(size[b]) + attention.causal[T, T]()'),
             ('whole k', 'k'), ('whole v', 'v'))
    dense = t.program(*alive, ('halt frozen[T] when nn.norm(h - before) < tau;', ''), ('(h, frozen.steps, used)', '(h, each[t in T] L, used)'))
    t.equal(t.run({'x': x}), dense.run({'x': x}), 'tau = 0 and no halting')
    t.folds(dense, 'frozen=never', edits=[*alive, ('(h, frozen.steps, used)', '(h, each[t in T] L, used)')])
    # Layers after the second do nothing: every token stops at the third, and the rest is not computed.
    w = {n: v.copy() for n, v in t.weights.items()}
    w['wv'][2:] = 0
    for l in range(2, L):
        w[f'ffn.{l}.scale'][1] = 0
    planted = t.run({'x': x}, {'tau': 1e-6}, w)
    t.true((planted['depth'] == 3).all(), f'identity layers: depth {planted["depth"]}')
    t.equal(planted['h'], t.run({'x': x}, {}, w)['h'], 'identity layers, stopped or not')
    # The work that is left out is that of the two layers after the third, and of fused tokens all of theirs.
    def layer(n):
        return n * (3 * D * D + 2 * D * F + D) + n * n * 2 * D       # D: how far a token moved
    whole = t.work({'x': x}, {}, weights=w)
    t.equal(whole - t.work({'x': x}, {'tau': 1e-6}, weights=w), (L - 3) * layer(8), 'multiply-adds that identity layers save')
    t.equal(whole - t.work({'x': x}, {'near': 0.999}, weights=w), L * (layer(8) - layer(6)), 'multiply-adds that fusing saves')
    for l in range(3, L):
        for n in ('wq', 'wk', 'wv'):
            w[n][l] = np.nan
        w[f'ffn.{l}.scale'][:] = np.nan
    t.equal(t.run({'x': x}, {'tau': 1e-6}, w), planted, 'NaN in layers that nobody reaches')
    # Some stop, some do not; those that do keep what they had.
    some = t.run({'x': x}, {'tau': 0.3})
    t.true(1 < len(set(some['depth'])), f'depths {some["depth"]}')
    # A token that is sure reads the first bits of its weights only; the others may be anything.
    t.true((t.run({'x': x}, t.module.cases(t.rng(1))[0][1])['used'].sum(0) > 0).all(), 'all widths are used')
    for knob, width in (('four', 1), ('two', 2)):
        few = t.run({'x': x}, {knob: 1})
        t.true((few['used'][:, width] == L).all(), f'{knob} bits for everybody')
        for fill in ('middle', 'noise'):
            bits = {n: np.int8(first_bits(v, width)) if fill == 'middle' else v ^ rng.integers(0, DROPPED[width], v.shape, np.int8)
                    for n, v in t.weights.items() if v.dtype == np.int8}
            other = t.run({'x': x}, {knob: 1} if fill == 'noise' else {}, dict(t.weights, **bits))
            t.equal(other['h'], few['h'], f'{knob} bits, the others {fill}')
    # Keys and values are written as often as a token is alive, and for one token of each group.
    writes = t.program(('v: f32[T, D] = 0, used', 'v: f32[T, D] = 0, wrote: i32[T] = 0, used'), ("v = h @ wv[l]';", "v = h @ wv[l]'; wrote += 1;"),
                       ('(h, frozen.steps, used)', '(h, wrote, used)'), ('each[t] depth[place[t]]', 'depth'))
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
