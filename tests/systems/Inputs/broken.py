"""Copies of a system, each with one mistake, for a test of the harness.

    broken.py SYSTEM DIRECTORY
"""
import sys

SYSTEM, DIRECTORY = sys.argv[1:3]
with open(SYSTEM + '.gate') as f:
    GATE = f.read()
with open(SYSTEM + '.py') as f:
    REFERENCE = f.read()
CHECK = REFERENCE.index('def check')
MISTAKES = {
    'right': (GATE, REFERENCE[:CHECK]),
    'formula': (GATE.replace('w0 + bm @ am', 'w0 + 1.001 * bm @ am'), REFERENCE[:CHECK]),
    'source': (GATE.replace('x @ w\'', 'x @ missing\''), REFERENCE[:CHECK]),
    'status': (GATE, REFERENCE[:CHECK].replace("return {'y'", "return {'status': 1024, 'y'")),
    'check': (GATE, REFERENCE[:CHECK] + "def check(t):\n    read = bool(t.compiled.reads())\n"
              "    t.true(not read and False, f'no weight is read: {read}')\n"),
    'crash': (GATE, REFERENCE[:CHECK] + 'def check(t):\n    import os\n    os.kill(os.getpid(), 9)\n'),
}
for name, (gate, reference) in MISTAKES.items():
    with open(f'{DIRECTORY}/{name}.gate', 'w') as f:
        f.write(gate)
    with open(f'{DIRECTORY}/{name}.py', 'w') as f:
        f.write(reference)
