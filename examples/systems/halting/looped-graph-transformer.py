"""Looped transformers on graphs: breadth-first search and shortest paths by textbook algorithms."""
import heapq

import numpy as np


def random_graph(rng, n):
    return rng.random((n, n)) < 1.6 / n


def lengths(rng, n):
    x = np.where(random_graph(rng, n) | (rng.random((n, n)) < 2 / n), rng.integers(1, 50, (n, n)).astype(float), np.inf)
    return x


def cases(rng):
    bfs_cases = [(dict(adj=random_graph(rng, n), source=np.int32(rng.integers(n))), {}) for n in (40, 17, 5, 1)]
    path = np.eye(40, k=1, dtype=bool)
    bfs_cases.append((dict(adj=path, source=np.int32(0)), {}))
    return bfs_cases + [(dict(length=lengths(rng, n), source=np.int32(rng.integers(n))), {}, 'shortest') for n in (40, 12, 1)]


def bench(rng, size):
    return {'adj': random_graph(rng, size['V']), 'source': np.int32(0)}, {}


FULL = {'work': lambda size, skipped: 1 - skipped['settled']}


def reference(w, knobs, adj, source):
    """Level by level; the last round finds nothing new."""
    n = len(adj)
    distance, frontier, rounds = {int(source): 0}, [int(source)], 0
    while True:
        rounds += 1
        frontier = sorted({v for u in frontier for v in range(n) if adj[u, v] and v not in distance})
        distance.update({v: rounds for v in frontier})
        if not frontier:
            break
    return {'distance': np.array([float(distance.get(v, 0)) for v in range(n)]),
            'reached': np.array([v in distance for v in range(n)]), 'rounds': rounds}


def shortest(w, knobs, length, source):
    """Dijkstra with a queue; a round for each node that is reached."""
    done, queue = {}, [(0.0, int(source))]
    while queue:
        d, u = heapq.heappop(queue)
        if u not in done:
            done[u] = d
            for v in np.nonzero(np.isfinite(length[u]))[0]:
                heapq.heappush(queue, (d + length[u, v], int(v)))
    return {'distance': np.array([done.get(v, np.inf) for v in range(len(length))]), 'rounds': len(done)}


def counts(y):
    return {'settled': np.bincount([y['rounds']], minlength=42)}


def check(t):
    # More random graphs; the number of iterations is predicted.
    rng = t.rng(2)
    paths = t.program(network='shortest')
    for n in (3, 8, 21, 33, 40):
        search = dict(adj=random_graph(rng, n), source=np.int32(rng.integers(n)))
        t.compare(t.run(search), dict(reference({}, {}, **search), status=0), f'search on {n} nodes')
        search = dict(length=lengths(rng, n), source=np.int32(rng.integers(n)))
        t.compare(paths.run(search), dict(shortest({}, {}, **search), status=0), f'paths on {n} nodes')
    # Along a path of edges 2^20 + 1 long, f32 holds the distances of 17 nodes: the 18th would be odd and above 2^24.
    narrow, fails = t.program(('f64', 'f32'), network='shortest'), {'f32': [], 'f64': []}
    for n in range(2, 41):
        path = dict(length=np.where(np.eye(n, k=1) > 0, 2.0 ** 20 + 1, np.inf), source=np.int32(0))
        for name, network in (('f32', narrow), ('f64', paths)):
            if (network.run(path)['distance'] != np.arange(n) * (2.0 ** 20 + 1)).any():
                fails[name].append(n)
    t.true(fails == {'f32': list(range(18, 41)), 'f64': []}, f'sizes that fail: {fails}')
