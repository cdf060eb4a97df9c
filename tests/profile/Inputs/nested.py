"""Forces what stands inside other decisions by random inputs and compares with NumPy.

    nested.py GATEC NESTED.gate SCRATCH
"""
import os
import sys

import numpy as np

from gatecode import Gatec, Ways

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
ways = Ways(Gatec(GATEC, os.environ['GATEC_ROOT'], SCRATCH), NET, ['--forceable=r', '--forceable=in_*'])
for _ in range(3):
    T, S = rng.integers(1, 9), rng.integers(1, 7)
    x, s, q = (rng.normal(size=n).astype(np.float32) for n in (T, (T, S), (T, 3)))
    route, gated, left = (rng.integers(0, n, T).astype(np.int32) for n in (S + 2, 5, 6))
    given = {'x': x, 's': s, 'q': q, 'force.r': route, 'force.in_gate': gated, 'force.in_loop': left}
    want = reference(x, s, q, route, gated, left)
    for way, got in ways.run('net', [given], 'yzd').items():
        for name, g, w in zip('yzd', got, want):
            assert np.allclose(g, w, atol=1e-5), (way, name, g, w, given)
        runs += 1
print(runs, 'runs agree')
