"""Weight files that each break one rule of the format, and some that break none: CASES has pairs of
the code of the rule ('ok' for none) and the bytes of the file."""
import json
import struct


def raw(header, data=b'', length=None):
    if isinstance(header, str):
        header = header.encode()
    return struct.pack('<Q', len(header) if length is None else length) + header + data


def entry(dtype='F32', shape=(2,), begin=0, end=8):
    return {'dtype': dtype, 'shape': list(shape), 'data_offsets': [begin, end]}


def file(entries, size, **more):
    return raw(json.dumps(entries), bytes(size), **more)


def text(t, size=8):
    """A file with one entry given as JSON text."""
    return raw('{"a":' + t + '}', bytes(size))


ONE = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
CASES = [
    # accepted
    ('ok', file({}, 0)), ('ok', raw('{}      ')), ('ok', file({'a': entry()}, 8)),
    ('ok', file({'s': entry(shape=(), end=4)}, 4)),
    ('ok', file({'z': entry(shape=(0, 5), end=0), 'a': entry()}, 8)),
    ('ok', file({'a': entry(), 'z': entry(shape=(7, 0), begin=8, end=8)}, 8)),
    ('ok', file({'b': entry(begin=8, end=16), 'a': entry()}, 16)),
    ('ok', file({'__metadata__': {'k': 'v', '': ''}, '': entry()}, 8)),
    ('ok', file({'a': dict(entry(), later=[1, {}])}, 8)),
    ('ok', file({'a': entry('F4', (4,), 0, 2)}, 2)),
    ('ok', file({'a': entry('F6_E2M3', (4,), 0, 3)}, 3)),
    ('ok', file({'a': entry(shape=(1,) * 8, end=4)}, 4)),
    ('ok', file({'n' * 4096: entry()}, 8)),
    ('ok', raw('{"\u00fcb\u4e2d":' + ONE + '}', bytes(8))),
    ('ok', raw('{"a\\u0041":' + ONE + '}', bytes(8))),
    # 1: eight bytes of length
    ('W001', b''), ('W001', bytes(7)), ('W001', b'\x02'),
    # 2: cap of the header
    ('W002', raw('{}', length=(32 << 20) + 1)), ('W002', raw('{}', length=2 ** 64 - 1)),
    ('W002', raw('{}', length=2 ** 63)),
    # 3: header inside the file
    ('W003', raw('{}', length=3)), ('W003', raw('', length=1)), ('W003', raw('{}', length=32 << 20)),
    # 4: UTF-8 that begins with a brace
    ('W004', raw(b'{"\xff":1}')), ('W004', raw(b'{"\xc0\xaf":1}')), ('W004', raw(b'{"\xed\xa0\x80":1}')),
    ('W004', raw(b'{"a":1}\x80')), ('W004', raw(' {}')), ('W004', raw('[]')), ('W004', raw('')),
    ('W004', raw(b'{"\xf4\x90\x80\x80":1}')), ('W004', raw('\ufeff{}')),
    # 5: one JSON object, then spaces
    ('W005', raw('{}\n')), ('W005', raw('{}\0')), ('W005', raw('{"a":}')), ('W005', raw('{"a":1,}')),
    ('W005', raw('{} {}')), ('W005', raw('{"a\\u0000b":{}}')), ('W005', raw('{')), ('W005', raw("{'a':1}")),
    ('W005', raw('{"a":' + '[' * 5000 + ']' * 5000 + '}')), ('W005', raw('{"a": NaN}')),
    # 6: no key twice
    ('W006', raw('{"a":' + ONE + ',"a":' + ONE + '}', bytes(8))),
    ('W006', text('{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}')),
    ('W006', raw('{"__metadata__":{},"__metadata__":{}}')), ('W006', raw('{"\\u0061":1,"a":1}')),
    # 7: metadata
    ('W007', raw('{"__metadata__":{"k":1}}')), ('W007', raw('{"__metadata__":["k"]}')),
    ('W007', raw('{"__metadata__":null}')), ('W007', raw('{"__metadata__":{"k":{"l":"m"}}}')),
    # 8: dtype, shape, data_offsets
    ('W008', text('{"shape":[2],"data_offsets":[0,8]}')), ('W008', text('{"dtype":"F32","data_offsets":[0,8]}')),
    ('W008', text('{"dtype":"F32","shape":[2]}')), ('W008', text('[]')), ('W008', text('null')),
    ('W008', text('{"dtype":3,"shape":[2],"data_offsets":[0,8]}')),
    ('W008', text('{"dtype":"F32","shape":2,"data_offsets":[0,8]}')),
    ('W008', text('{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}')),
    ('W008', text('{"dtype":"F32","shape":[2],"data_offsets":{"0":8}}')),
    ('W008', text('{"Dtype":"F32","shape":[2],"data_offsets":[0,8]}')),
    # 9: known dtypes
    ('W009', file({'a': entry('F33')}, 8)), ('W009', file({'a': entry('f32')}, 8)),
    ('W009', file({'a': entry('')}, 8)), ('W009', file({'a': entry('F32 ')}, 8)),
    # 10: non-negative integers
    ('W010', text('{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}')),
    ('W010', text('{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}')),
    ('W010', text('{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}')),
    ('W010', text('{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}')),
    ('W010', text('{"dtype":"F32","shape":[true],"data_offsets":[0,8]}')),
    ('W010', text('{"dtype":"F32","shape":[2],"data_offsets":[0,1e1]}')),
    ('W010', text('{"dtype":"F32","shape":[2],"data_offsets":[0,99999999999999999999]}')),
    ('W010', text('{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}')),
    # 11: sizes that overflow
    ('W011', file({'a': entry(shape=(2 ** 62, 8), end=8)}, 8)),
    ('W011', file({'a': entry(shape=(2 ** 32, 2 ** 32), end=0)}, 0)),
    ('W011', file({'a': entry(shape=(2 ** 60,), end=8)}, 8)),
    ('W011', file({'a': entry(shape=(0, 2 ** 62, 2 ** 62), end=0)}, 0)),
    # 12: whole bytes
    ('W012', file({'a': entry('F4', (3,), 0, 2)}, 2)), ('W012', file({'a': entry('F6_E3M2', (3,), 0, 3)}, 3)),
    ('W012', file({'a': entry('F4', (), 0, 1)}, 1)),
    # 13: offsets against size
    ('W013', file({'a': entry(end=7)}, 7)), ('W013', file({'a': entry(shape=(3,), end=8)}, 8)),
    ('W013', file({'a': entry(begin=8, end=0)}, 8)), ('W013', file({'a': entry(shape=(), end=8)}, 8)),
    ('W013', file({'a': entry(shape=(0,), end=8)}, 8)), ('W013', file({'a': entry('F64', (2,), 0, 8)}, 8)),
    # 14: no holes, no overlap
    ('W014', file({'a': entry(begin=4, end=12)}, 12)),
    ('W014', file({'a': entry(), 'b': entry(begin=12, end=20)}, 20)),
    ('W014', file({'a': entry(), 'b': entry()}, 8)), ('W014', file({'a': entry(), 'b': entry(begin=4, end=12)}, 12)),
    ('W014', file({'z': entry(shape=(0,), begin=4, end=4), 'a': entry()}, 8)),
    # 15: the end
    ('W015', file({'a': entry()}, 9)), ('W015', file({'a': entry()}, 7)), ('W015', file({}, 1)),
    ('W015', file({'a': entry()}, 0)),
    # 16: limits of ours
    ('W016', file({'a': entry(shape=(1,) * 9, end=4)}, 4)), ('W016', file({'n' * 4097: entry()}, 8)),
    ('W016', raw('{' + ','.join(f'"{i:x}":0' for i in range(1000001)) + '}')),
]
