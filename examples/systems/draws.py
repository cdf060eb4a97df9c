"""The draws of random_bits and of std.gates, for references: they depend on seed, stream and index only."""
import numpy as np

M32, GOLDEN = 0xffffffff, 0x9e3779b9


def mix(x):
    x ^= x >> 16
    x = x * 0x21f0aaad & M32
    x ^= x >> 15
    x = x * 0xd35a2d97 & M32
    return x ^ x >> 15


def random_bits(seed, stream, index):
    seed, stream, index = int(seed), int(stream) & M32, int(index) & M32
    k = mix(mix((seed + GOLDEN) & M32) ^ seed >> 32)
    k = mix((k + stream * GOLDEN) & M32)
    return mix((mix(index ^ k) + mix(k ^ GOLDEN)) & M32)


def uniform(seed, stream, index):
    return float(np.float32(random_bits(seed, stream, index) >> 8) * np.float32(2.0 ** -24))


def gumbel(seed, stream, index):
    return -np.log(-np.log(uniform(seed, stream, index) + 1e-20))
