"""Derivatives of the networks of not-taken.gate at hostile values, by formula and compared exactly but
for rounding. exact.py GATEC FILE SCRATCH"""
import os
import subprocess
import sys

import numpy as np

GATEC, FILE, SCRATCH = sys.argv[1:4]
X = np.array([0, 1, np.nan, -np.inf, -5, 0.5, 1, 3], np.float32)
TAKEN = X > 1
log, root = 1 / (X - 1), 0.5 / np.sqrt(np.maximum(X - 1, 1e-9))
last = np.arange(8) == 7

WANTED = {
    'chosen': np.where(TAKEN, root + log, 0),
    'through': np.where(TAKEN, np.log(np.maximum(X - 1, 1e-9)) + 1, 0),
    'summed': np.where(TAKEN, 2 * log, 0),
    'selected': np.where(TAKEN, log, 0),
    'taken': np.where(TAKEN, log, 0),
    'called': np.where(last, 1, 0),
    'only_one': np.where(last, log, 0),
    'outside': np.where(last, 1, 0),
}

os.makedirs(SCRATCH, exist_ok=True)
np.save(f'{SCRATCH}/x.npy', X)
bad = 0
for name, want in WANTED.items():
    for way in ('--interpret', '-O0', '-O3'):
        subprocess.run([GATEC, 'run', FILE, '--network', name, way, f'--input=x={SCRATCH}/x.npy',
                        f'--save=y={SCRATCH}/y.npy'], check=True, capture_output=True)
        got = np.load(f'{SCRATCH}/y.npy')
        same = (got[~TAKEN] == 0).all() and np.allclose(got, want, 1e-5, 0)
        if not same:
            print(f'{name} {way}: {got}, expected {want}')
        bad += not same
sys.exit(bad > 0)
