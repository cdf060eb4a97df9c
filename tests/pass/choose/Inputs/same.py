"""Runs the networks of a .gate file once per way of lowering gates and compares the outputs bit for bit.
    same.py GATEC FILE SCRATCH"""
import os
import re
import sys

import numpy as np

from gatecode import Gatec

GATEC, FILE, SCRATCH = sys.argv[1:]
ROWS = 7
NETWORK = re.compile(r'^network (\w+)\((.*?)\)\s*->', re.M)
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


def compiled(gatec, flags):
    """{way: the networks of the file, every gate lowered so}"""
    found = {}
    for way in ('', ' #lower(compact)', ' #lower(mask)', ' #lower(branch)'):
        source = f'{SCRATCH}/{os.path.basename(FILE)}'
        with open(source, 'w') as f:
            f.write(GATE.sub(r'\1' + way + ';', text))
        found[way] = gatec.build(source, *flags)
    return found


def called(network, values):
    result = network(values)
    assert result['status'] == 0, result
    return {name: np.asarray(x).tobytes() for name, x in result.items()}


gatec = Gatec(GATEC, os.environ['GATEC_ROOT'], SCRATCH)
builds = {flags: compiled(gatec, flags.split()) for flags in ('-O3', '-O1 --math=exact')}
done = 0
for network, formals in NETWORK.findall(text):
    values = dict(inputs(np.random.default_rng(5), formals))
    for flags, ways in builds.items():
        got = {way: called(networks[network], values) for way, networks in ways.items()}
        for way, bits in got.items():
            assert bits == got[''], (network, flags, way)
    done += 1
print(done, 'networks agree')
