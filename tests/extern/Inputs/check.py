"""Runs net.gate with the functions of functions.c, interpreted and compiled, against NumPy.

    check.py GATEC NET.gate FUNCTIONS.so SCRATCH
"""
import subprocess
import sys

import numpy as np

GATEC, NET, LIBRARY, SCRATCH = sys.argv[1:5]
rng = np.random.default_rng(2)
table = np.arange(5, dtype=np.float32) + 10
runs = 0
for T in (1, 2, 6, 0):
    for kind in ('mixed', 'closed', 'open'):
        x = rng.normal(size=(T, 3)).astype(np.float32)
        x[:, 0] = {'mixed': x[:, 0], 'closed': -abs(x[:, 0]), 'open': abs(x[:, 0])}[kind]
        opened = x[:, 0] > 0
        n = np.float32(opened.sum())
        y = np.where(opened, np.float32(2) * x[:, 2] + n, np.float32(-1))
        seen = np.zeros(T, np.int32)
        seen[opened] = [1000 * k + 10 * t + (x[t, 1] > 0) for k, t in enumerate(np.flatnonzero(opened))]
        ids = np.where(x[:, 1] > 0, 2, 4)
        ids[1:2] = 0
        picked = np.where(opened, table[ids], np.float32(0))
        np.save(f'{SCRATCH}.x.npy', x)
        np.save(f'{SCRATCH}.table.npy', table)
        for way in ('--interpret', '-O0', '-O3'):
            args = [GATEC, 'run', NET, way, f'--input=x={SCRATCH}.x.npy',
                    f'--input=table={SCRATCH}.table.npy', f'--extern=score={LIBRARY}',
                    f'--extern=log_row={LIBRARY}:log_row', f'--extern=choose={LIBRARY}:pick']
            for name in ('y', 'seen', 'picked'):
                args.append(f'--save={name}={SCRATCH}.{name}.npy')
            out = subprocess.run(args, text=True, capture_output=True, check=True).stdout
            assert ('GATE_BAD_INDEX' in out) == (T > 1), out
            for name, want in (('y', y), ('seen', seen), ('picked', picked)):
                got = np.load(f'{SCRATCH}.{name}.npy')
                assert np.array_equal(got, want), (T, kind, way, name, got, want)
            runs += 1
print(runs, 'runs agree')
