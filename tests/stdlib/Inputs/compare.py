"""Runs every network of a .gate file in the interpreter and compiled at -O0 and -O3, and compares
all of it with the NumPy reference of the same name. Compiled networks are called through their C
interface, from a shared library of the object.

    compare.py GATEC FILE.gate SCRATCH
"""
import ctypes
import json
import os
import re
import struct
import subprocess
import sys

import numpy as np

from reference import R, WEIGHTS

GATEC, FILE, SCRATCH = sys.argv[1:4]
WAYS = ['interpreter', '-O0', '-O3']
TOLERANCE = 3e-6      # of the largest magnitude in the result, and of each value
LOOSE = {'softmax_large': 2e-4, 'selu': 5e-6, 'rotary': 5e-6}
NETWORK = re.compile(r'^network (\w+)\((.*?)\)\s*->\s*(.*?)\s*\{', re.M)
FIELD = re.compile(r'(\w+): (\w+)((?:\[[^]]*\])*)')
POSITIVE = {('batch_norm', 'v'), ('xlogy_prelude', 'p'), ('xlogy_prelude', 'q')}
BOUNDED = {'kan'}
SHARES = {('divergence', 'p'), ('divergence', 'q'), ('mass_set', 'x')}


def make_input(rng, name, network, elem, brackets):
    shape = [int(n) for n in re.findall(r'\d+', brackets)]
    if elem == 'ix':
        return rng.integers(0, shape[0], shape[1:]).astype(np.int32)
    if elem == 'i32':
        return rng.integers(0, 100, shape).astype(np.int32)
    x = rng.standard_normal(shape).astype(np.float32)
    if x.ndim and x.size > 100 and name == 'x':
        x.flat[:8] = [0, -0.0, 1, -1, 6.5, -6.5, 20, -20]
    if (network, name) in POSITIVE:
        x = abs(x)
        x.flat[0] = 0
    if (network, name) in SHARES:
        x = np.exp(x) / np.exp(x).sum()
    return np.tanh(x) if network in BOUNDED else x


def make_weights(networks):
    """{network: {name: values}} and the options that make gatec read all of them. In the file the
    names begin with the name of the network's part."""
    rng, values, header, data = np.random.default_rng(7), {}, {}, b''
    for network in networks:
        values[network] = {}
        for name, shape in WEIGHTS.get(network, {}).items():
            t = rng.standard_normal(shape).astype(np.float32)
            values[network][name] = t.astype(float)
            header[f'{network}_.{name}'] = {'dtype': 'F32', 'shape': shape,
                                            'data_offsets': [len(data), len(data) + t.nbytes]}
            data += t.tobytes()
    if not header:
        return values, []
    header = json.dumps(header).encode()
    with open(f'{SCRATCH}/weights.safetensors', 'wb') as out:
        out.write(struct.pack('<Q', len(header)) + header + data)
    return values, ['--weights-file', f'{SCRATCH}/weights.safetensors']


def command(args):
    """None, or how it failed."""
    done = subprocess.run(args, text=True, capture_output=True)
    return None if done.returncode == 0 else f'status {done.returncode}: {done.stdout}{done.stderr}'


class Interpreted:
    def __init__(self, options):
        self.options = options

    def run(self, network, inputs, outputs):
        args = [GATEC, 'run', FILE, '--network', network, '--interpret'] + self.options
        for name, value in inputs.items():
            np.save(f'{SCRATCH}/{name}.npy', value)
            args += ['--input', f'{name}={SCRATCH}/{name}.npy']
        for name in outputs:
            args += ['--save', f'{name}={SCRATCH}/out_{name}.npy']
        return command(args) or [np.load(f'{SCRATCH}/out_{name}.npy') for name in outputs]


class Compiled:
    def __init__(self, level, options):
        base = f'{SCRATCH}/code{level}'
        self.broken = (command([GATEC, 'build', FILE, level, '-o', base + '.o', '--header', base + '.h'] + options)
                       or command([os.environ.get('CC', 'cc'), '-shared', base + '.o', '-o', base + '.so']))
        if not self.broken:
            self.library = ctypes.CDLL(base + '.so')
            with open(base + '.h') as f:
                self.sizes = {n: int(b) for n, b in re.findall(r'#define (\w+_BYTES) (\d+)', f.read())}

    def run(self, network, inputs, outputs):
        """'outputs' are arrays of the shapes that are expected."""
        if self.broken:
            return self.broken
        out = [np.full(np.shape(a), 77, np.int32 if a.dtype.kind in 'bi' else np.float32) for a in outputs.values()]
        keep = [np.ascontiguousarray(v) for v in inputs.values()]
        pointers = [(ctypes.c_void_p * (len(x) + 1))(*(v.ctypes.data for v in x)) for x in (keep, out)]
        rooms = [np.zeros(self.sizes[f'{network.upper()}_{what}_BYTES'] + 64, np.uint8) for what in ('STATE', 'WORKSPACE')]
        state, workspace = (ctypes.c_void_p((r.ctypes.data + 63) // 64 * 64) for r in rooms)
        getattr(self.library, network + '_state_init')(state)
        function = getattr(self.library, network + '_run')
        function.restype = ctypes.c_uint32
        status = function(pointers[0], pointers[1], state, None, None, workspace)
        return f'status {status}' if status else out


def difference(got, want, tolerance):
    if got.shape != want.shape:
        return f'shape {got.shape}, expected {want.shape}'
    if got.size == 0 or np.array_equal(got, want):
        return None
    scale = max(1e-30, np.max(abs(want)))
    wrong = ~(abs(got - want) <= tolerance * (scale + abs(want)))
    if not wrong.any():
        return None
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f'{wrong.sum()} of {wrong.size} differ, first at {at}: {got[at]!r}, expected {want[at]!r}'


def test(network, fields, result, weights, ways):
    rng = np.random.default_rng(sum(network.encode()))
    inputs = {n: make_input(rng, n, network, e, b) for n, e, b in FIELD.findall(fields)}
    names = [n for n, _, _ in FIELD.findall(result)] if result.startswith('(') else ['y']
    doubles = {n: v.astype(float) if v.dtype == np.float32 else v for n, v in inputs.items()}
    want = R[network](**doubles, **({'w': weights} if weights else {}))
    want = [np.asarray(w) for w in (want if isinstance(want, tuple) else (want,))]
    bad = 0
    for way, runner in zip(WAYS, ways):
        got = runner.run(network, inputs, dict(zip(names, want)))
        if isinstance(got, str):
            problems = [got]
        else:
            problems = [difference(g, w, LOOSE.get(network, TOLERANCE)) for g, w in zip(got, want)]
        for p in filter(None, problems):
            print(f'{network}, {way}: {p}')
            bad += 1
    return bad


def main():
    os.makedirs(SCRATCH, exist_ok=True)
    with open(FILE) as f:
        networks = NETWORK.findall(f.read())
    weights, options = make_weights([n for n, _, _ in networks])
    ways = [Interpreted(options), Compiled('-O0', options), Compiled('-O3', options)]
    bad = sum(test(*n, weights[n[0]], ways) for n in networks)
    print(f'{len(networks)} networks, {bad} differences')
    sys.exit(bad > 0 or not networks)


if __name__ == '__main__':
    main()
