"""Forces the halts and exits of halts.gate, in the build and by inputs, and compares with NumPy:
interpreted and compiled. 0 leaves a row to its own test, k makes it leave in iteration k, one more
than there are iterations keeps it.

    halts.py GATEC HALTS.gate SCRATCH
"""
import subprocess
import sys

import numpy as np

GATEC, NET, SCRATCH = sys.argv[1:4]
rng = np.random.default_rng(7)
L, CAP, CAPMAX, G = 4, 5, 6, 4
HALT_BOUND = 'GATE_HALT_BOUND'
F = np.float32
# name: most iterations, axes
INPUTS = {'big': (L, ('T',)), 'done': (CAPMAX, ('T',)), 'enough': (G, ()), 'many.{}.low': (1, (2, 'T')),
          'think.out': (L, ('T',))}
OUT = ('h', 'depth', 'trace', 'y', 'ponder', 'left', 'g', 'e', 'o')


def goes(own, force, step):
    return own if force == 0 else force == step


def by_test(x, force):
    h, depth, trace = x.copy(), np.zeros(len(x), np.int32), np.zeros((L, len(x)), F)
    for t in range(len(x)):
        for l in range(L):
            depth[t] += 1
            h[t] *= 2
            if goes(h[t, 0] > 4, force[t], l + 1):
                break
            trace[l, t] = h[t, 2]
    return h, depth, trace


def by_mass(x, force):
    y, ponder, bound = np.zeros_like(x), np.zeros(len(x), F), False
    for t in range(len(x)):
        s, c = x[t], F(0)
        for n in range(CAP):
            s = F(0.5) * s + F(0.25)
            p = F(0.5) * abs(s[0])
            reached = goes(c + p >= F(0.9), force[t], n + 1)
            last = reached or n + 1 == CAP
            bound |= n + 1 == CAP and not reached
            w = min(max(F(1) - c if last else p, F(0)), F(1))
            y[t] += w * s
            c += p
            if last:
                ponder[t] = F(n + 1) + w
                break
    return y, ponder, bound


def whole(force):
    g = F(1)
    for m in range(G):
        g *= 3
        if goes(g > 8, force, m + 1):
            return g, False
    return g, True


def bank(x, force):
    q = x
    for k in range(2):
        left = np.array([goes(q[t, 0] < 0, force[k, t], 1) for t in range(len(x))], bool)
        q = np.where(left[:, None], -q, 2 * q)
    return q


def block(x, force):
    o = x.copy()
    for t in range(len(x)):
        for l in range(L):
            o[t] += F(0.5)
            if goes(o[t, 1] > 2, force[t], l + 1):
                o[t] -= 1
                break
    return o


def reference(x, force):
    h, depth, trace = by_test(x, force['big'])
    y, ponder, bound1 = by_mass(x, force['done'])
    g, bound2 = whole(force['enough'])
    status = HALT_BOUND if (bound1 and len(x)) or bound2 else ''
    return (h, depth, trace, y, ponder, np.ones(len(x), bool), g, bank(x, force['many.{}.low']),
            block(x, force['think.out'])), status


def shape(name, T):
    return [T if a == 'T' else a for a in INPUTS[name][1]]


def run(x, options, force, given):
    np.save(f'{SCRATCH}.x.npy', x)
    want, status = reference(x, force)
    args = [GATEC, 'run', NET, f'--input=x={SCRATCH}.x.npy', *options]
    args += [f'--save={name}={SCRATCH}.{name}.npy' for name in OUT]
    for k, name in enumerate(given):
        np.save(f'{SCRATCH}.{k}.npy', force[name].astype(np.int32))
        args.append(f'--input=force.{name}={SCRATCH}.{k}.npy')
    for way in ('--interpret', '-O0', '-O3'):
        p = subprocess.run(args + [way], check=True, capture_output=True, text=True)
        assert (HALT_BOUND in p.stdout + p.stderr) == bool(status), (way, force, p.stdout, p.stderr)
        for name, w in zip(OUT, want):
            got = np.load(f'{SCRATCH}.{name}.npy')
            assert np.allclose(got, w, rtol=1e-5, atol=1e-6), (way, name, options, force, x, got, w)


def rows(T):
    return rng.normal(size=(T, 3)).astype(F)


def nothing(T):
    return {name: np.zeros(shape(name, T), int) for name in INPUTS}


def built():
    """In the build: all rows alike."""
    n = 0
    words = [{'big': 'never', 'enough': 'never'}, {'done': 'always', 'think.out': 'always'},
             {'big': '3', 'done': '2', 'enough': '1', 'many.{}.low': '1', 'think.out': '3'},
             {'big': '1', 'done': '6', 'think.out': 'never', 'many.{}.low': 'never'},
             {'done': 'never', 'big': '4', 'enough': '4'}]
    for T, how in zip((8, 1, 5, 8, 0), words):
        force = nothing(T)
        for name, (most, _) in INPUTS.items():
            word = how.get(name, '0')
            force[name][...] = {'never': most + 1, 'always': 1}.get(word) or int(word)
        run(rows(T), [f'--force={name}={word}' for name, word in how.items()], force, [])
        n += 1
    return n


def called():
    """By inputs: each row on its own; those left out force nothing."""
    n = 0
    for T in (8, 6, 1, 0):
        force, given = nothing(T), []
        for name, (most, _) in INPUTS.items():
            if rng.integers(0, 4):
                force[name] = rng.integers(0, most + 2, shape(name, T))
                given.append(name)
        run(rows(T), ['--forceable=*'], force, given)
        n += 1
    return n


def bits(x, options, way):
    p = subprocess.run([GATEC, 'run', NET, f'--input=x={SCRATCH}.x.npy', way, *options,
                        *[f'--save={name}={SCRATCH}.{name}.npy' for name in OUT]],
                       check=True, capture_output=True)
    return [open(f'{SCRATCH}.{name}.npy', 'rb').read() for name in OUT]


def neutral():
    """All 0 gives the bits of the network that cannot be forced."""
    x = rows(8)
    np.save(f'{SCRATCH}.x.npy', x)
    zeros = []
    for k, (name, v) in enumerate(nothing(8).items()):
        np.save(f'{SCRATCH}.{k}.npy', v.astype(np.int32))
        zeros.append(f'--input=force.{name}={SCRATCH}.{k}.npy')
    for way in ('--interpret', '-O3'):
        plain = bits(x, [], way)
        assert plain == bits(x, ['--forceable=*'] + zeros, way), way


print(built(), 'builds and', called(), 'calls agree')
neutral()
print('neutral')
