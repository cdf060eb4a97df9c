"""Runs the networks of a .gate file once per way of lowering gates and compares the outputs bit for bit.
    same.py GATEC FILE SCRATCH"""
import os
import re
import subprocess
import sys

import numpy as np

GATEC, FILE, SCRATCH = sys.argv[1:]
ROWS = 7
NETWORK = re.compile(r'^network (\w+)\((.*?)\)\s*->\s*(.*?)\s*\{', re.M)
GATE = re.compile(r'^(\s*(?:let \w+\[\w+\] = \{\s*)?gate \w+(?:\[\w+\])? = [^;]*);', re.M)

text = open(FILE).read()
dims = {name: ROWS if bound == '<=' else int(n) for name, bound, n in re.findall(r'^dim (\w+) (<?=) (\d+);', text, re.M)}
assert len(GATE.findall(text)) > 10


def inputs(rng, formals):
    for name, elem, shape in re.findall(r'(\w+): (\w+)((?:\[[^]]*\])*)', formals):
        shape = [dims.get(n.strip()) or int(n) for n in re.findall(r'[^\[\],]+', shape)]
        x = rng.standard_normal(shape).astype(np.float32)
        if name == 'x' and x.size > 4:
            x.flat[::5], x.flat[3] = np.nan, np.inf
        yield name, np.asarray(x > 0 if elem == 'bit' else x)


def run(source, network, values, outputs, flags):
    args = [GATEC, 'run', source, '--network', network] + flags
    for name, value in values:
        np.save(f'{SCRATCH}/{name}.npy', value)
        args.append(f'--input={name}={SCRATCH}/{name}.npy')
    args += [f'--save={name}={SCRATCH}/out_{name}.npy' for name in outputs]
    subprocess.run(args, check=True, capture_output=True)
    return [np.load(f'{SCRATCH}/out_{name}.npy').tobytes() for name in outputs]


done = 0
for network, formals, result in NETWORK.findall(text):
    rng = np.random.default_rng(5)
    values = list(inputs(rng, formals))
    outputs = re.findall(r'(\w+): ', result) or ['y']
    for flags in (['-O3'], ['-O3', '--math=exact']):
        got = {}
        for way in ('', ' #lower(compact)', ' #lower(mask)', ' #lower(branch)'):
            source = f'{SCRATCH}/{os.path.basename(FILE)}'
            with open(source, 'w') as f:
                f.write(GATE.sub(r'\1' + way + ';', text))
            got[way] = run(source, network, values, outputs, flags)
        for way, bits in got.items():
            assert bits == got[''], (network, flags, way)
    done += 1
print(done, 'networks agree')
