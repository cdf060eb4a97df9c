"""Calls the network of taken.gate with several gates and numbers of rows.
    taken.py GATEC ROOT FILE SCRATCH [FLAG...]"""
import sys

import numpy as np

GATEC, ROOT, FILE, SCRATCH, *FLAGS = sys.argv[1:]
sys.path[:0] = [f'{ROOT}/tests/support']
from gatecode import Gatec   # noqa: E402

F = 150
network = Gatec(GATEC, ROOT, SCRATCH).build(FILE, *FLAGS)['taken']
rng = np.random.default_rng(7)
x, p, w, u, n, v = (rng.standard_normal(s).astype(t) for s, t in
                    (((21, 40), 'f4'), ((3, F), 'f4'), ((37, F), 'f4'), ((37, F), 'f4'), ((11, F), 'f2'), ((F, 40), 'f4')))
for share in (0, 0.02, 0.3, 0.5, 0.8, 0.9, 0.99, 1):
    s = np.where(rng.random(F) < share, 1, -1) * (0.1 + rng.random(F)).astype(np.float32)
    live = s > 0
    dead = {'w': np.where(live, w, np.nan), 'u': np.where(live, u, np.nan), 'p': np.where(live, p, np.nan), 'n': np.where(live, n, np.nan), 'v': np.where(live[:, None], v, np.nan)}
    dead = {k: a.astype(o.dtype) for (k, a), o in zip(dead.items(), (w, u, p, n, v))}
    whole = network({'x': x, 'p': p, 's': s, 'w': w, 'u': u, 'n': n, 'v': v})
    h = np.maximum(x.astype(float) @ v[live].T, 0)
    want = {'y': h @ w[:, live].T, 'z': h @ n.astype(float)[:, live].T, 'three': p[:, live].astype(float) @ w[:, live].T,
            'one': w[:, live].astype(float) @ s[live], 'both': (h @ w[:, live].T) * (h @ u[:, live].T)}
    for k, right in want.items():
        assert np.abs(whole[k] - right).max() <= 1e-5 * max(np.abs(right).max(), 1), (share, k)
    for rows in (0, 1, 2, 3, 5, 8, 21):
        some = np.sort(rng.choice(21, rows, replace=False))
        few = network({'x': x[some], 's': s, **dead})
        for k in want:
            right = whole[k] if k in ('three', 'one') else whole[k][some]
            assert few[k].tobytes() == right.tobytes(), (share, rows, k)
print('all entries agree')
