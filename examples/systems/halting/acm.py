"""Adaptive computation modules: a prefix of the learners for every token."""
import math

import numpy as np

D, F, N = 6, 4, 4
gelu = np.vectorize(lambda x: x / 2 * (1 + math.erf(x / math.sqrt(2))), otypes=[float])


def weights(rng):
    w = {f'learners.{i}.w1': 0.5 * rng.standard_normal((F, D)) for i in range(N)}
    w.update({f'learners.{i}.w2': 0.5 * rng.standard_normal((D, F)) for i in range(N)})
    return dict(w, wk=rng.standard_normal((D, N + 1)), bias=rng.standard_normal((N + 1, D)))


def cases(rng):
    return [(dict(x=rng.standard_normal((n, D)).astype(np.float32)), {}) for n in (8, 3, 1, 0)]


def reference(w, knobs, x):
    y, used = np.zeros_like(x), np.zeros(len(x), int)
    for t in range(len(x)):
        used[t] = np.argmax(x[t] @ w['wk'])
        y[t] = w['bias'][used[t]]
        for i in range(used[t]):
            y[t] = y[t] + w[f'learners.{i}.w2'] @ gelu(w[f'learners.{i}.w1'] @ x[t])
    return {'y': y, 'used': used}


def counts(y):
    return {'enough': (y['used'] < N).sum()}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    x = inputs['x']
    forced = [t.program(('argmax[c] score[t, c]', f'ix[N + 1](i32(0 * score[t, 0]) + {k})')) for k in (0, N, 2)]
    # k = 0 is the bias; the learners may hold anything.
    t.equal(forced[0].run(inputs, weights=t.poisoned('learners.'))['y'], np.tile(t.weights['bias'][0], (len(x), 1)), 'k = 0')
    # k = N is the dense MLP of all slices.
    w1 = np.concatenate([t.weights[f'learners.{i}.w1'] for i in range(N)]).astype(float)
    w2 = np.concatenate([t.weights[f'learners.{i}.w2'] for i in range(N)], 1).astype(float)
    t.near(forced[1].run(inputs)['y'], t.weights['bias'][N] + gelu(x @ w1.T) @ w2.T, 'k = N is the dense MLP')
    # Learners that no token reaches are not run.
    t.equal(forced[2].run(inputs, weights=t.poisoned('learners.2.', 'learners.3.')), forced[2].run(inputs), 'NaN in learners')
    t.folds(t.program(('halt enough[T] when k <= i #train(gumbel);', '')), 'enough=never')
    # The work is that of the scores, and a slice for every learner of every token.
    for case, knobs in t.module.cases(t.rng(1))[:2]:
        n, used = len(case['x']), t.run(case)['used']
        t.equal(t.work(case), n * D * (N + 1) + used.sum() * 2 * D * F, f'multiply-adds of {n} tokens, {used} learners')
    # Together and one by one.
    run = t.run(inputs)
    t.true(len(set(run['used'])) > 2, 'tokens use several numbers of learners')
    for n in range(len(x)):
        t.equal(t.run({'x': x[n:n + 1]})['y'][0], run['y'][n], f'token {n} alone')
