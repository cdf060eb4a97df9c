"""Inputs of kernels.gir, and the comparison of its results with NumPy.
   kernels.py make DIR T | kernels.py args DIR | kernels.py check DIR RESULTS"""
import sys

import numpy as np

NAMES = ['x', 'w', 'wt', 'img', 'ker', 'xs', 'u', 'v', 'h']


def make(folder, rows):
    rng = np.random.default_rng(7)
    shapes = [(37, 45), (45, 70), (70, 45), (3, 12, 40), (6, 3, 3, 3), (rows, 45), (70, 33), (33,), (70, 45)]
    for name, shape in zip(NAMES, shapes):
        t = rng.standard_normal(shape).astype(np.float16 if name == 'h' else np.float32)
        np.save('%s/%s.npy' % (folder, name), t)


def conv(img, ker, stride):
    padded = np.pad(img, ((0, 0), (1, 1), (1, 1)))
    high, wide = (img.shape[1] - 1) // stride + 1, (img.shape[2] - 1) // stride + 1
    out = np.zeros((ker.shape[0], high, wide))
    for i in range(3):
        for j in range(3):
            part = padded[:, i:i + stride * (high - 1) + 1:stride, j:j + stride * (wide - 1) + 1:stride]
            out += np.einsum('oc,chw->ohw', ker[:, :, i, j], part)
    return np.maximum(out, 0)


def wanted(t):
    return dict(outer=t['x'] @ t['w'], dot=t['x'] @ t['wt'].T, conv=conv(t['img'], t['ker'], 1),
                strided=conv(t['img'], t['ker'], 2), rows=t['xs'] @ t['wt'].T, rows2=t['xs'] @ t['w'],
                gemv=(t['wt'] @ t['x'][3] + t['u'] @ t['v']) ** 2, narrow=t['h'] @ t['x'][3],
                flat=np.sqrt(np.abs(t['ker'])), norm=t['x'] - t['x'].max(1, keepdims=True),
                long=(t['img'] ** 2).mean())


def check(folder, results):
    t = {n: np.load('%s/%s.npy' % (folder, n)).astype(np.float64) for n in NAMES}
    for name, want in wanted(t).items():
        got = np.load('%s/%s.npy' % (results, name))
        assert got.shape == np.shape(want), (name, got.shape)
        worst = np.abs(got - want).max() if got.size else 0
        assert worst <= 2e-5 * max(1, np.abs(want).max() if got.size else 1), (name, worst)
    print('all kernels agree')


if sys.argv[1] == 'make':
    make(sys.argv[2], int(sys.argv[3]))
else:
    check(sys.argv[2], sys.argv[3])
