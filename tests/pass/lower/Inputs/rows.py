"""Calls the networks of rows.gate with several numbers of rows and compares each row, bit for bit, with
that of the largest call; that one with NumPy.    rows.py GATEC CC FILE SCRATCH [FLAG...]"""
import ctypes
import subprocess
import sys

import numpy as np

GATEC, CC, FILE, SCRATCH, *FLAGS = sys.argv[1:]
INPUTS, OUTPUTS = ('x', 's', 'w', 'v'), ('y', 'g', 'z')
SHAPES = {'wide': [(150,), (101,), (101,)], 'tall': [(150,), (101,), (101,)], 'thin': [(), (), (3,)]}
Outputs = type('Outputs', (ctypes.Structure,), {'_fields_': [(n, ctypes.c_void_p) for n in OUTPUTS]})
Inputs = type('Inputs', (ctypes.Structure,),
              {'_fields_': [(n, ctypes.c_void_p) for n in INPUTS] + [('T', ctypes.c_int32)]})


def call(network, i):
    rows = len(i['x'])
    room = np.empty(int(SIZES[network.upper()]) + 64, np.uint8)
    out = [np.full((rows, *s), np.nan, np.float32) for s in SHAPES[network]]
    at = room.ctypes.data
    status = getattr(LIBRARY, network + '_run')(
        ctypes.byref(Inputs(*[i[n].ctypes.data for n in INPUTS], rows)),
        ctypes.byref(Outputs(*[o.ctypes.data for o in out])), None, None, None, ctypes.c_void_p(at + -at % 64))
    assert not status, status
    return out


def want(i, network):
    w, v = (i['w'], i['v']) if network == 'wide' else (i['w'].T, i['v'].T)
    if network == 'thin':
        h = i['x'].astype(np.float64) @ w[:, :3]
        return h[:, 0], np.where(i['s'] > 0, h[:, 1], 0), h
    h = np.maximum(i['x'].astype(np.float64) @ w, 0)
    f, is_open = h @ v, i['s'][:, None] > 0
    return h, np.where(is_open, i['x'] + f, 0), np.where(is_open, i['x'], f)


subprocess.run([GATEC, 'build', FILE, '-o', f'{SCRATCH}/rows.o', *FLAGS], check=True)
subprocess.run([CC, '-shared', '-o', f'{SCRATCH}/rows.so', f'{SCRATCH}/rows.o', '-lm'], check=True)
LIBRARY = ctypes.CDLL(f'{SCRATCH}/rows.so')
with open(f'{SCRATCH}/rows.h') as header:
    SIZES = dict(line.replace('_WORKSPACE_BYTES', '').split()[1:] for line in header
                 if line.startswith('#define') and '_WORKSPACE_BYTES' in line)
rng = np.random.default_rng(3)
for network in SHAPES:
    shape = {'x': (41, 101), 's': (41,), 'w': (101, 150), 'v': (150, 101)}
    full = {n: rng.standard_normal(s).astype(np.float32) for n, s in shape.items()}
    if network != 'wide':
        full['w'], full['v'] = np.ascontiguousarray(full['w'].T), np.ascontiguousarray(full['v'].T)
    whole = call(network, full)
    for got, right in zip(whole, want(full, network)):
        assert np.abs(got - right).max() <= 1e-5 * np.abs(right).max(), network
    for rows in range(41):
        some = np.sort(rng.choice(41, rows, replace=False))
        for got, right in zip(call(network, {**full, 'x': full['x'][some], 's': full['s'][some]}), whole):
            assert got.tobytes() == right[some].tobytes(), (network, rows)
print('all rows agree')
