"""limits.py FOLDER: writes programs that grow faster than their texts."""
import os
import sys

N = 3000


def lines(text, n, first=0):
    return ''.join(text.format(k=k, next=k + 1, last=k - 1) for k in range(first, n))


FILES = {
    # every index needs a range of its own: found by guessing, twice per level if done carelessly
    'each': 'fn f(x: f32[' + ', '.join('n' for _ in range(8)) + ']) -> f32['
            + ', '.join('n' for _ in range(8)) + '] = ' + ''.join(f'each[i{k}] ' for k in range(8))
            + 'x[' + ', '.join(f'i{k}' for k in range(8)) + '];\n',
    'subscripts': 'fn f(x: i32[n]) -> i32 = ' + 'x[' * 100 + '0' + ']' * 100 + ';\n',
    'divisions': 'dim A0 = 3;\n' + lines('dim A{k} = (A{last} + 1) / (A{last} + 2) * A{last};\n', 200, 1)
                 + 'fn f(x: f32[A199]) -> f32[A199] = x;\n',
    'products': 'dim T <= 9;\ndim A0 = T + 1;\n' + lines('dim A{k} = (A{last} + 1) * (A{last} + T);\n', 200, 1)
                + 'fn f(x: f32[A199]) -> f32[A199] = x;\n',
    'calls': lines('fn f{k}(x: f32) -> f32 = f{next}(x);\n', N) + f'fn f{N}(x: f32) -> f32 = x;\n'
             + 'network n(x: f32) -> f32 = f0(x);\n',
    'parts': lines('block b{k}(x: f32[n]) -> f32[n] {{ part p: b{next}; part q: b{next}; p(q(x)) }}\n', N)
             + f'block b{N}(x: f32[n]) -> f32[n] {{ state h: f32[n]; x }}\n',
    'lets': 'network n(x: f32) -> f32 {\n' + lines('let a{k} = x + {k};\n', 20 * N) + 'x }\n',
    'tuples': 'fn f(x: f32) -> f32 {\nlet a0 = (x, x);\n' + lines('let a{k} = (a{last}, a{last});\n', 60, 1) + 'x }\n',
    'ways': 'fn f(x: f32[' + ', '.join('n' * 12) + '], y: f32[' + ', '.join('n' * 6) + ']) -> f32 = '
            'sum[..] (x + y)[..];\n',
    'rank': 'fn f(i: ix[n][n, n], x: f32[n, n, n, n, n, n, n]) -> f32 = x[i, i, i, i, i, i, i][0, 0];\n',
    'exits': 'block b(x: f32[n]) -> f32[n] {\n' + lines('exit e{k}[n] when x > {k} with x;\n', N) + 'x }\n',
    'instances': lines('fn f{k}[W: fn](x: f32) -> f32 = f{next}[W: W](x);\n', N)
                 + f'fn f{N}[W: fn](x: f32) -> f32 = W(x);\nfn id(x: f32) -> f32 = x;\n'
                 + 'fn g(x: f32) -> f32 = f0[W: id](x);\n',
    'doubling': lines('fn f{k}(x: f32) -> f32 = f{next}(f{next}(x));\n', 60) + 'fn f60(x: f32) -> f32 = x + 1;\n'
                + 'network n(x: f32) -> f32 = f0(x);\n',
}

os.makedirs(sys.argv[1], exist_ok=True)
for name, text in FILES.items():
    with open(os.path.join(sys.argv[1], name + '.gate'), 'w') as f:
        f.write(text)
