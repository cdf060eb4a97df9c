"""Cases of the element-wise ops: all element types, special values, all three ways of running."""
import math
import os
import sys
import numpy as np
from harness import Case, NP, FLOATS, INTS, as_f32, from_f32, to_bf16, type_of

sys.path.append(os.path.join(os.environ['GATEC_ROOT'], 'examples', 'systems'))
from draws import random_bits     # noqa: E402

RNG = np.random.default_rng(7)
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, 1e-30, -1e-30, 1e30, -1e30, 1e-40,
           math.inf, -math.inf, math.nan, 16777216.0, 0.1, 88.0, -88.0, 100.25, 7.0]


def values(elem, n=160):
    if elem in FLOATS:
        x = np.concatenate([SPECIAL, RNG.standard_normal(n) * 3, RNG.standard_normal(40) * 50])
        return from_f32(elem, x.astype(np.float32)) if elem != 'f64' else x
    if elem == 'bit':
        return RNG.integers(0, 2, n + 4).astype(bool)
    info = np.iinfo(NP[elem])
    small = RNG.integers(max(-20, info.min), 21, n)
    wide = RNG.integers(info.min, info.max, n, dtype=NP[elem], endpoint=True)
    edge = np.array([info.min, info.max, 0, 1, info.max, info.min, 3], dtype=NP[elem])
    return np.concatenate([edge, small.astype(NP[elem]), wide])


def pairs(elem):
    a = values(elem)
    b = np.concatenate([values(elem)[::-1], a])
    a = np.concatenate([a, RNG.permutation(a)])
    n = min(len(a), len(b))
    return a[:n], b[:n]


def elementwise(name, op, elem, to, args, want, ulp=None, attr='', types=None):
    """One map over vectors: op of one element of each."""
    n = len(args[0])
    types = types or [elem] * len(args)
    ins = {'abc'[k]: (type_of(a, t), a) for k, (a, t) in enumerate(zip(args, types))}
    lines = ['  %%y = map [%d] : %s[%d] (%%i : ix<%d>) {' % (n, to, n, n)]
    for k, t in enumerate(types):
        lines.append('    %%%s1 = index %%%s, %%i : %s' % ('abc'[k], 'abc'[k], t))
    subs = ', '.join('%%%s1' % 'abc'[k] for k in range(len(args)))
    lines += ['    %%v = %s %s%s : %s' % (op, subs, attr, to), '    yield %v', '  }', '  yield %y']
    return Case(name, '\n'.join(lines), ins, {'y': want}, ulp=ulp, bf16=['y'] if to == 'bf16' else ())


# ---- floats ----

def in_f32(elem, fn, *args):
    """A float op of a type: that of f32 (f64 for f64), rounded to the type."""
    with np.errstate(all='ignore'):
        if elem == 'f64':
            return fn(*args)
        return from_f32(elem, fn(*[as_f32(elem, a) for a in args]).astype(np.float32))


def lesser(a, b):
    return np.where(np.isnan(a) | np.isnan(b), np.nan, np.minimum(a, b)).astype(a.dtype)


def greater(a, b):
    return np.where(np.isnan(a) | np.isnan(b), np.nan, np.maximum(a, b)).astype(a.dtype)


def mod(elem, a, b):
    """Three operations of the type, each rounded."""
    def step(fn, x, y):
        return as_f32(elem, from_f32(elem, fn(x, y))) if elem != 'f64' else fn(x, y)
    return step(np.subtract, a, step(np.multiply, b, np.floor(step(np.divide, a, b))))


REAL2 = {'add': np.add, 'sub': np.subtract, 'mul': np.multiply, 'div': np.divide, 'min': lesser,
         'max': greater}
REAL1 = {'neg': np.negative, 'abs': np.abs, 'sqrt': np.sqrt, 'floor': np.floor, 'ceil': np.ceil,
         'round': np.rint}


def wide(fn):
    """A maths function in f64, rounded once."""
    return lambda *a: fn(*[x.astype(np.float64) for x in a]).astype(a[0].dtype)


ERF = np.vectorize(math.erf, otypes=[np.float64])
MATHS = {'exp': (np.exp, 4), 'log': (np.log, 4), 'log1p': (np.log1p, 4), 'tanh': (np.tanh, 4),
         'erf': (ERF, 4), 'rsqrt': (lambda x: 1 / np.sqrt(x), 4)}
DOUBLE = ('exp', 'log', 'log1p', 'tanh', 'rsqrt')        # also compiled for f64


def real_cases():
    for elem in FLOATS:
        a, b = pairs(elem)
        for op, fn in REAL2.items():
            yield elementwise('%s_%s' % (op, elem), op, elem, elem, [a, b], in_f32(elem, fn, a, b))
        yield elementwise('mod_' + elem, 'mod', elem, elem, [a, b],
                          in_f32(elem, lambda x, y: mod(elem, x, y), a, b))
        for op, fn in REAL1.items():
            yield elementwise('%s_%s' % (op, elem), op, elem, elem, [a], in_f32(elem, fn, a))


def fma_case():
    x = RNG.standard_normal(200).astype(np.float32)
    y = RNG.standard_normal(200).astype(np.float32)
    z = (-x * y).astype(np.float32)
    # In f64 the product is exact and the sum of two f32-sized numbers this close is too.
    want = (x.astype(np.float64) * y.astype(np.float64) + z.astype(np.float64)).astype(np.float32)
    return elementwise('fma_f32', 'fma', 'f32', 'f32', [x, y, z], want)


def maths_cases():
    special = np.array(SPECIAL, np.float32)
    far = np.concatenate([special, RNG.standard_normal(600) * 4, RNG.uniform(-90, 90, 400),
                          RNG.uniform(0, 1, 200), 10.0 ** RNG.uniform(-30, 30, 200)])
    far = far.astype(np.float32)
    with np.errstate(all='ignore'):
        for op, (fn, ulp) in MATHS.items():
            yield elementwise(op + '_f32', op, 'f32', 'f32', [far], wide(fn)(far), ulp=ulp)
        double = np.concatenate([SPECIAL, far.astype(np.float64), RNG.uniform(-750, 750, 800), RNG.uniform(-1, 1, 800),
                                 10.0 ** RNG.uniform(-320, 308, 400), [5e-324, 709.78, 709.79, -745.1, -745.2, 1.7e308],
                                 RNG.uniform(-1e-3, 1e-3, 200), RNG.uniform(0.6, 1.5, 400), RNG.uniform(-25, 25, 400)])
        for op in DOUBLE:
            fn, ulp = MATHS[op]         # the C library of the interpreter is not better than that, either
            want = fn(double.astype(np.longdouble)).astype(np.float64)
            yield elementwise(op + '_f64', op, 'f64', 'f64', [double], want,
                              ulp={'interpreter': 2, 'code': ulp})
        near = np.concatenate([special[np.abs(special) <= 1000],
                               RNG.uniform(-100, 100, 800)]).astype(np.float32)
        near = near[np.isfinite(near)]
        for op, fn in (('sin', np.sin), ('cos', np.cos)):
            yield elementwise(op + '_f32', op, 'f32', 'f32', [near], wide(fn)(near), ulp=4)
        y, x = RNG.standard_normal((2, 400)).astype(np.float32)
        y[:9] = [0, 0, -0.0, 1, -1, 0, 5, -3, 0]
        x[:9] = [1, -1, 1, 0, 0, 2, 5, -3, 4]
        yield elementwise('atan2_f32', 'atan2', 'f32', 'f32', [y, x], wide(np.arctan2)(y, x), ulp=4)
        base = np.abs(RNG.standard_normal(400) * 3).astype(np.float32)
        expo = (RNG.standard_normal(400) * 3).astype(np.float32)
        base[:6] = [0, 0, 1, 2, math.inf, 3]
        expo[:6] = [0, 2, math.inf, -2, 0, 0]
        yield elementwise('pow_f32', 'pow', 'f32', 'f32', [base, expo], wide(np.power)(base, expo),
                          ulp=16)
        signed = (RNG.standard_normal(200) * 3).astype(np.float32)
        k = RNG.integers(-6, 8, 200).astype(np.int32)
        k[:3] = 0
        signed[:3] = [0, math.nan, -1]
        want = np.power(signed.astype(np.float64), k).astype(np.float32)
        yield elementwise('pow_f32_i32', 'pow', 'f32', 'f32', [signed, k], want, ulp=16,
                          types=['f32', 'i32'])


# ---- integers, with Python's numbers ----

def wrap(elem, v):
    bits = np.iinfo(NP[elem]).bits
    v &= (1 << bits) - 1
    return v - (1 << bits) if NP[elem](0).dtype.kind == 'i' and v >> (bits - 1) else v


def shift_left(elem, a, b):
    return a << b if 0 <= b < np.iinfo(NP[elem]).bits else 0


def shift_right(elem, a, b):
    return 0 if b < 0 else a >> min(b, 70)


def power(elem, a, b):
    p = wrap(elem, pow(a, abs(b), 1 << 64))
    return p if b >= 0 else (1 // p if p else 0)


WHOLE2 = {'add': lambda e, a, b: a + b, 'sub': lambda e, a, b: a - b, 'mul': lambda e, a, b: a * b,
          'div': lambda e, a, b: a // b if b else 0, 'mod': lambda e, a, b: a % b if b else 0,
          'min': lambda e, a, b: min(a, b), 'max': lambda e, a, b: max(a, b),
          'and': lambda e, a, b: a & b, 'or': lambda e, a, b: a | b, 'xor': lambda e, a, b: a ^ b,
          'shl': shift_left, 'shr': shift_right}
WHOLE1 = {'neg': lambda e, a: -a, 'abs': lambda e, a: abs(a), 'not': lambda e, a: ~a}


def whole(elem, fn, *args):
    return np.array([wrap(elem, fn(elem, *map(int, v))) for v in zip(*args)], dtype=NP[elem])


def whole_cases():
    for elem in INTS:
        a, b = pairs(elem)
        small = RNG.integers(-2, 70, len(a)) if elem[0] == 'i' else RNG.integers(0, 70, len(a))
        for op, fn in WHOLE2.items():
            c = small.astype(NP[elem]) if op in ('shl', 'shr') else b
            yield elementwise('%s_%s' % (op, elem), op, elem, elem, [a, c], whole(elem, fn, a, c))
        for op, fn in WHOLE1.items():
            yield elementwise('%s_%s' % (op, elem), op, elem, elem, [a], whole(elem, fn, a))
        k = RNG.integers(-3, 9, len(a)).astype(np.int32)
        yield elementwise('pow_%s' % elem, 'pow', elem, elem, [a, k], whole(elem, power, a, k),
                          types=[elem, 'i32'])
    a, b = pairs('bit')
    for op, fn in (('and', np.logical_and), ('or', np.logical_or), ('xor', np.logical_xor)):
        yield elementwise(op + '_bit', op, 'bit', 'bit', [a, b], fn(a, b))
    yield elementwise('not_bit', 'not', 'bit', 'bit', [a], ~a)


# ---- random ----

def random_case():
    seed = RNG.integers(0, 1 << 64, 300, dtype=np.uint64)
    stream = RNG.integers(-5, 5, 300).astype(np.int32)
    counter = RNG.integers(-(1 << 31), 1 << 31, 300).astype(np.int32)
    want = np.array([random_bits(*v) for v in zip(seed, stream, counter)], dtype=np.uint32)
    return elementwise('random', 'random', 'u64', 'u32', [seed, stream, counter], want,
                       types=['u64', 'i32', 'i32'])


# ---- cmp, select, convert, bitcast ----

PREDS = {'eq': np.equal, 'ne': np.not_equal, 'lt': np.less, 'le': np.less_equal, 'gt': np.greater,
         'ge': np.greater_equal}


def compare_cases():
    for elem in FLOATS + INTS:
        a, b = pairs(elem)
        x, y = (as_f32(elem, a), as_f32(elem, b)) if elem == 'bf16' else (a, b)
        for pred, fn in PREDS.items():
            yield elementwise('cmp_%s_%s' % (pred, elem), 'cmp', elem, 'bit', [a, b], fn(x, y),
                              attr=' {pred = "%s"}' % pred)
    for elem in ('f32', 'i64', 'u8', 'bit'):
        a, b = pairs(elem)
        c = RNG.integers(0, 2, len(a)).astype(bool)
        yield elementwise('select_%s' % elem, 'select', elem, elem, [c, a, b], np.where(c, a, b),
                          types=['bit', elem, elem])


def saturate(elem, x):
    info = np.iinfo(NP[elem])
    out = [0 if math.isnan(v) else info.max if v > info.max else info.min if v < info.min else
           min(max(int(v), info.min), info.max) for v in map(float, x)]
    return np.array(out, dtype=NP[elem])


def converted(src, to, a):
    with np.errstate(all='ignore'):
        if src in FLOATS:
            x = as_f32(src, a) if src == 'bf16' else a
            if to == 'bit':
                return x != 0
            if to in INTS:
                return saturate(to, x)
            if to == 'bf16':
                return narrow_bf16(x)
            return x.astype(NP[to])
        if to == 'bit':
            return a != 0
        if to in INTS:
            return a.astype(NP[to])
        if to == 'f64':
            return a.astype(np.float64)
        return from_f32(to, a.astype(np.float32))


def narrow_bf16(x):
    """From f64 with one rounding: f32 to odd first."""
    y = x.astype(np.float32)
    if x.dtype != np.float64:
        return to_bf16(y)
    bits = y.view(np.uint32).copy()
    away = np.isfinite(y) & (np.abs(y.astype(np.float64)) > np.abs(x))
    bits[away] -= 1
    odd = np.isfinite(y) & (bits.view(np.float32).astype(np.float64) != x)
    bits[odd] |= 1
    return to_bf16(bits.view(np.float32))


def convert_cases():
    for src in FLOATS + INTS + ('bit',):
        a = values(src)
        for to in FLOATS + INTS + ('bit',):
            if src != to:
                yield elementwise('convert_%s_%s' % (src, to), 'convert', src, to, [a],
                                  converted(src, to, a))
    for src, to in (('f32', 'i32'), ('i32', 'f32'), ('f64', 'u64'), ('u16', 'f16'), ('f16', 'i16'),
                    ('u32', 'f32'), ('i64', 'f64'), ('u16', 'bf16'), ('u8', 'i8')):
        a = values(src)
        if to in FLOATS:
            a = a[a < (1 << 14)] if src[0] == 'u' else a[np.abs(a.astype(np.float64)) < (1 << 14)]
        want = a.view(NP[to])
        yield elementwise('bitcast_%s_%s' % (src, to), 'bitcast', src, to, [a], want)


def exhaustive_cases():
    """All 65,536 values of the narrow floats, and rounding to them at and beside every midpoint."""
    bits = np.arange(65536, dtype=np.uint32).astype(np.uint16)
    half = bits.view(np.float16)
    yield elementwise('all_f16_f32', 'convert', 'f16', 'f32', [half], half.astype(np.float32))
    wide = (bits.astype(np.uint32) << 16).view(np.float32)
    yield elementwise('all_bf16_f32', 'convert', 'bf16', 'f32', [bits], wide)
    up = half[:0x7c00].astype(np.float32)
    middle = ((up[:-1].astype(np.float64) + up[1:]) / 2).astype(np.float32)
    near = np.concatenate([middle, np.nextafter(middle, np.float32(0)),
                           np.nextafter(middle, np.float32(np.inf)),
                           np.array([65519.996, 65520, 65536, 2.9802322e-08, 2.98e-08], np.float32)])
    near = np.concatenate([near, -near])
    with np.errstate(over='ignore'):
        yield elementwise('near_f16', 'convert', 'f32', 'f16', [near], near.astype(np.float16))
    b = (bits.astype(np.uint32) << 16)
    b = np.concatenate([b | 0x7fff, b | 0x8000, b | 0x8001])
    x = b.view(np.float32)
    x = x[~np.isnan(x)]
    yield elementwise('near_bf16', 'convert', 'f32', 'bf16', [x], to_bf16(x))


def merged(cases, size=6):
    """Several one-map cases as one network, so that fewer processes are needed."""
    group, ulp = [], None
    for c in cases:
        if group and (len(group) == size or c.ulp != ulp):
            yield join(group)
            group = []
        group.append(c)
        ulp = c.ulp
    if group:
        yield join(group)


def join(group):
    text, ins, outs = [], {}, {}
    for k, c in enumerate(group):
        t = c.text.replace('  yield %y', '')
        names = ['y', 'i', 'v', 'a1', 'b1', 'c1', 'a', 'b', 'c']
        for n in names:
            t = t.replace('%%%s ' % n, '%%%s_%d ' % (n, k)).replace('%%%s,' % n, '%%%s_%d,' % (n, k))
            t = t.replace('%%%s\n' % n, '%%%s_%d\n' % (n, k))
        text.append(t)
        ins.update({'%s_%d' % (n, k): v for n, v in c.inputs.items()})
        outs['y_%d' % k] = c.outputs['y']
    text.append('  yield ' + ', '.join('%%y_%d' % k for k in range(len(group))))
    name = group[0].name if len(group) == 1 else group[0].name + '_to_' + group[-1].name
    return Case(name, '\n'.join(text), ins, outs, ulp=group[0].ulp,
                bf16=['y_%d' % k for k, c in enumerate(group) if c.bf16])


def cases():
    yield from merged(real_cases(), 8)
    yield fma_case()
    yield from maths_cases()
    yield from merged(whole_cases(), 8)
    yield random_case()
    yield from merged(compare_cases(), 8)
    yield from merged(convert_cases(), 10)
    yield from exhaustive_cases()
