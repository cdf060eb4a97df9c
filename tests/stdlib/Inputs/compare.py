"""Runs every network of a .gate file in the interpreter and compiled at -O0 and -O3, and compares
all of it with the NumPy reference of the same name. Compiled networks are called through their C
interface, from a shared library of the object.

    compare.py GATEC FILE.gate SCRATCH
"""
import os
import re
import sys

import numpy as np

from gatecode import Failure, Gatec, difference, write_safetensors
from reference import R, WEIGHTS

GATEC, FILE, SCRATCH = sys.argv[1:4]
WAYS = ['interpreter', '-O0', '-O3']
TOLERANCE = 3e-6      # half of what is allowed, of the largest magnitude in the result
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
    rng, values, tensors = np.random.default_rng(7), {}, {}
    for network in networks:
        values[network] = {}
        for name, shape in WEIGHTS.get(network, {}).items():
            t = rng.standard_normal(shape).astype(np.float32)
            values[network][name] = t.astype(float)
            tensors[f'{network}_.{name}'] = t
    if not tensors:
        return values, []
    write_safetensors(f'{SCRATCH}/weights.safetensors', tensors)
    return values, ['--weights-file', f'{SCRATCH}/weights.safetensors']


class Interpreted:
    def __init__(self, gatec, options):
        self.gatec, self.options = gatec, options

    def run(self, network, inputs, outputs):
        return self.gatec.run(FILE, network, [inputs], outputs, '--interpret', *self.options)


class Compiled:
    """In memory with guard pages; a file that cannot be built fails every network of it."""

    def __init__(self, gatec, level, options):
        try:
            self.networks = gatec.build(FILE, level, *options)
        except Failure as e:
            self.networks, self.broken = None, e

    def run(self, network, inputs, outputs):
        if not self.networks:
            raise self.broken
        return self.networks[network](inputs)


def test(network, fields, result, weights, ways):
    rng = np.random.default_rng(sum(network.encode()))
    inputs = {n: make_input(rng, n, network, e, b) for n, e, b in FIELD.findall(fields)}
    names = [n for n, _, _ in FIELD.findall(result)] if result.startswith('(') else ['y']
    doubles = {n: v.astype(float) if v.dtype == np.float32 else v for n, v in inputs.items()}
    want = R[network](**doubles, **({'w': weights} if weights else {}))
    want = [np.asarray(w) for w in (want if isinstance(want, tuple) else (want,))]
    bad = 0
    for way, runner in zip(WAYS, ways):
        try:
            got = runner.run(network, inputs, names)
            problems = [difference(got[n], w, 2 * LOOSE.get(network, TOLERANCE)) for n, w in zip(names, want)]
            problems += [f'status {got["status"]}'] * (got['status'] != 0)
        except Failure as e:
            problems = [str(e)]
        for p in filter(None, problems):
            print(f'{network}, {way}: {p}')
            bad += 1
    return bad


def main():
    os.makedirs(SCRATCH, exist_ok=True)
    with open(FILE) as f:
        networks = NETWORK.findall(f.read())
    weights, options = make_weights([n for n, _, _ in networks])
    gatec = Gatec(GATEC, os.environ['GATEC_ROOT'], SCRATCH)
    ways = [Interpreted(gatec, options), Compiled(gatec, '-O0', options), Compiled(gatec, '-O3', options)]
    bad = sum(test(*n, weights[n[0]], ways) for n in networks)
    print(f'{len(networks)} networks, {bad} differences')
    sys.exit(bad > 0 or not networks)


if __name__ == '__main__':
    main()
