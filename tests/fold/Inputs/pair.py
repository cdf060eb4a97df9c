"""A network with decisions held constant against the network that a person would write for that case:
the same results bit for bit, the same code byte for byte, and as many bytes of constants and weights.

    pair.py GATEC TEST SCRATCH [OPTION...]       options of the full network, such as --force=g=open

SCRATCH holds full/net.gate and reduced/net.gate, parts of the test. Lines of the test:

    // weight NAME AxBxC [same AXIS: 0 1 0 ...] [keep AXIS: 0 2 ...]
                                     which entries equal which; those that the reduced network has, per axis
    // input NAME AxB [below N]      random numbers, or indices; several rows of calls
    // rule TEXT                                 what RULE in the full network stands for, one after the other

Both networks read net.safetensors beside them.
"""
import os
import re
import subprocess
import sys

import numpy as np
from gatecode import Failure, command, write_safetensors

GATEC, TEST, SCRATCH, *OPTIONS = sys.argv[1:]
CALLS = 3
LEVELS = ['-O2'], ['-O0', '--math=exact'], ['--interpret']
READELF = 'readelf'


def directives():
    weights, inputs, rules = {}, {}, []
    with open(TEST) as f:
        for line in f:
            if m := re.match(r'// weight (\S+) ([\dx]+)(.*)', line):
                same, keep = ({int(a): [int(i) for i in ids.split()]
                               for a, ids in re.findall(word + r' (\d+):([\d ]+)', m[3])} for word in ('same', 'keep'))
                weights[m[1]] = (shape(m[2]), same, keep)
            elif m := re.match(r'// input (\S+) ([\dx]+)(?: below (\d+))?', line):
                inputs[m[1]] = (shape(m[2]), int(m[3] or 0))
            elif m := re.match(r'// rule (.*)', line):
                rules.append(m[1])
    return weights, inputs, rules


def shape(text):
    return tuple(int(n) for n in text.split('x'))


def members(table):
    """With one tensor for each member of banks, of those in banks for each in each."""
    out = {}
    for name, t in table.items():
        holes = name.count('{}')
        for at in np.ndindex(t.shape[:holes]):
            out[name.replace('{}', '%d') % at if holes else name] = t[at]
    return out


def write_weights(rng, weights):
    full, reduced = {}, {}
    for name, (extents, same, keep) in weights.items():
        less = rng.standard_normal(extents).astype(np.float32)
        for axis, ids in same.items():
            less = less.take(ids, axis)
        full[name] = less
        for axis, ids in keep.items():
            less = less.take(ids, axis)
        reduced[name] = less
    full, reduced = members(full), members(reduced)
    write_safetensors(f'{SCRATCH}/full/net.safetensors', full)
    write_safetensors(f'{SCRATCH}/reduced/net.safetensors', reduced)


def sizes(obj):
    """Bytes of the code, and sizes of what it reads: constants of the program and of the code."""
    sections = command([READELF, '-SW', obj])
    code = b''
    constants = {}
    with open(obj, 'rb') as f:
        image = f.read()
    for name, at, size in re.findall(r'\] (\.\S+) +PROGBITS +\S+ (\S+) (\S+)', sections):
        at, size = int(at, 16), int(size, 16)
        if name.startswith('.text'):
            code += image[at:at + size]
        elif name.startswith('.rodata.cst'):
            constants[name] = size
    weights = 0
    for size, name in re.findall(r' (\d+) OBJECT +LOCAL +\S+ +\S+ (\S+)', command([READELF, '-sW', obj])):
        if not re.match(r'text|.*info', name):
            weights += int(size)
    return code, constants, weights


def build(which, options):
    here, obj = f'{SCRATCH}/{which}/net.gate', f'{SCRATCH}/{which}/net.o'
    command([GATEC, 'build', here, '-o', obj] + options)
    return sizes(obj)


def run(which, options, inputs):
    out = f'{SCRATCH}/{which}/y.npy'
    args = [GATEC, 'run', f'{SCRATCH}/{which}/net.gate', f'--save=y={out}'] + options
    command(args + [f'--input={n}={SCRATCH}/{n}.npy' for n in inputs])
    with open(out, 'rb') as f:
        return f.read()


def compare(rng, inputs, levels=LEVELS):
    code, constants, size = build('full', OPTIONS)
    code2, constants2, size2 = build('reduced', [])
    print(f'code {len(code)} {len(code2)} bytes, weights and constants {size} {size2} bytes')
    if size != size2 or constants != constants2:
        raise Failure(f'constants differ: {size} {constants}, {size2} {constants2}')
    if code != code2:
        raise Failure(f'the code differs: {len(code)} and {len(code2)} bytes')
    for ways in levels:
        for call in range(CALLS):
            for name, (extents, below) in inputs.items():
                x = rng.integers(below, size=extents) if below else rng.standard_normal(extents) * 3 ** call
                np.save(f'{SCRATCH}/{name}.npy', x.astype(np.int32 if below else np.float32))
            if run('full', OPTIONS + ways, inputs) != run('reduced', ways, inputs):
                raise Failure(f'the results differ ({" ".join(ways)})')


def main():
    rng = np.random.default_rng(1)
    weights, inputs, rules = directives()
    write_weights(rng, weights)
    with open(f'{SCRATCH}/full/net.gate') as f:
        text = f.read()
    for rule in rules:
        print(rule)
        with open(f'{SCRATCH}/full/net.gate', 'w') as f:
            f.write(text.replace('RULE', rule))
        compare(rng, inputs, LEVELS[2:])
    if not rules:
        compare(rng, inputs)
    print('equal')


try:
    main()
except (Failure, subprocess.SubprocessError, OSError) as e:
    sys.exit(f'{os.path.basename(TEST)}: {e}')
