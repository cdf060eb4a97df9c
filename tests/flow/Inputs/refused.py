"""Calls that a row of NaN ends: nothing of the outputs and states changes, and later calls go on from there.

    refused.py GATEC ROOT FILE SCRATCH
"""
import subprocess
import sys

import numpy as np

from gatecode import Call, Gatec

GATEC, ROOT, FILE, SCRATCH = sys.argv[1:5]
GOOD = np.array([[1, 2, 3], [3, 2, 1], [1, 5, 4]], np.float32)
BAD = np.array([[1, 2, 3], [np.nan] * 3, [1, 5, 4]], np.float32)
REFUSED = 8


def expected(calls):
    p = 1 / (1 + np.exp(-1.0))
    return np.array([1 - p + 2 * p, 1 - p, p + 2 * (1 - p)]), GOOD > 0, calls


def compiled(level):
    network = Gatec(GATEC, ROOT, f'{SCRATCH}/{level}').build(FILE, level)['f']
    state = network.new_state()
    calls = 0
    for x in (GOOD, BAD, BAD, GOOD):
        call = Call(network, {'x': x}, state=state)
        before = state.bytes.copy()
        status = call.run()
        results = call.results()
        if x is BAD:
            assert status == REFUSED, (level, status)
            assert (state.bytes == before).all(), (level, 'the states changed')
            assert all((o.bytes == 0xFF).all() for o in call.outs), (level, 'a result was written')
        else:
            calls += 1
            y, m, n = expected(calls)
            assert status == 0 and results['n'] == n and (results['m'] == m).all(), (level, status, results)
            assert abs(results['y'] - y).max() < 1e-6, (level, results['y'], y)
        call.free()


def interpreted():
    """The states behind a refused call are those before it."""
    def run(x, *more):
        np.save(f'{SCRATCH}/x.npy', x)
        return subprocess.run([GATEC, 'run', FILE, '--interpret', f'--input=x={SCRATCH}/x.npy', *more],
                              text=True, capture_output=True)
    done = run(BAD)
    assert done.returncode and 'GATE_NAN_REFUSED' in done.stderr, done
    assert not run(GOOD).returncode


for level in ('-O0', '-O1', '-O3'):
    compiled(level)
interpreted()
print('refused and left alone')
