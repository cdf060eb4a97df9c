"""Calls the networks of packed.gate with weights in the object and by pointer.
    packed.py GATEC CC FILE SCRATCH [FLAG...]"""
import ctypes
import json
import os
import struct
import subprocess
import sys

import numpy as np

GATEC, CC, FILE, SCRATCH, *FLAGS = sys.argv[1:]
POINTER = ctypes.c_void_p


def save(path, tensors):
    head, at = {}, 0
    for name, t in tensors.items():
        head[name] = {'dtype': 'F32', 'shape': list(t.shape), 'data_offsets': [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(head).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + b''.join(t.tobytes() for t in tensors.values()))


def build(way, network):
    at = f'{SCRATCH}/{network}.{way}'
    flags = FLAGS + ([f'--weights-file={SCRATCH}/{network}.safetensors'] if way == 'embed' else [])
    subprocess.run([GATEC, 'build', FILE, '--network', network, '-o', at + '.o', f'--weights={way}', *flags], check=True)
    subprocess.run([CC, '-shared', '-o', at + '.so', at + '.o', '-lm'], check=True)
    with open(at + '.h') as f:
        room = [int(line.split()[2]) for line in f if line.startswith('#define') and '_WORKSPACE_BYTES' in line]
    return getattr(ctypes.CDLL(at + '.so'), network + '_run'), np.empty(room[0] + 64, np.uint8)


def call(built, x, weights, shapes=None):
    run, room = built
    out = [np.full(s, np.nan, np.float32) for s in shapes or ((len(x), 150), (len(x), 40))]
    inputs = struct.pack('@Pi4x', x.ctypes.data, len(x))
    outputs = struct.pack('@PP', *[o.ctypes.data for o in out])
    table = (POINTER * len(weights))(*[w.ctypes.data for w in weights])
    at = room.ctypes.data
    assert not run(inputs, outputs, None, None, table, POINTER(at + -at % 64))
    return out


rng = np.random.default_rng(11)
full = rng.standard_normal((41, 101)).astype(np.float32)
w, v = rng.standard_normal((101, 150)).astype(np.float32), rng.standard_normal((300, 40)).astype(np.float32)
members = [rng.standard_normal((150, 101)).astype(np.float32) for _ in range(3)]


def wanted(network, x):
    x = x.astype(np.float64)
    if network == 'bank_of':
        e = members[int(np.argmax(x[0, :3]))]
        return x @ e.T, (x @ members[1].T).sum(1)[:, None] * np.arange(40)
    y = np.maximum(x @ w, 0)
    return y, np.repeat(y, 2, 1) @ v


files = {'wide': {'w': w, 'v': v}, 'tall': {'w': w.T.copy(), 'v': v.T.copy()},
         'bank_of': {f'e.{k}.w': m for k, m in enumerate(members)}}
for network, tensors in files.items():
    save(f'{SCRATCH}/{network}.safetensors', tensors)
    ways = {way: build(way, network) for way in ('embed', 'pointer')}
    size = sum(t.nbytes for t in tensors.values())
    assert os.path.getsize(f'{SCRATCH}/{network}.embed.o') < 1.4 * size + 60000, network
    whole = call(ways['embed'], full, [])
    for rows in (*range(1, 20), 31, 41):
        x = np.ascontiguousarray(full[:rows])
        got, other = call(ways['embed'], x, []), call(ways['pointer'], x, list(tensors.values()))
        for g, o, right, all_rows in zip(got, other, wanted(network, x), whole):
            assert np.abs(g - right).max() <= 2e-5 * np.abs(right).max(), (network, rows)
            assert np.abs(o - right).max() <= 2e-5 * np.abs(right).max(), (network, rows)
            assert g.tobytes() == all_rows[:rows].tobytes(), (network, rows)
            assert network != 'wide' or g.tobytes() == o.tobytes(), (network, rows)

# a fixed number of rows: of tiles of 8, 19 are 8, 6 and 5
p = rng.standard_normal((19, 101)).astype(np.float32)
save(f'{SCRATCH}/fixed.safetensors', {'w': w, 'p': p})
y, z = call(build('embed', 'fixed'), full[:1], [], ((19, 150), (1, 150)))
right = (p.astype(np.float64) * full[0]) @ w
assert np.abs(y - right).max() <= 2e-5 * np.abs(right).max()
assert y[18].tobytes() == z[0].tobytes()
print('packed weights agree')
