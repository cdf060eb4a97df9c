"""Lets the reader read the weight files of broken.py, and what cannot be had from bytes alone.

    cases.py TOOL DIR     writes the files into DIR, lets TOOL read them, compares the codes
"""
import json
import os
import subprocess
import sys
import time

from broken import CASES, entry, file, raw

TOOL, DIR = sys.argv[1:3]


def path(name, data=None):
    p = os.path.join(DIR, name)
    if data is not None:
        with open(p, 'wb') as out:
            out.write(data)
    return p


def codes(paths):
    out = subprocess.run([TOOL, 'codes'], input='\n'.join(paths) + '\n', text=True, capture_output=True)
    if out.returncode != 0:
        sys.exit(f'the reader failed:\n{out.stderr}')
    return out.stdout.splitlines()


def check(what, want, got):
    """The code is right; a refused file has a text and a place inside the file."""
    if got.split(' ')[0] != want:
        sys.exit(f'{what}: expected {want}, got {got}')
    if want != 'ok' and len(got.split(': ', 1)[1]) < 12:
        sys.exit(f'{what}: no explanation: {got}')


def single_files():
    paths = [path(f'{i:03d}-{code}.safetensors', data) for i, (code, data) in enumerate(CASES)]
    for p, (code, data), got in zip(paths, CASES, codes(paths)):
        check(p, code, got)
        if code != 'ok':
            assert int(got.split('@')[1].split(':')[0]) <= len(data), got
    broken = {code for code, _ in CASES}
    for n in range(1, 17):
        assert sum(code == f'W{n:03d}' for code, _ in CASES) >= 2, n
    print(len(CASES), 'files,', len(broken) - 1, 'rules')


def special_files():
    big = path('big.safetensors', raw('{', length=100_000_000))
    os.truncate(big, 100_000_008)  # sparse
    os.mkfifo(path('pipe.safetensors'))
    begin = time.monotonic()
    got = codes([big, path('pipe.safetensors'), DIR, path('absent.safetensors')])
    took = time.monotonic() - begin
    for what, want, line in zip(('100 MB', 'pipe', 'directory', 'absent'), ('W002', 'W020', 'W020', 'W020'), got):
        check(what, want, line)
    if took > 2:
        sys.exit(f'refusing took {took} s')
    evil = path('evil.safetensors', file({'\x1b[31m\u202e': entry(end=7)}, 7))
    assert '\x1b' not in codes([evil])[0] and '\u202e' not in codes([evil])[0]


def shards():
    path('one.safetensors', file({'a': entry(), 'c': entry(begin=8, end=16)}, 16))
    path('two.safetensors', file({'b': entry()}, 8))
    path('bad.safetensors', file({'b': entry(end=7)}, 7))
    os.symlink('one.safetensors', path('link.safetensors'))
    path('hard.safetensors', file({'b': entry()}, 8))
    os.link(path('hard.safetensors'), path('hard2.safetensors'))
    os.mkdir(path('sub'))
    path('sub/one.safetensors', file({'a': entry()}, 8))
    cases = [
        ('ok', {'a': 'one.safetensors', 'b': 'two.safetensors', 'c': 'one.safetensors'}), ('ok', {}),
        ('W013', {'b': 'bad.safetensors'}), ('W018', {'b': 'one.safetensors'}), ('W018', {'b': 3}),
        ('W018', []), ('W018', None), ('W019', {'a': '../one.safetensors'}), ('W019', {'a': 'sub/one.safetensors'}),
        ('W019', {'a': os.path.join(os.path.abspath(DIR), 'one.safetensors')}), ('W019', {'a': '..'}),
        ('W019', {'a': ''}), ('W019', {'a': 'link.safetensors'}), ('W019', {'b': 'hard.safetensors'}),
        ('W019', {'b': 'sub'}), ('W020', {'a': 'none.safetensors'}), ('W019', {'a': 'sub\\one.safetensors'}),
    ]
    paths = [path(f's{i}.index.json', json.dumps({'weight_map': m}).encode()) for i, (_, m) in enumerate(cases)]
    for (want, m), got in zip(cases, codes(paths)):
        check(str(m), want, got)
    texts = [b'', b'{', b'[]', b'{}', b'{"weight_map":{"a":"one.safetensors","a":"one.safetensors"}}', b'\xff']
    for t, got in zip(texts, codes([path(f't{i}.index.json', t) for i, t in enumerate(texts)])):
        check(str(t), 'W018', got)
    print(len(cases) + len(texts), 'indices')
    print(subprocess.run([TOOL, 'list', paths[0]], text=True, capture_output=True).stdout, end='')


os.makedirs(DIR)
single_files()
special_files()
shards()
