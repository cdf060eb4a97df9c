"""Early-exit diffusion sampling: every step of the sampler runs as many blocks as its time wants."""
import numpy as np

D, F, L, S = 8, 16, 6, 5
DEPTH = [2, 3, 4, 5, 6]


def weights(rng):
    w = {f'layer.{l}.w1': 0.3 * rng.standard_normal((F, D)) for l in range(L)}
    w.update({f'layer.{l}.w2': 0.3 * rng.standard_normal((D, F)) for l in range(L)})
    return dict(w, time=rng.standard_normal((S, D)))


def schedule():
    """DDIM from noise to signal: z' = sqrt(s') (z - sqrt(1 - s) eps) / sqrt(s) + sqrt(1 - s') eps."""
    s = np.linspace(0.1, 0.99, S + 1)
    a = np.sqrt(s[1:] / s[:-1])
    return {'a': a.astype(np.float32), 'b': (np.sqrt(1 - s[1:]) - a * np.sqrt(1 - s[:-1])).astype(np.float32)}


def cases(rng):
    return [(dict(noise=rng.standard_normal((n, D)).astype(np.float32), **schedule()), {}) for n in (4, 1)]


def bench(rng, size):
    return schedule(), {}


FULL = {'edits': [('[2, 3, 4, 5, 6]', '6')], 'work': lambda size, skipped: sum(DEPTH) / (S * L)}


def reference(w, knobs, noise, a, b, depth=DEPTH):
    z = noise.copy()
    for t in range(S):
        for n in range(len(z)):
            h = z[n] + w['time'][t]
            for l in range(depth[t]):
                h = h + w[f'layer.{l}.w2'] @ np.maximum(w[f'layer.{l}.w1'] @ h, 0)
            z[n] = a[t] * z[n] + b[t] * h
    return {'z': z, 'blocks': sum(depth)}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    table, loop = '[2, 3, 4, 5, 6]', 'loop l in 0..deep'
    t.true(t.run(inputs)['blocks'] == sum(DEPTH), 'blocks run')
    t.equal(t.work(inputs), len(inputs['noise']) * sum(DEPTH) * 2 * D * F, 'multiply-adds of so many blocks')
    # The deepest table is the sampler without exits; a table of one depth is the network of that depth.
    t.equal(t.program((table, '6')).run(inputs), t.program((loop, 'loop l in L')).run(inputs), 'full depth')
    shallow = t.program((table, '2'))
    t.equal(shallow.run(inputs), t.program((loop, 'loop l in 0..2')).run(inputs), 'depth 2')
    t.true(t.program((table, '0')).run(inputs)['blocks'] == 0, 'depth 0')
    # Blocks below the exit are not run: they may hold anything.
    t.equal(shallow.run(inputs, weights=t.poisoned(*(f'layer.{l}.' for l in range(2, L)))), shallow.run(inputs),
            'NaN in blocks that never run')
