"""Mutates networks and library modules by one token or a few and compiles them: whatever comes out,
the compiler says yes (status 0) or no (1, with a message that has a place), in bounded time and
memory, and leaves no output after a no.

    compile.py [--seed N] [--level N] [--keep DIR] GATEC COUNT ROOT

The seeds are the examples of ROOT/docs/language.md, ROOT/examples, ROOT/tests and ROOT/stdlib.
A mutant that fails is kept in DIR (default: printed).
"""
import argparse
import glob
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile

TOKEN = re.compile(r'\s+|//[^\n]*|"[^"\n]*"|[A-Za-z_]\w*|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?|->|=>|\.\.|[=!<>]=|<<|>>'
                   r'|\*\*|\?\?|\+=|.', re.S)
NUMBERS = ['0', '1', '2', '7', '64', '1000000', '4294967296', '9223372036854775807', '0.0', '1e38', '1e-46', '3.0']
SECONDS = 60
MEMORY = 6 << 30


def words(text):
    return TOKEN.findall(text)


def solid(tokens):
    return [i for i, t in enumerate(tokens) if not t.isspace() and not t.startswith('//')]


def mutate(rng, tokens, others):
    tokens = list(tokens)
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        places = solid(tokens)
        if len(places) < 3:
            break
        i, kind = rng.choice(places), rng.randrange(6)
        if kind == 0:
            tokens[i] = ' '
        elif kind == 1:
            tokens.insert(i, tokens[i] + ' ')
        elif kind == 2:
            j = rng.choice(places)
            tokens[i], tokens[j] = tokens[j], tokens[i]
        elif kind == 3:
            numbers = [p for p in places if tokens[p][0].isdigit()]
            tokens[rng.choice(numbers or places)] = rng.choice(NUMBERS)
        else:  # another token of the same kind where there is one
            name = re.match(r'\w', tokens[i])
            pool = [t for t in (tokens if kind == 4 else others) if bool(re.match(r'\w', t)) == bool(name)]
            tokens[i] = rng.choice([t for t in pool if not t.isspace()] or ['('])
    return ''.join(tokens)


def programs(root):
    """Texts with a network."""
    with open(f'{root}/docs/language.md', encoding='utf-8') as f:
        found = re.findall(r'```gate\n(.*?)```', f.read(), re.S)
    for path in sorted(glob.glob(f'{root}/examples/*/*.gate') + glob.glob(f'{root}/tests/*/**/*.gate', recursive=True)):
        if '/bad/' not in path and '/diag/' not in path:
            with open(path, encoding='utf-8') as f:
                found.append(f.read())
    return [t for t in found if re.search(r'^network ', t, re.M)]


class Trial:
    """One folder with a program and a library, one of which is a mutant."""

    def __init__(self, args, rng, folder):
        self.args, self.rng, self.folder = args, rng, folder
        self.texts = programs(args.root)
        self.modules = {}
        for path in sorted(glob.glob(f'{args.root}/stdlib/std/*.gate')):
            with open(path, encoding='utf-8') as f:
                self.modules[os.path.basename(path)[:-5]] = f.read()
        self.pool = [t for text in self.texts for t in words(text)]
        self.library = shutil.copytree(f'{args.root}/stdlib', f'{folder}/stdlib')

    def write(self, path, text):
        with open(f'{self.folder}/{path}', 'w', encoding='utf-8') as f:
            f.write(text)

    def next(self):
        """Writes a mutant; the text that was changed."""
        text = self.rng.choice(self.texts)
        used = [m for m in re.findall(r'use std\.(\w+)', text) if m in self.modules] + ['prelude']
        if self.rng.randrange(3):
            changed = mutate(self.rng, words(text), self.pool)
            self.write('n.gate', changed)
            return changed, lambda: None
        module = self.rng.choice(used)
        changed = mutate(self.rng, words(self.modules[module]), self.pool)
        self.write('n.gate', text)
        self.write(f'stdlib/std/{module}.gate', changed)
        return (f'// std.{module}\n{changed}\n// network\n{text}',
                lambda: self.write(f'stdlib/std/{module}.gate', self.modules[module]))

    def compile(self):
        command = [self.args.gatec, 'build', 'n.gate', f'--std-path={self.library}', '-o', 'n.o', f'-O{self.args.level}',
                   '--weights=pointer', '--diag=line']
        if self.args.level:
            command.append('--verify-each')

        def limit():
            if not os.environ.get('GATEC_SANITIZE'):  # a sanitizer reserves more than there is
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        try:
            r = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=SECONDS, preexec_fn=limit)
        except subprocess.TimeoutExpired:
            return None, f'took more than {SECONDS} s'
        said = r.stderr.decode('utf-8', 'replace')
        made = os.path.exists(f'{self.folder}/n.o')
        if made:
            os.remove(f'{self.folder}/n.o')
        if r.returncode not in (0, 1):
            return r.returncode, f'status {r.returncode}: {said[-1500:]}'
        if made != (r.returncode == 0):
            return r.returncode, f'status {r.returncode}, but an output {made}: {said[-1500:]}'
        if r.returncode == 1 and 'error[E' not in said:
            return r.returncode, f'refused without a message: {said[-1500:]}'
        return r.returncode, None


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--level', type=int, default=0)
    p.add_argument('--keep')
    p.add_argument('gatec')
    p.add_argument('count', type=int)
    p.add_argument('root')
    args = p.parse_args()
    rng = random.Random(args.seed)
    taken = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(args, rng, folder)
        for k in range(args.count):
            text, restore = trial.next()
            status, wrong = trial.compile()
            restore()
            taken += status == 0
            if wrong:
                failed += 1
                print(f'--- seed {args.seed}, mutant {k}: {wrong}')
                if args.keep:
                    os.makedirs(args.keep, exist_ok=True)
                    with open(f'{args.keep}/{args.seed}-{k}.gate', 'w', encoding='utf-8') as f:
                        f.write(text)
                else:
                    print(text)
    print(f'{args.count} mutants, {taken} compiled, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
