"""Builds networks with halts in every lowering and compares results, status and counters bit for bit, with
rows of NaN and infinities, rows that never leave, no rows at all, and halts that are held fixed.

    halts.py GATEC HALTS.gate SCRATCH
"""
import re
import subprocess
import sys

import numpy as np

from gatecode import write_safetensors

GATEC, FILE, SCRATCH = sys.argv[1:]
D, L = 6, 5
rng = np.random.default_rng(7)
text = open(FILE).read()
networks = {name: (re.findall(r'(\w+):', formals), re.findall(r'(\w+):', results))
            for name, formals, results in re.findall(r'^network (\w+)\((.*?)\) -> \((.*?)\) {', text, re.M)}
assert len(networks) == 4


def weights():
    table = {f'layers.{l}.w': rng.standard_normal((D, D)).astype(np.float32) / 2 for l in range(L)}
    table.update({name: rng.standard_normal(D).astype(np.float32) for name in 'ep'})
    table['w'] = rng.standard_normal((D, D)).astype(np.float32) / 2
    write_safetensors(f'{SCRATCH}/w.safetensors', table)


def call(T):
    x = rng.standard_normal((T, D)).astype(np.float32)
    s = rng.standard_normal(T).astype(np.float32) * 2
    if T > 5:
        x[0], x[1, 2], x[3, 1], x[4, 1], x[5] = np.nan, np.inf, np.nan, -np.inf, 3e38
        s[2], s[6] = -np.inf, np.nan
    return {'x': x, 's': s}


def loaded(path):
    y = np.load(path)
    return (np.where(np.isnan(y), np.float32(np.nan), y) if y.dtype.kind == 'f' else y).tobytes()


def run(network, way, flags, values):
    formals, results = networks[network]
    source = f'{SCRATCH}/net.gate'
    with open(source, 'w') as f:
        f.write(text.replace('WAY', way))
    args = [GATEC, 'run', source, f'--network={network}', '--profile', '--weights=file',
            f'--weights-file={SCRATCH}/w.safetensors'] + flags
    for name in formals:
        np.save(f'{SCRATCH}/{name}.npy', values[name])
        args.append(f'--input={name}={SCRATCH}/{name}.npy')
    p = subprocess.run(args + [f'--save={n}={SCRATCH}/out_{n}.npy' for n in results], capture_output=True, text=True)
    assert not p.returncode, p.stderr
    # what is printed has the status and what every decision counted
    said = re.sub(r'.* multiply-adds\n', '', p.stdout.replace('-nan', 'nan'))
    return [said, p.stderr] + [loaded(f'{SCRATCH}/out_{n}.npy') for n in results]


weights()
done = 0
for template, T in ((['-O3'], 33), (['-O3'], 1), (['--math=exact'], 17), (['--math=exact'], 0),
                    (['--math=exact', '--force=HALT=2'], 9), (['--math=exact', '--force=HALT=never'], 9)):
    for network in networks:
        flags = [f.replace('HALT', 'second' if network == 'two' else 'done') for f in template]
        values = call(T)
        ways = {way: run(network, way, flags, values)
                for way in ('', '#lower(compact)', '#lower(mask)', '#lower(branch)')}
        if '--math=exact' in flags:
            ways['the interpreter'] = run(network, '', flags + ['--interpret'], values)
        for way, got in ways.items():
            assert got == ways[''], (network, flags, T, way, got[:2], ways[''][:2])
        done += len(ways)
print(done, 'runs agree')
