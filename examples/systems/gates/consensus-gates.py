"""Consensus sub-network: gates of layers and of channels that came to one decision for all inputs."""
import numpy as np

D, F, L = 8, 16, 3


def weights(rng):
    w = {}
    for l in range(L):
        w.update({f'layer.{l}.wg': 0.1 * rng.standard_normal(D), f'layer.{l}.bg': np.array([[1.5, -1.5, 1.5][l % 3]]),
                  f'layer.{l}.v': 0.1 * rng.standard_normal((F, D)),
                  f'layer.{l}.bc': np.where(rng.random(F) < 0.6, 1.5, -1.5),
                  f'layer.{l}.w1': 0.3 * rng.standard_normal((F, D)),
                  f'layer.{l}.w2': 0.3 * rng.standard_normal((D, F))})
    return w


def cases(rng):
    return [(dict(x=rng.standard_normal((n, D)).astype(np.float32)), {}) for n in (6, 4, 1)]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference(w, knobs, x):
    y, opened, live = x.copy(), np.zeros(L, bool), np.zeros((L, F), bool)
    for l in range(L):
        mean = y.mean(0)
        opened[l] = sigmoid(w[f'layer.{l}.wg'] @ mean + w[f'layer.{l}.bg'][0]) > 0.5
        live[l] = sigmoid(w[f'layer.{l}.v'] @ mean + w[f'layer.{l}.bc']) > 0.5
        if opened[l]:
            branch = np.zeros_like(y)
            for f in np.nonzero(live[l])[0]:
                branch += np.maximum(y @ w[f'layer.{l}.w1'][f], 0)[:, None] * w[f'layer.{l}.w2'][:, f]
            y = y + branch
    return {'y': y, 'open': opened, 'live': live}


def folded_text(text, opened, live):
    """The text with every gate at its consensus: a block for each layer."""
    start, end = text.index('block gated'), text.index('network consensus')
    blocks, network = '', text[end:]
    for l in range(L):
        bits = ', '.join(str(bool(c)).lower() for c in live[l])
        blocks += (text[start:end].replace('block gated', f'block gated{l}').replace('p > 0.5', str(bool(opened[l])).lower())
                   .replace('c > 0.5', f'[{bits}]'))
    calls = ''.join(f'(h, open[{l}], live[{l}]) = layer{l}(h); ' for l in range(L))
    network = network.replace('bank layer[L]: gated;', ' '.join(f'part layer{l}: gated{l} at "layer.{l}";' for l in range(L)))
    return text[:start] + blocks + network.replace('loop l in L', 'loop once in 1').replace('(h, open[l], live[l]) = layer[l](h);', calls)


def counts(y):
    return {'layer.{}.on_off': y['open'].sum(), 'layer.{}.live': y['live'].sum()}


TRAINING = """use std.nn;
use std.gates;
dim N = 16;
dim T = 6;
dim D = 8;
dim F = 16;
dim L = 3;
fn polar(p: f32[..s, n]) -> f32[..s, n] = p * (1 - p);
fn net(x: f32[N, T, D], wg: f32[L, D], bg: f32[L], v: f32[L, F, D], bc: f32[L, F], w1: f32[L, F, D], w2: f32[L, D, F])
        -> (y: f32[N, T, D], p: f32[L, N], c: f32[L, N, F]) {
    let h0 = x;
LAYERS
    (h3, each[l in L] select(l == 0, p0, select(l == 1, p1, p2)), each[l in L] select(l == 0, c0, select(l == 1, c1, c2)))
}
fn loss(x: f32[N, T, D], goal: f32[N, T, D], wg: f32[L, D], bg: f32[L], v: f32[L, F, D], bc: f32[L, F], w1: f32[L, F, D],
        w2: f32[L, D, F]) -> f32 {
    let (y, p, c) = net(x, wg, bg, v, bc, w1, w2);
    let polarised = (mean[l, n] polar(p)[l, n]) + (mean[l, n, f] polar(c)[l, n, f]);
    let off = (mean[l, n, f] c[l, n, f]) - 0.5;
    (mean[n, t, d] (y[n, t, d] - goal[n, t, d]) ** 2) + 4 * polarised + 4 * off ** 2
}
network learn(x: f32[N, T, D], goal: f32[N, T, D], wg: f32[L, D], bg: f32[L], v: f32[L, F, D], bc: f32[L, F], w1: f32[L, F, D],
        w2: f32[L, D, F]) -> (wg: f32[L, D], bg: f32[L], v: f32[L, F, D], bc: f32[L, F], w1: f32[L, F, D], w2: f32[L, D, F]) {
    loop step in 150 carry a = wg, b = bg, e = v, f = bc, g = w1, k = w2 {
        let slope_a = grad[a] loss(x, goal, a, b, e, f, g, k);
        let slope_b = grad[b] loss(x, goal, a, b, e, f, g, k);
        let slope_e = grad[e] loss(x, goal, a, b, e, f, g, k);
        let slope_f = grad[f] loss(x, goal, a, b, e, f, g, k);
        let slope_g = grad[g] loss(x, goal, a, b, e, f, g, k);
        let slope_k = grad[k] loss(x, goal, a, b, e, f, g, k);
        a = a - slope_a;
        b = b - slope_b;
        e = e - 8 * slope_e;
        f = f - 8 * slope_f;
        g = g - 0.2 * slope_g;
        k = k - 0.2 * slope_k;
    }
    (a, b, e, f, g, k)
}
"""
LAYER = """    let seen{l}[n in N, d in D] = mean[t] h{l}[n, t, d];
    let p{l} = nn.sigmoid(seen{l} @ wg[{l}] + bg[{l}]);
    let c{l} = nn.sigmoid(seen{l} @ v[{l}]' + bc[{l}]);
    let open{l} = gates.straight_through(p{l});
    let live{l} = gates.straight_through(c{l});
    let u{l}[n in N, t in T, f in F] = max(sum[d] h{l}[n, t, d] * w1[{l}, f, d], 0) * live{l}[n, f];
    let h{m}[n in N, t in T, d in D] = h{l}[n, t, d] + open{l}[n] * sum[f] u{l}[n, t, f] * w2[{l}, d, f];
"""
STACKED = ('wg', 'bg', 'v', 'bc', 'w1', 'w2')


def trained(t, many):
    """Descent from gates that are torn, towards a network of which half the channels are in use: the weights after it."""
    start = {n: np.stack([t.weights[f'layer.{l}.{n}'] for l in range(L)]) for n in STACKED}
    goal = np.float32([reference(t.weights, {}, i['x'].astype(float))['y'] for i in many])
    start['bg'], start['bc'] = np.zeros(L, np.float32), np.float32(0.05 * t.rng(3).standard_normal((L, F)))
    learn = t.program(text=TRAINING.replace('LAYERS', ''.join(LAYER.format(l=l, m=l + 1) for l in range(L))), weights={})
    after = learn.run(dict(x=np.stack([i['x'] for i in many]), goal=goal, **start))
    return [{f'layer.{l}.{n}': w[n][l].reshape(t.weights[f'layer.{l}.{n}'].shape) for l in range(L) for n in STACKED} for w in (start, after)]


def check(t):
    rng = t.rng(2)
    many = [{'x': rng.standard_normal((6, D)).astype(np.float32)} for _ in range(56)]
    torn, w = trained(t, many[:16])
    # Of what training has not seen every gate has one decision, which before training none had.
    many = many[16:]
    before = [t.run(i, weights=torn) for i in many]
    t.true(all(np.std([r[n] for r in before], 0).mean() > 0.2 for n in ('open', 'live')), 'gates are torn before training')
    t.weights = w
    runs = [t.run(i, weights=w) for i in many]
    opened, live = np.array([r['open'] for r in runs]), np.array([r['live'] for r in runs])
    t.true(opened.std(0).max() == 0 and opened[0].any(), f'layers: variance {opened.std(0)}')
    t.true(live.std(0).max() == 0 and 0.25 < live[0].mean() < 0.75, f'channels: variance {live.std(0).max()}, {live[0].mean()} live')
    folded = t.program(text=folded_text(t.text, opened[0], live[0]))
    for i, r in zip(many, runs):
        t.equal(folded.run(i), r, 'folded and gated')
    reads = {f'layer.{l}.{n}' for l in range(L) if opened[0][l] for n in ('w1', 'w2')}
    t.true(folded.reads() == reads, f'the folded network reads {sorted(folded.reads())}')
    # The object and its work are smaller: nothing is left but open layers and live channels.
    t.true(len(folded.code()) < len(t.program().code()), 'the folded code is shorter')
    kept = sum(2 * 6 * D * n for n in live[0].sum(1)[opened[0]])
    t.equal(t.multiply_adds(edits=[(t.text, folded_text(t.text, opened[0], live[0]))], weights=w), kept, 'multiply-adds of the folded network')
    t.equal(t.work(many[0]), kept + L * (1 + F) * D, 'multiply-adds of the gated network')
    # A closed layer and closed channels may hold anything.
    closed = ~opened[0].repeat(1)
    weights = dict(t.weights)
    for l in range(L):
        dead = ~live[0][l] | closed[l]
        for name, mask in (('w1', dead[:, None]), ('w2', dead[None])):
            weights[f'layer.{l}.{name}'] = np.where(mask, np.float32(np.nan), weights[f'layer.{l}.{name}'])
    t.equal(t.run(many[0], weights=weights), runs[0], 'NaN in closed layers and channels')
