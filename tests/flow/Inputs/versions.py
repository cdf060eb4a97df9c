"""A network with versions of gates against the same without: results and states of several calls.

    versions.py GATEC FILE.gate SCRATCH
"""
import os
import sys

import numpy as np
from gatecode import Failure, Gatec

GATEC, FILE, SCRATCH = sys.argv[1:]
VERSIONS = (['--versions=quick'], ['--versions=deep'], ['--versions=*e*p', '--versions=net.quick'])


def calls():
    rng = np.random.default_rng(3)
    for k in range(8):
        x = rng.standard_normal((1 + k, 8)).astype(np.float32) + np.float32(0.5 if k & 2 else -0.5)
        if k > 5:
            x[0, 0] = np.nan
        yield {'x': x, 'fast': np.bool_(k & 1)}


def results(network, mode):
    state = network.new_state()
    for inputs in calls():
        got = network(inputs, knobs={'mode': mode}, state=state)
        yield [got['status'], got['y'].tobytes(), got['k'].tobytes(), state.bytes.tobytes()]


def main():
    gatec = Gatec(GATEC, os.environ['GATEC_ROOT'], SCRATCH)
    for ways in (['-O2'], ['-O0'], ['-O3', '--math=exact']):
        plain = gatec.build(FILE, *ways)['net']
        for versions in VERSIONS:
            net = gatec.build(FILE, *ways, *versions)['net']
            for mode in (1, 2):
                if list(results(plain, mode)) != list(results(net, mode)):
                    raise Failure(f'{" ".join(ways + versions)}: other results')
            print(f'{" ".join(ways + versions)}: equal; code {len(plain.code())} {len(net.code())} bytes')


try:
    main()
except Failure as e:
    sys.exit(str(e))
