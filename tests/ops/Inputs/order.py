"""topk and sorted of hostile rows, compiled at -O0 and -O3, against NumPy. More than a million elements.

    order.py GATEC SCRATCH

Rows are random, with few distinct values, increasing, decreasing, equal, with NaN of both signs, infinities
and zeros of both signs. The order is by value, -0 equal to 0, NaN last, ties to the lower index.
"""
import os
import subprocess
import sys

import numpy as np

GATEC, SCRATCH = sys.argv[1:3]
SIZES = [(1, 1), (2, 2), (3, 1), (5, 5), (8, 2), (16, 16), (33, 4), (64, 2), (64, 40), (100, 100), (255, 16), (256, 200),
         (257, 257), (1000, 8), (1024, 1024), (4096, 100)]


TEXT = """module order
dim R <= 2000
dim N <= {n}
network @f(%x : {elem}[R, {axis}]) -> (v, i, w, j) stage hi dims [R{also}] {{
  %v, %i = topk %x [{k}] : {elem}[R, {k}], ix<{axis}>[R, {k}]
  %w, %j = sorted %x [{axis}] : {elem}[R, {axis}], ix<{axis}>[R, {axis}]
  yield %v, %i, %w, %j
}}
"""


def jobs():
    """Element, its type, places, ranks, whether the axis is shorter at run time."""
    for n, k in SIZES:
        yield 'f32', np.float32, n, k, False
    for n, k in ((16, 16), (64, 2), (257, 100), (1000, 8)):
        yield 'f32', np.float32, n, k, True
        yield 'i32', np.int32, n, k, False
    yield 'f64', np.float64, 300, 20, False
    yield 'u8', np.uint8, 300, 300, False


def rows(rng, n, dtype):
    many = min(900, max(6, 12000 // n))
    normal = rng.standard_normal((many, n)) * 100
    few = rng.integers(0, 4, (many, n))
    line = np.arange(n)
    x = np.vstack([normal, few, [line, -line, 0 * line, line % 7, abs(line - n // 2), -abs(line - n // 2)]])
    if np.issubdtype(dtype, np.floating):
        special = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0])
        x = np.vstack([x, special[rng.integers(0, 7, (6, n))], np.full(n, np.nan),
                       np.where(rng.random((3, n)) < 0.2, np.nan, rng.standard_normal((3, n)))])
        return x.astype(dtype)
    if dtype == np.int32:
        x[0] = rng.integers(-2**31, 2**31, n)
    return x.astype(np.int64).astype(dtype)


def order(x, down):
    """Indices of each row in order."""
    nan = np.isnan(x) if x.dtype.kind == 'f' else np.zeros(x.shape, bool)
    wide = x if x.dtype.kind == 'f' else x.astype(np.int64)
    key = np.where(nan, 0, -wide if down else wide)
    index = np.broadcast_to(np.arange(x.shape[1]), x.shape)
    return np.lexsort((index, key, nan), axis=1)


def check(name, way, x, k, ids_k, down, values, ids):
    want = order(x, down)[:, :ids_k]
    taken = np.take_along_axis(x, want, 1)
    if not (ids == want).all():
        row = int(np.argwhere((ids != want).any(1))[0][0])
        return f'{name} {way} row {row}: {x[row]}: {ids[row]}, expected {want[row]}'
    if values.tobytes() != taken.tobytes():
        return f'{name} {way}: values are not those of the ids'
    return None


def main():
    os.makedirs(SCRATCH, exist_ok=True)
    rng = np.random.default_rng(5)
    count = bad = 0
    path = f'{SCRATCH}/order.gir'
    for elem, dtype, n, k, changes in jobs():
        name, axis = f'{elem}_{n}_{k}_{int(changes)}', 'N' if changes else str(n)
        with open(path, 'w') as f:
            f.write(TEXT.format(n=n, k=k, elem=elem, axis=axis, also=', N' if changes else ''))
        x = rows(rng, max(k, n * 3 // 4) if changes else n, dtype)
        np.save(f'{SCRATCH}/x.npy', x)
        count += 2 * x.size
        for way in ('-O0', '-O3'):
            done = subprocess.run([GATEC, 'run', path, way, f'--input=x={SCRATCH}/x.npy']
                                  + [f'--save={o}={SCRATCH}/{o}.npy' for o in 'viwj'], text=True, capture_output=True)
            if done.returncode:
                print(f'{name} {way}: exit {done.returncode}: {done.stdout[:500]}{done.stderr[:500]}')
                return 1
            v, i, w, j = (np.load(f'{SCRATCH}/{o}.npy') for o in 'viwj')
            for wrong in (check(name, way, x, k, k, True, v, i), check(name, way, x, k, x.shape[1], False, w, j)):
                if wrong:
                    print(wrong)
                    bad += 1
    print(f'{count} elements, {bad} wrong')
    return bad > 0 or count < 1000000


sys.exit(main())
