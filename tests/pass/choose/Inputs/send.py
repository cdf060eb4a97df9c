"""Builds a network of sends with every lowering and compares the results bit for bit, with rows of NaN
and infinities, experts without rows, and NaN in the weights of an expert that no row goes to.

    send.py GATEC SEND.gate SCRATCH
"""
import subprocess
import sys

import numpy as np

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


def weights():
    from gatecode import write_safetensors
    table = {}
    for prefix, f in [(f'experts.{e}', 12) for e in range(4)] + [('last', 5)]:
        table[f'{prefix}.w1'] = rng.standard_normal((f, 6)).astype(np.float32)
        table[f'{prefix}.w2'] = rng.standard_normal((6, f)).astype(np.float32)
    table['experts.3.w1'][:] = np.nan
    write_safetensors(f'{SCRATCH}/w.safetensors', table)


def one_nan(y):
    """Which NaN it is, a processor decides."""
    return np.where(np.isnan(y), np.float32(np.nan), y)


def run(way, flags, values):
    source = f'{SCRATCH}/net.gate'
    with open(source, 'w') as f:
        f.write(text.replace('WAY', way))
    args = [GATEC, 'run', source, f'--weights-file={SCRATCH}/w.safetensors', '--weights=file'] + flags
    for name, value in values.items():
        np.save(f'{SCRATCH}/{name}.npy', value)
        args.append(f'--input={name}={SCRATCH}/{name}.npy')
    p = subprocess.run(args + [f'--save={n}={SCRATCH}/out_{n}.npy' for n in OUT], capture_output=True, text=True)
    assert not p.returncode, p.stderr
    return [one_nan(np.load(f'{SCRATCH}/out_{n}.npy')).tobytes() for n in OUT]


weights()
done = 0
for flags, T in ((['-O3'], 33), (['-O3'], 1), (['-O3', '--math=exact'], 17)):
    values = call(T)
    ways = {way: run(way, flags, values) for way in ('', '#lower(group)', '#lower(mask)', '#lower(branch)')}
    if '--math=exact' in flags:
        ways['the interpreter'] = run('', ['--interpret'], values)
    for way, bits in ways.items():
        assert bits == ways[''], (flags, T, way, [n for n, p, q in zip(OUT, bits, ways['']) if p != q])
    done += len(ways)
print(done, 'runs agree')
