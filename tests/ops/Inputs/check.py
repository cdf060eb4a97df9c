"""check.py GATEC FOLDER OPS.DEF [PART]: runs all cases, then checks that every op row occurs in one:
in its text, or in what it is lowered to."""
import os
import re
import sys
import ewise
import harness
import tensors


# Ops whose effect only a caller sees: folders of the tests that run them compiled and interpreted.
ELSEWHERE = {'count': 'profile', 'call': 'extern'}


def main(gatec, folder, table, part=None):
    r = harness.Runner(gatec, folder)
    cases = [*ewise.cases(), *tensors.cases(folder)]
    r.run([c for c in cases if part is None or c.name.startswith(part)])
    for f in r.failures:
        print('FAIL', f)
    for (name, what), ulp in sorted(r.worst.items()):
        print('%s, %s: %.3g ULP' % (name, what, ulp))
    print('%d runs, %d failures' % (r.runs, len(r.failures)))
    ops = re.findall(r'^OP\((\w+),', open(table).read(), re.M)
    tests = os.path.join(os.path.dirname(__file__), '..', '..')
    missing = [op for op in ops if op not in r.ops and
               not (op in ELSEWHERE and os.path.isdir(os.path.join(tests, ELSEWHERE[op])))]
    print('not tested: ' + ' '.join(missing) if missing else 'every op is tested')
    return bool(r.failures or missing)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
