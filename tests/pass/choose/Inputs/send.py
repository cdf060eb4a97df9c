"""Builds a network of sends with every lowering and compares the results bit for bit, with rows of NaN
and infinities, experts without rows, and NaN in the weights of an expert that no row goes to.

    send.py GATEC SEND.gate SCRATCH
"""
import os
import sys

import numpy as np

from gatecode import Gatec, quick, write_safetensors

GATEC, FILE, SCRATCH = sys.argv[1:]
OUT = 'abcd'
rng = np.random.default_rng(3)
text = open(FILE).read()


def call(T):
    x = rng.standard_normal((T, 6)).astype(np.float32)
    s = rng.standard_normal((T, 4)).astype(np.float32) * 2
    one, kind = rng.integers(0, 3, T), rng.integers(0, 2, T)
    s[:, 3] = -np.inf                       # no row: its weights are NaN
    if T > 3:
        x[0], x[1, 2], s[2], s[3, 1] = np.nan, np.inf, np.nan, np.nan
    return {'x': x, 's': s, 'one': one.astype(np.int32), 'kind': kind.astype(np.int32)}


def some_weights():
    table = {}
    for prefix, f in [(f'experts.{e}', 12) for e in range(4)] + [('last', 5)]:
        table[f'{prefix}.w1'] = rng.standard_normal((f, 6)).astype(np.float32)
        table[f'{prefix}.w2'] = rng.standard_normal((6, f)).astype(np.float32)
    table['experts.3.w1'][:] = np.nan
    write_safetensors(f'{SCRATCH}/w.safetensors', table)
    return table


def bits(results):
    """Which NaN it is, a processor decides."""
    return [np.where(np.isnan(results[n]), np.float32(np.nan), results[n]).tobytes() for n in OUT]


def source(way):
    with open(f'{SCRATCH}/net.gate', 'w') as f:
        f.write(text.replace('WAY', way))
    return f'{SCRATCH}/net.gate'


gatec = Gatec(GATEC, os.environ['GATEC_ROOT'], SCRATCH)
table = some_weights()
done = 0
exact = [*quick(GATEC, '-O3'), '--math=exact']
for flags, extents in ((['-O3'], (33, 1)), (exact, (17,))):
    ways = {way: gatec.build(source(way), '--weights=pointer', *flags)['net']
            for way in ('#lower(group)', '#lower(mask)', '#lower(branch)', '')}
    for T in extents:
        values = call(T)
        got = {way: bits(code(values, table)) for way, code in ways.items()}
        if flags is exact:
            got['the interpreter'] = bits(gatec.run(source(''), 'net', [values], OUT, '--interpret',
                                                    f'--weights-file={SCRATCH}/w.safetensors'))
        for way, b in got.items():
            assert b == got[''], (flags, T, way, [n for n, p, q in zip(OUT, b, got['']) if p != q])
        done += len(got)
print(done, 'runs agree')
