"""Forces the gates of force.gate by random inputs and compares with NumPy: interpreted and compiled.
Of the values of an i8, 1 opens, 2 closes and all others leave the row to the gate's own test.

    force.py GATEC FORCE.gate SCRATCH
"""
import itertools
import os
import sys

import numpy as np

from gatecode import Gatec, Ways

GATEC, NET, SCRATCH = sys.argv[1:4]
rng = np.random.default_rng(5)
INPUTS = {'force.run': (), 'force.more.{}.open': (3, 'T'), 'force.more.{}.high': (3, 'T'),
          'force.first.open': ('T',), 'force.first.high': ('T',)}


def decided(own, force):
    return np.where(force == 1, True, np.where(force == 2, False, own))


def gated(h, forced_open, forced_high):
    opened = decided(h[:, 0] > 0, forced_open)
    high = decided(h[:, 1] > 1, forced_high)
    return np.where(opened[:, None], np.where(high[:, None], 2 * h, h), -h)


def reference(x, go, force):
    h = x
    for i in range(3):
        h = gated(h, force['force.more.{}.open'][i], force['force.more.{}.high'][i])
    last = gated(h, force['force.first.open'], force['force.first.high'])
    return last if decided(go, force['force.run']) else h


def cases():
    for T, kind in itertools.product((1, 5, 8), ('none', 'some', 'all', 'hostile')):
        force = {}
        for name, shape in INPUTS.items():
            shape = [T if n == 'T' else n for n in shape]
            values = rng.integers(-128, 128, shape) if kind == 'hostile' else rng.integers(0, 3, shape)
            given = kind != 'none' and (kind != 'some' or rng.integers(0, 2))
            force[name] = (values.astype(np.int8), given)
        yield rng.normal(size=(T, 4)).astype(np.float32), bool(rng.integers(0, 2)), force


n = 0
ways = Ways(Gatec(GATEC, os.environ['GATEC_ROOT'], SCRATCH), NET, ['--forceable=*'])
for x, go, force in cases():
    given = {name: values for name, (values, given) in force.items() if given}
    want = reference(x, go, {name: given.get(name, np.zeros_like(v)) for name, (v, _) in force.items()})
    for way, got in ways.run('net', [{'x': x, 'go': np.array(go), **given}], ['y']).items():
        assert (got[0] == want).all(), (way, force, got, want)
        n += 1
print(n, 'runs agree')
