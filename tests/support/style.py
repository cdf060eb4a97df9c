"""House rules that a compiler cannot check (docs/style.md). Usage: style.py ROOT

Exit status 1 and one line per finding if a rule is broken; the figures are printed always.
"""
import os
import re
import statistics
import sys

FUNCTION_LIMIT = 120
FILE_LIMIT = 800
COLUMNS = 100

# folder -> folders its files may include from (own folder always); act* is the bridge to IR
LAYERS = {
    'support': set(),
    'source': {'support'},
    'syntax': {'support', 'source'},
    'sema': {'support', 'source', 'syntax', 'ir'},
    'ir': {'support', 'source'},
    'pass': {'support', 'source', 'ir'},
    'lower': {'support', 'source', 'ir', 'pass'},
    'emit': {'support', 'source', 'ir', 'pass', 'lower'},
}
# pass/lower.c and pass/plan.c are the doors from the pass manager into lowering.
EXCEPTIONS = {('pass', 'lower')}


def c_files(root):
    for top in ('compiler', 'runtime', 'examples', 'tests'):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith(('.c', '.h', '.def')):
                    yield os.path.join(folder, name)


def functions(lines):
    """(first line, length) of every function, by braces in column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith('{'):
            start = number
        elif line.startswith('}') and start:
            yield start, number - start + 1
            start = None


def check_file(path, rel, lines, bad):
    if len(lines) > FILE_LIMIT:
        bad(f'{rel}: {len(lines)} lines, at most {FILE_LIMIT}')
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS and not rel.endswith('.def'):
            bad(f'{rel}:{number}: {len(line)} columns, at most {COLUMNS}')
        if re.search(r'\b(TODO|FIXME|XXX)\b', line):
            bad(f'{rel}:{number}: a note to ourselves')
        if '\t' in line:
            bad(f'{rel}:{number}: a tab')
        if rel.startswith('compiler/') and rel != 'compiler/support/arena.c' and re.search(
                r'\b(malloc|calloc|realloc|free)\(', line):
            bad(f'{rel}:{number}: memory comes from arenas')
    parts = rel.split('/')
    if parts[0] == 'compiler' and parts[1] in LAYERS:
        for number, line in enumerate(lines, 1):
            m = re.match(r'#include "(\w+)/', line)
            if m and m.group(1) in LAYERS and m.group(1) != parts[1]:
                if m.group(1) not in LAYERS[parts[1]] and (parts[1], m.group(1)) not in EXCEPTIONS:
                    bad(f'{rel}:{number}: {parts[1]} may not include {m.group(1)}')


def uses_numpy(path, seen):
    """Whether a script of the tests imports NumPy, itself or by a module beside it."""
    if path in seen or not os.path.exists(path):
        return False
    seen.add(path)
    with open(path, encoding='utf-8') as f:
        modules = re.findall(r'^\s*(?:import|from) (\w+)', f.read(), re.M)
    return 'numpy' in modules or any(
        uses_numpy(os.path.join(os.path.dirname(path), m + '.py'), seen) for m in modules)


def check_test(path, root, bad):
    """A test that needs NumPy says so, and is skipped where that is missing."""
    with open(path, encoding='utf-8', errors='replace') as f:
        text = f.read()
    scripts = re.findall(r'%python (\S+\.py)', text)
    here = {'%S': os.path.dirname(path), '%root': root}
    needs = 'import numpy' in text or any(
        uses_numpy(re.sub(r'%S|%root', lambda m: here[m.group()], s), set()) for s in scripts)
    if needs and not re.search(r'REQUIRES:.*\bnumpy\b', text):
        bad(f'{os.path.relpath(path, root)}: uses NumPy without REQUIRES: numpy')


def check_tests(root, bad):
    for folder, _, names in os.walk(os.path.join(root, 'tests')):
        if os.path.basename(folder) not in ('Inputs', 'bench', 'support'):
            for name in sorted(names):
                if name.endswith(('.test', '.gate', '.gir')):
                    check_test(os.path.join(folder, name), root, bad)


def main(root):
    found = []
    lengths = []
    sizes = []
    for path in c_files(root):
        rel = os.path.relpath(path, root)
        with open(path, encoding='utf-8') as f:
            lines = f.read().split('\n')
        check_file(path, rel, lines, found.append)
        if path.endswith('.c'):
            sizes.append(len(lines))
            for start, length in functions(lines):
                lengths.append(length)
                if length > FUNCTION_LIMIT:
                    found.append(f'{rel}:{start}: a function of {length} lines, at most {FUNCTION_LIMIT}')
    check_tests(root, found.append)
    lengths.sort()
    print(f'{len(sizes)} files, median {statistics.median(sizes):.0f} lines; {len(lengths)} functions, '
          f'median {statistics.median(lengths):.0f}, p95 {lengths[int(len(lengths) * 0.95)]}, '
          f'longest {lengths[-1]}')
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
