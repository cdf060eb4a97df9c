"""Small weight files for the mutation, copy and bind tests.  seeds.py DIR"""
import os
import struct
import sys


def raw(header, data, pad=8):
    header = header.encode()
    header += b' ' * (-len(header) % pad)
    return struct.pack('<Q', len(header)) + header + data


SEEDS = {
    # as the reference writer lays them out: dtypes falling, names rising, no spaces, padded to 8
    'plain': raw('{"__metadata__":{"a\\"q\\\\":"\\n\\t\\u0001\u00e9/"},'
                 '"d":{"dtype":"F64","shape":[],"data_offsets":[0,8]},'
                 '"b.w":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]},'
                 '"c":{"dtype":"F32","shape":[0,4],"data_offsets":[32,32]},'
                 '"a":{"dtype":"U8","shape":[3],"data_offsets":[32,35]},'
                 '"m":{"dtype":"BOOL","shape":[2],"data_offsets":[35,37]}}', bytes(range(37))),
    'empty': raw('{}', b''),
    'tiny': raw('{"t":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}', b'\x12'),
    # nothing aligned: header unpadded, one byte first
    'odd': raw('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
               '"w":{"dtype":"F32","shape":[2,2],"data_offsets":[1,17]},'
               '"f":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[17,19]}}', bytes(range(19)), pad=1),
}
os.makedirs(sys.argv[1], exist_ok=True)
for name, data in SEEDS.items():
    with open(os.path.join(sys.argv[1], name + '.safetensors'), 'wb') as out:
        out.write(data)
