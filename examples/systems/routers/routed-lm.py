"""Routed language models: three routers in front of the same experts."""
import numpy as np

from draws import gumbel, random_bits

D, E, F = 5, 4, 8


def weights(rng):
    w = {f'layer.experts.{e}.w1': 0.5 * rng.standard_normal((F, D)) for e in range(E)}
    w.update({f'layer.experts.{e}.w2': 0.5 * rng.standard_normal((D, F)) for e in range(E)})
    return dict(w, wr=rng.standard_normal((D, E)))


def cases(rng):
    x = rng.standard_normal((16, D)).astype(np.float32)
    token = rng.integers(0, 1000, 16).astype(np.int32)
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
    x = t.module.cases(t.rng(1))[0][0]['x']
    # Sinkhorn evens out the load, and its sums are within eps of 1 and of T / E.
    p = normalised(x.astype(float) @ t.weights['wr'].astype(float), 40)
    t.true(abs(p.sum(1) / (E / len(x)) - 1).max() < 0.02 and abs(p.sum(0) - 1).max() < 1e-9, 'rows and columns of Sinkhorn')
    skew = dict(t.weights, wr=t.weights['wr'] + 2 * np.float32(np.arange(E) == 0))
    one = np.abs(x)                                            # every token leans towards expert 0
    greedy = t.program(('routers.sinkhorn(x @ wr)', 'routers.best(x @ wr)')).run({'x': one}, weights=skew)['picks'].sum(0)
    even = t.run({'x': one}, weights=skew)['picks'].sum(0)
    t.true(even.max() < greedy.max() and even.min() > greedy.min(), f'loads {greedy} and after Sinkhorn {even}')
    # The hash needs no weights; the same token always goes the same way.
    hashes = t.program(network='hashed')
    t.true('wr' not in hashes.reads(), 'the hash router has no weights')
    same = hashes.run(dict(x=x, token=np.full(16, 77, np.int32)))['picks']
    t.true((same == same[0]).all(), 'one token, one expert')
    # Sampling follows the softmax: 16 x 400 draws.
    draw = t.program(network='sampled')
    flat = {'x': np.repeat(x[:1], 16, 0)}
    counts = sum(draw.run(dict(flat, seed=np.uint64(s)))['picks'].sum(0) for s in range(400))
    share = np.exp(x[0].astype(float) @ t.weights['wr'])
    chi = ((counts - 6400 * share / share.sum()) ** 2 / (6400 * share / share.sum())).sum()
    t.true(chi < 16.3, f'chi-square {chi:.1f} with 3 degrees of freedom; 16.3 has probability 0.001')
    # Experts without tokens may hold anything.
    run = t.run({'x': x[:1]})
    idle = [f'layer.experts.{e}.' for e in range(E) if not run['picks'][0, e]]
    t.equal(t.run({'x': x[:1]}, weights=t.poisoned(*idle)), run, 'NaN in idle experts')
