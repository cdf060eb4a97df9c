"""Runs the file example on files of all sorts and compares every line with NumPy.

    check_filekind.py FILEKIND ROOT SCRATCH
"""
import gzip
import json
import os
import struct
import subprocess
import sys

import numpy as np

PROGRAM, ROOT, SCRATCH = sys.argv[1:4]
sys.path.insert(0, os.path.join(ROOT, 'examples/filekind'))
import train  # noqa: E402  the definition of features and network


def weights():
    with open(os.path.join(ROOT, 'examples/filekind/filekind.safetensors'), 'rb') as f:
        data = f.read()
    size, = struct.unpack('<Q', data[:8])
    header = json.loads(data[8:8 + size])
    return {name: np.frombuffer(data[8 + size + e['data_offsets'][0]:8 + size + e['data_offsets'][1]], '<f4')
            .reshape(e['shape']).astype(float) for name, e in header.items() if name != '__metadata__'}


def files():
    """Sources of this repository, and files of other kinds made here."""
    rng = np.random.default_rng(0)
    yield from (os.path.join(ROOT, p) for p in ('runtime/safetensors.c', 'README.md', 'LICENSE', 'CMakeLists.txt',
                                                'examples/filekind/train.py', 'bootstrap', 'tests/lit.cfg.py',
                                                'examples/filekind/filekind.gate', 'runtime/checked.h'))
    yield PROGRAM
    with open(os.path.join(ROOT, 'LICENSE'), 'rb') as f:
        text = f.read()
    for name, data in {
            'license.gz': gzip.compress(text, mtime=0), 'one': b'x', 'seven': b'#!/bin/', 'noise': rng.bytes(5000),
            'zeros': bytes(100), 'page.html': b'<!DOCTYPE html>\n<html><body><p>Hello</p></body></html>\n',
            'data.json': b'{"a": [1, 2, 3], "b": {"c": "d"}}\n', 'exact': text[:4096], 'less': text[:4095],
            'more': text[:4097], 'all': bytes(range(256)) * 3}.items():
        path = os.path.join(SCRATCH, name)
        with open(path, 'wb') as f:
            f.write(data)
        yield path


def expected(p, path, sure):
    with open(path, 'rb') as f:
        hist, first, _ = train.table([(f.read(train.WINDOW), 0)])
    _, guess, _, share = train.forward(p, hist.astype(float), first)
    odds = (share if guess.max() < sure else guess)[0]
    return int(odds.argmax()), 100 * odds.max(), bool(guess.max() >= sure)


def main():
    os.makedirs(SCRATCH, exist_ok=True)
    p, paths, bad, skipped, kinds = weights(), list(files()), 0, 0, {}
    for option, sure in ([], 0.99), (['--long'], 1):
        out = subprocess.run([PROGRAM, *option, *paths], text=True, capture_output=True, check=True).stdout
        for line, path in zip(out.splitlines(), paths):
            kind, percent, skip = expected(p, path, sure)
            skipped += skip
            name, got = line[len(path) + 2:].rsplit(' (', 1)
            # One name for every number, and the printed digits.
            if kinds.setdefault(kind, name) != name or abs(float(got.rstrip(' %)')) - percent) > 0.06:
                print(f'{line}: expected kind {kind} with {percent:.2f} %')
                bad += 1
        bad += len(out.splitlines()) != len(paths)
    print(f'{2 * len(paths)} lines, {skipped} of them by the first bytes, {len(kinds)} kinds, {bad} wrong')
    sys.exit(bad > 0 or len(set(kinds.values())) != len(kinds))


main()
