#!/usr/bin/python3
"""Writes a weight file of random numbers for the benchmarks.

    weights.py OUT.safetensors NAME=ROWSxCOLUMNS:FAN_IN ...

'{}' in a name stands for the members 0 .. 7 of a bank; numbers are normal with variance 1 / FAN_IN."""
import json
import math
import struct
import sys

import numpy as np

rng, head, bytes_of, at = np.random.default_rng(7), {}, [], 0
for text in sys.argv[2:]:
    name, form = text.split('=')
    shape, fan_in = form.split(':')
    for member in range(8 if '{}' in name else 1):
        t = rng.standard_normal([int(n) for n in shape.split('x')]) / math.sqrt(float(fan_in))
        b = t.astype('<f4').tobytes()
        head[name.replace('{}', str(member))] = {'dtype': 'F32', 'shape': t.shape, 'data_offsets': [at, at + len(b)]}
        bytes_of.append(b)
        at += len(b)
text = json.dumps(head).encode()
text += b' ' * (-len(text) % 8)
with open(sys.argv[1], 'wb') as f:
    f.write(struct.pack('<Q', len(text)) + text + b''.join(bytes_of))
