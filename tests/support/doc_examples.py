"""Compiles every ```gate example of a Markdown page.

    doc_examples.py GATEC PAGE DIRECTORY

An example that has a network is built to an object at -O1, the others are checked; those that use a
construct of the 'checked only' section must be refused with E0900 and nothing else.
"""
import os
import re
import subprocess
import sys


def examples(page):
    with open(page, encoding='utf-8') as f:
        text = f.read()
    return [(text[:m.start()].count('\n') + 2, m.group(1))
            for m in re.finditer(r'```gate\n(.*?)```', text, re.S)]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def main(gatec, page, directory):
    os.makedirs(directory, exist_ok=True)
    found = examples(page)
    bad = 0
    for line, text in found:
        path = os.path.join(directory, f'line{line}.gate')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        what = ['check']
        if re.search(r'^network ', text, re.M):
            what = ['build', '-O1', '--weights=pointer', '-o', path + '.o', '--header', path + '.h']
        result = run(gatec, what[0], path, *what[1:])
        if result.returncode:
            bad += 1
            print(f'{page}:{line}: gatec {what[0]} failed\n{result.stderr}')
    print(f'{len(found)} examples, {bad} failed')
    return 1 if bad or not found else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
