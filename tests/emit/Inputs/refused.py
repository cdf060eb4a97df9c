"""Builds broken loop-level modules; each must be refused with its message and leave no output.
Usage: refused.py GATEC PREFIX"""
import os
import subprocess
import sys

HEAD = '''module m
param w : f32[4]
network @n(%x : f32[4]) -> (y : f32[4]) stage lo dims [] workspace 64 {
  %xp = arg {kind = "input", name = "x"} : ptr f32
  %yp = arg {kind = "output", name = "y"} : ptr f32
  %z = const {int = 0} : i64
'''
TAIL = '\n  yield\n}\n'
CASES = [
    ('  %q = arg {kind = "input", name = "nope"} : ptr f32', "has no input 'nope'"),
    ('  %q = arg {kind = "weird", name = "x"} : ptr f32', 'no such kind of argument'),
    ('  %q = arg {kind = "param", name = "w"} : ptr f32\n  %v = load %q, %z : f32',
     "contents of weight 'w' are not known"),
    ('  %b = buf {bytes = 64, offset = -1, name = "b"} : ptr f32', "run 'plan' first"),
    ('  %b = buf {bytes = 65, offset = 0, name = "b"} : ptr f32', "run 'plan' first"),
    ('  %b = buf {bytes = 9223372036854775807, offset = 64, name = "b"} : ptr f32',
     "run 'plan' first"),
    ('  %v = load %xp, %z : f32\n  %e = exp %v : f32', "'exp' cannot be emitted: run 'math' first"),
    ('  %v = load %xp, %z : <4 x f32>\n  %e = extract %v {lane = 9} : f32', 'lane'),
]


def run(gatec, prefix, text, want):
    path, out = prefix + '.gir', prefix + '.o'
    with open(path, 'w') as f:
        f.write(text)
    r = subprocess.run([gatec, 'build', path, '-o', out], capture_output=True, text=True)
    if r.returncode != 1 or want not in r.stderr or os.path.exists(out):
        print(f'--- {text}\nexit {r.returncode}, wanted {want!r}:\n{r.stderr}')
        return 1
    return 0


def nested(depth):
    body = '\n'.join(f'for %z, %z (%i{k} : i64) {{' for k in range(depth))
    return body + '\nyield\n}' * depth


def main():
    gatec, prefix = sys.argv[1:]
    bad = sum(run(gatec, prefix, HEAD + body + TAIL, want) for body, want in CASES)
    bad += run(gatec, prefix, HEAD + nested(300) + TAIL, 'nested')
    bad += run(gatec, prefix, 'module m\n', 'no network')
    two = HEAD.replace('param w : f32[4]\n', '').replace('@n(', '@n.a(') + TAIL
    bad += run(gatec, prefix, two + two.split('\n', 1)[1].replace('@n.a(', '@n_a('), 'the same name in C')
    sys.exit(bad != 0)


main()
