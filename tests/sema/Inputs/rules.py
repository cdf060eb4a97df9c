"""rules.py GATEC FOLDER: the rules of restricted axes, as numbers: interpreted and compiled, against NumPy."""
import json
import os
import struct
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
GATEC, WORK = sys.argv[1], sys.argv[2]


def safetensors(path, tensors):
    head, body = {}, b''
    for name, v in tensors.items():
        head[name] = {'dtype': 'F32', 'shape': list(v.shape), 'data_offsets': [len(body), len(body) + v.nbytes]}
        body += v.tobytes()
    text = json.dumps(head).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + body)


def run(name, weights, inputs, outputs, interpret):
    safetensors(f'{WORK}/w.safetensors', weights)
    args = [GATEC, 'run', f'{HERE}/{name}.gate', '--weights-file', f'{WORK}/w.safetensors']
    args += ['--interpret'] if interpret else []
    for k, v in inputs.items():
        np.save(f'{WORK}/in_{k}.npy', v)
        args += ['--input', f'{k}={WORK}/in_{k}.npy']
    for k in outputs:
        args += ['--save', f'{k}={WORK}/out_{k}.npy']
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL)
    return [np.load(f'{WORK}/out_{k}.npy') for k in outputs]


def compare(name, got, want, how):
    bad = 0
    for k, x, y in zip('abcdefghij', got, want):
        y = np.asarray(y, dtype=float)
        if x.shape != y.shape or not np.allclose(x, y, rtol=1e-4, atol=1e-4):
            print(f'{name}.{k} ({how}): {x} should be {y}')
            bad += 1
    return bad


def numbers(rng, *shape):
    return (rng.standard_normal(shape) * 0.5).astype(np.float32)


def narrowing(rng, closed):
    w = {'p.w': numbers(rng, 6, 6), 'u': numbers(rng, 10, 6), 'v': numbers(rng, 6, 10), 'sq': numbers(rng, 6, 6)}
    rows = 9
    x, z = numbers(rng, rows, 6), numbers(rng, rows) * 2
    if closed:
        z = -abs(z)
    opened, hot = z > 0, z > .5
    both = opened & ~hot
    ids = np.arange(rows)
    a = -x
    a[opened] = x[opened] * 2
    inner, at = x[both], ids[both]
    big = inner.sum(1) > 0
    a[both] = inner + np.where(big[:, None], inner @ w['p.w'].T, at[:, None] * inner)
    b = np.zeros_like(x)
    for m in (opened, ~opened):
        if m.any():
            b[m] = x[m] - x[m].mean(0) + ids[m][:, None]
    c = np.where(opened, z[opened].sum() + z.sum() + ids, 0)
    sel = np.sort(np.argsort(-w['u'].sum(1), kind='stable')[:4])
    d = np.maximum(x @ w['u'][sel].T, 0) @ w['v'][:, sel].T
    chan = x.sum(0) > 0
    e = np.where(chan, w['sq'][:, chan].sum(1), 0)
    g = x * z[opened].sum()
    k = x.reshape(rows, 2, 3)
    s = np.einsum('ahc,bhc->ahb', k, k) / np.sqrt(3)
    s = np.where(ids[None, None, :] <= ids[:, None, None], s, -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    att = np.einsum('ahb,bhc->ahc', p / p.sum(-1, keepdims=True), k)
    h = np.where(opened[:, None], att[:, 0, 0:3] @ w['sq'][0:3], 0)
    i = [z[t + 1:].sum() for t in range(rows)]
    j = np.where(opened[:, None], x + x[opened].sum(0), x)
    return w, {'x': x, 'z': z}, [a, b, c, d, e, both, g, h, i, j]


def think(x, w):
    h, g = x.copy(), x[:, 0] > 0
    for i in range(2):
        h[g] = np.maximum(h[g] @ w.T, 0) + i
    return h


def updates(rng, closed):
    w = {'th.w': numbers(rng, 4, 4), 'w': numbers(rng, 6, 4)}
    rows = 8
    x, z, order = numbers(rng, rows, 4) * 2, numbers(rng, rows) * 3, rng.permutation(rows).astype(np.int32)
    if closed:
        z = -abs(z)
    opened, hot = z > 0, z > .5
    both = opened & hot
    a = np.zeros_like(x)
    a[~opened], a[opened & ~hot], a[both] = think(-x[~opened], w['th.w']), x[opened & ~hot], think(x[both], w['th.w'])
    h, n = x.copy(), np.zeros(rows)
    for k in range(3):
        h[opened] *= 2
        n[opened] += k
        n[both] += 100
        h[both & (h[:, 1] > 0)] += 1
    d = w['w'].sum(1) > 0
    mine = opened & ~hot | (z < -1)
    f = np.where(opened[:, None], 3 * x, 0)
    if mine.any():
        f[mine] = x[mine] - x[mine].mean(0)
    g = np.where(opened, opened.sum() + z[both].sum(), (~opened).sum())
    kc = np.stack([x[:, 0], x[:, 0] + 1, z, 0 * z])
    i = x[opened, 0].sum() * x[hot, 1].sum() + z.sum() + (z[opened] * np.arange(rows)[opened]).sum()
    j = np.where(opened & ~hot, 7, z)
    return w, {'x': x, 'z': z, 'o': order}, [a, n, h, d, 2 * z[order], f, g, kc, i, j]


os.makedirs(WORK, exist_ok=True)
failures = 0
for seed in range(3):
    for make in (narrowing, updates):
        weights, inputs, want = make(np.random.default_rng(seed), seed == 2)
        for interpret in (True, False):
            got = run(make.__name__, weights, inputs, 'abcdefghij', interpret)
            failures += compare(make.__name__, got, want, 'interpreted' if interpret else 'compiled')
sys.exit(failures > 0)
