"""Random extents, written and as the compiler normalises them, have one value.

    dims_random.py GATEC COUNT SEED
"""
import random
import re
import subprocess
import sys

NAMES = ('A', 'B', 'C')


def expression(rng, depth):
    if depth == 0 or rng.randrange(5) == 0:
        return rng.choice(NAMES) if rng.randrange(3) else str(rng.randrange(0, 7))
    a, b = expression(rng, depth - 1), expression(rng, depth - 1)
    op = rng.choice(('+', '-', '*', '/', '%', 'min', 'max'))
    return f'{op}({a}, {b})' if len(op) > 1 else f'({a} {op} {b})'


class Extent(int):
    """Integers whose division is that of extents: down, and 0 for a zero divisor."""

    def __truediv__(self, o):
        return Extent(int(self) // int(o) if o else 0)

    def __neg__(self):
        return Extent(-int(self))

    def __mod__(self, o):
        return Extent(int(self) % int(o) if o else 0)


for sign in ('add', 'sub', 'mul'):
    def made(name):
        plain = getattr(int, name)
        return lambda a, b: Extent(plain(a, b))
    setattr(Extent, f'__{sign}__', made(f'__{sign}__'))


def value(text, env):
    wrapped = re.sub(r'\b(\d+)\b', r'E(\1)', text)
    return int(eval(wrapped, {'E': Extent, 'min': min, 'max': max, **env}))


def main():
    gatec, count, rng = sys.argv[1], int(sys.argv[2]), random.Random(int(sys.argv[3]))
    written = [expression(rng, rng.randrange(1, 5)) for _ in range(count)]
    text = 'module m\n' + ''.join(f'dim {n} <= 9\n' for n in NAMES)
    text += 'network @f() -> () stage hi dims [A, B, C] {\n'
    text += ''.join(f'%e{i} = extent [{w}] : i32\n' for i, w in enumerate(written)) + 'yield\n}\n'
    out = subprocess.run([gatec, 'opt', '-'], input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
    shown = re.findall(r'extent \[(.*)\] : i32', out)
    if len(shown) != count:
        sys.exit(f'{len(shown)} of {count} extents were printed')
    for w, s in zip(written, shown):
        for _ in range(20):
            env = {n: Extent(rng.randrange(0, 10)) for n in NAMES}
            if value(w, env) != value(s, env):
                sys.exit(f'{w} is {value(w, env)}, {s} is {value(s, env)} for {env}')
    shorter = sum(len(s) < len(w) for w, s in zip(written, shown))
    print(f'{count} extents, {shorter} simplified')


main()
