"""Compares printed probabilities with the reference.  check_vad.py PRINTED EXPECTED.npy

    check_vad.py --gated PRINTED UNGATED   the gated run: what its gate promises
"""
import sys

import numpy as np


def reference(printed, expected):
    got, want = np.loadtxt(printed), np.load(expected)
    if got.shape != want.shape:
        sys.exit(f'{got.shape} probabilities, expected {want.shape}')
    worst = np.max(abs(got - want))
    print(f'{len(got)} frames, largest difference {worst:.3g}')
    sys.exit(not worst <= 1e-5)


def gated(printed, ungated):
    """A frame either fades the last probability by 0.8 or runs the network; silence comes first, so
    until the first open frame the probability is 0."""
    p, free = np.loadtxt(printed), np.loadtxt(ungated)
    last = np.concatenate([[0], p[:-1]])
    faded = abs(p - 0.8 * last) <= 1e-6 * np.maximum(last, 1e-6)
    print(f'{len(p)} frames, {faded.sum()} skipped, mean difference to the free run {np.mean(abs(p - free)):.3f}')
    sys.exit(not (len(p) == len(free) and 0.25 < faded.mean() < 0.75 and np.mean(abs(p - free)[~faded]) < 0.2))


if sys.argv[1] == '--gated':
    gated(*sys.argv[2:4])
else:
    reference(*sys.argv[1:3])
