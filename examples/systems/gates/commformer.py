"""CommFormer: messages along a learned constant graph, for agents that listen."""
import numpy as np

M, D, K = 8, 6, 3


def weights(rng):
    w = {n: 0.5 * rng.standard_normal((D, D)) for n in ('wq', 'wk', 'wv')}
    w.update({n: 0.5 * rng.standard_normal(D) for n in ('eq', 'ek', 'wg')})
    w['edge'] = rng.standard_normal((M, M))
    return w


def cases(rng):
    return [(dict(obs=rng.standard_normal((agents, D)).astype(np.float32)), {}) for agents in (8, 5, 1, 0)]


def work(size, skipped):
    """Keys and values of all agents, queries of those that listen, and their edges; of the complete graph all pairs."""
    agents, d, hear = size['A'], size['D'], 1 - skipped['listen']
    return (2 * d + hear * (d + 2 * agents * (1 - skipped['from']))) / (3 * d + 2 * agents)


FULL = {'work': work}


def reference(w, knobs, obs):
    agents, y, listens = len(obs), obs.copy(), obs @ w['wg'] > 0
    for i in range(agents):
        neighbours = [j for j in np.argsort(-w['edge'][i], kind='stable')[:K] if j < agents]
        if listens[i] and neighbours:
            q = w['wq'] @ obs[i] + w['eq']
            s = np.array([q @ (w['wk'] @ obs[j] + w['ek']) for j in neighbours]) / np.sqrt(D)
            a = np.exp(s - s.max())
            y[i] += sum(p * (w['wv'] @ obs[j]) for p, j in zip(a / a.sum(), neighbours))
    return {'y': y, 'listens': listens}


def counts(y):
    return {'listen': y['listens'].sum()}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    obs = inputs['obs']
    listens = t.run(inputs)['listens']
    t.true(listens.any() and not listens.all(), 'some agents listen, some do not')
    # Closed gates: the observations as they are, whatever the weights of the messages hold.
    deaf = t.poisoned('wq', 'wk', 'wv', 'eq', 'ek')
    deaf['wg'] = np.zeros(D, np.float32)
    t.equal(t.run(inputs, weights=deaf)['y'], obs, 'no agent listens')
    t.folds(t.program(('(obs + message, listen.mask)', '(obs + 0, each[a in A] false)')), 'listen=closed')
    # The multiply-adds: the gates of all, and if anybody listens keys and values of all, and of each that does its query
    # and K edges.
    t.equal(t.work(inputs, weights=deaf), M * D, 'no messages, no work')
    t.equal(t.work(inputs), M * D + 2 * M * D * D + listens.sum() * (D * D + K * 2 * D), 'multiply-adds of messages along K edges')
    # The complete graph is attention.
    w, everyone = t.weights, t.program(('dim K = 3', 'dim K = 8'), ('obs @ wg > 0', 'obs @ wg > -1000'))
    s = (obs @ w['wq'].T + w['eq']) @ (obs @ w['wk'].T + w['ek']).T / np.sqrt(D)
    p = np.exp(s)
    t.near(everyone.run(inputs)['y'], obs + p / p.sum(1, keepdims=True) @ (obs @ w['wv'].T), 'the complete graph', 1e-5)
    # The graph is in the object, the weights that made it are not; it has K edges per row.
    t.true('edge' not in t.compiled.reads(), 'the weights of the graph are folded')
    listening = t.program(('obs @ wg > 0', 'obs @ wg > -1000'))
    heard = listening.run(inputs)['y']
    other = [listening.run({'obs': obs + np.eye(M, dtype=np.float32)[:, j:j + 1]})['y'] for j in range(M)]
    edges = np.array([[i == j or (other[j][i] != heard[i]).any() for j in range(M)] for i in range(M)])
    own = np.array([i in np.argsort(-w['edge'][i], kind='stable')[:K] for i in range(M)])
    t.true((edges.sum(1) == K + ~own).all(), f'{edges.sum(1)} agents are heard')
    # Agents in another order.
    order = t.rng(3).permutation(M)
    permuted = t.program(weights=dict(w, edge=w['edge'][np.ix_(order, order)]))
    t.near(permuted.run({'obs': obs[order]})['y'], t.run(inputs)['y'][order], 'agents permuted')
    t.near(t.compiled.run({'obs': obs[:5]})['y'], reference(w, {}, obs[:5])['y'], 'five agents')
