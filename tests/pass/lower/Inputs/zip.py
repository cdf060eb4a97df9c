"""Calls the network of zip.gate with several numbers of rows.
    zip.py GATEC ROOT FILE SCRATCH [FLAG...]"""
import sys

import numpy as np

GATEC, ROOT, FILE, SCRATCH, *FLAGS = sys.argv[1:]
sys.path[:0] = [f'{ROOT}/tests/support']
from gatecode import Gatec   # noqa: E402

network = Gatec(GATEC, ROOT, SCRATCH).build(FILE, *FLAGS)['zipped']
rng = np.random.default_rng(7)
x, s = (rng.standard_normal(n).astype('f4') for n in ((21, 32), 21))
w4, w8, n16, w2, w6, short, many = (rng.standard_normal(n).astype(t) for n, t in (
    ((80, 4), 'f4'), ((64, 8), 'f4'), ((32, 16), 'f2'), ((48, 2), 'f8'), ((64, 6), 'f4'), ((50, 4), 'f4'), ((3, 32, 4), 'f4')))
W = {'w4': w4, 'w8': w8, 'n16': n16, 'w2': w2, 'w6': w6, 'short': short, 'many': many}
whole = network({'x': x, 's': s, **W})
v = x.astype(float)
want = {'four': np.maximum(v[:, :4] @ w4.T, 0.5), 'eight': np.where((s > 0)[:, None], v[:, 4:12] @ w8.T + 1, -1),
        'half': v[:, 8:24] @ n16.astype(float).T, 'two': v[:, 3:5] @ w2.T, 'both': v[:, :4] @ w4[:64].T + v[:, :8] @ w8.T,
        'six': v[:, :6] @ w6.T, 'fifty': v[:, :4] @ short.T, 'three': np.stack([v[:, 20:24] @ m.T for m in many])}
for k, right in want.items():
    assert np.abs(whole[k] - right).max() <= 1e-5 * np.abs(right).max(), k
for rows in (0, 1, 2, 3, 5, 8, 9, 13, 21):
    some = np.sort(rng.choice(21, rows, replace=False))
    few = network({'x': x[some], 's': s[some], **W})
    for k in want:
        right = whole[k][:, some] if k == 'three' else whole[k][some]
        assert few[k].tobytes() == right.tobytes(), (rows, k)
print('all products agree')
