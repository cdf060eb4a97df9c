"""Weight files that break a rule of the format, or that do not fit the network, given to `gatec build`.

    weights.py GATEC DIRECTORY

Each must be refused with the code of its rule, exit status 1 and no output.
"""
import os
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TESTS, 'weights', 'Inputs'))
from broken import CASES, entry, file, raw  # noqa: E402

NET = '''block linear(x: f32[2]) -> f32[3] {
    param w: f32[3, 2];
    w @ x
}
network n(x: f32[2]) -> f32[3] {
    part first: linear;
    first(x)
}
'''
FITS = entry(shape=(3, 2), end=24)
PLACE = 'n.gate:2:5: error[E034{}]: '
UNFIT = [
    (file({'first.w': entry(shape=(2, 3), end=24)}, 24),
     [PLACE.format(1) + "tensor 'first.w' in 'w.safetensors' is F32[2, 3], the network wants F32[3, 2]",
      'n.gate:2:5: help: the transposed tensor would fit']),
    (file({'first.w': entry(shape=(3, 3), end=36)}, 36), [PLACE.format(1) + "tensor 'first.w' in 'w.safetensors' is F32[3, 3], the network wants F32[3, 2]"]),
    (file({'first.w': entry('I32', (3, 2), 0, 24)}, 24),
     [PLACE.format(2) + "tensor 'first.w' in 'w.safetensors' is I32[3, 2], the network wants F32[3, 2]"]),
    (file({name: entry(shape=(3, 2), begin=24 * i, end=24 * i + 24)
           for i, name in enumerate(['first.q', 'first.weight', 'firs.w', 'w', 'other.bias'])}, 120),
     [PLACE.format(0) + "no tensor 'first.w'", "help: nearest: 'w', 'firs.w', 'first.q'\n"]),
    (file({'first.v': FITS}, 24), [PLACE.format(0) + "no tensor 'first.w' in 'w.safetensors'", "help: nearest: 'first.v'"]),
    (file({}, 0), [PLACE.format(0) + "no tensor 'first.w' in 'w.safetensors'"]),
]


def build(gatec, folder, data):
    with open(os.path.join(folder, 'w.safetensors'), 'wb') as f:
        f.write(data)
        if data == HUGE:
            f.truncate(100_000_008)
    return subprocess.run([gatec, 'build', 'n.gate', '--weights-file=w.safetensors', '-o', 'n.o', '--header', 'n.h',
                           '-MD', '--diag=line'], cwd=folder, capture_output=True, text=True, timeout=60)


HUGE = raw('{', length=100_000_000)


def refused(gatec, folder, data, wanted):
    r = build(gatec, folder, data)
    left = sorted(os.listdir(folder))
    if r.returncode == 1 and left == ['n.gate', 'w.safetensors'] and all(w in r.stderr for w in wanted):
        return True
    print(f'{data[:120]}: exit status {r.returncode}, files {left}, wanted {wanted}\n{r.stderr}')
    return False


def main(gatec, folder):
    os.makedirs(folder)
    with open(os.path.join(folder, 'n.gate'), 'w') as f:
        f.write(NET)
    # Two of each rule: the whole list is the reader's own test.
    per_rule = {}
    for code, data in CASES:
        per_rule.setdefault(code, []).append(data)
    del per_rule['ok']
    broken = [(data, [f'error[E0343]: w.safetensors: {code}: ']) for code, all_ in per_rule.items() for data in all_[:2]]
    broken += [(HUGE, ['W002']), (file({'first.w': FITS}, 23), ['W015'])] + UNFIT
    good = sum(refused(gatec, folder, data, wanted) for data, wanted in broken)
    fits = build(gatec, folder, file({'first.w': FITS}, 24))
    print(f'{len(per_rule)} rules, {good} of {len(broken)} refused, fitting file: status {fits.returncode}')
    return 0 if good == len(broken) and fits.returncode == 0 else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
