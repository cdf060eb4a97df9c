#!/usr/bin/env python3
"""Mutates IR text and checks that the reader neither crashes nor hangs, that a text it refuses gets
a message, and that one it takes is printed as a text that reads back as the same module.

    mutate_ir.py GATEC COUNT SEED FILE...
"""
import os
import random
import re
import subprocess
import sys
import tempfile

TOKEN = re.compile(r'\s+|//[^\n]*|"[^"\n]*"|%?[A-Za-z_][\w.|]*|%\d+|#\d+|\d+(?:\.\d+)?|->|<=|\.\.|.', re.S)
NOISE = ['(', ')', '{', '}', '[', ']', '"', '\\', '\x00', '%', '@', '#0', '#9', '-', '9' * 30, '(' * 300, '-1', '0',
         '9223372036854775807', 'min(', 'nan', 'ix<T>', 'cell f32', 'ptr i8', '<8 x f32>', 'sel<T, T|open>', 'yield']
ENV = dict(os.environ, UBSAN_OPTIONS='halt_on_error=1')


def like(token, tokens, rng):
    """Another token of the same kind: mutants that pass the reader reach the verifier."""
    same = [t for t in tokens if t[0] == token[0] or (t[0].isalpha() and token[0].isalpha())]
    return rng.choice(same or [token])


def mutate(rng, texts):
    source = rng.choice(texts)
    tokens = list(source)
    for _ in range(rng.choice((1, 1, 1, 1, 2, 4))):
        if len(tokens) < 2:
            break
        i = rng.randrange(len(tokens))
        while tokens[i].isspace() and rng.randrange(10):
            i = rng.randrange(len(tokens))
        kind = rng.randrange(10)
        if kind < 5:
            tokens[i] = like(tokens[i], source, rng)
        elif kind == 5:
            del tokens[i]
        elif kind == 6:
            tokens.insert(i, rng.choice(NOISE))
        elif kind == 7:
            tokens[i] = rng.choice(NOISE)
        elif kind == 8:
            tokens = tokens[:i + 1]
        else:
            other = rng.choice(texts)
            k = rng.randrange(len(other))
            tokens[i:i] = other[k:k + rng.randrange(1, 30)]
    data = bytearray(''.join(tokens).encode())
    if data and rng.randrange(10) == 0:
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def run(args):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, env=ENV)


def check(gatec, data, path, options):
    """True if the text was taken."""
    with open(path, 'wb') as f:
        f.write(data)
    one = run([gatec, 'opt', path] + options)
    if one.returncode not in (0, 1):
        sys.exit(f'{data[:6000].decode(errors="replace")}\nstatus {one.returncode}: {one.stderr[-3000:].decode()}')
    if one.returncode == 1:
        if b'error[E' not in one.stderr:
            sys.exit(f'{data!r}\nrefused without a message')
        return False
    with open(path, 'wb') as f:
        f.write(one.stdout)
    two = run([gatec, 'opt', path])
    if two.returncode or two.stdout != one.stdout:
        sys.exit(f'{one.stdout.decode()}\nreads back as\n{two.stdout.decode()}{two.stderr.decode()}')
    return True


def main():
    gatec, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    files = [a for a in sys.argv[4:] if not a.startswith('--')]
    options = [a for a in sys.argv[4:] if a.startswith('--')]
    rng = random.Random(seed)
    texts = []
    for path in sorted(files):
        with open(path, encoding='utf-8') as f:
            texts.append(TOKEN.findall(re.sub(r'//[^\n]*', '', f.read())))
    taken = 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(count):
            taken += check(gatec, mutate(rng, texts), os.path.join(folder, 'm.gir'), options)
    if not count // 20 < taken < count - count // 20:
        sys.exit(f'{taken} of {count} mutants were taken: the mutations do not bite')
    print(f'{count} mutants, {taken} taken')


main()
