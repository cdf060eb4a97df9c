"""readme.py README.md FOLDER: runs what the page says."""
import os
import re
import shutil
import subprocess
import sys
import numpy as np
from gatecode import write_safetensors

ROOT, BUILD = os.environ['GATEC_ROOT'], os.environ['GATEC_BUILD']
RNG = np.random.default_rng(1)


def shell(text, folder):
    env = {k: v for k, v in os.environ.items() if k != 'GATEC_STD_PATH'}
    done = subprocess.run(['sh', '-e'], input=text, cwd=folder, env=env, text=True, capture_output=True)
    print(done.stdout)
    if done.returncode:
        sys.exit(f'{text}\nstatus {done.returncode}: {done.stderr}')
    return done.stdout


def main(page, folder):
    with open(page, encoding='utf-8') as f:
        blocks = re.findall(r'^```(gate|c|sh)\n(.*?)^```', f.read(), re.S | re.M)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.symlink(BUILD, f'{folder}/build')
    os.symlink(f'{ROOT}/runtime', f'{folder}/runtime')
    text = {kind: [t for k, t in blocks if k == kind] for kind in ('gate', 'c', 'sh')}
    for name, t in zip(('detector.gate', 'mixture.gate', 'main.c'), text['gate'] + text['c'], strict=True):
        with open(f'{folder}/{name}', 'w', encoding='utf-8') as f:
            f.write(t)
    frame = RNG.standard_normal(512).astype(np.float32)
    w = {n: RNG.standard_normal(s).astype(np.float32) for n, s in (('w1', (128, 512)), ('w2', 128))}
    np.save(f'{folder}/frame.npy', frame)
    write_safetensors(f'{folder}/detector.safetensors', w)
    for commands in text['sh']:
        shell(commands, folder)
    y = f'{folder}/y.npy'
    shell(f'build/gatec run detector.gate --weights-file=detector.safetensors --input=frame=frame.npy --save=y={y}', folder)
    want = 1 / (1 + np.exp(-np.maximum(w['w1'].astype(float) @ frame, 0) @ w['w2']))
    if abs(float(np.load(y)) - want) > 1e-6:
        sys.exit(f'gatec run gives {np.load(y)}, NumPy {want}')
    print('the result of gatec run is that of NumPy')
    shell('build/gatec explain mixture.gate\nbuild/gatec build mixture.gate --weights=pointer -o mixture.o', folder)


if __name__ == '__main__':
    main(*sys.argv[1:])
