"""refuse.py STATUS GATEC FILE [OPTION...]: builds FILE with every output asked for.

The exit status must be STATUS and nothing may be left where the outputs would go. Prints what the
compiler said, with the folder of FILE taken off.
"""
import os
import subprocess
import sys
import tempfile


def main(status, gatec, path, *options):
    with tempfile.TemporaryDirectory() as folder:
        outputs = ['-o', f'{folder}/n.o', '--header', f'{folder}/n.h', '-MD', '--emit=obj,asm,ir']
        r = subprocess.run([gatec, 'build', path, *outputs, *options], capture_output=True, timeout=60)
        left = os.listdir(folder)
    said = r.stderr.decode('utf-8', 'replace').replace(os.path.dirname(path) + '/', '')
    print(said + r.stdout.decode('utf-8', 'replace'), end='')
    if left:
        print('left behind: ' + ' '.join(sorted(left)))
    if r.returncode != int(status):
        print(f'exit status {r.returncode}, expected {status}')
    return 1 if left or r.returncode != int(status) else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
