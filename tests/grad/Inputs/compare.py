"""Runs every network of a .gate file in the interpreter and compiled at -O0 and -O3. A result d_NAME is
the derivative by the input NAME of the scalar that reference.py computes under the name of the network;
it is compared with central differences of that function in f64. A result e is the scalar itself; a single
result without a name is d_x, or e if it is a scalar.

    compare.py GATEC FILE.gate SCRATCH

A run-time dimension takes several extents. Inputs: p is positive, u lies in -1..1, s is a score (mixed
signs, none near 0), the others are normal; ix inputs are random indices.
"""
import os
import re
import sys

import numpy as np

import reference
from gatecode import Gatec, Ways

GATEC, FILE, SCRATCH = sys.argv[1:4]
TOLERANCE = 2e-4
STEP = 1e-6
DIMS = {}
NETWORK = re.compile(r'^network (\w+)\((.*?)\)\s*->\s*(.*?)\s*[{=]', re.M)
FIELD = re.compile(r'(\w+): (\w+)((?:\[[^]]*\])*)')


def extent(text, now):
    value, changes = DIMS.get(text, (0, False))
    return now if changes else value or int(text)


def make_input(rng, name, elem, brackets, now):
    groups = re.findall(r'\[([^]]*)\]', brackets)
    axes = groups[1:] if elem == 'ix' else groups
    shape = [extent(n.strip(), now) for n in ','.join(axes).split(',') if n.strip()]
    if elem == 'ix':
        return rng.integers(0, max(1, extent(groups[0], now)), shape).astype(np.int32)
    if elem == 'i32':
        return rng.integers(-3, 9, shape).astype(np.int32)
    if elem == 'bit':
        return np.asarray(rng.integers(0, 2, shape), bool)
    x = rng.standard_normal(shape)
    if name[0] == 'p':
        x = abs(x) + 0.3
    if name[0] == 'u':
        x = np.tanh(x)
    if name[0] == 's':
        x = x + 0.1 * np.sign(x)
    return np.asarray(x, np.float32)


def difference_quotient(function, values, name):
    at = values[name]
    out = np.zeros_like(at)
    for k in np.ndindex(at.shape):
        step = STEP * max(1.0, abs(at[k]))
        sides = []
        for sign in (1, -1):
            moved = at.copy()
            moved[k] += sign * step
            sides.append(float(function(**{**values, name: moved})))
        out[k] = (sides[0] - sides[1]) / (2 * step)
    return out


def differs(got, want):
    want = np.asarray(want)
    if got.shape != want.shape:
        return f'shape {got.shape}, expected {want.shape}'
    scale = max(1.0, np.max(abs(want), initial=0))
    wrong = ~(abs(got - want) <= TOLERANCE * scale)
    if not wrong.any():
        return None
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f'{wrong.sum()} of {wrong.size} differ, first at {at}: {got[at]!r}, expected {want[at]!r}'


def case(ways, network, fields, results, rng, now):
    # pairs of the name of a result and what it is
    outputs = [what for _, what in results]
    function = getattr(reference, network)
    values = {n: make_input(rng, n, e, b, now) for n, e, b in fields}
    exact = {n: v.astype(float) if v.dtype == np.float32 else v for n, v in values.items()}
    wants = [function(**exact) if o == 'e' else difference_quotient(function, exact, o[2:]) for o in outputs]
    bad = 0
    for way, got in ways.run(network, [values], [n for n, _ in results]).items():
        problems = [got] if isinstance(got, str) else [
            p and f'{o}: {p}' for o, p in zip(outputs, map(differs, got, wants))]
        for p in filter(None, problems):
            print(f'{network}, {way}, extent {now}: {p}')
            bad += 1
    return bad


def main():
    os.makedirs(SCRATCH, exist_ok=True)
    with open(FILE) as f:
        text = f.read()
    for name, op, size in re.findall(r'^dim (\w+) (<?=) (\d+);', text, re.M):
        DIMS[name] = (int(size), op == '<=')
    networks = NETWORK.findall(text)
    bad, ways = 0, Ways(Gatec(GATEC, os.environ['GATEC_ROOT'], SCRATCH), FILE, [])
    for network, fields, result in networks:
        rng = np.random.default_rng(sum(network.encode()))
        results = [(n, n) for n, _, _ in FIELD.findall(result)] or [('y', 'e' if result == 'f32' else 'd_x')]
        changes = any(DIMS.get(n, (0, False))[1] for n in re.findall(r'\w+', fields))
        for now in (6, 1) if changes else (0,):
            bad += case(ways, network, FIELD.findall(fields), results, rng, now)
    print(f'{len(networks)} networks, {bad} differences')
    sys.exit(bad > 0 or not networks)


if __name__ == '__main__':
    main()
