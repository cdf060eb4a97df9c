"""Counts by NumPy what the gates of net.gate do, and compares with 'gatec run --profile', in the
interpreter and compiled, over several frames.

    check.py GATEC NET.gate SCRATCH
"""
import collections
import subprocess
import sys

import numpy as np

GATEC, NET, SCRATCH = sys.argv[1:4]
FRAMES = 6
rng = np.random.default_rng(3)
x = rng.normal(size=(FRAMES, 7, 4)).astype(np.float32)
x[0, 0, 0] = np.nan
go = np.array([1, 0, 1, 1, 0, 0], bool)
counts = collections.OrderedDict()


def count(path, mask):
    c = counts.setdefault(path, [0, 0, 0])
    c[0] += 1
    c[1] += mask.size
    c[2] += int(mask.sum())


def gated(h, path, member):
    opened = h[:, 0] > 0
    count(f'{path}.open{member}', opened)
    out = -h
    if opened.any():
        high = h[opened][:, 1] > 1
        count(f'{path}.high{member}', high)
        out[opened] = np.where(high[:, None], 2 * h[opened], h[opened])
    return out


for h, run in zip(x, go):
    count('run', run)
    count('always', np.ones(7, bool))
    count('never', np.zeros(7, bool))
    for i in range(3):
        h = gated(h, 'more.{}', f'[{i}]')
    gated(h, 'first', '')

np.save(f'{SCRATCH}.x.npy', x)
np.save(f'{SCRATCH}.go.npy', go)
for way in ('--interpret', '-O0', '-O1', '-O3'):
    out = subprocess.run([GATEC, 'run', NET, '--profile', '--frames', way, f'--save=n={SCRATCH}.n.npy',
                          f'--input=x={SCRATCH}.x.npy', f'--input=go={SCRATCH}.go.npy'],
                         text=True, capture_output=True, check=True).stdout
    lines = [line.split() for line in out.splitlines() if 'multiply-adds' not in line]
    assert lines[0][0] == 'decision', out
    got = {f[0]: [int(v) for v in f[1:4]] for f in lines[1:]}
    assert got == dict(counts), (way, got, counts)
    shares = {f[0]: f[4] for f in lines[1:]}
    for path, (_, rows, taken) in counts.items():
        want = f'{100 * taken / rows:.2f}%' if rows else '-'
        assert shares[path] == want, (way, path, shares[path], want)
print(len(counts), 'decisions counted')
