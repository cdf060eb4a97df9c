#!/usr/bin/python3
"""agree.py GATEC [COUNT]: gatec and the reference checker say the same.

All programs and library files of the reference are accepted by both. Then COUNT mutants (one token
replaced by another of the same file, or dropped, or doubled; fixed seed) are given to both: both accept, or
both reject with the same codes on the first line that has a finding (gatec may leave out follow-ups).
The same first
line is not asked for: follow-ups that one of them silences may stand before it. Skips where the reference is not at hand: GATEC_SHARED, else ../shared beside the checkout."""
import importlib.util
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOKEN = re.compile(r'[ \t\n\r]+|//[^\n]*|(0x[0-9a-fA-F]+|[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|[A-Za-z_]\w*|"[^"\n]*"'
                   r'|->|=>|\.\.|==|!=|<=|>=|<<|>>|\*\*|\?\?|\+=|[-+*/%@&|^~<>=(){}\[\],;:.#\'])')


def reference():
    for d in (os.environ.get('GATEC_SHARED'), os.path.join(HERE, '..', '..', '..', 'shared')):
        if d and os.path.exists(os.path.join(d, 'language', 'check.py')):
            return os.path.join(d, 'language')
    return None


def load_checker(lang):
    spec = importlib.util.spec_from_file_location('reference_check', os.path.join(lang, 'check.py'))
    mod = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mod)
    return mod


def first_codes(findings):
    """findings: (file, line, code); the codes on the first line, of the first file that has any."""
    if not findings:
        return None
    line = min(x[0] for x in findings)
    return frozenset(c for n, c in findings if n == line)


def decided(lines, why):
    """Differences to the reference that docs/language.md lists."""
    return (any('E0109' in x or 'E0204' in x or 'two arguments are named' in x or 'occurs twice in' in x for x in lines)
            or any(re.search(r"E0212: the extent of", x) for x in why))


def everywhere(findings):
    return {c for x in findings for c in re.findall(r': (E\d+): ', x)}


def ask_reference(mod, path):
    try:
        c = mod.Checker()
        mod.VALUE.clear()
        mod.BOUND.clear()
        c.check_file(path)
        out = [x for m in c.modules.values() for x in m.findings]
    except mod.Bad as e:
        return 'syntax', [str(e)]
    except RecursionError:
        return 'crash', []
    except Exception as e:
        return 'crash', [repr(e)]
    got = [re.match(r'(.*?):(\d+): (E\d+): ', x) for x in out]
    mine = [(int(m.group(2)), m.group(3)) for m in got if m.group(1) == os.path.normpath(path)]
    rest = [(int(m.group(2)), m.group(3)) for m in got if m.group(1) != os.path.normpath(path)]
    return (first_codes(mine) or first_codes(rest)), out


def ask_gatec(gatec, std, paths):
    r = subprocess.run([gatec, 'check', '--stop-after=check', '--std-path=' + std, '--diag=line', '--error-limit=0'] + paths,
                       capture_output=True, text=True, errors='replace', timeout=600)
    if r.returncode not in (0, 1):
        sys.exit(f'gatec ended with status {r.returncode}\n{r.stderr[-2000:]}\n{paths[:3]}...')
    by = {p: ([], []) for p in paths}
    order = r.stderr.splitlines()
    for x in order:
        m = re.match(r'(.*?):(\d+):\d+: error\[(E\d+)\]: ', x)
        if m and m.group(1) in by:
            by[m.group(1)][0].append((int(m.group(2)), m.group(3)))
            by[m.group(1)][1].append(x)
    return by, r.stderr


OPERATORS = set('+ - * / % @ & | ^ < > <= >= == !='.split())
WORDS = set('''use as dim enum knob const weights param part bank state extern fn block network arith let gate route halt exit when
else on send to by each merge loop scan carry in with where whole mass aux and or not at stored share true false'''.split())


def sort_of(token):
    """Tokens of one sort may stand for each other without a syntax error, mostly."""
    if token in OPERATORS:
        return 'operator'
    if token in WORDS:
        return 'other'
    return 'value' if token[0].isalnum() or token[0] == '_' else 'other'


def mutants(texts, count, seed):
    rng = random.Random(seed)
    names = sorted(texts)
    for _ in range(count):
        name = rng.choice(names)
        text = texts[name]
        toks = [m for m in TOKEN.finditer(text) if m.group(1)]
        m = rng.choice(toks)
        kind = rng.random()
        if kind < 0.9:
            while sort_of(m.group(1)) == 'other':
                m = rng.choice(toks)
            same = [t.group(1) for t in toks if sort_of(t.group(1)) == sort_of(m.group(1)) and t.group(1) != m.group(1)]
            new = rng.choice(same) if same else ''
        elif kind < 0.95:
            new = ''
        else:
            new = m.group(1) + ' ' + m.group(1)
        yield name, text[:m.start(1)] + new + text[m.end(1):]


def main():
    gatec = os.path.abspath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    lang = reference()
    if not lang:
        print('SKIP: no reference checker')
        return 0
    mod = load_checker(lang)
    sys.setrecursionlimit(3000)
    texts = {}
    for d in ('', 'std'):
        for f in sorted(os.listdir(os.path.join(lang, d))):
            if f.endswith('.gate'):
                texts[os.path.join(d, f)] = open(os.path.join(lang, d, f)).read()
    bad = 0
    work = tempfile.mkdtemp()
    try:
        shutil.copytree(os.path.join(lang, 'std'), os.path.join(work, 'std'))
        jobs = [(n, t) for n, t in sorted(texts.items())]
        jobs += list(mutants(texts, count, seed))
        sure = len(texts)
        paths = []
        for k, (name, text) in enumerate(jobs):
            d = os.path.join(work, f'm{k}')
            os.mkdir(d)
            p = os.path.join(d, os.path.basename(name))
            os.symlink(os.path.join(work, 'std'), os.path.join(d, 'std'))
            with open(p, 'w') as f:
                f.write(text)
            paths.append(p)
        got = {}
        for k in range(0, len(paths), 40):
            by, _ = ask_gatec(gatec, work, paths[k:k + 40])
            got.update(by)
        kinds = {'decided': 0, 'same': 0, 'syntax': 0, 'crash': 0}
        for k, (name, text) in enumerate(jobs):
            want, why = ask_reference(mod, paths[k])
            have, lines = first_codes(got[paths[k]][0]), got[paths[k]][1]
            if have is None and want is not None:       # perhaps found in a library text: ask alone
                _, err = ask_gatec(gatec, work, [paths[k]])
                finds = re.findall(r'(?m)^.*?:(\d+):\d+: error\[(E\d+)\]: ', err)
                have, lines = first_codes([(int(n), c) for n, c in finds]), err.splitlines()
            if want == 'crash':
                kinds['crash'] += 1
                continue
            if want == 'syntax':
                ok = have is not None and all(c < 'E0100' for c in have)
                kinds['syntax'] += ok
            elif k < sure:
                ok = have is None
                kinds["same"] += ok
            else:
                ok = (want is None) == (have is None) and (want is None or bool(have & want)
                                                           or bool(have & everywhere(why)))
                kinds["same"] += ok
            if not ok and decided(lines, why):
                kinds['decided'] += 1
                continue
            if not ok:
                bad += 1
                if bad <= 40:
                    print(f'{paths[k]} ({name}): reference {sorted(want) if isinstance(want, frozenset) else want}, gatec {sorted(have) if have else None}')
                    for x in why[:2]:
                        print('   ref  ', x.replace(work, ''))
                    for x in lines[:2]:
                        print('   gatec', x.replace(work, ''))
                    for n, (a, b) in enumerate(zip(texts[name].splitlines(), text.splitlines()), 1):
                        if a != b:
                            print(f'   {n}: {b}')
                            break
        print(f'{len(jobs)} files: {kinds}, {bad} differences')
    finally:
        if not os.environ.get('AGREE_KEEP'):
            shutil.rmtree(work)
    return bad > 0


sys.exit(main())
