"""Operations on constants fold to what NumPy computes.

    fold_numpy.py GATEC COUNT SEED
"""
import random
import re
import subprocess
import sys

import numpy as np

INTS = ('i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64')
KIND = {'i': 'int', 'u': 'uint', 'f': 'float'}
ROUNDED = ('exp', 'log', 'log1p', 'sin', 'cos', 'tanh')  # not exact: NumPy may differ in the last digit


def dtype(elem):
    return np.dtype(KIND[elem[0]] + elem[1:])


def down(a, b):
    return a // b if b else type(a)(0)


def pick(rng, elem):
    if elem[0] == 'f':
        v = rng.choice([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, 2.5, 1e-3, 3e4,
                        rng.uniform(-10, 10), rng.uniform(-10, 10)])
    else:
        info = np.iinfo(dtype(elem))
        v = rng.choice([0, 1, 2, 3, 7, info.max, info.min, info.max - 1, rng.randint(info.min, info.max)])
    return dtype(elem).type(v)


def text(v):
    if v.dtype.kind == 'f':
        return 'value = ' + (repr(float(v)) if np.isfinite(v) else str(float(v)))
    return f'int = {int(v.astype(np.int64))}'


def least(a, b):
    return np.minimum(a, b) if a != b or np.isnan(a) else (a if np.signbit(a) else b)


FLOAT2 = {'add': np.add, 'sub': np.subtract, 'mul': np.multiply, 'div': np.divide,
          'min': least, 'max': lambda a, b: -least(-a, -b)}
FLOAT1 = {'neg': np.negative, 'abs': np.abs, 'sqrt': np.sqrt, 'floor': np.floor, 'ceil': np.ceil,
          'round': np.round, 'exp': np.exp, 'log': np.log, 'log1p': np.log1p, 'sin': np.sin,
          'cos': np.cos, 'tanh': np.tanh}
INT2 = {'add': np.add, 'sub': np.subtract, 'mul': np.multiply, 'div': down,
        'mod': lambda a, b: a % b if b else type(a)(0), 'min': np.minimum, 'max': np.maximum,
        'and': np.bitwise_and, 'or': np.bitwise_or, 'xor': np.bitwise_xor}
INT1 = {'neg': np.negative, 'abs': np.abs, 'not': np.invert}
PREDS = {'eq': np.equal, 'ne': np.not_equal, 'lt': np.less, 'le': np.less_equal, 'gt': np.greater,
         'ge': np.greater_equal}


def case(rng):
    """An operation, its operands and the expected value."""
    elem = rng.choice(('f32', 'f64', 'f16') + INTS)
    a, b = pick(rng, elem), pick(rng, elem)
    one, two = (FLOAT1, FLOAT2) if elem[0] == 'f' else (INT1, INT2)
    kind = rng.randrange(4)
    if kind == 0:
        name = rng.choice(sorted(one))
        if elem == 'f16' and name in ROUNDED:
            name = 'neg'
        return name, elem, (a,), '', one[name](a)
    if kind == 1:
        pred = rng.choice(sorted(PREDS))
        return 'cmp', 'bit', (a, b), f' {{pred = "{pred}"}}', PREDS[pred](a, b)
    if kind == 2 and elem[0] != 'f':
        to = rng.choice(INTS + ('f32', 'f64'))
        return 'convert', to, (a,), '', a.astype(dtype(to))
    name = rng.choice(sorted(two))
    return name, elem, (a, b), '', two[name](a, b)


def elem_of(v):
    return {'f': 'f', 'i': 'i', 'u': 'u'}[v.dtype.kind] + str(v.dtype.itemsize * 8)


def source(cases):
    out = ['module m']
    for i, (op, to, operands, attrs, _) in enumerate(cases):
        out.append(f'network @f{i}() -> (r) stage hi {{')
        for k, v in enumerate(operands):
            out.append(f'  %x{k} = const {{{text(v)}}} : {elem_of(v)}')
        names = ', '.join(f'%x{k}' for k in range(len(operands)))
        out.append(f'  %r = {op} {names}{attrs} : {to}\n  yield %r\n}}')
    return '\n'.join(out) + '\n'


def agrees(op, to, got, want):
    if to[0] == 'f':
        got, want = dtype(to).type(got), dtype(to).type(want)
        if op in ROUNDED:
            return np.isclose(got, want, rtol=4 * float(np.finfo(dtype(to)).eps), atol=0, equal_nan=True)
        return (np.isnan(got) and np.isnan(want)) or (got == want and np.signbit(got) == np.signbit(want))
    return int(got) == int(np.asarray(want).astype(np.int64))


def main():
    gatec, count, rng = sys.argv[1], int(sys.argv[2]), random.Random(int(sys.argv[3]))
    with np.errstate(all='ignore'):
        cases = [case(rng) for _ in range(count)]
    args = [gatec, 'opt', '-', '--passes=canon,dce', '--verify-each']
    out = subprocess.run(args, input=source(cases), stdout=subprocess.PIPE, text=True, check=True).stdout
    bodies = re.findall(r'network @f\d+.*?\n(.*?)\n}', out, re.S)
    for (op, to, operands, attrs, want), body in zip(cases, bodies, strict=True):
        m = re.fullmatch(r'\s*%\w+ = const \{(?:int|value) = (.*)\} : (\w+)\s+yield %\w+\s*', body)
        if not m or m[2] != to:
            sys.exit(f'{op} {operands} : {to} did not fold:\n{body}')
        if not agrees(op, to, m[1], want):
            sys.exit(f'{op}{attrs} {operands} : {to} folded to {m[1]}, not {want}')
    print(f'{len(bodies)} operations')


main()
