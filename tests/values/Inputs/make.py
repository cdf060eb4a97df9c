"""Input files of the test in the folder named on the command line."""
import json
import os
import struct
import sys
import numpy as np

os.chdir(sys.argv[1])
x = np.arange(12, dtype=np.float32).reshape(4, 3)
np.save('x.npy', x)
np.save('frames.npy', np.stack([x, x + 1, x * 2]))
np.save('wide.npy', x.T.copy())
np.save('double.npy', x.astype(np.float64))
np.save('long.npy', np.zeros((65, 3), np.float32))


def safetensors(path, name, shape, data):
    head = json.dumps({name: {'dtype': 'F32', 'shape': shape,
                              'data_offsets': [0, len(data)]}}).encode()
    head += b' ' * (-len(head) % 8)
    open(path, 'wb').write(struct.pack('<Q', len(head)) + head + data)


w = np.array([1, 2, 3], dtype=np.float32).tobytes()
safetensors('w.safetensors', 'w', [3], w)
safetensors('wrong.safetensors', 'w', [1, 3], w)
safetensors('other.safetensors', 'w1', [3], w)
