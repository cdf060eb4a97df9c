"""Looped computer: a SUBLEQ machine in integers."""
import numpy as np

M, BOUND = 64, 1024


def program(code, data):
    """Instructions from 0 on, data from 40 on."""
    image = np.zeros(M, np.int32)
    image[:len(code)] = code
    image[40:40 + len(data)] = data
    return image


# Z = 0 at 40, one at 41; a b -> b += a by way of Z.
ADD = [42, 40, 3, 40, 43, 6, 40, 40, -1]
# 44 += 42, 43 times: while counter > 0.
MULTIPLY = [42, 40, 3, 40, 44, 6, 40, 40, 9, 41, 43, -1, 40, 40, 0]


def cases(rng):
    return [(dict(image=program(ADD, [0, 1, 17, 25]), start=np.int32(0)), {'steps': 512}),
            (dict(image=program(MULTIPLY, [0, 1, 7, 6, 0]), start=np.int32(0)), {'steps': 512}),
            (dict(image=program(MULTIPLY, [0, 1, 9, 30, 0]), start=np.int32(0)), {'steps': 50}),
            (dict(image=program(ADD, [0, 1, 1, 1]), start=np.int32(-1)), {'steps': 512}),
            (dict(image=program(ADD, [0, 1, 1, 1]), start=np.int32(0)), {'steps': 0})]


def bench(rng, size):
    return cases(rng)[1]


FULL = {'work': lambda size, skipped: 1 - skipped['stopped']}


def reference(w, knobs, image, start):
    mem, pc, ran = [int(v) for v in image], int(start), 0
    while ran < knobs['steps'] and 0 <= pc and pc + 2 < M:
        a, b, c = mem[pc:pc + 3]
        mem[b] -= mem[a]
        pc, ran = c if mem[b] <= 0 else pc + 3, ran + 1
    return {'mem': np.array(mem), 'pc': pc, 'ran': ran, 'status': BOUND * (ran == knobs['steps'])}


def counts(y):
    return {'stopped': np.bincount([y['ran'] + 1], minlength=513)}


def check(t):
    # Memory after every instruction, with one object for both programs.
    for image in (program(ADD, [0, 1, 17, 25]), program(MULTIPLY, [0, 1, 7, 6, 0])):
        for steps in range(36):
            inputs = dict(image=image, start=np.int32(0))
            t.compare(t.run(inputs, {'steps': steps}), reference({}, {'steps': steps}, **inputs), f'after {steps} instructions')
    # What the programs compute.
    rng = t.rng(2)
    for _ in range(10):
        x, y = (int(v) for v in rng.integers(1, 30, 2))
        t.true(t.run(dict(image=program(ADD, [0, 1, x, y]), start=np.int32(0)))['mem'][43] == x + y, f'{x} + {y}')
        product = t.run(dict(image=program(MULTIPLY, [0, 1, x, y, 0]), start=np.int32(0)))
        t.true(product['mem'][44] == x * y and product['ran'] == 5 * y - 1, f'{x} * {y}')
    # Blunt attention mixes neighbours, and the machine breaks: the sharpness is what makes it exact.
    blunt = t.program(('sharp = 50.0', 'sharp = 0.1'))
    t.true(blunt.run(dict(image=program(ADD, [0, 1, 17, 25]), start=np.int32(0)))['mem'][43] != 42, 'blunt attention')
