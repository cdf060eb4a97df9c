"""Weights for packed-narrow.gate, and its results against NumPy.  narrow.py GATEC FILE SCRATCH"""
import sys

import numpy as np
from gatecode import command, write_safetensors

GATEC, FILE, SCRATCH = sys.argv[1:]
rng = np.random.default_rng(2)
W = {name: rng.standard_normal((n, 4)).astype(np.float32)
     for name, n in (('b', 50), ('few', 8), ('each_.0.b', 50), ('each_.1.b', 50), ('each_.2.b', 50))}
write_safetensors(f'{SCRATCH}/w.safetensors', W)
np.save(f'{SCRATCH}/e.npy', np.int32(2))
for rows in 1, 7, 32:
    u = rng.standard_normal((rows, 4)).astype(np.float32)
    np.save(f'{SCRATCH}/u.npy', u)
    for network, name, more in (('up', 'b', []), ('ups', 'each_.2.b', [f'--input=e={SCRATCH}/e.npy']), ('little', 'few', [])):
        command([GATEC, 'run', FILE, '-O3', '--cpu=native', f'--network={network}', f'--weights-file={SCRATCH}/w.safetensors',
                 '-Wno-W0340', f'--input=u={SCRATCH}/u.npy', *more, f'--save=y={SCRATCH}/y.npy'])
        error = np.abs(np.load(f'{SCRATCH}/y.npy') - u.astype(float) @ W[name].T.astype(float)).max()
        if not error < 1e-5:
            sys.exit(f'{network}, {rows} rows: {error}')
