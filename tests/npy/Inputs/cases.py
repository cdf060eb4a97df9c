"""Files that NumPy writes go through the tool unchanged; malformed ones are refused by a message."""
import os
import struct
import subprocess
import sys
import numpy as np

tool, where = sys.argv[1:]
os.makedirs(where, exist_ok=True)
path, back = os.path.join(where, 'a.npy'), os.path.join(where, 'b.npy')


def run(out=back):
    p = subprocess.run([tool, 'copy', path, out], capture_output=True, text=True)
    assert p.returncode in (0, 1), p.stderr
    return p.returncode, p.stdout.strip()


good = 0
rng = np.random.default_rng(1)
for t in '?bBhHiIqQefd':
    for shape in ((), (0,), (1,), (7,), (3, 0, 2), (2, 3, 4), (1,) * 8):
        for version in ((1, 0), (2, 0), (3, 0)):
            a = (rng.standard_normal(shape) * 100).astype(np.dtype(t))
            with open(path, 'wb') as f:
                np.lib.format.write_array(f, a, version)
            code, text = run()
            assert code == 0, (t, shape, version, text)
            b = np.load(back)
            assert b.dtype == a.dtype and b.shape == a.shape and (a == b).all(), (t, shape)
            good += 1
            assert os.path.getsize(back) % 64 == a.nbytes % 64
print(good, 'arrays copied')


def raw(header, data=b'', version=1):
    h = header.encode()
    n = struct.pack('<H' if version == 1 else '<I', len(h))
    with open(path, 'wb') as f:
        f.write(b'\x93NUMPY' + bytes([version, 0]) + n + h + data)


def dict_text(descr="'<f4'", order='False', shape='(2,)'):
    return "{'descr': %s, 'fortran_order': %s, 'shape': %s, }" % (descr, order, shape)


d8 = b'\0' * 8
for title, header, data in [
    ('object', dict_text("'|O'"), d8),
    ('big-endian', dict_text("'>f4'"), d8),
    ('complex', dict_text("'<c8'"), d8 * 2),
    ('text', dict_text("'<U1'"), d8),
    ('record', dict_text("[('a', '<f4')]"), d8),
    ('native order', dict_text("'=f4'"), d8),
    ('Fortran', dict_text(order='True', shape='(2, 1)'), d8),
    ('no order', dict_text(order='0'), d8),
    ('list shape', dict_text(shape='[2]'), d8),
    ('number shape', dict_text(shape='(2)'), d8),
    ('negative', dict_text(shape='(-2,)'), d8),
    ('long', dict_text(shape='(2L,)'), d8),
    ('huge', dict_text(shape='(99999999999999999999,)'), d8),
    ('overflow', dict_text(shape='(1099511627776, 1099511627776)'), d8),
    ('nine axes', dict_text(shape='(1, 1, 1, 1, 1, 1, 1, 1, 1)'), b'\0' * 4),
    ('short data', dict_text(), d8[1:]),
    ('long data', dict_text(), d8 + b'\0'),
    ('twice', "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", d8),
    ('lacks shape', "{'descr': '<f4', 'fortran_order': False}", d8),
    ('unknown key', dict_text()[:-1] + "'x': 1}", d8),
    ('no dict', "['descr']", d8),
    ('open dict', "{'descr': '<f4', ", d8),
    ('empty', '', d8),
    ('after the dict', dict_text() + ' 1', d8),
    ('open string', "{'descr", d8),
    ('escape', "{'des\\x63r': '<f4', 'fortran_order': False, 'shape': (2,)}", d8),
]:
    raw(header, data)
    code, text = run()
    assert code == 1 and text.startswith('refused: '), (title, text)
    print('%s: %s' % (title, text[9:]))

raw(dict_text(), d8)
print('full device:', run('/dev/full')[1])
print('no folder:', run(os.path.join(where, 'none', 'x.npy'))[1])
for title, data in [('magic', b'\x93NUMPX\1\0'), ('short', b'\x93NUMPY\1'),
                    ('version', b'\x93NUMPY\4\0' + d8), ('length', b'\x93NUMPY\2\0\xff\xff\xff\xff'),
                    ('past the end', b'\x93NUMPY\1\0\xff\xff')]:
    open(path, 'wb').write(data)
    code, text = run()
    assert code == 1, title
    print('%s: %s' % (title, text[9:]))
np.save(os.path.join(where, 'seed.npy'), np.arange(6, dtype=np.float32).reshape(2, 3))
