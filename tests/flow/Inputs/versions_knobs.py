"""A network with versions for values of knobs against the same without: results and states of several calls, and
the code of each version against that of the network in which the knob is a constant.

    versions_knobs.py GATEC FILE.gate SCRATCH
"""
import collections
import os
import re
import sys

import numpy as np
from gatecode import Failure, Gatec, command

GATEC, FILE, SCRATCH = sys.argv[1:]
VERSIONS = (['--versions=depth=1,3'], ['--versions=heads=1100,0011'], ['--versions=most=1', '--versions=tau=0.5:0.75'],
            ['--versions=d*th=2', '--versions=heads=0000'])
KNOBS = ({}, {'depth': 1}, {'depth': 2}, {'depth': 3, 'most': 1}, {'heads': [1, 1, 0, 0]}, {'heads': [0, 0, 1, 1], 'tau': [0.5, 0.75]},
         {'heads': [0, 0, 0, 0], 'depth': 2}, {'heads': [1, 0, 1, 0], 'most': 1}, {'depth': 9})
CONSTANTS = {'depth=1': ('knob depth: int = 4 in 1..L', 'const depth = 1'),
             'heads=0011': ('knob heads: bit[H] = true in false..true', 'const heads = [false, false, true, true]'),
             'most=1': ('knob most: int = 3 in 1..H', 'const most = 1')}
ELSEWHERE = {'yield', 'const', 'data', 'param', 'knob', 'state', 'extent'}     # shared, or no code


def results(network, knobs):
    state = network.new_state()
    for k in range(3):
        x = np.random.default_rng(k).standard_normal((1 + 4 * k, 8)).astype(np.float32)
        got = network({'x': x}, knobs=knobs, state=state)
        yield [got['status'], got['y'].tobytes(), got['n'].tobytes(), state.bytes.tobytes()]


def body(text, opening):
    """The lines between an opening one and the brace that closes it."""
    at = text.index(opening)
    start = text.index('{\n', at) + 2
    depth, end = 1, start
    while depth:
        end += 1
        depth += {'{': 1, '}': -1}.get(text[end], 0)
    return text[start:end]


def ops(source, opening, *options):
    """How many of which operations there are when the tensors are to be lowered."""
    text = command([GATEC, 'build', source, '-o', f'{SCRATCH}/ops.o', '--weights=pointer',
                    '--dump=after:dce', *options]).split('// after')[-1]
    found = collections.Counter(re.findall(r'^ *(?:%.* = )?([a-z_]+)\b', body(text, opening), re.M))
    return {op: n for op, n in found.items() if op not in ELSEWHERE}


def main():
    os.makedirs(SCRATCH, exist_ok=True)
    gatec = Gatec(GATEC, os.environ['GATEC_ROOT'], SCRATCH)
    with open(FILE) as f:
        text = f.read()
    for value, (knob, constant) in CONSTANTS.items():
        assert knob in text
        with open(f'{SCRATCH}/fixed.gate', 'w') as f:
            f.write(text.replace(knob, constant))
        version = ops(FILE, f'{{version = "{value}"}}', f'--versions={value}')
        fixed, general = ops(f'{SCRATCH}/fixed.gate', 'network @net'), ops(FILE, 'network @net')
        if version != fixed or version == general:
            raise Failure(f'{value}: {version}\nconstant: {fixed}\ngeneral: {general}')
    for ways in (['-O2'], ['-O0'], ['-O3', '--math=exact']):
        plain = gatec.build(FILE, *ways)['net']
        want = [list(results(plain, knobs)) for knobs in KNOBS]
        for versions in VERSIONS:
            net = gatec.build(FILE, *ways, *versions)['net']
            for knobs, w in zip(KNOBS, want):
                if list(results(net, knobs)) != w:
                    raise Failure(f'{" ".join(ways + versions)}: other results with {knobs}')
            print(f'{" ".join(ways + versions)}: equal; code {len(plain.code())} {len(net.code())} bytes')


try:
    main()
except Failure as e:
    sys.exit(str(e))
