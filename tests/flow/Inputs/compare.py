"""Runs every network of a .gate file with several inputs, in the interpreter and compiled at -O0 and
-O3, and compares with the function or class of the same name in reference.py.

    compare.py GATEC FILE.gate SCRATCH [REFERENCE [pointer]]

A run-time dimension takes several extents, from 1 to its maximum. Inputs named s and r are scores:
all closed, all open, mixed, with NaN. A class keeps states: its network is called six times. A line
'// aux: a b' before a network asks for these extra results, which the reference gives behind the others.
REFERENCE names another module of references; WEIGHTS in it are the tensors of a weight file; with 'pointer'
they are given by pointer, too.
"""
import importlib
import os
import re
import sys

import numpy as np

from gatecode import Gatec, Ways, difference, write_safetensors

GATEC, FILE, SCRATCH = sys.argv[1:4]
reference = importlib.import_module(sys.argv[4] if len(sys.argv) > 4 else 'reference')
WEIGHTS = getattr(reference, 'WEIGHTS', {})
TOLERANCE = 1e-5
CALLS = 6
CASES = ((7, 2), (9, 3), (1, 1), (6, 0))
DIMS = {}
NETWORK = re.compile(r'^(?:// aux: (.*)\n)?network (\w+)(?:\[.*?\])?\((.*?)\)\s*->\s*(.*?)\s*\{', re.M)
FIELD = re.compile(r'(\w+): (\w+)((?:\[[^]]*\])*)')


def extent(text, now):
    return now if DIMS.get(text, (0, False))[1] else DIMS[text][0] if text in DIMS else int(text)


def make_input(rng, name, elem, brackets, now, kind):
    groups = re.findall(r'\[([^]]*)\]', brackets)
    if elem == 'ix':
        bound = extent(groups[0], now)
        shape = [extent(n.strip(), now) for n in ','.join(groups[1:]).split(',') if n.strip()]
        return rng.integers(0, bound, shape).astype(np.int32)
    shape = [extent(n.strip(), now) for n in ','.join(groups).split(',') if n.strip()]
    if elem == 'i32':
        return rng.integers(-3, 9, shape).astype(np.int32)
    if elem == 'bit':
        return np.asarray(rng.integers(0, 2, shape) if kind > 1 else np.full(shape, kind)).astype(bool)
    x = rng.standard_normal(shape).astype(np.float32)
    if name in 'sr' and kind < 2:
        x = (abs(x) + 0.1) * (1 if kind else -1)
    if name == 's' and kind == 3:
        x.flat[0] = np.nan
    return np.asarray(x, np.float32)


def doubles(values):
    return {n: v.astype(float) if v.dtype == np.float32 else v for n, v in values.items()}


def case(ways, network, fields, outputs, rng, now, kind):
    ref = getattr(reference, network, None) or getattr(reference, network + '_')
    keeps = isinstance(ref, type)
    calls = [{n: make_input(rng, n, e, b, now, kind) for n, e, b in fields} for _ in range(CALLS if keeps else 1)]
    function = ref() if keeps else ref
    results = []
    for c in calls:
        want = function(**doubles(c))
        results.append(want if isinstance(want, tuple) else (want,))
    wants = [np.stack([np.asarray(r[k]) for r in results]) if keeps else results[0][k] for k in range(len(outputs))]
    bad = 0
    for way, got in ways.run(network, calls, outputs).items():
        problems = [got] if isinstance(got, str) else [difference(g, w, TOLERANCE, 1.0) for g, w in zip(got, wants)]
        for p in filter(None, problems):
            print(f'{network}, {way}, extent {now}, kind {kind}: {p}')
            bad += 1
    return bad


def main():
    os.makedirs(SCRATCH, exist_ok=True)
    write_safetensors(f'{SCRATCH}/w.safetensors', {n: np.float32(x) for n, x in WEIGHTS.items()})
    with open(FILE) as f:
        text = f.read()
    for name, op, size in re.findall(r'^dim (\w+) (<?=) (\d+);', text, re.M):
        DIMS[name] = (int(size), op == '<=')
    for name, members in re.findall(r'^enum (\w+) \{(.*?)\}', text, re.M):
        DIMS[name] = (len(members.split(',')), False)
    networks = NETWORK.findall(text)
    weights = [f'--weights-file={SCRATCH}/w.safetensors'] if WEIGHTS else []
    by_pointer = WEIGHTS if sys.argv[5:] == ['pointer'] else None
    gatec = Gatec(GATEC, os.environ['GATEC_ROOT'], SCRATCH)
    bad, ways = 0, {aux: Ways(gatec, FILE, (['--aux=*'] if aux else []) + weights, by_pointer) for aux in {bool(n[0]) for n in networks}}
    for aux, network, fields, result in networks:
        rng = np.random.default_rng(sum(network.encode()))
        outputs = [n for n, _, _ in FIELD.findall(result)] if result.startswith('(') else ['y']
        outputs += aux.split()
        changes = any(DIMS.get(n, (0, False))[1] for n in re.findall(r'\w+', fields))
        for now, kind in CASES if changes else CASES[:2]:
            bad += case(ways[bool(aux)], network, FIELD.findall(fields), outputs, rng, now, kind)
    print(f'{len(networks)} networks, {bad} differences')
    sys.exit(bad > 0 or not networks)


if __name__ == '__main__':
    main()
