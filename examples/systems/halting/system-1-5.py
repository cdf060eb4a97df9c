"""System-1.5: per layer an adapter, the layer itself, or what the step before gave."""
import numpy as np

D, F, L, R = 8, 16, 4, 2


def weights(rng):
    w = {'wr': rng.standard_normal((L, D))}
    for l in range(L):
        w.update({f'deep.{l}.w1': 0.4 * rng.standard_normal((F, D)), f'deep.{l}.w2': 0.4 * rng.standard_normal((D, F)),
                  f'shallow.{l}.a': 0.4 * rng.standard_normal((R, D)), f'shallow.{l}.b': 0.4 * rng.standard_normal((D, R))})
    return w


def steps(rng):
    """Eight steps; some repeat the one before exactly, or almost."""
    x = [rng.standard_normal(D).astype(np.float32) for _ in range(8)]
    x[2] = x[1].copy()
    x[5] = (x[4] * np.float32(2)).copy()
    return [{'x': v} for v in x]


def cases(rng):
    return [(steps(rng), {}), (steps(rng), {'lambda': 0.3}), (steps(rng), {'reuse': 2.0}), (steps(rng)[0], {})]


def bench(rng, size):
    return {}, {'reuse': 2.0}


FULL = {'force': {'same': 'closed', 'easy': 'closed'},
        'work': lambda size, skipped: skipped['easy'] + (1 - skipped['easy']) * size['R'] / size['F']}


class reference:
    def __init__(self, w, knobs):
        self.w, self.limit, self.reuse = w, knobs.get('lambda', 0.5), knobs.get('reuse', 0.999)
        self.before, self.after = np.zeros((L, D)), np.zeros((L, D))

    def layer(self, l, h):
        """Its output, and which way it was made."""
        w, old = self.w, self.before[l]
        if old.any() and h @ old / np.linalg.norm(h) / np.linalg.norm(old) > self.reuse:
            return self.after[l].copy(), 'reused'
        if self.score(l, h) > self.limit:
            return h + w[f'shallow.{l}.b'] @ (w[f'shallow.{l}.a'] @ h), 'adapter'
        return h + w[f'deep.{l}.w2'] @ np.maximum(w[f'deep.{l}.w1'] @ h, 0), 'deep'

    def score(self, l, h):
        return 1 / (1 + np.exp(-self.w['wr'][l] @ h))

    def __call__(self, x):
        h, scores, ways = x, [], []
        for l in range(L):
            scores.append(self.score(l, h))
            y, way = self.layer(l, h)
            self.before[l], self.after[l] = h, y
            h = y
            ways.append(way)
        return {'h': h, 'w': np.array(scores), 'deep_calls': ways.count('deep'), 'reused': ways.count('reused')}


def check(t):
    calls = steps(t.rng(1))
    runs = t.run(calls)
    t.true(any(r['reused'] for r in runs) and any(r['deep_calls'] for r in runs), 'some layers are reused, some are deep')
    # The count of deep layers is what the recorded scores say.
    fresh = t.run(calls, {'reuse': 2})
    t.true(all(r['deep_calls'] == (r['w'] <= 0.5).sum() and r['reused'] == 0 for r in fresh), 'calls by the scores')
    for call in calls[:3]:
        t.equal(t.counted(call, {'reuse': 2})['easy'].sum(), (t.run(call, {'reuse': 2})['w'] > 0.5).sum(), 'counted adapters')
    even = t.run(calls, {'reuse': 2, 'lambda': 0.5}, dict(t.weights, wr=0 * t.weights['wr']))
    t.true(all(r['deep_calls'] == len(r['w']) for r in even), 'a score of just lambda is not easy')
    # lambda above 1: the full stack; below 0: adapters only. The layers not taken may hold anything.
    parts = {'deep': t.poisoned('shallow.'), 'shallow': t.poisoned('deep.')}
    for limit, part in ((2, 'deep'), (-1, 'shallow')):
        only = t.program((f'when easy {{ (h + shallow[l](h), 0) }} else {{ (h + deep[l](h), 1) }}',
                          f'(h + {part}[l](h), {int(part == "deep")})'))
        if part == 'deep':
            t.folds(only, 'easy=closed')
        knobs, gone = {'lambda': limit, 'reuse': 2}, {'reuse': 2}
        for a, b in zip(t.run(calls, knobs, parts[part]), only.run(calls, gone)):
            t.equal(a, b, f'only {part}')
    # Scores at 0 and 1: the mix of training and the branch agree.
    soft = t.program(('when easy { (h + shallow[l](h), 0) } else { (h + deep[l](h), 1) }',
                      '(score * (h + shallow[l](h)) + (1 - score) * (h + deep[l](h)), 0)'))
    forced = dict(t.weights, wr=np.float32(1e6) * t.weights['wr'])
    for a, b in zip(t.run(calls, {'reuse': 2}, forced), soft.run(calls, {'reuse': 2}, forced)):
        t.true(set(a['w']) <= {0.0, 1.0}, 'scores are forced')
        t.near(a['h'], b['h'], 'branch and mix', 1e-6)
