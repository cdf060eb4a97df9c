"""A system for tests/systems/mutate.test."""
import numpy as np


def cases(rng):
    return [({'x': np.float32([-2, 0.5, 2, -1])}, {})]


def reference(w, knobs, x):
    return {'y': np.maximum(x, 0)}


def check(t):
    inputs = cases(None)[0][0]
    t.true((t.run(inputs)['y'] >= 0).all(), 'nothing is negative')
    t.true(t.work(inputs) == 0, 'no multiply-adds')
