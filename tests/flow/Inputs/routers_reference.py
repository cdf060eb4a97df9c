"""NumPy references of the networks in routers.gate."""
import numpy as np

E = 4


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def expert_choice(x):
    p = softmax(x)
    mask = np.zeros(x.shape, bool)
    for e in range(E):
        mask[np.argsort(-p[:, e], kind='stable')[:2], e] = True
    return mask, np.where(mask, p, 0)


def sinkhorn(x):
    p = softmax(x)
    for _ in range(3):
        p = p / p.sum(1, keepdims=True)
        p = p / p.sum(0, keepdims=True)
    mask = np.arange(E) == p.argmax(1)[:, None]
    return mask, mask.sum(0)


def hashed(n):
    return np.ones(len(n), int), np.ones(len(n), bool)


def capped(x):
    mask = np.zeros(x.shape, bool)
    np.put_along_axis(mask, np.argsort(-x, 1, kind='stable')[:, :2], True, 1)
    mask &= np.cumsum(mask, 0) <= 3
    w = np.zeros(x.shape)
    ids = np.argsort(-x, 1, kind='stable')[:, :2]
    np.put_along_axis(w, ids, softmax(np.take_along_axis(x, ids, 1)), 1)
    return mask, np.where(mask.any(1), (w * mask).sum(1), -1)


def chosen_ids(x):
    return np.argsort(~(x > 0), 1, kind='stable'), (x > 0).sum(1)


def some_experts(x, r):
    return np.where(r > 0, 2 * (x > 0).sum(0), -1)


def from_data(x, n):
    return x + np.where((n >= 0) & (n < E), n, 0)
