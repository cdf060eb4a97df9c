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


FULL = {'edits': [('top_k(learned, k: 2)', 'top_k(learned, k: E)')], 'force': {'contest': 'closed'}}


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


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    run = t.run(inputs, {'compete': True})
    w = {n: v.astype(float) for n, v in t.weights.items()}
    # Without a competition only the chosen run; in one, everybody does, and the router is not asked.
    one = {'x': inputs['x'][:1]}
    learned = t.run(one, {'compete': False})
    idle = [f'experts.{e}.' for e in range(E) if not learned['picks'][0, e]]
    t.equal(t.run(one, {'compete': False}, t.poisoned(*idle)), learned, 'NaN in experts that are not chosen')
    t.equal(t.run(inputs, {'compete': True}, t.poisoned('wr')), run, 'NaN in the router of a competition')
    # A competition calls each expert once, not the winners again.
    t.true(t.multiply_adds('--force=contest=open') == 8 * E * 2 * D * F, 'every expert runs once on every token')
    # A router that has learned the responses chooses the winners: fit it on a sample, try it on another.
    rng = t.rng(2)
    x = rng.standard_normal((400, D)).astype(np.float32)
    response = np.array([[np.log1p(np.exp(expert(w, e, row))).mean() for e in range(E)] for row in x.astype(float)])
    fitted = dict(t.weights, wr=np.float32(np.linalg.lstsq(x.astype(float), response - response.mean(), rcond=None)[0]))

    def agreement(weights):
        return np.mean([(t.run({'x': part}, {'compete': True})['picks'] & t.run({'x': part}, {'compete': False}, weights)['picks']).sum() / 16
                        for part in np.split(x, 50)])
    before, after = agreement(t.weights), agreement(fitted)
    t.true(after > before + 0.05, f'agreement of the router {before:.2f} before and {after:.2f} after it was fitted')
