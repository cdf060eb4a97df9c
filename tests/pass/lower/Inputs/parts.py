"""Calls the networks of parts.gate with several numbers of rows and terms.
    parts.py GATEC ROOT FILE SCRATCH [FLAG...]"""
import sys

import numpy as np

GATEC, ROOT, FILE, SCRATCH, *FLAGS = sys.argv[1:]
sys.path[:0] = [f'{ROOT}/tests/support']
from gatecode import Gatec   # noqa: E402

networks = Gatec(GATEC, ROOT, SCRATCH).build(FILE, *FLAGS)
rng = np.random.default_rng(8)
for batch, alone, terms in [('fixed', 'row', (1300,)), ('open', 'open_row', (0, 1, 15, 511, 512, 513, 1024, 1030, 1300))]:
    for k in terms:
        x, w = (rng.standard_normal((n, k)).astype(np.float32) for n in (19, 21))
        for rows in (1, 2, 3, 8, 19):
            y = networks[batch]({'x': x[:rows], 'w': w})['y']
            right = x[:rows].astype(float) @ w.astype(float).T
            assert np.abs(y - right).max() <= 1e-5 * max(np.abs(right).max(), 1), (batch, k, rows)
            for t in range(rows):
                assert y[t].tobytes() == networks[alone]({'x': x[t], 'w': w})['y'].tobytes(), (batch, k, rows, t)
print('all products agree')
