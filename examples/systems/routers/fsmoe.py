"""FSMoE: four routing functions in front of the same experts."""
import numpy as np

D, E, R, F = 6, 4, 3, 8
NETWORK = 'by_gshard'


def weights(rng):
    w = {f'experts.{e}.w1': 0.5 * rng.standard_normal((F, D)) for e in range(E)}
    w.update({f'experts.{e}.w2': 0.5 * rng.standard_normal((D, F)) for e in range(E)})
    return dict(w, **{'layer.rule.wr': rng.standard_normal((D, E)), 'layer.rule.low': rng.standard_normal((R, D)),
                      'layer.rule.code': rng.standard_normal((E, R))})


def cases(rng):
    x = rng.standard_normal((12, D)).astype(np.float32)
    return [({'x': x[:n]}, {}, 'by_' + rule) for rule in ('gshard', 'sigmoid', 'cosine', 'choice') for n in (12, 3)]


def mixed(w, x, g, picks):
    y = np.zeros_like(x)
    for t, e in np.argwhere(picks):
        y[t] += g[t, e] * (w[f'experts.{e}.w2'] @ np.maximum(w[f'experts.{e}.w1'] @ x[t], 0))
    return {'y': y, 'picks': picks}


def best_two(score):
    picks = np.zeros(score.shape, bool)
    for t in range(len(score)):
        picks[t, np.argsort(-score[t], kind='stable')[:2]] = True
    return picks


def shares(score, picks):
    e = np.where(picks, np.exp(score), 0)
    return e / e.sum(1, keepdims=True)


FULL = {'edits': [('routers.top_k(x @ wr, k: 2)', 'routers.top_k(x @ wr, k: E)')]}
CURVE = dict(FULL, x='rows of a chunk', points=[(n, {'size': {'T': n}}) for n in (8, 16, 32, 64, 128)])


def reference(w, knobs, x):
    score = x @ w['layer.rule.wr']
    return mixed(w, x, shares(score, best_two(score)), best_two(score))


def by_sigmoid(w, knobs, x):
    score = x @ w['layer.rule.wr']
    return mixed(w, x, 1 / (1 + np.exp(-score)), best_two(score))


def by_cosine(w, knobs, x):
    small, code = x @ w['layer.rule.low'].T, w['layer.rule.code']
    score = small @ code.T / np.linalg.norm(small, axis=1)[:, None] / np.linalg.norm(code, axis=1)
    return mixed(w, x, shares(score, best_two(score)), best_two(score))


def by_choice(w, knobs, x):
    score = x @ w['layer.rule.wr']
    p, picks = np.exp(score) / np.exp(score).sum(1, keepdims=True), np.zeros(score.shape, bool)
    for e in range(E):
        picks[np.argsort(-p[:, e], kind='stable')[:2 * len(x) // E], e] = True
    return mixed(w, x, p, picks)


def counts(y):
    return {'layer.pick': y['picks'].sum(0)}


def check(t):
    x = t.module.cases(t.rng(1))[0][0]['x']
    programs = {n: t.program(network='by_' + n) for n in ('gshard', 'sigmoid', 'cosine', 'choice')}
    runs = {n: p.run({'x': x}) for n, p in programs.items()}
    t.equal(runs['gshard']['picks'], runs['sigmoid']['picks'], 'gshard and sigmoid choose alike')
    t.true((runs['choice']['picks'].sum(0) == 6).all(), 'experts that choose are full')
    t.true((runs['cosine']['picks'].sum(1) == 2).all(), 'tokens that choose take two')
    t.true('layer.rule.wr' not in programs['cosine'].reads(), 'a rule reads its own weights only')
    # Order and its inverse: rows by expert and back are the rows.
    rng = t.rng(2)
    order = t.program(text=ORDER)
    for n in (12, 5, 1):
        who = rng.integers(0, E, n).astype(np.int32)
        back = order.run(dict(who=who, x=x[:n]))
        t.equal(back['back'], x[:n], 'the inverse of the order')
        t.equal(back['grouped'], x[:n][np.argsort(who, kind='stable')], 'rows by expert')
    backwards(t, x[:4].astype(float), {n: v.astype(float) for n, v in t.weights.items()})
    # One expert alone, whatever the others hold.
    one = runs['gshard']['picks'][0]
    idle = [f'experts.{e}.' for e in range(E) if not one[e]]
    t.equal(t.run({'x': x[:1]}, weights=t.poisoned(*idle)), t.run({'x': x[:1]}), 'NaN in idle experts')


def backwards(t, x, w):
    """The derivatives by tokens, router and experts, of each rule."""
    goal, at = t.rng(4).standard_normal(x.shape), {'x': x}
    for n in ('w1', 'w2'):
        at[n] = np.stack([w[f'experts.{e}.{n}'] for e in range(E)])
    pick = 'route pick[T -> E] = {};\n    let out'
    best, cosine = pick.format('routers.top_k(x @ wr, k: 2)'), "routers.top_k(each[t in T, e in E] nn.cosine((x @ low')[t], code[e]), k: 2)"
    rules = {'reference': [], 'by_sigmoid': [(best, pick.format('routers.top_k[W: nn.sigmoid](x @ wr, k: 2)'))],
             'by_choice': [(best, pick.format('routers.expert_choice(x @ wr, cap: 2 * T / E)'))],
             'by_cosine': [(best, pick.format(cosine)), ('wr: f32[D, E], w1', 'low: f32[R, D], code: f32[E, R], w1'),
                           ('grad[wr] loss', 'grad[low] loss, grad[code] loss')]}
    for name, edits in rules.items():
        router = ('low', 'code') if name == 'by_cosine' else ('wr',)
        here = dict(at, **{n: w['layer.rule.' + n] for n in router})

        def loss(v):
            members = {f'experts.{e}.{n}': v[n][e] for e in range(E) for n in ('w1', 'w2')}
            y = getattr(t.module, name)({**members, **{'layer.rule.' + n: v[n] for n in router}}, {}, v['x'])['y']
            return ((y - goal) ** 2).mean()
        t.slope(t.program(*edits, network='gradients').run(dict(here, goal=goal)), loss, here, name)


ORDER = """dim T <= 12;
dim E = 4;
network order(who: ix[E][T], x: f32[T, 6]) -> (grouped: f32[T, 6], back: f32[T, 6]) {
    let before[t] = (count[u in T] who[u] < who[t]) + (count[u in T] (who[u] == who[t] and i32(u) < i32(t)));
    let by_expert = sorted(before).ids;
    let grouped[t in T, d] = x[by_expert[i32(t)], d];
    (grouped, each[t in T, d] grouped[before[t], d])
}
"""
