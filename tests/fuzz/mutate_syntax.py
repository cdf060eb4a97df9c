#!/usr/bin/env python3
"""Mutates source files and checks that the parser neither crashes nor hangs, and that a file it
refuses gets a message with a place.

    mutate_syntax.py GATEC COUNT SEED FILE...
"""
import os
import random
import re
import subprocess
import sys
import tempfile

TOKEN = re.compile(r'\s+|//[^\n]*|"[^"\n]*"|[A-Za-z_]\w*|\d[\d._]*|->|=>|\.\.|[=!<>]=|<<|>>|\*\*|\?\?|\+=|.', re.S)
NOISE = ['(', ')', '{', '}', '[', ']', ';', '"', '/*', '*/', '\\', '\x00', '\u202e', '\u65e5', 'return', '&&', '?', ':=',
         '0x', '1e999', '9' * 30, '-' * 300, '(' * 300, '{' * 300, 'whole ' * 300, '\r', '\t', '\ufeff', '$', "'"]
BATCH = 40


def mutate(rng, texts):
    tokens = list(rng.choice(texts))
    for _ in range(rng.choice((1, 1, 1, 2, 5, 20))):
        if len(tokens) < 2:
            break
        i = rng.randrange(len(tokens))
        kind = rng.randrange(7)
        if kind == 0:
            del tokens[i]
        elif kind == 1:
            tokens.insert(i, tokens[i])
        elif kind == 2:
            j = rng.randrange(len(tokens))
            tokens[i], tokens[j] = tokens[j], tokens[i]
        elif kind == 3:
            tokens[i] = rng.choice(rng.choice(texts))
        elif kind == 4:
            tokens.insert(i, rng.choice(NOISE))
        elif kind == 5:
            tokens = tokens[:i + 1]
        else:
            tokens[i:i] = rng.choice(texts)[i // 2:i // 2 + rng.randrange(1, 40)]
    data = ''.join(tokens).encode()
    if rng.randrange(10) == 0:
        data = bytearray(data)
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def run(gatec, paths):
    command = [gatec, 'check', '--stop-after=parse', '--diag=line', '--error-limit=0'] + paths
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)


def main():
    gatec, count, seed, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    rng = random.Random(seed)
    texts = []
    for path in sorted(files):
        with open(path, encoding='utf-8') as f:
            texts.append(TOKEN.findall(f.read()))
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, count, BATCH):
            paths = []
            for i in range(start, min(count, start + BATCH)):
                paths.append(os.path.join(folder, f'm{i}.gate'))
                with open(paths[-1], 'wb') as f:
                    f.write(mutate(rng, texts))
            result = run(gatec, paths)
            if result.returncode not in (0, 1):
                for path in paths:  # which one it was
                    one = run(gatec, [path])
                    if one.returncode not in (0, 1):
                        print(open(path, 'rb').read()[:4000])
                        sys.exit(f'status {one.returncode}: {one.stderr[-2000:]}')
                sys.exit(f'status {result.returncode}: {result.stderr[-2000:]}')
            messages = result.stderr.decode('utf-8')
            if result.returncode == 1 and ': error[E00' not in messages:
                sys.exit('refused without a message')
            refused += len(set(re.findall(r'(m\d+\.gate):\d+:\d+: error', messages)))
    if refused < count // 2:
        sys.exit(f'only {refused} of {count} mutants were refused: the mutations do not bite')
    print(f'{count} mutants, {refused} refused')


main()
