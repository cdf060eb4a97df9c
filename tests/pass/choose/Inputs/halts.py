"""Builds networks with halts in every lowering and compares results, status and counters bit for bit, with
rows of NaN and infinities, rows that never leave, no rows at all, and halts that are held fixed. With exact
functions they are those of the interpreter.

    halts.py GATEC HALTS.gate SCRATCH
"""
import os
import re
import sys

import numpy as np

from gatecode import Gatec, command, quick, write_safetensors

GATEC, FILE, SCRATCH = sys.argv[1:]
D, L = 6, 5
rng = np.random.default_rng(7)
text = open(FILE).read()
networks = {name: (re.findall(r'(\w+):', formals), re.findall(r'(\w+):', results))
            for name, formals, results in re.findall(r'^network (\w+)\((.*?)\) -> \((.*?)\) {', text, re.M)}
assert len(networks) == 4


def some_weights():
    table = {f'layers.{l}.w': rng.standard_normal((D, D)).astype(np.float32) / 2 for l in range(L)}
    table.update({name: rng.standard_normal(D).astype(np.float32) for name in 'ep'})
    table['w'] = rng.standard_normal((D, D)).astype(np.float32) / 2
    write_safetensors(f'{SCRATCH}/w.safetensors', table)
    return table


def call(T):
    x = rng.standard_normal((T, D)).astype(np.float32)
    s = rng.standard_normal(T).astype(np.float32) * 2
    if T > 5:
        x[0], x[1, 2], x[3, 1], x[4, 1], x[5] = np.nan, np.inf, np.nan, -np.inf, 3e38
        s[2], s[6] = -np.inf, np.nan
    return {'x': x, 's': s}


def bits(y):
    """Which NaN it is, a processor decides."""
    return (np.where(np.isnan(y), np.float32(np.nan), y) if y.dtype.kind == 'f' else y).tobytes()


def compiled(way, flags):
    """The networks with their halts carried out that way."""
    with open(f'{SCRATCH}/net.gate', 'w') as f:
        f.write(text.replace('WAY', way))
    return gatec.build(f'{SCRATCH}/net.gate', '--profile', '--weights=pointer', *flags)


def called(code, results, values):
    """Results, status and counters."""
    got = code(values, {w.name.decode(): table[w.name.decode()] for w in code.table('weight')})
    counted = {path: [np.asarray(c).tolist() for c in counts] for path, counts in code.counted.items()}
    return [got['status'], counted] + [bits(got[n]) for n in results]


def printed(network, results, values, flags):
    """Results as 'gatec run' saves them, and what it prints: the status and what every decision counted."""
    said = command([GATEC, 'run', f'{SCRATCH}/net.gate', f'--network={network}', '--profile', '--weights=file',
                    f'--weights-file={SCRATCH}/w.safetensors', *flags, *gatec.arguments(values, {}),
                    *[f'--save={n}={SCRATCH}/out_{n}.npy' for n in results]])
    said = re.sub(r'.* multiply-adds\n', '', said.replace('-nan', 'nan'))
    return [said] + [bits(np.load(f'{SCRATCH}/out_{n}.npy')) for n in results]


def force(held, *halts):
    return [f'--force={halt}={held}' for halt in halts if held]


gatec = Gatec(GATEC, os.environ['GATEC_ROOT'], SCRATCH)
table = some_weights()
done = 0
exact = [*quick(GATEC, '-O2'), '--math=exact']
for flags, held, extents in ((['-O3'], None, (33, 1)), (exact, None, (17, 0)), (exact, '2', (9,)), (exact, 'never', (9,))):
    ways = {way: compiled(way, flags + force(held, 'done', 'second'))
            for way in ('#lower(compact)', '#lower(mask)', '#lower(branch)', '')}
    for T in extents:
        for network, (formals, results) in networks.items():
            values = {n: v for n, v in call(T).items() if n in formals}
            want = called(ways[''][network], results, values)
            for way, code in ways.items():
                got = called(code[network], results, values)
                assert got == want, (network, flags, held, T, way, got[:2], want[:2])
            done += len(ways)
            if flags is exact:
                once = flags + force(held, 'second' if network == 'two' else 'done')
                two = [printed(network, results, values, once + more) for more in ([], ['--interpret'])]
                assert two[0] == two[1] and two[0][1:] == want[2:], (network, held, T, two[0][0], two[1][0])
                done += 2
print(done, 'runs agree')
