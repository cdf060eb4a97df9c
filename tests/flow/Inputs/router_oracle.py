"""Routes of hostile scores (NaN, infinities, ties, duplicates, zeros of both signs) against a few lines
of NumPy per rule; experts that do not run give NaN, which must not be seen in the result.

    router_oracle.py GATEC FILE.gate SCRATCH CALLS [run options..]

Prints how many rows were compared.
"""
import os
import subprocess
import sys

import numpy as np

GATEC, FILE, SCRATCH, CALLS = sys.argv[1:4] + [int(sys.argv[4])]
OPTIONS = sys.argv[5:]
T, E, K, CAP = 2048, 8, 3, 500
NASTY = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 1.0, 2.0, -3.0, 1e-40, 3e38, -90.0], np.float32)
rng = np.random.default_rng(11)
inf = np.inf


def hostile(*shape):
    x = rng.choice(NASTY, shape)
    plain = rng.random(shape[:-1]) < 0.3
    x[plain] = rng.standard_normal(x[plain].shape)
    x[rng.random(shape[:-1]) < 0.05] = np.nan
    few = rng.random(shape[:-1]) < 0.05
    x[few] = rng.choice(np.array([-np.inf, -np.inf, np.nan], np.float32), x[few].shape)
    return x.astype(np.float32)


def ranked(x):
    """Ids from the largest on: NaN last, ties to the lower index."""
    return np.argsort(-np.where(np.isnan(x), -inf, x) + 0.0, -1, kind='stable') if not np.isnan(x).any() else \
        np.lexsort((np.broadcast_to(np.arange(E), x.shape), np.where(np.isnan(x), inf, -x), np.isnan(x)), -1)


def shares(x):
    top = np.where(np.isnan(x), -inf, x).max(-1, keepdims=True)
    e = np.where(x == top, 1, np.where(x < top, np.exp(np.where(x < top, x - top, 0)), 0))
    return e / e.sum(-1, keepdims=True)


def flat(x):
    """Rows whose numbers are all -inf."""
    return (np.isnan(x) | (x == -inf)).all(1) & ~np.isnan(x).all(1)


def by_ids(ids, w):
    mask, dense = np.zeros((len(ids), E), bool), np.zeros((len(ids), E))
    for k in range(ids.shape[1]):
        mask[np.arange(len(ids)), ids[:, k]] = True
        dense[np.arange(len(ids)), ids[:, k]] += w[:, k]
    return by_mask(mask, dense.astype(np.float32))


def by_mask(mask, w):
    bad = (mask & np.isnan(w)).any(1) | np.isnan(w).all(1)
    runs = mask & (w != 0) & ~bad[:, None]
    return runs, np.where(bad[:, None], np.nan, np.where(mask, w, 0))


def top_three(x, **_):
    ids = ranked(x)[:, :K]
    return *by_ids(ids, shares(np.take_along_axis(x, ids, 1)).astype(np.float32)), flat(x)


def best_one(x, **_):
    ids = ranked(x)[:, :1]
    return *by_ids(ids, np.where(np.isnan(np.take_along_axis(x, ids, 1)), np.nan, 1.0)), flat(x)


def some_positive(x, **_):
    return by_mask(x > 0, x)


def all_dense(x, **_):
    return by_mask(np.ones_like(x, bool), x)


def nucleus(x, **_):
    ids = ranked(x)
    v = np.take_along_axis(x, ids, 1)
    keep, c = np.zeros_like(x, bool), np.zeros(len(x), np.float32)
    for k in range(E):
        keep[np.arange(len(x)), ids[:, k]] = (c < np.float32(0.9)) | (k == 0)
        c = c + v[:, k]
    kept = np.where(keep, x, 0).astype(float)
    return by_mask(keep, (kept / kept.sum(1, keepdims=True)).astype(np.float32))


def within(x, **_):
    runs, w, lost = top_three(x)
    seat = np.cumsum(runs, 0) - runs
    return *by_mask(runs & (seat < CAP), w), lost


def by_index(x, ids, w):
    return by_ids(ids, w)


RULES = [top_three, best_one, some_positive, all_dense, nucleus, within, by_index]


def save(name, x):
    np.save(f'{SCRATCH}/{name}.npy', x)
    return f'--input={name}={SCRATCH}/{name}.npy'


def run(rule, inputs, outs):
    args = [GATEC, 'run', FILE, '--network', rule, '--frames', *OPTIONS] + [save(n, x) for n, x in inputs.items()]
    done = subprocess.run(args + [f'--save={n}={SCRATCH}/{n}_.npy' for n in outs], text=True, capture_output=True)
    if done.returncode or 'NAN_ROUTED' not in done.stdout + done.stderr:
        sys.exit(f'{rule}: exit {done.returncode}: {done.stdout}{done.stderr}')
    if 'flat' in outs and 'FLAT_ROUTED' not in done.stdout + done.stderr:
        sys.exit(f'{rule}: rows of -inf set no status')
    return [np.load(f'{SCRATCH}/{n}_.npy') for n in outs]


def same(a, b, scale):
    return (a == b) | (abs(a - b) <= 1e-6 * scale + 1e-40) | (np.isnan(a) & np.isnan(b))


def check(rule):
    name = rule.__name__
    inputs = {'x': hostile(CALLS, T, E)}
    if name == 'nucleus':  # of probabilities: no cancellation
        inputs['x'] = abs(inputs['x'])
    if name == 'by_index':
        inputs.update(ids=rng.integers(0, E, (CALLS, T, K)).astype(np.int32), w=hostile(CALLS, T, K))
    want = [rule(**{n: v[c] for n, v in inputs.items()}) for c in range(CALLS)]
    runs, share, *lost = (np.stack([w[k] for w in want]) for k in range(len(want[0])))
    out = rng.choice(np.array([1, -2, 0.5, 4], np.float32), (CALLS, T, E))
    y = np.zeros((CALLS, T), np.float32)
    for e in range(E):
        y = np.where(runs[..., e], y + share[..., e].astype(np.float32) * out[..., e], y)
    y[np.isnan(share).any(-1)] = np.nan
    inputs['out'] = np.where(runs, out, np.nan).astype(np.float32)
    if name == 'by_index':
        inputs.pop('x')
    outs = ('runs', 'weigh', 'y', 'flat')[:3 + len(lost)]
    got = run(name, inputs, outs)
    scale = abs(share)
    if name == 'by_index':  # sums of what may cancel
        scale = scale + np.where(np.isfinite(inputs['w']), abs(inputs['w']), 0).max(-1, keepdims=True)
    scales = {'weigh': scale, 'y': np.where(runs, scale * abs(out), 0).sum(-1)}
    for what, g, right in zip(outs, got, (runs, share, y, *lost)):
        ok = same(g, right, scales[what]) if what in scales else g.astype(bool) == right
        if not ok.all():
            at = tuple(np.argwhere(~ok)[0])
            row = {n: v[at[:2]] for n, v in inputs.items()}
            sys.exit(f'{name}: {(~ok).sum()} of {what} differ, at {at}: {g[at]}, expected {right[at]}, of {row}')
    return CALLS * T


np.seterr(all='ignore')
os.makedirs(SCRATCH, exist_ok=True)
if __name__ == '__main__':
    print(sum(check(rule) for rule in RULES), 'rows agree')
