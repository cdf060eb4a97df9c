"""Runs every network of a .gate file in the interpreter and compiled at -O0 and -O3, and compares
all of it with the NumPy reference of the same name.

    compare.py GATEC FILE.gate SCRATCH
"""
import json
import os
import re
import struct
import subprocess
import sys

import numpy as np

from reference import R, WEIGHTS

GATEC, FILE, SCRATCH = sys.argv[1:4]
WAYS = {'interpreter': ['--interpret'], '-O0': ['-O0'], '-O3': ['-O3']}
TOLERANCE = 3e-6      # of the largest magnitude in the result, and of each value
LOOSE = {'softmax_large': 2e-4, 'selu': 5e-6, 'rotary': 5e-6}
NETWORK = re.compile(r'^network (\w+)\((.*?)\)\s*->\s*(.*?)\s*\{', re.M)
FIELD = re.compile(r'(\w+): (\w+)((?:\[[^]]*\])*)')
POSITIVE = {('batch_norm', 'v'), ('xlogy_prelude', 'p'), ('xlogy_prelude', 'q')}
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
    return x


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


def run(network, options, inputs, outputs):
    args = [GATEC, 'run', FILE, '--network', network] + options
    for name, value in inputs.items():
        np.save(f'{SCRATCH}/{name}.npy', value)
        args += ['--input', f'{name}={SCRATCH}/{name}.npy']
    for name in outputs:
        args += ['--save', f'{name}={SCRATCH}/out_{name}.npy']
    done = subprocess.run(args, text=True, capture_output=True)
    if done.returncode != 0:
        return f'status {done.returncode}: {done.stdout}{done.stderr}'
    return [np.load(f'{SCRATCH}/out_{name}.npy') for name in outputs]


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


def test(network, fields, result, weights, options):
    rng = np.random.default_rng(sum(network.encode()))
    inputs = {n: make_input(rng, n, network, e, b) for n, e, b in FIELD.findall(fields)}
    outputs = [n for n, _, _ in FIELD.findall(result)] if result.startswith('(') else ['y']
    doubles = {n: v.astype(float) if v.dtype == np.float32 else v for n, v in inputs.items()}
    want = R[network](**doubles, **({'w': weights} if weights else {}))
    want = want if isinstance(want, tuple) else (want,)
    bad = 0
    for way, flags in WAYS.items():
        got = run(network, flags + options, inputs, outputs)
        if isinstance(got, str):
            problems = [got]
        else:
            problems = [difference(g, np.asarray(w), LOOSE.get(network, TOLERANCE)) for g, w in zip(got, want)]
        for p in filter(None, problems):
            print(f'{network}, {way}: {p}')
            bad += 1
    return bad


def main():
    os.makedirs(SCRATCH, exist_ok=True)
    with open(FILE) as f:
        networks = NETWORK.findall(f.read())
    weights, options = make_weights([n for n, _, _ in networks])
    bad = sum(test(*n, weights[n[0]], options) for n in networks)
    print(f'{len(networks)} networks, {bad} differences')
    sys.exit(bad > 0 or not networks)


if __name__ == '__main__':
    main()
