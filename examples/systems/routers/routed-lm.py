"""Routed language models: three routers in front of the same experts."""
import numpy as np

from draws import gumbel, random_bits

D, E, F, V = 5, 4, 8, 1000


def weights(rng):
    w = {f'layer.experts.{e}.w1': 0.5 * rng.standard_normal((F, D)) for e in range(E)}
    w.update({f'layer.experts.{e}.w2': 0.5 * rng.standard_normal((D, F)) for e in range(E)})
    return dict(w, wr=rng.standard_normal((D, E)))


def cases(rng):
    x = rng.standard_normal((16, D)).astype(np.float32)
    token = rng.integers(0, V, 16).astype(np.int32)
    return ([({'x': x[:n]}, {}) for n in (16, 5, 1)] + [(dict(x=x[:n], token=token[:n]), {}, 'hashed') for n in (16, 3)]
            + [(dict(x=x, seed=np.uint64(s)), {}, 'sampled') for s in (1, 2 ** 33 + 5)])


def sent(w, x, who):
    y = x.copy()
    for t, e in enumerate(who):
        y[t] += w[f'layer.experts.{e}.w2'] @ np.maximum(w[f'layer.experts.{e}.w1'] @ x[t], 0)
    return {'y': y, 'picks': np.arange(E)[None] == np.array(who)[:, None]}


def normalised(score, rounds=8):
    p = np.exp(score) / np.exp(score).sum(1, keepdims=True)
    for _ in range(rounds):
        p = p / p.sum(1, keepdims=True)
        p = p / p.sum(0)
    return p


FULL = {'edits': [('routers.sinkhorn(x @ wr)', 'routers.dense(nn.softmax(x @ wr))')]}


def reference(w, knobs, x):
    return sent(w, x, normalised(x @ w['wr']).argmax(1))


def hashed(w, knobs, x, token):
    return sent(w, x, [random_bits(7, 0, v) % E for v in token])


def sampled(w, knobs, x, seed):
    noise = np.array([[gumbel(seed, e, t) for e in range(E)] for t in range(len(x))])
    return sent(w, x, (x @ w['wr'] + noise).argmax(1))


def counts(y):
    return {'layer.pick': y['picks'].sum(0)}


def check(t):
    x, w = t.module.cases(t.rng(1))[0][0]['x'], {n: v.astype(float) for n, v in t.weights.items()}
    # Sinkhorn: sums within eps of 1 and of E / T, and an even load where every token leans towards expert 0.
    shown = t.program(('-> (y: f32[T, D], picks: bit[T, E]) {\n    param wr: f32[D, E];\n    route',
                       '-> (y: f32[T, D], picks: bit[T, E], p: f32[T, E]) {\n    param wr: f32[D, E];\n    let p = routers.balanced[N: 40](x @ wr);\n    route'),
                      ('routers.sinkhorn(x @ wr);\n    (layer(x, pick), pick.mask)', 'routers.best(p);\n    (layer(x, pick), pick.mask, p)'))
    p = shown.run({'x': x})['p']
    t.near(p, normalised(x.astype(float) @ w['wr'], 40), 'the balanced matrix')
    t.true(abs(p.sum(1) * len(x) / E - 1).max() < 0.02 and abs(p.sum(0) - 1).max() < 1e-6, 'rows and columns of Sinkhorn')
    skew = dict(t.weights, wr=t.weights['wr'] + 2 * np.float32(np.arange(E) == 0))
    one = np.abs(x)
    greedy = t.program(('routers.sinkhorn(x @ wr)', 'routers.best(x @ wr)')).run({'x': one}, weights=skew)['picks'].sum(0)
    even = t.run({'x': one}, weights=skew)['picks'].sum(0)
    t.true(even.max() <= 6 < 10 <= greedy.max() and even.min() >= 2, f'loads {greedy} and after Sinkhorn {even}')
    # The hash is a table: code and constants are those of a network that is given the table, with no operation and no weight.
    only = t.text[:t.text.index('network s_base')] + t.text[t.text.index('network hashed'):t.text.index('network sampled')]
    table = [random_bits(7, 0, v) % E for v in range(V)]
    hashes = t.program(text=only)
    given = t.program(text=only.replace('expert_of[v in V] = ix[E](random_bits(7, 0, v) % u32(E))', f'expert_of: ix[E][V] = {table}'))
    t.true(hashes.code() == given.code() and hashes.stored() == given.stored() and 4 * V in hashes.stored(), 'the hash is a table')
    t.true('wr' not in hashes.reads(), 'the hash router has no weights')
    # Active work as it is reported and as it was counted: the router's, and one expert for every token.
    for network, inputs, gate in (('s_base', {}, 16 * D * E), ('hashed', {'token': np.arange(16, dtype=np.int32)}, 0), ('sampled', {'seed': np.uint64(5)}, 16 * D * E)):
        counted, reported = t.work(dict(inputs, x=x), network=network), t.multiply_adds(network=network, which='expected')
        t.true(counted == reported == gate + 16 * 2 * D * F, f'{network}: {reported} multiply-adds reported, {counted} counted')
    # Experts without tokens may hold anything.
    run = t.run({'x': x[:1]})
    idle = [f'layer.experts.{e}.' for e in range(E) if not run['picks'][0, e]]
    t.equal(t.run({'x': x[:1]}, weights=t.poisoned(*idle)), run, 'NaN in idle experts')
    learning(t, x[:4].astype(float), w)


def learning(t, x, w):
    """Sampling follows the softmax, and the gradient of the samples is that of the expected reward."""
    wide, rng, draws, n = ('dim T <= 16;', 'dim T <= 16384;'), t.rng(2), 8, len(x)
    draw, gradient = t.program(wide, network='sampled'), t.program(wide, network='reinforce')
    goal = rng.standard_normal(x.shape)
    reward = np.array([-((sent(w, x, [e] * n)['y'] - goal) ** 2).mean(1) for e in range(E)]).T

    def p(wr):
        e = np.exp(x @ wr)
        return e / e.sum(1, keepdims=True)
    who, found = [], []
    for seed in range(draws):
        rows = np.repeat(x, 4096, 0)
        who.append(draw.run(dict(x=rows, seed=seed))['picks'].argmax(1).reshape(n, 4096))
        got = np.take_along_axis(reward, who[-1], 1).ravel()
        found.append(gradient.run(dict(x=rows, who=who[-1].ravel(), reward=got, wr=w['wr']))['wr'])
    expected = 4096 * draws * p(w['wr'])
    chi = ((np.array([np.sum(np.stack(who, 1).reshape(n, -1) == e, 1) for e in range(E)]).T - expected) ** 2 / expected).sum()
    t.true(chi < 32.9, f'chi-square {chi:.1f} with {n * (E - 1)} degrees of freedom; 32.9 has probability 0.001')
    # Of one draw for token t: reward (1_e - p) x; the mean has the variance of all draws of all tokens.
    each = np.array([[reward[i, e] * np.outer(x[i], np.eye(E)[e] - p(w['wr'])[i]) for e in range(E)] for i in range(n)])
    mean = np.einsum('ie,iedk->idk', p(w['wr']), each)
    error = np.sqrt((np.einsum('ie,iedk->idk', p(w['wr']), each ** 2) - mean ** 2).sum(0) / (n * n * 4096 * draws))
    exact = mean.sum(0) / n
    t.slope(exact, lambda wr: (p(wr) * reward).sum(1).mean(), w['wr'], 'the gradient by enumeration')
    off = abs(np.mean(found, 0) - exact) / error
    t.true(off.max() < 4, f'the gradient of the samples is {off.max():.1f} standard errors off')
    best = gradient.run(dict(x=x, who=reward.argmax(1), reward=reward.max(1), wr=w['wr']))['wr']
    t.true((abs(best - exact) / error).max() > 10, 'without sampling it is another')
