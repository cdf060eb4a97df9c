"""Builds mutants of loop-level text: one number or value name is replaced. Whatever comes out, gatec
must end with 0 or 1 and in time. Usage: mutate_build.py GATEC PREFIX COUNT FILE.gir..."""
import random
import re
import subprocess
import sys

NUMBERS = ['0', '-1', '1', '3', '16', '64', '1000000', '4294967296', '9223372036854775807',
           '-9223372036854775808']


def mutant(rnd, text):
    places = [m for m in re.finditer(r'%[\w.]+|-?\b\d+\b', text)]
    at = rnd.choice(places)
    if at.group()[0] == '%':
        new = rnd.choice([m for m in places if m.group()[0] == '%']).group()
    else:
        new = rnd.choice(NUMBERS)
    return text[:at.start()] + new + text[at.end():]


def main():
    gatec, prefix, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    texts = [open(path).read() for path in sys.argv[4:]]
    rnd = random.Random(5)
    built = bad = 0
    for k in range(count):
        text = mutant(rnd, rnd.choice(texts))
        with open(prefix + '.gir', 'w') as f:
            f.write(text)
        command = [gatec, 'build', prefix + '.gir', '-o', prefix + '.o', f'-O{k % 4}']
        code = subprocess.run(command, capture_output=True, timeout=60).returncode
        built += code == 0
        if code not in (0, 1):
            bad += 1
            print(f'exit {code} of:\n{text}')
    print(f'{count} mutants, {bad} bad')
    sys.exit(bad != 0 or built == 0)


main()
