"""Rules of routers that look at more than a row, and rules for leaving, on hostile values (NaN, infinities, ties, zeros
of both signs), against a few lines of NumPy each.

    rules_oracle.py GATEC FILE.gate SCRATCH CALLS [run options..]

Prints how many rows were compared.
"""
import itertools
import os
import subprocess
import sys

import numpy as np

from router_oracle import CALLS, FILE, GATEC, NASTY, OPTIONS, SCRATCH, by_ids, by_mask, hostile, ranked, rng, save, shares

sys.path.append(os.path.join(os.environ['GATEC_ROOT'], 'examples', 'systems'))
from draws import M32, mix, GOLDEN     # noqa: E402

T, E, D, K, N, TWO, FEW, SOME = 2048, 8, 2, 3, 6, 2, 4, 16
# Sums and products of these are exact, so a test on them is not too close to call.
DYADIC = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 0.25, 0.5, 0.125, -0.5, 1, 2], np.float32)
inf = np.inf


def bits(seed, stream, index):
    """random_bits, for an array of indices."""
    index = np.asarray(index, np.int64).astype(np.uint64) & np.uint64(M32)
    k = mix(mix((seed + GOLDEN) & M32) ^ seed >> 32)
    k = mix((k + stream * GOLDEN) & M32)

    def mixed(x):
        m = np.uint64(M32)
        for shift, factor in ((16, 0x21f0aaad), (15, 0x735a2d97)):
            x = x ^ x >> np.uint64(shift)
            x = x * np.uint64(factor if factor != 0x735a2d97 else 0xd35a2d97) & m
        return x ^ x >> np.uint64(15)
    return mixed((mixed(index ^ np.uint64(k)) + np.uint64(mix(k ^ GOLDEN))) & np.uint64(M32))


# ---- routers: which entries run, with which weight

def above(x):
    return by_mask(x > 1, x)


def by_entropy(x):
    p = shares(x)
    entropy = -np.where(p == 0, 0, p * np.log(np.where(p == 0, 1, p))).sum(1)
    ids, keep, c = ranked(p), np.zeros(x.shape, bool), np.zeros(len(x))
    for k in range(E):
        keep[np.arange(len(x)), ids[:, k]] = (c < 0.6) | (k == 0)
        c = c + np.take_along_axis(p, ids, 1)[:, k]
    kept = np.where(keep, p, 0)
    unsure = (entropy > 0.8)[:, None]
    return by_mask(keep | unsure, np.where(unsure, p, kept / kept.sum(1, keepdims=True)))


def cascade(x):
    first = (np.concatenate([x[:, :-1] > 1, np.ones((len(x), 1), bool)], 1)).argmax(1)
    return by_ids(first[:, None], np.where(np.isnan(x).all(1), np.nan, 1.0)[:, None])


def tree(go):
    node, w, row = np.zeros(len(go), int), np.ones(len(go)), np.arange(len(go))
    for _ in range(3):
        w[np.isnan(go[row, node])] = np.nan
        node = 2 * node + 1 + (go[row, node] > 0)
    return by_ids((node - 7)[:, None], w[:, None])


def dselect(z, w):
    s = np.where(z <= -0.5, 0, np.where(z >= 0.5, 1, -2 * z.astype(float) ** 3 + 1.5 * z + 0.5))
    e = np.exp(w - w.max(1, keepdims=True))
    part, dense = e / e.sum(1, keepdims=True), np.zeros((len(z), E))
    for i, j in itertools.product(range(E), range(TWO)):
        dense[:, i] += part[:, j] * np.prod([s[:, j, b] if i >> b & 1 else 1 - s[:, j, b] for b in range(K)], 0)
    return by_mask(dense > 0, dense)


def nearest(x, proto):
    score = -((x[:, None] - proto[None]) ** 2).sum(2)
    ids = ranked(score)[:, :2]
    return by_ids(ids, shares(np.take_along_axis(score, ids, 1)))


def hashed(token):
    return by_ids((bits(7, 0, token) % 8).astype(int)[:, None], np.ones((len(token), 1)))


# ---- rules over all rows: what is wrong with the outcome, by call

def ends(p, runs, weigh, lost):
    """Weights are those of the rule, rows of NaN run nothing."""
    want = np.where(lost[..., None], np.nan, np.where(runs, p, 0))
    return ~np.isclose(weigh, want, 1e-5, 1e-7, equal_nan=True).all((1, 2)) | (runs & lost[..., None]).any((1, 2))


def expert_choice(x, runs, weigh):
    p, lost = shares(x), np.isnan(x).all(2)
    rank = np.where(np.isnan(p), -1, p)
    took = runs | (np.sort(rank, 1)[:, -3:-2] <= 1e-6)             # of weight 0 it does not run
    least = np.where(runs, rank, inf).min(1)
    most = np.where(took | lost[..., None], -1, rank).max(1)
    return ends(p, runs, weigh, lost) | (least < most - 1e-6).any(1) | (runs.sum(1) > 3).any(1)


def balanced(x):
    p = shares(x)
    for _ in range(3):
        rows = p.sum(2, keepdims=True)
        p = p / np.where(rows == 0, 1, rows)
        cols = np.nansum(p, 1, keepdims=True)
        p = p / np.where(cols == 0, 1, cols)
    return p


def sinkhorn(x, runs, weigh):
    p, lost = balanced(x), np.isnan(x).all(2)
    chosen = np.where(runs, p, 0).max(2)
    wrong = ends(np.ones(x.shape), runs, weigh, lost) | (runs.sum(2) != ~lost).any(1)
    return wrong | (~lost & (chosen < np.where(np.isnan(p), 0, p).max(2) * (1 - 1e-4))).any(1)


def worth(x):
    """+inf is better, -inf and NaN are worse than every number of the call."""
    finite = np.isfinite(x)
    high = np.where(finite, x, -inf).max((1, 2), keepdims=True)
    low = np.where(finite, x, inf).min((1, 2), keepdims=True)
    some = high >= low
    high, low = np.where(some, high, 0), np.where(some, low, 0)
    return np.where(finite, x, np.where(x == inf, high + high - low + 1, low - (high - low) - 1))


def auction(x, runs, weigh):
    value, lost = worth(x), np.isnan(x).all(2)
    best = np.full(len(x), -inf)
    for pick in itertools.product(range(TWO), repeat=FEW):
        chosen = np.eye(TWO, dtype=bool)[list(pick)]
        fits = ((chosen & ~lost[..., None]).sum(1) <= 2).all(1)
        best = np.where(fits, np.maximum(best, np.where(chosen & ~lost[..., None], value, 0).sum((1, 2))), best)
    total = np.where(runs, value, 0).sum((1, 2))
    wrong = ends(np.ones(x.shape), runs, weigh, lost) | (runs.sum(2) != ~lost).any(1)
    return wrong | (runs.sum(1) > 2).any(1) | (total < best - FEW * 0.125)


# ---- orders

def in_order(x):
    ids = ranked(x)[:, :K]
    runs = np.zeros(x.shape, bool)
    np.put_along_axis(runs, ids, True, 1)
    return runs, ids, runs.sum(1)


def part_of(x):
    ids, runs = ranked(x)[:, :3], np.zeros(x.shape, bool)         # ceil(0.3 * 8)
    np.put_along_axis(runs, ids, True, 1)
    return runs, np.take_along_axis(x, np.lexsort((np.where(np.isnan(x), inf, x), np.isnan(x)), -1), 1)[:, 4]


# ---- halts: the iteration of each row by a recorded trace; N + (it did not leave)

def first(leaves):
    return np.where(leaves.any(0), leaves.argmax(0) + 1, N), leaves.any(0)


def act(p):
    c, weigh, rest, steps = np.zeros(T, np.float32), np.zeros(T, np.float32), np.zeros(T, np.float32), np.zeros(T, int)
    short = np.zeros(T, bool)
    for n in range(N):
        run = (steps == 0)
        full = c + p[n] >= 0.75
        last = run & (full | (n == N - 1))
        w = np.minimum(np.maximum(np.where(last, 1 - c, p[n]), 0), 1)
        weigh, rest, short = np.where(run, weigh + w, weigh), np.where(last, w, rest), short | last & ~full
        steps, c = np.where(last, n + 1, steps), c + p[n]
    return (steps, rest, weigh), ~short


def bernoulli(p):
    u = [(bits(5, n, np.arange(T)) >> np.uint64(8)).astype(np.float32) * np.float32(2.0 ** -24) for n in range(N)]
    steps, left = first(np.stack(u) < p)
    return (steps,), left


def quantile(p):
    with np.errstate(over='ignore'):
        steps, left = first(1 - np.cumprod(1 - p, 0, dtype=np.float32) > 0.625)
    return (steps,), left


def patience(x):
    now = np.stack([ranked(step)[:, 0] for step in x])
    streak = np.zeros((N, T), int)
    for n in range(1, N):
        streak[n] = np.where(now[n] == now[n - 1], streak[n - 1] + 1, 0)
    steps, left = first(streak >= 2)
    return (steps,), left


def until(x):
    before = np.concatenate([np.zeros((1, T, D), np.float32), x[:-1]])
    norm = [np.sqrt((v.astype(float) ** 2).sum(2)) for v in (x - before, before)]
    steps, left = first(norm[0] / np.maximum(norm[1], 1e-6) < 0.5)
    return (steps,), left


def sure(x):
    e = np.exp(x - x.max(2, keepdims=True))
    steps, left = first((e / e.sum(2, keepdims=True)).max(2) > 0.6)
    return (steps,), left


# ---- running

def run(name, inputs, outs):
    args = [GATEC, 'run', FILE, '--network', name, '--frames', *OPTIONS] + [save(n, x) for n, x in inputs.items()]
    done = subprocess.run(args + [f'--save={n}={SCRATCH}/{n}_.npy' for n in outs], text=True, capture_output=True)
    if done.returncode:
        sys.exit(f'{name}: exit {done.returncode}: {done.stdout}{done.stderr}')
    return [np.load(f'{SCRATCH}/{n}_.npy') for n in outs], done.stdout + done.stderr


def complain(name, wrong, inputs, got, want=None):
    at = tuple(np.argwhere(wrong)[0])
    row = {n: v[at[0]] if want is None or v.shape[1] != T else v[at[:2]] for n, v in inputs.items()}
    sys.exit(f'{name}: {wrong.sum()} differ, at {at}: {got[at]}, expected {want[at] if want is not None else "else"}, of {row}')


def compare(rule, inputs, outs):
    """Rules that give every output of a call."""
    got, _ = run(rule.__name__, inputs, outs)
    want = [np.stack(v) for v in zip(*(rule(**{n: v[c] for n, v in inputs.items()}) for c in range(len(got[0]))))]
    for g, w in zip(got, want):
        same = np.isclose(g, w, 1e-5, 1e-6, equal_nan=True) if g.dtype.kind == 'f' else g == w
        if not same.all():
            complain(rule.__name__, ~same, inputs, g, w)
    return got[0].shape[0] * got[0].shape[1]


def judge(rule, inputs):
    """Rules of which the outcome is judged, call by call."""
    (runs, weigh), text = run(rule.__name__, inputs, ('runs', 'weigh'))
    wrong = rule(inputs['x'], runs.astype(bool), weigh)
    if wrong.any():
        complain(rule.__name__, wrong, inputs, runs)
    return runs.shape[0] * runs.shape[1]


def leave(rule, inputs, outs=('steps',)):
    """Halts, and whether the status says that a cap was reached."""
    got, text = run(rule.__name__, inputs, outs)
    wants = [rule(*(v[c] for v in inputs.values())) for c in range(len(got[0]))]
    for k, g in enumerate(got):
        want = np.stack([w[0][k] for w in wants])
        same = (g == want) | (np.isnan(g) & np.isnan(want))
        if not same.all():
            at = tuple(np.argwhere(~same)[0])
            sys.exit(f'{rule.__name__}: {outs[k]}: {(~same).sum()} differ, at {at}: {g[at]}, expected {want[at]}, of '
                     f'{[v[at[0], :, at[1]] for v in inputs.values()]}')
    if ('HALT_BOUND' in text) != (not all(w[1].all() for w in wants)):
        sys.exit(f'{rule.__name__}: HALT_BOUND: {text}')
    return got[0].size


def drawn(values, *shape):
    return rng.choice(values, shape)


def main():
    rows, few, x = 0, CALLS * 16, hostile(CALLS, T, E)
    grid = np.where(rng.random((CALLS, T, D)) < 0.1, drawn(NASTY, CALLS, T, D), rng.integers(-8, 8, (CALLS, T, D)) / 2).astype(np.float32)
    proto = rng.integers(-4, 4, (CALLS, E, D)).astype(np.float32)
    proto[:, 5] = proto[:, 2]
    entries = ('runs', 'weigh')
    rows += sum(compare(rule, {'x': x}, entries) for rule in (above, by_entropy, cascade))
    rows += compare(tree, {'go': hostile(CALLS, T, 7)}, entries)
    w = hostile(CALLS, T, TWO)
    rows += compare(dselect, {'z': np.round(8 * hostile(CALLS, T, TWO, K)) / 8, 'w': np.where(w == -90, -9, w)}, entries)   # nothing underflows or cancels
    rows += compare(nearest, {'x': grid, 'proto': proto}, entries)
    rows += compare(hashed, {'token': rng.integers(-2 ** 31, 2 ** 31, (CALLS, T)).astype(np.int32)}, entries)
    rows += compare(in_order, {'x': x}, ('runs', 'ids', 'taken')) + compare(part_of, {'x': x}, ('runs', 'low'))
    rows += judge(expert_choice, {'x': hostile(few, SOME, E)}) + judge(sinkhorn, {'x': hostile(few, SOME, E)})
    rows += judge(auction, {'x': np.where(abs(v := hostile(4 * few, FEW, TWO)) == np.float32(3e38), 7, v)})
    p = drawn(DYADIC, CALLS, N, T)
    rows += leave(act, {'p': p}, ('steps', 'rest', 'weigh')) + leave(bernoulli, {'p': p}) + leave(quantile, {'p': p})
    steps = drawn(np.float32([np.nan, 1, 1, 2, -inf]), CALLS, N, T, E)
    rows += leave(patience, {'x': steps}) + leave(sure, {'x': drawn(NASTY, CALLS, N, T, E)})
    rows += leave(until, {'x': np.cumsum(drawn(np.float32([0, 0, 0.25, 1, -1, np.nan, inf, 8]), CALLS, N, T, D), 1)})
    print(rows, 'rows agree')


main()
