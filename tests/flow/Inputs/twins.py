"""Banks in which some experts are equal: the bits of the results are those of the interpreter.

    twins.py GATEC FILE.gate SCRATCH

Inputs hold NaN and infinities, so that rows of the route are poisoned, and zeros of both signs.
"""
import os
import re
import sys

import numpy as np
from gatecode import Gatec, command, write_safetensors

GATEC, FILE, SCRATCH = sys.argv[1:4]
E, D = 6, 6
FIRST = [0, 1, 0, 3, 1, 0]          # experts 2 and 5 equal 0, expert 4 equals 1
EXACT = ('--math=exact',)
ROWS = (9, 0)


def bank(rng, path, *shape):
    return {path.format(e): w for e, w in enumerate(rng.standard_normal((E, *shape)).astype(np.float32)[FIRST])}


def weights(rng):
    w = {'wr': rng.standard_normal((E, D)).astype(np.float32)}
    w |= bank(rng, 'experts.{}.w1', 8, D) | bank(rng, 'experts.{}.w2', D, 8)
    w |= bank(rng, 'pairs.{}.w1', D, D) | bank(rng, 'pairs.{}.w2', 3, D)
    for part in ('first', 'second', 'stack.0', 'stack.1'):
        w[f'{part}.wr'] = rng.standard_normal((E, D)).astype(np.float32)
        w |= bank(rng, part + '.experts.{}.w1', 8, D) | bank(rng, part + '.experts.{}.w2', D, 8)
    return w


def inputs(rng, fields, rows):
    x = rng.standard_normal((rows, D)).astype(np.float32)
    x[rng.random(x.shape) < 0.2] = 0
    if rows:
        x[rng.integers(rows)] = [-0.0] * D
        x[rng.integers(rows), 1] = np.nan
        x[rng.integers(rows), 2] = np.inf
    w = rng.standard_normal((rows, E)).astype(np.float32)
    w[rng.random(w.shape) < 0.2] = 0
    found = {'x': x, 'who': rng.integers(0, E, rows).astype(np.int32), 'm': rng.random((rows, E)) < 0.6, 'w': w}
    return {name: found[name] for name in fields}


def same(a, b):
    bits = a.view(np.uint32) == b.view(np.uint32)
    return bool(np.all(bits | (np.isnan(a) & np.isnan(b))))


def main():
    rng = np.random.default_rng(5)
    gatec = Gatec(GATEC, os.environ['GATEC_ROOT'], SCRATCH)
    file = f'{SCRATCH}/twins.safetensors'
    write_safetensors(file, weights(rng))
    options = (f'--weights-file={file}', *EXACT, '-Wno-W0348')
    with open(FILE) as f:
        networks = re.findall(r'^network (\w+)\((.*?)\) -> (.*) {', f.read(), re.M)
    found = command([GATEC, 'build', FILE, '-O3', '--stop-after=twins', '--stats', *options])
    joined = re.findall(r'^6 (?:experts of .*|members) are 3$', found, re.M)
    ways = {level: gatec.build(FILE, level, *options) for level in ('-O0', '-O3')}
    bad = 0
    for name, fields, results in networks:
        outputs = re.findall(r'(\w+):', results) or ['y']
        for rows in ROWS:
            call = inputs(rng, re.findall(r'(\w+):', fields), rows)
            want = gatec.run(FILE, name, [call], outputs, '--interpret', *options)
            for way, code in ways.items():
                got = code[name](call)
                if got['status'] != want['status'] or not all(same(got[o], want[o]) for o in outputs):
                    print(f'{name}, {way}, {rows} rows: differs, status {got["status"]} and {want["status"]}')
                    bad += 1
    print(f'{len(networks)} networks, {len(joined)} banks with fewer members, {bad} differences')
    sys.exit(bad > 0)


main()
