"""REAP: saliency of experts, and the mixture without those of the lowest."""
import itertools

import numpy as np

D, E, F, N = 5, 8, 6, 8
PLANTED = 3                                                  # an expert that hardly does anything


def weights(rng):
    w = {'wr': rng.standard_normal((D, E))}
    for e in range(E):
        size = 0.02 if e == PLANTED else 0.5
        w.update({f'experts.{e}.gate_proj': 0.5 * rng.standard_normal((F, D)), f'experts.{e}.up_proj': 0.5 * rng.standard_normal((F, D)),
                  f'experts.{e}.down_proj': size * rng.standard_normal((D, F))})
    return w


def cases(rng):
    return [(dict(x=rng.standard_normal((n, D)).astype(np.float32)), {}) for n in (64, 5, 1)]


def expert(w, e, x):
    a = w[f'experts.{e}.gate_proj'] @ x
    return w[f'experts.{e}.down_proj'] @ (a / (1 + np.exp(-a)) * (w[f'experts.{e}.up_proj'] @ x))


FULL = {'edits': [('k: 2', 'k: N')]}


def reference(w, knobs, x, kept=range(E)):
    y, total, picks = np.zeros_like(x), np.zeros(len(kept)), np.zeros((len(x), len(kept)), bool)
    for t in range(len(x)):
        score = x[t] @ w['wr']
        chosen = sorted(range(len(kept)), key=lambda j: -score[kept[j]])[:2]
        g = np.exp(score[[kept[j] for j in chosen]] - score.max())
        for j, share in zip(chosen, g / g.sum()):
            f = expert(w, kept[j], x[t])
            y[t] += share * f
            total[j] += share * np.linalg.norm(f)
            picks[t, j] = True
    return {'y': y, 'saliency': total / np.maximum(picks.sum(0), 1), 'picks': picks}


def counts(y):
    return {'pick': y['picks'].sum(0)}


def pruned(t, kept, options=()):
    return t.program(('dim N = 8', f'dim N = {len(kept)}'), ('[0, 1, 2, 3, 4, 5, 6, 7]', str([int(e) for e in kept])), options=options)


def merged(weights, load, out):
    """Experts in pairs, the most alike first, both with the mean of their weights by load."""
    weights, left = dict(weights), set(range(E))
    while left:
        a, b = min(itertools.combinations(left, 2), key=lambda p: np.linalg.norm(out[p[0]] - out[p[1]]))
        left -= {a, b}
        for n in ('gate_proj', 'up_proj', 'down_proj'):
            u, v = weights[f'experts.{a}.{n}'], weights[f'experts.{b}.{n}']
            mean = (load[a] * u + load[b] * v) / (load[a] + load[b])
            weights[f'experts.{a}.{n}'] = weights[f'experts.{b}.{n}'] = np.float32(mean)
    return weights


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    x, w, full = inputs['x'].astype(float), {n: v.astype(float) for n, v in t.weights.items()}, t.run(inputs)
    saliency, load = full['saliency'], full['picks'].sum(0)
    t.true(saliency.argmin() == PLANTED, f'the planted expert is the last: {saliency}')
    # Half of the experts removed: the object has half of the router, of the experts and of their bytes.
    kept = np.sort(np.argsort(-saliency)[:E // 2])
    half = pruned(t, kept)
    t.compare(half.run(inputs), dict(reference(w, {}, x, kept), status=0), 'pruned')
    dead = t.poisoned(*(f'experts.{e}.' for e in range(E) if e not in kept))
    t.equal(half.run(inputs, weights=dead), half.run(inputs), 'NaN in removed experts')
    for n, what in ((range(E), 'whole'), (kept, 'pruned')):
        stored = [size for size in pruned(t, n, ['--weights=embed']).stored() if size > 4 * E]
        t.equal(stored, [4 * D * len(n)] + 3 * [4 * F * D * len(n)], f'bytes of the router and of the experts, {what}')
    # What of the output is lost by removing the least salient (0.64), the rarest (0.80) or the most salient (1.11), and by
    # merging pairs instead (0.83).
    out = np.array([[expert(w, e, row) for row in x] for e in range(E)])
    lost = {'least salient': half.run(inputs), 'rarest': pruned(t, np.sort(np.argsort(-load, kind='stable')[:E // 2])).run(inputs),
            'most salient': pruned(t, np.sort(np.argsort(saliency)[:E // 2])).run(inputs),
            'pairs': t.run(inputs, weights=merged(t.weights, load, out))}
    lost = {what: np.linalg.norm(r['y'] - full['y']) / np.linalg.norm(full['y']) for what, r in lost.items()}
    t.true(lost['least salient'] < 0.9 * min(lost['rarest'], lost['pairs'], lost['most salient']), f'share of the output that is lost: {lost}')
