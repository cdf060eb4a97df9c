"""Cases of the ops on tensors: index spaces, reductions, subscripts, orders, cells, selections,
gates, loops, and values of the outside."""
import json
import math
import os
import struct
import numpy as np
from harness import Case, to_bf16

RNG = np.random.default_rng(11)
NAN, INF = math.nan, math.inf


def f32(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def hexdata(a):
    return a.tobytes().hex()


# ---- map, reduce ----

def maps():
    a = f32(5, 7)
    yield Case('map', '''
  %t = map [7, 5] : f32[7, 5] (%i : ix<7>, %j : ix<5>) {
    %v = index %a, %j, %i : f32
    yield %v
  }
  %r, %n = map [5] : f32[5, 7], i32[5] (%k : ix<5>) {
    %row = index %a, %k : f32[7]
    %d = const {int = 2} : i32
    %e = mul %k, %d : i32
    yield %row, %e
  }
  %o = map [5, 5] : ix<5>[5, 5] (%p : ix<5>, %q : ix<5>) {
    yield %q
  }
  yield %t, %r, %n, %o''', {'a': ('f32[5, 7]', a)},
               {'t': a.T.copy(), 'r': a, 'n': np.arange(0, 10, 2, dtype=np.int32),
                'o': np.tile(np.arange(5, dtype=np.int32), (5, 1))})


def reduction(name, kind, elem, to, a, want, ulp=None, note=None):
    return Case(name, '''
  %%y = map [%d] : %s[%d] (%%i : ix<%d>) {
    %%r = reduce [%d] {kind = "%s"} : %s (%%j : ix<%d>) {
      %%v = index %%a, %%i, %%j : %s
      yield %%v
    }
    yield %%r
  }
  yield %%y''' % (a.shape[0], to, a.shape[0], a.shape[0], a.shape[1], kind, to, a.shape[1], elem),
                {'a': ('%s[%d, %d]' % (elem, *a.shape), a)}, {'y': want}, ulp=ulp, note=note)


def order_max(row):
    """Index of the largest, the first of equals; NaN only where there is nothing else."""
    numbers = np.where(np.isnan(row), -np.inf, row)
    if np.isnan(row).all():
        return 0
    return next(k for k in range(len(row)) if not np.isnan(row[k]) and row[k] == numbers.max())


def reductions():
    for n in (1, 7, 8, 33, 100):
        # Quarters: sums are exact in any order.
        a = (RNG.integers(-40, 40, (6, n)) / 4).astype(np.float32)
        yield reduction('sum_f32_%d' % n, 'sum', 'f32', 'f32', a, a.sum(1))
        b = f32(6, n)
        b[:, 0] = 1
        want = b.astype(np.float64).mean(1).astype(np.float32)
        yield reduction('mean_f32_%d' % n, 'mean', 'f32', 'f32', np.abs(b),
                        np.abs(b.astype(np.float64)).mean(1).astype(np.float32), ulp=n + 2)
        p = np.where(RNG.integers(0, 2, (6, n)), 2, 0.5).astype(np.float32)
        yield reduction('prod_f32_%d' % n, 'prod', 'f32', 'f32', p, p.prod(1))
        x = f32(6, n)
        x[1, n // 2] = NAN
        x[2] = NAN
        x[3] = -INF
        x[4, n - 1] = INF
        x[5] = 0.25
        yield reduction('max_f32_%d' % n, 'max', 'f32', 'f32', x, np.max(x, 1))
        yield reduction('min_f32_%d' % n, 'min', 'f32', 'f32', x, np.min(x, 1))
        ix = 'ix<%d>' % n
        yield reduction('argmax_f32_%d' % n, 'argmax', 'f32', ix, x,
                        np.array([order_max(r) for r in x], np.int32))
        yield reduction('argmin_f32_%d' % n, 'argmin', 'f32', ix, x,
                        np.array([order_max(-r) for r in x], np.int32))
        bits = RNG.integers(0, 4, (6, n)) > 0
        bits[0], bits[1] = True, False
        yield reduction('any_%d' % n, 'any', 'bit', 'bit', bits, bits.any(1))
        yield reduction('all_%d' % n, 'all', 'bit', 'bit', bits, bits.all(1))
        yield reduction('count_%d' % n, 'count', 'bit', 'i32', bits, bits.sum(1).astype(np.int32))
        k = RNG.integers(-2**31, 2**31, (6, n)).astype(np.int32)
        yield reduction('sum_i32_%d' % n, 'sum', 'i32', 'i32', k, k.sum(1, dtype=np.int32))
        yield reduction('max_i32_%d' % n, 'max', 'i32', 'i32', k, k.max(1))
        yield reduction('argmin_i32_%d' % n, 'argmin', 'i32', ix, k, k.argmin(1).astype(np.int32))
        u = RNG.integers(0, 256, (6, n)).astype(np.uint8)
        yield reduction('sum_u8_%d' % n, 'sum', 'u8', 'u8', u, u.sum(1, dtype=np.uint8))
        yield reduction('prod_u8_%d' % n, 'prod', 'u8', 'u8', u, u.prod(1, dtype=np.uint8))
    a = (RNG.integers(-40, 40, (3, 4, 5)) / 4).astype(np.float32)
    yield Case('reduce_two_axes', '''
  %y = reduce [3, 5] {kind = "sum"} : f32 (%i : ix<3>, %j : ix<5>) {
    %k = const {int = 2} : ix<4>
    %v = index %a, %i, %k, %j : f32
    yield %v
  }
  %z = reduce [3] {kind = "sum"} : f32[4, 5] (%l : ix<3>) {
    %r = index %a, %l : f32[4, 5]
    yield %r
  }
  %m = reduce [3] {kind = "argmax"} : ix<3>[4, 5] (%n : ix<3>) {
    %r2 = index %a, %n : f32[4, 5]
    yield %r2
  }
  yield %y, %z, %m''', {'a': ('f32[3, 4, 5]', a)},
               {'y': a[:, 2, :].sum(), 'z': a.sum(0), 'm': a.argmax(0).astype(np.int32)})
    big = np.array([[1e30, 1, -1e30, 2]], np.float32).repeat(3, 0)
    yield reduction('sum_cancels', 'sum', 'f64', 'f64', big.astype(np.float64) / 1e20,
                    (big.astype(np.float64) / 1e20).sum(1), ulp=1e9)


def empty_reductions():
    kinds = [('sum', 'f32', 'f32', 0.0), ('prod', 'f32', 'f32', 1.0), ('max', 'f32', 'f32', -INF),
             ('min', 'f32', 'f32', INF), ('mean', 'f32', 'f32', NAN), ('any', 'bit', 'bit', False),
             ('all', 'bit', 'bit', True), ('count', 'bit', 'i32', 0),
             ('argmax', 'f32', 'ix<T>', 0), ('max', 'i32', 'i32', -2**31),
             ('min', 'i32', 'i32', 2**31 - 1), ('max', 'u8', 'u8', 0), ('min', 'u8', 'u8', 255)]
    dt = {'f32': np.float32, 'bit': np.bool_, 'i32': np.int32, 'u8': np.uint8, 'ix<T>': np.int32}
    for kind, elem, to, want in kinds:
        a = np.zeros(0, dt[elem])
        yield Case('empty_%s_%s' % (kind, elem), '''
  %%y = reduce [T] {kind = "%s"} : %s (%%i : ix<T>) {
    %%v = index %%a, %%i : %s
    yield %%v
  }
  %%z = convert %%y : %s
  yield %%z''' % (kind, to, elem, 'i32') if to == 'ix<T>' else '''
  %%y = reduce [T] {kind = "%s"} : %s (%%i : ix<T>) {
    %%v = index %%a, %%i : %s
    yield %%v
  }
  yield %%y''' % (kind, to, elem), {'a': ('%s[T]' % elem, a)}, {'y': dt[to](want)},
                   head='dim T <= 40', note='GATE_EMPTY' if kind == 'argmax' else None)


# ---- subscripts ----

def subscripts():
    a, at = f32(4, 9), np.array([0, 8, -1, 9, 3, 100, -7, 2**31 - 1], np.int32)
    inside = (at >= 0) & (at < 9)
    row = a[2]
    yield Case('index_checked', '''
  %y = map [8] : f32[8] (%i : ix<8>) {
    %s = index %at, %i : i32
    %r = const {int = 2} : ix<4>
    %v = index %a, %r, %s {check} : f32
    yield %v
  }
  %z = map [8] : f32[8, 9] (%j : ix<8>) {
    %s2 = index %at, %j : i32
    %v2 = index %a, %s2 {check} : f32[9]
    yield %v2
  }
  yield %y, %z''', {'a': ('f32[4, 9]', a), 'at': ('i32[8]', at)},
               {'y': np.where(inside, row[np.clip(at, 0, 8)], 0).astype(np.float32),
                'z': np.where(((at >= 0) & (at < 4))[:, None], a[np.clip(at, 0, 3)],
                              0).astype(np.float32)}, note='GATE_BAD_INDEX')
    ok = np.array([0, 8, 1, 2, 3, 4, 5, 6], np.int32)
    yield Case('index_in_range', '''
  %y = map [8] : f32[8] (%i : ix<8>) {
    %s = index %at, %i : i32
    %r = const {int = 2} : ix<4>
    %v = index %a, %r, %s {check} : f32
    yield %v
  }
  yield %y''', {'a': ('f32[4, 9]', a), 'at': ('i32[8]', ok)}, {'y': row[ok]})
    pad = np.zeros((4, 11), np.float32)
    pad[:, 1:10] = a
    pad[:, [0, 10]] = -3
    yield Case('index_or', '''
  %d = const {value = -3} : f32
  %y = map [4, 11] : f32[4, 11] (%i : ix<4>, %j : ix<11>) {
    %one = const {int = 1} : i32
    %s = sub %j, %one : i32
    %v = index_or %a, %d, %i, %s : f32
    yield %v
  }
  %z = map [6] : f32[6, 9] (%k : ix<6>) {
    %v2 = index_or %a, %d, %k : f32[9]
    yield %v2
  }
  yield %y, %z''', {'a': ('f32[4, 9]', a)},
               {'y': pad, 'z': np.vstack([a, np.full((2, 9), -3, np.float32)])})
    ids = RNG.integers(0, 4, 13).astype(np.int32)
    yield Case('gather', '''
  %y = map [13] : f32[13, 9] (%i : ix<13>) {
    %s = index %ids, %i : ix<4>
    %v = index %a, %s : f32[9]
    yield %v
  }
  %z = map [13] : f32[13] (%j : ix<13>) {
    %s2 = index %ids, %j : ix<4>
    %c = const {int = 5} : ix<9>
    %v2 = index %a, %s2, %c : f32
    yield %v2
  }
  yield %y, %z''', {'a': ('f32[4, 9]', a), 'ids': ('ix<4>[13]', ids)},
               {'y': a[ids], 'z': a[ids, 5]})


# ---- orders ----

def ranked(row, largest):
    """Places by the written order: NaN last, ties by lower index."""
    key = [(math.isnan(v), 0 if math.isnan(v) else (-v if largest else v), k)
           for k, v in enumerate(row.tolist())]
    return [k for _, _, k in sorted(key)]


def orders():
    for n, k in ((1, 1), (8, 3), (9, 9), (33, 5)):
        x = (RNG.integers(-4, 5, (7, n)) / 2).astype(np.float32)
        x[0, 0] = NAN
        x[1] = NAN
        x[2, ::2] = NAN
        x[3, -1] = INF
        x[4] = -INF
        x[5] = 0
        x[5, ::2] = -0.0
        top = np.array([ranked(r, True)[:k] for r in x], np.int32)
        low = np.array([ranked(r, False) for r in x], np.int32)
        i = RNG.integers(-3, 3, (2, n)).astype(np.int32)
        yield Case('order_%d' % n, '''
  %%v, %%i = topk %%x [%d] : f32[7, %d], ix<%d>[7, %d]
  %%w, %%j = sorted %%x [%d] : f32[7, %d], ix<%d>[7, %d]
  %%iv, %%ij = topk %%k [%d] : i32[2, %d], ix<%d>[2, %d]
  yield %%v, %%i, %%w, %%j, %%iv, %%ij''' % (k, k, n, k, n, n, n, n, k, k, n, k),
                   {'x': ('f32[7, %d]' % n, x), 'k': ('i32[2, %d]' % n, i)},
                   {'v': np.take_along_axis(x, top, 1), 'i': top,
                    'w': np.take_along_axis(x, low, 1), 'j': low,
                    'iv': np.array([[r[t] for t in ranked(r, True)[:k]] for r in i], np.int32),
                    'ij': np.array([ranked(r, True)[:k] for r in i], np.int32)})


# ---- cells and states ----

def cells():
    a, at = f32(5, 3), np.array([4, 0, 7, -1, 2], np.int32)
    grid = np.zeros((5, 3), np.float32)
    for r in range(5):
        if 0 <= at[r] < 5:
            grid[at[r]] = a[r]
    yield Case('cells', '''
  %zero = const {value = 0} : f32
  %first = const {int = 0} : i32
  %five = const {int = 5} : i32
  %z = const {value = 0} : f32[5, 3]
  %c = cell %z : cell f32[5, 3]
  %n = cell %first : cell i32
  %before = read %c : f32[5, 3]
  loop %first, %five {carry = 0, cap = 5} (%i : ix<5>) {
    %s = index %at, %i : i32
    %row = index %a, %i : f32[3]
    write %c, %row, %s {check}
    %old = read %n : i32
    %one = const {int = 1} : i32
    %new = add %old, %one : i32
    write %n, %new
    yield
  }
  %y = read %c : f32[5, 3]
  %m = read %n : i32
  write %c, %zero, %first, %first {check}
  yield %y, %m, %before''', {'a': ('f32[5, 3]', a), 'at': ('i32[5]', at)},
               {'y': grid, 'm': np.int32(5), 'before': np.zeros((5, 3), np.float32)},
               note='GATE_BAD_INDEX')
    b = np.array([True, False, True, True, False])
    want = a.copy()
    want[b] = want[b] + 1
    want[~b] = 7
    yield Case('put', '''
  %seven = const {value = 7} : f32
  %c = cell %a : cell f32[5, 3]
  %nb = map [5] : bit[5] (%q : ix<5>) {
    %b1 = index %b, %q : bit
    %b2 = not %b1 : bit
    yield %b2
  }
  %s = sel_mask %b {name = "g"} : sel<5, G>
  %t = sel_mask %nb {name = "ng"} : sel<5, H>
  %x = take %a, %s {axis = 0} : f32[G, 3]
  %x1 = map [G, 3] : f32[G, 3] (%i : ix<G>, %j : ix<3>) {
    %v = index %x, %i, %j : f32
    %one = const {value = 1} : f32
    %w = add %v, %one : f32
    yield %w
  }
  put %c, %x1, %s {axis = 0}
  put %c, %seven, %t {axis = 0}
  %y = read %c : f32[5, 3]
  yield %y''', {'a': ('f32[5, 3]', a), 'b': ('bit[5]', b)}, {'y': want},
               head='dim G <= 5\ndim H <= 5')
    want = a.copy()
    want[b] = want[b] + a[b]
    want[3, 1] = want[3, 1] + np.float32(0.5) + np.float32(0.5)
    yield Case('put_add', '''
  %c = cell %a : cell f32[5, 3]
  %s = sel_mask %b {name = "g"} : sel<5, G>
  %x = take %a, %s {axis = 0} : f32[G, 3]
  %half = const {value = 0.5} : f32
  put_add %c, %x, %s {axis = 0}
  put_add %c, %half, %p, %q {check}
  put_add %c, %half, %p, %q {check}
  %y = read %c : f32[5, 3]
  yield %y''', {'a': ('f32[5, 3]', a), 'b': ('bit[5]', b), 'p': ('i32', np.int32(3)), 'q': ('i32', np.int32(1))},
               {'y': want}, head='dim G <= 5')


def states():
    x = f32(6, 4)
    total = np.array([1, 2, 3, 4], np.float32)
    rows, counts = [], []
    for k in range(6):
        total = (total + x[k]).astype(np.float32)
        rows.append(total)
        counts.append(k + 1)
    yield Case('state', '''
  %s = state {name = "h"} : cell f32[4]
  %n = state {name = "n"} : cell i32
  %old = read %s : f32[4]
  %y = map [4] : f32[4] (%i : ix<4>) {
    %a = index %old, %i : f32
    %b = index %x, %i : f32
    %c = add %a, %b : f32
    yield %c
  }
  write %s, %y
  %k = read %n : i32
  %one = const {int = 1} : i32
  %m = add %k, %one : i32
  write %n, %m
  yield %y, %m''', {'x': ('f32[4]', x)}, {'y': np.array(rows), 'm': np.array(counts, np.int32)},
               head='data #1 : f32 x 4 = [1, 2, 3, 4]\nstate "h" : f32[4] data #1\n'
                    'state "n" : i32', args=['--frames'])


# ---- selections and gates ----

def selections():
    b = np.array([0, 1, 1, 0, 0, 1, 0, 1, 1], bool)
    ids = np.flatnonzero(b).astype(np.int32)
    rank = np.where(b, np.cumsum(b) - 1, -1).astype(np.int32)
    lst = np.array([7, 2, 2, 5, 8, 1], np.int32)
    listed = np.zeros(9, bool)
    listed[lst] = True
    a = f32(4, 9)
    padded = np.full(9, -1, np.int32)
    padded[:len(ids)] = ids
    part = np.zeros((4, 9), np.float32)
    part[:, :len(ids)] = a[:, b]
    yield Case('selections', '''
  %s = sel_mask %b {name = "g"} : sel<9, S>
  %l = sel_list %list {name = "h"} : sel<9, L>
  %bits = sel_bits %s : bit[9]
  %rank = sel_rank %s : i32[9]
  %count = sel_count %s : i32
  %lbits = sel_bits %l : bit[9]
  %lcount = sel_count %l : i32
  %id = sel_ids %s : ix<9>[S]
  %none = const {int = -1} : i32
  %all = map [9] : i32[9] (%i : ix<9>) {
    %one = const {int = 0} : i32
    %k = add %i, %one : i32
    %id32 = map [S] : i32[S] (%q : ix<S>) {
      %e = index %id, %q : ix<9>
      %e32 = convert %e : i32
      yield %e32
    }
    %v = index_or %id32, %none, %k : i32
    yield %v
  }
  %t = take %a, %s {axis = 1} : f32[4, S]
  %zero = const {value = 0} : f32
  %tp = map [4, 9] : f32[4, 9] (%r : ix<4>, %c : ix<9>) {
    %v2 = index_or %t, %zero, %r, %c : f32
    yield %v2
  }
  yield %bits, %rank, %count, %lbits, %lcount, %all, %tp''',
               {'b': ('bit[9]', b), 'list': ('ix<9>[6]', lst), 'a': ('f32[4, 9]', a)},
               {'bits': b, 'rank': rank, 'count': np.int32(b.sum()), 'lbits': listed,
                'lcount': np.int32(listed.sum()), 'all': padded, 'tp': part},
               head='dim S <= 9\ndim L <= 9')
    wild = np.array([3, -1, 9, 3, 0], np.int32)
    want = np.zeros(9, bool)
    want[[0, 3]] = True
    yield Case('sel_list_outside', '''
  %l = sel_list %list {name = "h"} : sel<9, L>
  %y = sel_bits %l : bit[9]
  yield %y''', {'list': ('i32[5]', wild)}, {'y': want}, head='dim L <= 9', note='GATE_BAD_INDEX')


def selections_within():
    """A selection of what another one selects, along an axis with elements before and behind."""
    b = np.array([0, 1, 1, 0, 1, 1, 0, 1, 1], bool)
    inner = np.array([1, 0, 1, 0, 1, 1, 0, 0, 0], bool)  # of the rows of b, as many as there are
    both = np.zeros(9, bool)
    both[np.flatnonzero(b)[inner[:b.sum()]]] = True
    a = f32(2, 9)
    yield Case('sel_within', '''
  %s = sel_mask %b {name = "g"} : sel<9, S>
  %q = map [S] : bit[S] (%i : ix<S>) {
    %one = const {int = 0} : i32
    %k = add %i, %one : i32
    %bit = index %inner, %k {check} : bit
    yield %bit
  }
  %t = sel_mask %q {name = "h"} : sel<S, U>
  %w = sel_within %s, %t : sel<9, U>
  %bits = sel_bits %w : bit[9]
  %count = sel_count %w : i32
  %rows = take %a, %w {axis = 1} : f32[2, U]
  %sums = map [2] : f32[2] (%r : ix<2>) {
    %m = reduce [U] {kind = "max"} : f32 (%u : ix<U>) {
      %e = index %rows, %r, %u : f32
      yield %e
    }
    yield %m
  }
  yield %bits, %count, %sums''', {'b': ('bit[9]', b), 'inner': ('bit[9]', inner), 'a': ('f32[2, 9]', a)},
               {'bits': both, 'count': np.int32(both.sum()), 'sums': a[:, both].max(1)},
               head='dim S <= 9\ndim U <= 9')


def loops_left():
    """'until' ends a loop after the iteration in which it is 1."""
    x = (RNG.integers(-8, 8, 6) / 4).astype(np.float32)
    limit = np.float32(np.cumsum(x)[3])
    sums, n, s = np.zeros(6, np.float32), 0, np.float32(0)
    for n in range(6):
        s = s + x[n]
        sums[n] = s
        if s == limit:
            break
    yield Case('until', '''
  %zero = const {int = 0} : i32
  %six = const {int = 6} : i32
  %f0 = const {value = 0} : f32
  %s, %n, %rows = loop %zero, %six, %f0, %zero {carry = 2, cap = 6} : f32, i32, f32[6] (%i : ix<6>, %c : f32, %k : i32) {
    %v = index %x, %i : f32
    %d = add %c, %v : f32
    %is = cmp %d, %limit {pred = "eq"} : bit
    until %is
    %at = add %i, %zero : i32
    yield %d, %at, %d
  }
  yield %s, %n, %rows''', {'x': ('f32[6]', x), 'limit': ('f32', limit)},
               {'s': s, 'n': np.int32(n), 'rows': sums})


WHEN = '''
  %nb = map [9] : bit[9] (%q : ix<9>) {
    %b1 = index %b, %q : bit
    %b2 = not %b1 : bit
    yield %b2
  }
  %s = sel_mask %b {name = "g"} : sel<9, S>
  %t = sel_mask %nb {name = "ng"} : sel<9, R>
  %calls = cell %start : cell i32
  %y, %z = when %s, %t {axes = "1,0"} : f32[4, 9], f32[9] () {
    %p = take %a, %s {axis = 1} : f32[4, S]
    %m = map [S] : f32[S] (%i : ix<S>) {
      %sum = reduce [4] {kind = "max"} : f32 (%k : ix<4>) {
        %e = index %p, %k, %i : f32
        yield %e
      }
      yield %sum
    }
    %old = read %calls : i32
    %new = add %old, %one : i32
    write %calls, %new
    yield %p, %m
  } () {
    %old2 = read %calls : i32
    %ten = const {int = 10} : i32
    %new2 = add %old2, %ten : i32
    write %calls, %new2
    %half = const {value = 0.5} : f32
    %r = sel_ids %t : ix<9>[R]
    %f = map [R] : f32[R] (%j : ix<R>) {
      %id = index %r, %j : ix<9>
      %id32 = convert %id : i32
      %x = convert %id32 : f32
      yield %x
    }
    yield %half, %f
  }
  %n = read %calls : i32
  yield %y, %z, %n'''


def gates():
    a = f32(4, 9)
    for name, b in (('some', np.array([0, 1, 1, 0, 0, 1, 0, 1, 1], bool)),
                    ('all', np.ones(9, bool)), ('none', np.zeros(9, bool))):
        ran = (1 if b.any() else 0) + (10 if not b.all() else 0)
        yield Case('when_' + name, '  %start = const {int = 0} : i32\n  %one = const {int = 1} : i32'
                   + WHEN, {'a': ('f32[4, 9]', a), 'b': ('bit[9]', b)},
                   {'y': np.where(b[None, :], a, np.float32(0.5)),
                    'z': np.where(b, a.max(0), np.arange(9)).astype(np.float32),
                    'n': np.int32(ran)}, head='dim S <= 9\ndim R <= 9')
    for c in (True, False):
        yield Case('if_%s' % c, '''
  %y, %k = if %c : f32[4, 9], i32 () {
    %seven = const {int = 7} : i32
    yield %a, %seven
  } () {
    %n = map [4, 9] : f32[4, 9] (%i : ix<4>, %j : ix<9>) {
      %v = index %a, %i, %j : f32
      %w = neg %v : f32
      yield %w
    }
    %three = const {int = 3} : i32
    yield %n, %three
  }
  yield %y, %k''', {'a': ('f32[4, 9]', a), 'c': ('bit', np.bool_(c))},
                   {'y': a if c else -a, 'k': np.int32(7 if c else 3)})


# ---- loops ----

def loops():
    x = (RNG.integers(-8, 8, (6, 3)) / 4).astype(np.float32)
    for end in (0, 4, 6):
        h, rows = np.zeros(3, np.float32), np.zeros((6, 3), np.float32)
        swap = np.ones(3, np.float32)
        for i in range(end):
            h, swap = swap, (h + x[i]).astype(np.float32)
            rows[i] = h
        yield Case('loop_%d' % end, '''
  %zero = const {int = 0} : i32
  %h0 = const {value = 0} : f32[3]
  %s0 = const {value = 1} : f32[3]
  %h, %s, %rows = loop %zero, %end, %h0, %s0 {carry = 2, cap = 6} : f32[3], f32[3], f32[6, 3] (%i : ix<6>, %c : f32[3], %d : f32[3]) {
    %n = map [3] : f32[3] (%j : ix<3>) {
      %a = index %c, %j : f32
      %b = index %x, %i, %j : f32
      %e = add %a, %b : f32
      yield %e
    }
    yield %d, %n, %d
  }
  yield %h, %s, %rows''', {'x': ('f32[6, 3]', x), 'end': ('i32', np.int32(end))},
                   {'h': h, 's': swap, 'rows': rows})
    yield Case('loop_offset', '''
  %two = const {int = 2} : i32
  %five = const {int = 5} : i32
  %n0 = const {int = 0} : i32
  %n, %all = loop %two, %five, %n0 {carry = 1, cap = 3} : i32, i32[3] (%i : i32, %c : i32) {
    %d = add %c, %i : i32
    yield %d, %i
  }
  yield %n, %all''', {}, {'n': np.int32(9), 'all': np.array([2, 3, 4], np.int32)})


# ---- values of the outside ----

def outside(folder):
    w, e = f32(3, 4), f32(2, 3, 2)
    half = f32(5).astype(np.float16)
    brain = to_bf16(f32(5))
    path = os.path.join(folder, 'weights.safetensors')
    tensors = [('b.weight', 'F32', w), ('e.0.w', 'F32', e[0]), ('e.1.w', 'F32', e[1]),
               ('h', 'F16', half), ('g', 'BF16', brain)]
    head, at = {}, 0
    for name, dtype, a in tensors:
        head[name] = {'dtype': dtype, 'shape': list(a.shape), 'data_offsets': [at, at + a.nbytes]}
        at += a.nbytes
    text = json.dumps(head).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + b''.join(a.tobytes() for _, _, a in tensors))
    wide = (brain.astype(np.uint32) << 16).view(np.float32)
    yield Case('params', '''
  %w = param {name = "b.weight"} : f32[3, 4]
  %e = param {name = "e.{}.w"} : f32[2, 3, 2]
  %h = param {name = "h"} : f32[5]
  %g = param {name = "g"} : f32[5]
  %x = map [2, 3, 2] : f32[2, 3, 2] (%i : ix<2>, %j : ix<3>, %k : ix<2>) {
    %v = index %e, %i, %j, %k : f32
    yield %v
  }
  %hg = map [5] : f32[5] (%l : ix<5>) {
    %a = index %h, %l : f32
    %b = index %g, %l : f32
    %c = max %a, %b : f32
    yield %c
  }
  yield %w, %x, %hg''', {}, {'w': w, 'x': e, 'hg': np.maximum(half.astype(np.float32), wide)},
               head='param "b.weight" : f32[3, 4]\nparam "e.{}.w" : f32[2, 3, 2] members 2\n'
                    'param "h" : f32[5] stored f16\nparam "g" : f32[5] stored bf16',
               args=['--weights-file', path])
    d = np.array([3, 1, 2], np.int32)
    yield Case('constants', '''
  %d = data {data = #1} : i32[3]
  %c = const {value = 2.5} : f32[2, 2]
  %t = knob {name = "tau"} : f32
  %q = knob {name = "q"} : f32[3]
  %n = knob {name = "steps"} : i32
  %on = knob {name = "on"} : bit
  %k = map [3] : i32[3] (%i : ix<3>) {
    %v = index %d, %i : i32
    %w = mul %v, %v : i32
    yield %w
  }
  %ct = comptime %k : i32[3]
  yield %d, %c, %t, %q, %n, %on, %ct''', {},
               {'d': d, 'c': np.full((2, 2), 2.5, np.float32), 't': np.float32(0.75),
                'q': np.array([1, 2, 0.5], np.float32), 'n': np.int32(4), 'on': np.bool_(True),
                'ct': d * d},
               head='data #1 : i32 x 3 = [3, 1, 2]\nknob "tau" : f32 = 0.5 in 0..1\n'
                    'knob "q" : f32[3] = 1 in 0..2\nknob "steps" : i32 = 4 in 1..8\n'
                    'knob "on" : bit = 0 in 0..1',
               args=['--knob', 'tau=0.75', '--knob', 'q=1,2,0.5', '--knob', 'on=1'])


def extents():
    for t, want in ((0, 0), (1, 1), (7, 7), (40, 40)):
        x = f32(t)
        yield Case('extent_%d' % t, '''
  %n = extent [T] : i32
  %m = extent [T + 2] : i32
  %b = reduce [T] {kind = "count"} : i32 (%i : ix<T>) {
    %v = index %x, %i : f32
    %z = const {value = 0} : f32
    %p = cmp %v, %z {pred = "gt"} : bit
    yield %p
  }
  bind %b [N]
  %ones = map [N] : i32[N] (%j : ix<N>) {
    %one = const {int = 1} : i32
    yield %one
  }
  %s = reduce [N] {kind = "sum"} : i32 (%k : ix<N>) {
    %e = index %ones, %k : i32
    yield %e
  }
  yield %n, %m, %s, %x''', {'x': ('f32[T]', x)},
                   {'n': np.int32(want), 'm': np.int32(want + 2),
                    's': np.int32(min((x > 0).sum(), 12)), 'xx': x},
                   head='dim T <= 40\ndim N <= 12')


def loop_level():
    """Ops of the loop stage that lowering makes rarely or not at all."""
    x = (RNG.integers(-40, 40, 16) / 4).astype(np.float32)
    yield Case('loop_level', '''
  %xp = arg {kind = "input", name = "x"} : ptr f32
  %yp = arg {kind = "output", name = "y"} : ptr f32
  %zp = arg {kind = "output", name = "z"} : ptr f32
  %n0 = const {int = 0} : i64
  %n8 = const {int = 8} : i64
  prefetch %xp, %n8
  %a = load %xp, %n0 : <8 x f32>
  %b = load %xp, %n8 : <8 x f32>
  %i = lanes : <8 x i64>
  %s7 = const {int = 7} : <8 x i64>
  %back = sub %s7, %i : <8 x i64>
  %r = gather %xp, %back : <8 x f32>
  %zero = const {value = 0} : <8 x f32>
  %m = cmp %b, %zero {pred = "gt"} : <8 x bit>
  %k = select %m, %a, %r : <8 x f32>
  store %yp, %n0, %k
  %kept = load %xp, %n8, %m : <8 x f32>
  store %yp, %n8, %kept
  %e = extract %a {lane = 5} : f32
  %t = hreduce %a {kind = "max"} : f32
  %u = add %e, %t : f32
  store %zp, %n0, %u
  %up = arg {kind = "output", name = "u"} : ptr f32
  %two = hsums %a, %b : <2 x f32>
  store %up, %n0, %two
  %vp = arg {kind = "output", name = "v"} : ptr f32
  %one = const {int = 1} : <8 x i32>
  %at = lanes : <8 x i32>
  %before = sub %at, %one : <8 x i32>
  %round = permute %a, %before : <8 x f32>
  store %vp, %n0, %round
  %pp = arg {kind = "output", name = "p"} : ptr f32
  %evens = evens %a, %b : <8 x f32>
  %odds = odds %a, %b : <8 x f32>
  store %pp, %n0, %evens
  store %pp, %n8, %odds
  yield''', {'x': ('f32[16]', x)},
               {'y': np.concatenate([np.where(x[8:] > 0, x[:8], x[7::-1]),
                                     np.where(x[8:] > 0, x[8:], 0)]).astype(np.float32),
                'z': np.float32(x[5] + x[:8].max()),
                'u': np.array([x[:8].sum(), x[8:].sum()], np.float32),
                'v': np.roll(x[:8], 1), 'p': np.concatenate([x[::2], x[1::2]])},
               stage='y : f32[16], z : f32, u : f32[2], v : f32[8], p : f32[16]')


def cases(folder):
    for group in (maps(), reductions(), empty_reductions(), subscripts(), orders(), cells(),
                  states(), selections(), selections_within(), gates(), loops(), loops_left(),
                  outside(folder), extents(),
                  loop_level()):
        yield from group
