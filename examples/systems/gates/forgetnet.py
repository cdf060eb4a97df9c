"""G-ForgetNet: a step network whose history is let in by a gate, per node and channel."""
import numpy as np

V, D = 5, 8


def weights(rng):
    return {n: 0.4 * rng.standard_normal((D, D)) for n in ('enc', 'wg', 'wm')}


def graph(rng):
    return (rng.random((V, V)) < 0.4).astype(np.float32)


def cases(rng):
    return [(dict(x=rng.standard_normal((steps, V, D)).astype(np.float32), adj=graph(rng)), {'open': o})
            for steps, o in ((6, 1.0), (4, 0.5), (3, 0.0), (0, 1.0))]


def bench(rng, size):
    return {'adj': graph(rng)}, {'open': 0.0}


def reference(w, knobs, x, adj):
    y, h = np.zeros_like(x), np.zeros((V, D))
    for t in range(len(x)):
        for v in range(V):
            g = knobs['open'] / (1 + np.exp(-w['wg'] @ x[t, v]))
            h[v] = w['enc'] @ x[t, v] + g * h[v]
        message = np.stack([sum(adj[v, u] * h[u] for u in range(V)) for v in range(V)])
        h = np.maximum(h + message @ w['wm'].T, 0)
        y[t] = h
    return {'y': y}


def counts(y):
    return {'remember': len(y['y'])}


GATED = 'when remember { e + g * h } else e'
SCORER = "let g = open * nn.sigmoid(x[t] @ wg')"


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    # The gate folded to 0 is ForgetNet: nothing is carried, the weights of the gate are gone.
    folded = t.program(('gate remember = open > 0', 'gate remember = false'))
    ungated = (('gate remember = open > 0;', ''), (SCORER + ';', ''))
    plain = t.program((GATED, 'e'), *ungated)
    t.true(folded.reads() == plain.reads() == {'enc', 'wm'}, f'the closed gate reads {folded.reads()}')
    t.equal(folded.run(inputs), plain.run(inputs), 'closed gate and ForgetNet')
    t.equal(t.run(inputs, {'open': 0}), plain.run(inputs), 'closed knob and ForgetNet')
    t.true(folded.code() == plain.code(), 'the code of the closed gate is that of ForgetNet')
    t.folds(plain, 'remember=closed')
    ir = t.ir(('gate remember = open > 0', 'gate remember = false'))
    t.true(ir == t.ir((GATED, 'e'), *ungated), 'the IR of the closed gate is that of ForgetNet')
    t.true(' cell ' not in ir and ' cell ' in t.ir(), 'the loop carries no state')
    # A constant gate of 1 is the historical baseline.
    t.equal(t.program((SCORER, 'let g = 1.0')).run(inputs),
            t.program((GATED, 'e + h'), *ungated).run(inputs), 'open gate and history')
    # What a closed gate must not read.
    poisoned = t.run(inputs, {'open': 0}, t.poisoned('wg'))
    t.equal(poisoned, plain.run(inputs), 'NaN in the scorer of a closed gate')
    breadth_first(t, inputs['adj'])
    shortest_paths(t)


def shortest_paths(t):
    """With 2^(-10 d) for a distance d, sums of products take the shortest way: the rounds are those of Bellman and Ford."""
    one, rng = np.eye(D, dtype=np.float32), t.rng(2)
    w = {'enc': one, 'wm': one, 'wg': one}
    chain = np.eye(V, k=-1, dtype=bool)                     # short edges, one after the other; others are there at once, but long
    length = np.where(chain, 1, np.where(rng.random((V, V)) < 0.5, rng.integers(4, 7, (V, V)), np.inf))     # to row from column
    adj = np.float32(2.0 ** (-10 * length))
    distances = [np.where(np.arange(V) == 0, 0, np.inf)]
    for _ in range(5):
        distances.append(np.minimum(distances[-1], (length + distances[-1]).min(1)))
    x = np.zeros((5, V, D), np.float32)
    x[0, 0] = 1

    def read(y):
        with np.errstate(divide='ignore'):
            return -np.floor(np.log2(y[:, :, 0]) / 10)
    history = t.program((SCORER, 'let g = 1.0'), weights=w)
    t.equal(read(history.run(dict(x=x, adj=adj))['y']), np.array(distances[1:]), 'distances by history')
    # With the state as the input of every round, history is not needed; without it, closed gates forget the source.
    told = np.float32(2.0 ** (-10 * np.array(distances[:5])))[:, :, None] + np.zeros((1, 1, D), np.float32)
    t.equal(read(t.run(dict(x=told, adj=adj), {'open': 0}, w)['y']), np.array(distances[1:]), 'distances without history')
    t.true(not t.run(dict(x=x, adj=adj), {'open': 0}, w)['y'][1:].any(), 'closed gates forget')
    t.true(len({tuple(d) for d in distances}) > 3, f'the search takes several rounds: {distances}')


def breadth_first(t, adj):
    """With identities for weights and the gate at 1 the rounds of the net are those of a search."""
    one = np.eye(D, dtype=np.float32)
    x = np.zeros((5, V, D), np.float32)
    x[0, 0] = 1
    history = t.program((SCORER, 'let g = 1.0'), weights={'enc': one, 'wm': one, 'wg': one})
    y = history.run(dict(x=x, adj=adj))['y']
    reached = {0}
    for step in range(5):
        reached |= {v for v in range(V) if any(adj[v, u] for u in reached)}
        t.true(set(np.nonzero(y[step, :, 0])[0]) == reached, f'nodes reached after {step + 1} rounds')
