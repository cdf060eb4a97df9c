"""The best two, and the smallest set with 0.7 of the mass, of the rows with x > 0, against NumPy."""
import subprocess
import sys

import numpy as np

TEXT = '''use std.nn;
use std.gates;
dim S = 7;
network n(x: f32[S]) -> (best: i32[S], most: i32[S]) {
    gate some[S] = x > 0;
    let best = when some {
        gate two[S] = gates.top(x, k: 2) #local;
        when two { i32(iota(S)) } else -1
    } else -2;
    let most = when some {
        gate set[S] = gates.mass_set(nn.softmax(x), 0.7) #local;
        when set { i32(iota(S)) } else -1
    } else -2;
    (best, most)
}
'''


def expected(x):
    best, most = np.full(7, -2), np.full(7, -2)
    rows = np.flatnonzero(x > 0)
    order = rows[np.argsort(-x[rows], kind='stable')]
    best[rows] = most[rows] = -1
    best[order[:2]] = order[:2]
    p = np.exp(x[order]) / np.exp(x[order]).sum() if len(order) else np.zeros(0)
    for i, share in zip(order, np.cumsum(p) - p):
        if share < 0.7:
            most[i] = i
    return best, most


def main(gatec):
    with open('n.gate', 'w') as f:
        f.write(TEXT)
    r = np.random.default_rng(1)
    x = r.normal(0.3, 1, (20, 7)).astype(np.float32)
    x[0] = -1
    np.save('x.npy', x)
    wrong = 0
    for how in (['-O0'], ['-O3'], ['--interpret']):
        subprocess.run([gatec, 'run', 'n.gate', *how, '--frames', '--input', 'x=x.npy', '--save', 'best=b.npy',
                        '--save', 'most=m.npy'], check=True)
        best, most = np.load('b.npy'), np.load('m.npy')
        for k in range(20):
            b, m = expected(x[k])
            wrong += not (np.array_equal(best[k], b) and np.array_equal(most[k], m))
    print(f'60 calls, {wrong} wrong')


main(sys.argv[1])
