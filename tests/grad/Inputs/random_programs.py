"""Random scalars under 'grad' against differences of themselves.

    random_programs.py GATEC COUNT SCRATCH [SEED]

Each program is a chain of random tensors and decisions and a scalar e of them in f64, with its derivatives.
The interpreter evaluates e at moved inputs (frames of one run); where two step widths agree, so that no
kink is near, the quotient must be the derivative. The same program in f32, compiled at -O3, must agree.
"""
import os
import random
import subprocess
import sys

import numpy as np

GATEC, COUNT, SCRATCH = sys.argv[1], int(sys.argv[2]), sys.argv[3]
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1
SIZE = {'T': 5, 'D': 3, 'F': 4}
SHAPES = {'x': 'TD', 'w': 'FD', 's': 'T'}


class Program:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.tensors = dict(SHAPES)
        self.lines = []
        self.fresh = 0
        self.smooth = True

    def index(self, dim, env):
        """A subscript of an axis: an index over it, a constant, or one that comes from data."""
        r = self.rng
        own = [i for i, d in env.items() if d == dim]
        kind = r.random()
        if own and kind < 0.75:
            return r.choice(own)
        if dim == 'T' and kind < 0.9:
            other = [i for i, d in env.items() if d == 'F']
            if other:
                return f'pick[{r.choice(other)}]'
        return str(r.randrange(SIZE[dim]))

    def read(self, env):
        r = self.rng
        name = r.choice(list(self.tensors))
        subs = [self.index(d, env) for d in self.tensors[name]]
        if r.random() < 0.2:
            k = r.randrange(len(subs))
            place = subs[k] if subs[k] in env else ''
            if place:
                shift = r.choice([f'{place} + 1', f'{place} - 1', f'2 * {place}', f'{place} + {place} - 1',
                                  f'{SIZE[self.tensors[name][k]] - 1} - {place}'])
                subs[k] = shift
                return f'({name}[{", ".join(subs)}] ?? {r.choice(["0", "0.5", self.leaf(env)])})'
        return f'{name}[{", ".join(subs)}]'

    def leaf(self, env):
        r = self.rng
        name = r.choice(list(SHAPES))
        return f'{name}[{", ".join(self.index(d, env) for d in SHAPES[name])}]'

    def fold(self, depth, env):
        r = self.rng
        dims = r.sample('TDF', r.choice([1, 1, 2]))
        inner, binders = dict(env), []
        for d in dims:
            self.fresh += 1
            i = f'i{self.fresh}'
            inner[i] = d
            binders.append(f'{i} in {d}')
        kind = r.choice(['sum', 'sum', 'sum', 'mean', 'max', 'min', 'prod'])
        body = self.scalar(depth - 1, inner)
        if kind == 'prod':
            body = f'(1 + 0.25 * tanh({body}))'
        return f'({kind}[{", ".join(binders)}] {body})'

    def scalar(self, depth, env):
        r = self.rng
        if depth <= 0:
            return self.read(env) if r.random() < 0.85 else f'real({r.uniform(-2, 2):.2f})'
        kind = r.random()
        a = self.scalar(depth - 1, env)
        if kind < 0.2:
            return self.fold(depth, env)
        if kind < 0.6:
            b = self.scalar(depth - 1, env)
            op = r.choice(['+', '-', '*', '*', '/', 'max', 'min'])
            if op == '/':
                return f'({a} / (1.5 + {b} ** 2))'
            return f'{op}({a}, {b})' if op in ('max', 'min') else f'({a} {op} {b})'
        if kind < 0.7:
            b, c = self.scalar(depth - 1, env), self.scalar(depth - 1, env)
            return f'select({a} > {b}, {b}, {c})'
        return r.choice(['sin({})', 'cos({})', 'tanh({})', 'exp(tanh({}))', 'sqrt(1 + {} ** 2)', 'abs({})',
                         'log(1.5 + {} ** 2)', '(-{})', '({} ** 2)', 'erf({})', 'log1p(exp(tanh({})))',
                         'floor({})', 'rsqrt(1 + {} ** 2)', 'atan2(1.5, {})']).format(a)

    def tensor(self, k):
        r = self.rng
        shape = r.choice(['T', 'D', 'TD', 'TD', 'FD', 'TF', 'F'])
        env = {f'a{k}{n}': d for n, d in enumerate(shape)}
        binders = ', '.join(f'{i} in {d}' for i, d in env.items())
        if shape[0] == 'T' and r.random() < 0.4:
            self.lines.append(f'let p{k}[{binders}] = {self.scalar(2, env)};')
            self.lines.append(f'let q{k}[{binders}] = {self.scalar(1, env)};')
            yes = r.choice([f'p{k} * p{k}', f'sin(p{k}) - q{k}', f'q{k}',
                            f'{{ let m = mean[t in T] q{k}[t{", 0" * (len(shape) - 1)}]; p{k} * m }}'])
            yes = yes if yes.startswith('{') else f'{{ {yes} }}'
            no = r.choice([f'p{k}', '0', f'(2 * q{k})'])
            gate = r.choice(['open', 'shut'])
            self.lines.append(f'let y{k} = when {gate} {yes} else {no};')
        elif r.random() < 0.15:
            self.lines.append(f'let y{k} = topk(each[{binders}] {self.scalar(2, env)}, 2).values;')
            shape = shape[:-1] + '2'
        else:
            self.lines.append(f'let y{k}[{binders}] = {self.scalar(3, env)};')
        self.tensors[f'y{k}'] = shape

    def text(self, elem):
        inputs = ', '.join(f'{n}: {elem}[{", ".join(s)}]' for n, s in SHAPES.items())
        results = ', '.join(f'd_{n}: {elem}[{", ".join(s)}]' for n, s in SHAPES.items())
        lines = '\n    '.join(self.lines).replace('real(', elem + '(')
        return (f'dim T <= 6;\ndim D = {SIZE["D"]};\ndim F = {SIZE["F"]};\n'
                f'network n({inputs}, pick: ix[T][F]) -> (e: {elem}, {results}) {{\n'
                f'    gate open[T] = s > 0.1;\n    gate shut[T] = x[_, 0] > s;\n    {lines}\n'
                f'    (e, grad[x] e, grad[w] e, grad[s] e)\n}}\n')


def make(seed):
    p = Program(seed)
    SIZE['2'] = 2
    for k in range(p.rng.randrange(1, 4)):
        p.tensor(k)
    terms = [p.scalar(3, {}), p.fold(3, {})]
    for name, shape in p.tensors.items():
        if name not in SHAPES:
            env = {f'e{n}': d for n, d in enumerate(shape)}
            binders = ', '.join(f'{i} in {d}' for i, d in env.items() if d != '2') or 'e0 in T'
            subs = ', '.join('0' if d == '2' else i for i, d in env.items())
            terms.append(f'(sum[{binders}] sin({name}[{subs}]))')
    p.lines.append(f'let e = {" + ".join(terms)};')
    return p


def run(path, flags, frames, elem):
    args = [GATEC, 'run', path, '--frames'] + flags
    for name, v in frames.items():
        np.save(f'{SCRATCH}/{name}.npy', v if v.dtype == np.int32 else v.astype(elem))
        args.append(f'--input={name}={SCRATCH}/{name}.npy')
    outputs = ['e'] + [f'd_{n}' for n in SHAPES]
    args += [f'--save={o}={SCRATCH}/out_{o}.npy' for o in outputs]
    done = subprocess.run(args, text=True, capture_output=True)
    if done.returncode:
        return done.returncode, done.stdout + done.stderr
    return 0, {o: np.load(f'{SCRATCH}/out_{o}.npy') for o in outputs}


def check(seed):
    """None, or what is wrong."""
    p = make(seed)
    rng = np.random.default_rng(seed)
    base = {n: rng.standard_normal([SIZE[d] for d in s]) for n, s in SHAPES.items()}
    pick = rng.integers(0, SIZE['T'], SIZE['F']).astype(np.int32)
    moves = [(n, k, h) for n in SHAPES for k in np.ndindex(base[n].shape) for h in (1e-5, -1e-5, 4e-5, -4e-5)]
    frames = {n: np.repeat(v[None], len(moves) + 1, 0) for n, v in base.items()}
    for at, (n, k, h) in enumerate(moves):
        frames[n][(at + 1,) + k] += h
    frames['pick'] = np.repeat(pick[None], len(moves) + 1, 0)
    path = f'{SCRATCH}/n.gate'
    with open(path, 'w') as f:
        f.write(p.text('f64'))
    status, out = run(path, ['--interpret'], frames, np.float64)
    if status:
        return None if status == 1 and 'E0110' in out else f'exit {status}: {out}\n{p.text("f64")}'
    e = out['e']
    for at in range(0, len(moves), 4):
        n, k, h = moves[at]
        q1, q2 = (e[at + 1] - e[at + 2]) / (2 * h), (e[at + 3] - e[at + 4]) / (8 * h)
        d = out[f'd_{n}'][(0,) + k]
        if not np.isfinite(q1) or abs(q1 - q2) > 1e-5 * (1 + abs(q1)):
            continue
        check.points += d != 0
        if not abs(d - q1) <= 1e-4 * (1 + abs(q1)):
            return f'd_{n}{list(k)} is {d}, quotient {q1}\n{p.text("f64")}'
    with open(path, 'w') as f:
        f.write(p.text('f32'))
    first = {n: v[:1] for n, v in frames.items()}
    first = {n: v if v.dtype == np.int32 else v.astype(np.float32).astype(float) for n, v in first.items()}
    status, fast = run(path, ['-O3'], first, np.float32)
    if status:
        return f'-O3: exit {status}: {fast}\n{p.text("f32")}'
    status, exact = run(path, ['--interpret'], first, np.float32)
    for o in fast:
        scale = 1 + np.max(abs(exact[o]))
        if not (abs(fast[o] - exact[o]) <= 1e-3 * scale).all():
            return f'{o}: -O3 {fast[o]}, interpreter {exact[o]}\n{p.text("f32")}'
    return None


check.points = 0
os.makedirs(SCRATCH, exist_ok=True)
bad = 0
for number in range(SEED, SEED + COUNT):
    wrong = check(number)
    if wrong:
        print(f'seed {number}: {wrong}')
        bad += 1
        if bad > 3:
            break
print(f'{COUNT} programs, {check.points} derivatives that are not 0, {bad} wrong')
sys.exit(int(bad > 0 or check.points < 8 * COUNT))
