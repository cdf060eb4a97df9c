#!/usr/bin/python3
"""Trains the network of filekind.gate on the files of this machine and writes its weights.

    train.py [--seed N] [--per-kind N] [--epochs N] OUT.safetensors

Files are found below /usr, /etc and /lib and labelled by where they lie and what they are called
(KINDS); equal contents are used once. One folder in five, chosen by the hash of its name, is held
out with all its files: never trained on, only measured at the end. (Files of one folder are often
alike, so a split by file alone would flatter.) Python 3 and NumPy; the same files and seed give the
same weights.
"""
import argparse
import hashlib
import json
import os
import struct

import numpy as np

WINDOW, FIRST, EMBED, HIDDEN = 4096, 8, 4, 64
KINDS = ['c', 'python', 'perl', 'shell', 'json', 'markup', 'text', 'elf', 'archive', 'gzip', 'png', 'gettext']
SUFFIX = {'.c': 'c', '.h': 'c', '.py': 'python', '.pm': 'perl', '.pl': 'perl', '.sh': 'shell', '.json': 'json',
          '.xml': 'markup', '.svg': 'markup', '.html': 'markup', '.txt': 'text', '.md': 'text', '.rst': 'text',
          '.so': 'elf', '.o': 'elf', '.a': 'archive', '.gz': 'gzip', '.png': 'png', '.mo': 'gettext'}
ROOTS = ['/usr', '/etc', '/lib']


# ---------------------------------------------------------------- data

def label(path, head):
    """The kind of a file by its name and place; by its first bytes only where names do not tell."""
    name = os.path.basename(path)
    kind = SUFFIX.get(os.path.splitext(name)[1])
    if kind:
        return kind
    if name in ('copyright', 'README', 'NEWS', 'AUTHORS'):
        return 'text'
    if '/bin/' in path or '/sbin/' in path or '/init.d/' in path:
        if head.startswith(b'\x7fELF'):
            return 'elf'
        line = head.split(b'\n', 1)[0]
        for kind, words in (('shell', (b'/sh', b'bash', b'dash')), ('perl', (b'perl',)), ('python', (b'python',))):
            if line.startswith(b'#!') and any(w in line for w in words):
                return kind
    return None


def find_files():
    for root in ROOTS:
        for folder, dirs, names in os.walk(root):
            dirs.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    yield path


def gather(per_kind):
    """{kind: [(digest, first bytes of the file, folder)]}, at most per_kind each, by digest."""
    found = {k: {} for k in KINDS}
    for path in find_files():
        try:
            with open(path, 'rb') as f:
                head = f.read(WINDOW)
        except OSError:
            continue
        kind = label(path, head)
        if kind and len(head) >= 32:
            found[kind].setdefault(hashlib.sha256(head).digest(), (head, os.path.dirname(path)))
    return {k: [(d, *v[d]) for d in sorted(v)[:per_kind]] for k, v in found.items()}


def held_out(folder):
    return hashlib.sha256(folder.encode(errors='surrogateescape')).digest()[0] % 5 == 0


def features(head):
    """Counts of the 256 byte values, their number, and the first bytes."""
    b = np.frombuffer(head, np.uint8)
    first = np.zeros(FIRST, np.int64)
    first[:min(FIRST, len(b))] = b[:FIRST]
    return np.bincount(b, minlength=256), len(b), first


def table(samples):
    """Features of (head, kind) pairs as arrays: sqrt of byte frequencies, first bytes, labels."""
    rows = [features(h) for h, _ in samples]
    hist = np.array([np.sqrt(c / n) for c, n, _ in rows], np.float32)
    return hist, np.array([f for _, _, f in rows]), np.array([k for _, k in samples])


# ---------------------------------------------------------------- network

def start(rng):
    def w(*shape):
        return (rng.standard_normal(shape) * np.sqrt(1.0 / shape[-1])).astype(np.float32)
    k, f = len(KINDS), FIRST * EMBED
    zero = lambda n: np.zeros(n, np.float32)
    return {'embed': w(256, EMBED), 'quick_weight': w(k, f), 'quick_bias': zero(k), 'look_bytes': w(HIDDEN, 256),
            'look_first': w(HIDDEN, f), 'look_bias': zero(HIDDEN), 'out_weight': w(k, HIDDEN), 'out_bias': zero(k)}


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def forward(p, hist, first):
    x = p['embed'][first].reshape(len(first), -1)
    guess = softmax(x @ p['quick_weight'].T + p['quick_bias'])
    h = np.maximum(hist @ p['look_bytes'].T + x @ p['look_first'].T + p['look_bias'], 0)
    return x, guess, h, softmax(h @ p['out_weight'].T + p['out_bias'])


def gradients(p, hist, first, kind):
    """Of the sum of both cross entropies."""
    x, guess, h, share = forward(p, hist, first)
    one = np.eye(len(KINDS), dtype=np.float32)[kind]
    dq, do = (guess - one) / len(kind), (share - one) / len(kind)
    dh = (do @ p['out_weight']) * (h > 0)
    dx = dq @ p['quick_weight'] + dh @ p['look_first']
    g = {'quick_weight': dq.T @ x, 'quick_bias': dq.sum(0), 'out_weight': do.T @ h, 'out_bias': do.sum(0),
         'look_bytes': dh.T @ hist, 'look_first': dh.T @ x, 'look_bias': dh.sum(0), 'embed': np.zeros_like(p['embed'])}
    np.add.at(g['embed'], first.ravel(), dx.reshape(-1, EMBED))
    return g


def train(samples, seed, epochs):
    rng = np.random.default_rng(seed)
    p = start(rng)
    m = {k: np.zeros_like(v) for k, v in p.items()}
    v = {k: np.zeros_like(w) for k, w in p.items()}
    step = 0
    for epoch in range(epochs):
        # Every epoch sees other beginnings: files of any length must be told apart.
        cut = [(h[:int(rng.integers(32, WINDOW + 1))] if rng.random() < 0.3 else h, k) for h, k in samples]
        hist, first, kind = table(cut)
        order = rng.permutation(len(kind))
        rate = 2e-3 * (1 - epoch / epochs)
        for i in range(0, len(order), 64):
            b = order[i:i + 64]
            step += 1
            for name, g in gradients(p, hist[b], first[b], kind[b]).items():
                if p[name].ndim == 2:
                    g = g + 1e-4 * p[name]
                m[name] = 0.9 * m[name] + 0.1 * g
                v[name] = 0.999 * v[name] + 0.001 * g * g
                p[name] -= (rate * (m[name] / (1 - 0.9 ** step)) / (np.sqrt(v[name] / (1 - 0.999 ** step)) + 1e-8)
                            ).astype(np.float32)
    return p


def report(p, samples, sure):
    hist, first, kind = table(samples)
    _, guess, _, share = forward(p, hist, first)
    skip = guess.max(1) >= sure
    final = np.where(skip[:, None], guess, share).argmax(1)
    print(f'held out: {len(kind)} files')
    print(f'  right: {np.mean(final == kind):.4f}   '
          f'(long look at every file: {np.mean(share.argmax(1) == kind):.4f}, '
          f'first bytes alone: {np.mean(guess.argmax(1) == kind):.4f})')
    print(f'  sure by the first bytes (threshold {sure}): {skip.mean():.3f} of the files, '
          f'right in {np.mean(final[skip] == kind[skip]):.4f} of them')
    print('  kind      files  right  skipped')
    for k, name in enumerate(KINDS):
        of = kind == k
        if of.any():
            print(f'  {name:9} {of.sum():5}  {np.mean(final[of] == k):.3f}  {skip[of].mean():.3f}')


# ---------------------------------------------------------------- weights

def save(path, tensors, metadata):
    """safetensors as the reference writer lays it out: names rising, header padded to 8."""
    header, at = {'__metadata__': metadata}, 0
    for name in sorted(tensors):
        t = tensors[name]
        header[name] = {'dtype': 'F32', 'shape': list(t.shape), 'data_offsets': [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path + '.tmp', 'wb') as out:
        out.write(struct.pack('<Q', len(text)) + text)
        for name in sorted(tensors):
            out.write(np.ascontiguousarray(tensors[name], '<f4').tobytes())
    os.rename(path + '.tmp', path)


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('out')
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--per-kind', type=int, default=1000)
    a.add_argument('--epochs', type=int, default=60)
    a.add_argument('--sure', type=float, default=0.99)
    o = a.parse_args()
    files = gather(o.per_kind)
    training, held = [], []
    for k, name in enumerate(KINDS):
        for _, head, folder in files[name]:
            (held if held_out(folder) else training).append((head, k))
    print('training:', len(training), 'files;', ', '.join(f'{n} {len(files[n])}' for n in KINDS))
    p = train(training, o.seed, o.epochs)
    report(p, held, o.sure)
    save(o.out, p, {'source': 'trained by examples/filekind/train.py on the files of a Debian machine'})


if __name__ == '__main__':
    main()
