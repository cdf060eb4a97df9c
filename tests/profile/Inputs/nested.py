"""Forces what stands inside other decisions by random inputs and compares with NumPy.

    nested.py GATEC NESTED.gate SCRATCH
"""
import subprocess
import sys

import numpy as np

GATEC, NET, SCRATCH = sys.argv[1:4]
rng = np.random.default_rng(1)


def weighted(x, q):
    ids = np.argsort(-q, kind='stable')[:2]
    w = np.exp(q[ids] - q[ids].max())
    return (w / w.sum() * x * (ids + 1)).sum()


def depth(h, force):
    for n in range(4):
        h += 1
        if h > 3 if force == 0 else force == n + 1:
            break
    return h


def reference(x, s, q, route, gated, left):
    S = s.shape[1]
    y = np.where(route == 0, x + s.argmax(1), np.where(route == S + 1, 0, x + route - 1))
    z = [weighted(a, b) if f == 0 else 0 if f == 4 else a * f for a, b, f in zip(x, q, gated)]
    d = [depth(a, f) for a, f in zip(x, left)]
    return y, np.where(x > 0, z, -1), np.where(x > 0, d, -1)


runs = 0
for _ in range(3):
    T, S = rng.integers(1, 9), rng.integers(1, 7)
    x, s, q = (rng.normal(size=n).astype(np.float32) for n in (T, (T, S), (T, 3)))
    route, gated, left = (rng.integers(0, n, T).astype(np.int32) for n in (S + 2, 5, 6))
    given = {'x': x, 's': s, 'q': q, 'force.r': route, 'force.in_gate': gated, 'force.in_loop': left}
    args = [GATEC, 'run', NET, '--forceable=r', '--forceable=in_*']
    for name, value in given.items():
        np.save(f'{SCRATCH}.{name}.npy', value)
        args.append(f'--input={name}={SCRATCH}.{name}.npy')
    args += [f'--save={n}={SCRATCH}.{n}.npy' for n in 'yzd']
    want = reference(x, s, q, route, gated, left)
    for way in ('--interpret', '-O0', '-O3'):
        subprocess.run(args + [way], check=True, capture_output=True)
        for name, w in zip('yzd', want):
            got = np.load(f'{SCRATCH}.{name}.npy')
            assert np.allclose(got, w, atol=1e-5), (way, name, got, w, given)
        runs += 1
print(runs, 'runs agree')
