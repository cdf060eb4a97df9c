"""REAP: saliency of experts, and the mixture without those of the lowest."""
import numpy as np

D, E, F = 5, 8, 6
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


FULL = {'edits': [('k: 2', 'k: E')]}


def reference(w, knobs, x, alive=range(E)):
    y, total, picks = np.zeros_like(x), np.zeros(E), np.zeros((len(x), E), bool)
    for t in range(len(x)):
        score = x[t] @ w['wr']
        chosen = sorted(alive, key=lambda e: -score[e])[:2]
        g = np.exp(score[chosen] - score[chosen].max())
        for e, share in zip(chosen, g / g.sum()):
            f = expert(w, e, x[t])
            y[t] += share * f
            total[e] += share * np.linalg.norm(f)
            picks[t, e] = True
    return {'y': y, 'saliency': total / np.maximum(picks.sum(0), 1), 'picks': picks}


def counts(y):
    return {'pick': y['picks'].sum(0)}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    full = t.run(inputs)
    saliency = full['saliency']
    t.true(saliency.argmin() == PLANTED, f'the planted expert is the last: {saliency}')
    # Half of the experts removed: neither they nor the router's columns for them matter.
    keep = np.sort(np.argsort(-saliency)[:E // 2])
    bits = ', '.join(str(e in keep).lower() for e in range(E))
    pruned = t.program(('[true, true, true, true, true, true, true, true]', f'[{bits}]'))
    t.compare(pruned.run(inputs), dict(reference({n: v.astype(float) for n, v in t.weights.items()}, {}, inputs['x'].astype(float), keep),
                                       status=0), 'pruned')
    dead = t.poisoned(*(f'experts.{e}.' for e in range(E) if e not in keep))
    dead['wr'] = np.where(np.isin(np.arange(E), keep)[None], dead['wr'], np.float32(np.nan))
    t.equal(pruned.run(inputs, weights=dead), pruned.run(inputs), 'NaN in removed experts and their columns')
    # Removing the least salient hurts less than removing the most salient.
    worst = np.sort(np.argsort(saliency)[:E // 2])
    other = t.program(('[true, true, true, true, true, true, true, true]', '[' + ', '.join(str(e in worst).lower() for e in range(E)) + ']'))
    errors = [np.linalg.norm(p.run(inputs)['y'] - full['y']) for p in (pruned, other)]
    t.true(errors[0] < errors[1], f'errors {errors}')
