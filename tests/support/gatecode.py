"""Networks for tests that compare with NumPy: builds them, calls them through NAME_info, interprets
them. Compiled networks run between guard pages: a byte read or written outside a buffer's pages is a
fault, a changed byte beside a buffer is noticed, and the object may import nothing that allocates.
Where libcount_alloc.so is preloaded, allocations during a run are counted, too.
"""
import ast
import ctypes
import functools
import json
import os
import re
import struct
import subprocess

import numpy as np

STATUS = {'GATE_BAD_KNOB': 1, 'GATE_BAD_SHAPE': 2, 'GATE_BAD_INPUT': 4, 'GATE_NAN_REFUSED': 8, 'GATE_BAD_INDEX': 256,
          'GATE_NAN_ROUTED': 512, 'GATE_HALT_BOUND': 1024, 'GATE_EMPTY': 2048,
          'GATE_FLAT_ROUTED': 4096}
NETWORK = re.compile(r'^network @?(\w+)(?:\[.*?\])?\(', re.M)
UNDEFINED = re.compile(r'\bUND (\w+)$', re.M)
TENSORS = re.compile(r'(\d+) OBJECT .* data\.\d+$', re.M)
PAGE = 4096
BESIDE = 0xA5       # in the part of the pages that belongs to no buffer
BEFORE = 0xFF       # what a buffer holds before the call: NaN


class Failure(Exception):
    """A network could not be built or run, or did what it must not."""


def command(args):
    """What the program writes, both streams."""
    env = {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}
    done = subprocess.run(args, text=True, capture_output=True, env=env)
    if done.returncode:
        raise Failure(f'{" ".join(args)}: status {done.returncode}: {done.stdout}{done.stderr}')
    return done.stdout + done.stderr


def write_safetensors(path, tensors):
    header, data = {}, b''
    for name, t in tensors.items():
        t = np.asarray(t, order='C')
        kind = {'f': 'F', 'i': 'I', 'u': 'U', 'b': 'BOOL'}[t.dtype.kind]
        header[name] = {'dtype': kind if kind == 'BOOL' else f'{kind}{8 * t.itemsize}',
                        'shape': list(t.shape), 'data_offsets': [len(data), len(data) + t.nbytes]}
        data += t.tobytes()
    text = json.dumps(header).encode()
    with open(path, 'wb') as out:
        out.write(struct.pack('<Q', len(text)) + text + data)


def difference(got, want, tolerance=0.0, least=1e-30):
    """None, or how the results differ. 'tolerance' is relative to the largest magnitude expected, or to
    'least' where that is larger; what is no float must be equal, and where NaN is expected only NaN
    will do."""
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        return f'shape {got.shape}, expected {want.shape}'
    if got.dtype.kind in 'biu':
        wrong = got.astype(object) != want.astype(object)
    else:
        finite = want[np.isfinite(want)]
        room = tolerance * max(least, np.max(abs(finite), initial=0))
        with np.errstate(invalid='ignore'):
            wrong = ~((abs(got - want) <= room) | (got == want) | (np.isnan(got) & np.isnan(want)))
    if not np.any(wrong):
        return None
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f'{np.sum(wrong)} of {np.size(wrong)} differ, first at {at}: {got[at]!r}, expected {want[at]!r}'


# ---- The structures of gate_rt.h.

def structure(fields):
    return type('Structure', (ctypes.Structure,), {'_fields_': fields})


DTYPES = {}         # number of a gate_dtype: its name


def read_dtypes(root):
    with open(f'{root}/runtime/dtypes.def') as f:
        DTYPES.update(enumerate(re.findall(r'^DTYPE\((\w+),', f.read(), re.M)))


P, U32, U64 = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
Tensor = structure([('name', ctypes.c_char_p), ('axes', ctypes.c_char_p), ('dtype', U32), ('rank', U32),
                    ('shape', U64 * 8), ('extent', ctypes.c_int32 * 8), ('bytes', U64), ('offset', U64)])
Knob = structure([('name', ctypes.c_char_p), ('dtype', U32), ('rank', U32), ('shape', U64 * 8), ('offset', U64),
                  ('lo', ctypes.c_double), ('hi', ctypes.c_double)])
Weight = structure([('name', ctypes.c_char_p), ('dtype', U32), ('rank', U32), ('shape', U64 * 8)])
Extent = structure([('name', ctypes.c_char_p), ('max', ctypes.c_int64)])
Decision = structure([('path', ctypes.c_char_p), ('kind', U32), ('members', U32), ('bins', U32), ('offset', U64)])
Info = structure([('abi_version', U32), ('weights_embedded', U32), ('name', ctypes.c_char_p),
                  ('compiler', ctypes.c_char_p)]
                 + [(n, U32) for n in ('inputs', 'outputs', 'states', 'knobs', 'weights', 'extents')]
                 + [(n, ctypes.POINTER(Tensor)) for n in ('input', 'output', 'state')]
                 + [('knob', ctypes.POINTER(Knob)), ('weight', ctypes.POINTER(Weight)),
                    ('extent', ctypes.POINTER(Extent))]
                 + [(n, U64) for n in ('state_bytes', 'knob_bytes', 'workspace_bytes', 'workspace_align')]
                 + [('knobs_default', P), ('run', P), ('state_init', P), ('decisions', U32),
                    ('decision', ctypes.POINTER(Decision)), ('profile_bytes', U64), ('optional', U32)])
ABI_VERSION = 2     # of the structures above
RUN = ctypes.CFUNCTYPE(U32, P, P, P, P, P, P)


def numpy_type(dtype):
    name = DTYPES[dtype]
    if name == 'BOOL':
        return np.dtype(np.uint8)
    if name == 'BF16':
        return np.dtype(np.uint16)
    return np.dtype({'F': 'f', 'I': 'i', 'U': 'u'}[name[0]] + str(int(name[1:]) // 8))


# ---- Memory with a guard page on each side.

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = P
libc.mmap.argtypes = [P, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mprotect.argtypes = [P, ctypes.c_size_t, ctypes.c_int]
libc.munmap.argtypes = [P, ctypes.c_size_t]
READ, WRITE = 1, 2


def run_counted(run, *args):
    """The status, after a run that must not get memory."""
    counted, status = getattr(libc, 'counted_run', None), U32()
    if counted is None:
        return run(*args)
    counted.restype = ctypes.c_ulong
    allocations = counted(run, (P * len(args))(*args), ctypes.byref(status))
    if allocations:
        raise Failure(f'{allocations} allocations during a run')
    return status.value


class Guarded:
    """'size' bytes that end as close to a guard page as 'align' allows."""

    def __init__(self, size, align):
        self.pages = (size + PAGE - 1) // PAGE * PAGE or PAGE
        self.base = libc.mmap(None, self.pages + 2 * PAGE, READ | WRITE, 0x22, -1, 0)
        if self.base in (None, ctypes.c_void_p(-1).value):
            raise Failure('no memory for a guarded buffer')
        libc.mprotect(self.base, PAGE, 0)
        libc.mprotect(self.base + PAGE + self.pages, PAGE, 0)
        whole = np.frombuffer((ctypes.c_ubyte * self.pages).from_address(self.base + PAGE), np.uint8)
        start = (self.pages - size) // align * align
        whole[:] = BESIDE
        self.address, self.bytes = self.base + PAGE + start, whole[start:start + size]
        self.beside = (whole[:start], whole[start + size:])
        self.bytes[:] = BEFORE

    def fill(self, data):
        self.bytes[:] = np.frombuffer(data, np.uint8)
        libc.mprotect(self.base + PAGE, self.pages, READ)
        return self

    def check(self, what):
        if any((b != BESIDE).any() for b in self.beside):
            raise Failure(f'bytes beside {what} were written')

    def free(self):
        self.bytes = self.beside = None
        libc.munmap(self.base, self.pages + 2 * PAGE)


def stored(value, dtype):
    """The bytes of an input: bits are packed along the last axis."""
    if DTYPES[dtype] == 'BOOL':
        value = np.asarray(value, bool)
        return np.packbits(value[..., None] if value.ndim == 0 else value, axis=-1, bitorder='little').tobytes()
    return np.ascontiguousarray(np.asarray(value, numpy_type(dtype))).tobytes()


def room(shape, dtype):
    if DTYPES[dtype] == 'BOOL':
        *rows, last = shape or (1,)
        return int(np.prod(rows, dtype=int)) * ((last + 7) // 8)
    return int(np.prod(shape, dtype=int)) * numpy_type(dtype).itemsize


def loaded(data, shape, dtype):
    if DTYPES[dtype] == 'BOOL':
        *rows, last = shape or (1,)
        packed = data.reshape(*rows, (last + 7) // 8)
        return np.unpackbits(packed, axis=-1, count=last, bitorder='little').astype(bool).reshape(shape)
    return data.view(numpy_type(dtype)).reshape(shape).copy()


class Network:
    """A compiled network. Call it with its inputs by name; the result is {output: array, 'status': bits}."""

    def __init__(self, library, name, object):
        get = getattr(library, name + '_info')
        get.restype = ctypes.POINTER(Info)
        self.library, self.info, self.object = library, get().contents, object
        if self.info.abi_version != ABI_VERSION:
            raise Failure(f'ABI version {self.info.abi_version}, read by {ABI_VERSION}')
        self.call = RUN(self.info.run)
        self.workspace = Guarded(self.info.workspace_bytes, 64)

    def table(self, what):
        return list(getattr(self.info, what)[:getattr(self.info, what + 's')])

    def code(self):
        """The instructions of its object."""
        command(['objcopy', '-O', 'binary', '--only-section=.text', self.object, self.object + '.text'])
        with open(self.object + '.text', 'rb') as f:
            return f.read()

    def stored(self):
        """Bytes of each tensor of constants in its object."""
        return [int(size) for size in TENSORS.findall(command(['readelf', '-Ws', self.object]))]

    def new_state(self):
        state = Guarded(self.info.state_bytes, 64)
        self.start(state)
        return state

    def start(self, state):
        if self.info.states:
            ctypes.CFUNCTYPE(None, P)(self.info.state_init)(state.address)

    def knob_block(self, knobs):
        if not self.info.knobs:
            return b''
        block = bytearray(ctypes.string_at(self.info.knobs_default, self.info.knob_bytes))
        known = {k.name.decode(): k for k in self.table('knob')}
        for name, value in knobs.items():
            k = known[name]
            data = np.asarray(value, numpy_type(k.dtype)).tobytes()
            block[k.offset:k.offset + len(data)] = data
        return bytes(block)

    def extents(self, inputs):
        now = [0] * self.info.extents
        for t in self.table('input'):
            for axis, e in enumerate(t.extent[:t.rank]):
                if e >= 0 and t.name.decode() in inputs:
                    now[e] = np.shape(inputs[t.name.decode()])[axis]
        return now

    def shape(self, tensor, extents):
        names = {e.name.decode(): n for e, n in zip(self.table('extent'), extents)}
        axes = tensor.axes.decode().split(',')
        return tuple(extents[e] if e >= 0 else int(tensor.shape[i]) if e == -1 else axis_value(axes[i], names)
                     for i, e in enumerate(tensor.extent[:tensor.rank]))

    def __call__(self, inputs, weights=None, knobs=None, state=None):
        call = Call(self, inputs, weights, knobs, state)
        self.workspace.bytes[:] = BEFORE
        status = call.run()
        result = {**call.results(), 'status': status}
        if self.info.decisions:
            self.counted = self.counts(call.profile.bytes.view(np.uint64))
        call.free()
        return result

    def required(self, inputs):
        """The inputs; those that may be NULL come last, and may be left out."""
        table = self.table('input')
        missing = {t.name.decode() for t in table[:len(table) - self.info.optional]} - set(inputs)
        if missing:
            raise Failure(f'no input {sorted(missing)}')
        return table

    def counts(self, words):
        """{path: (kind, calls, rows, taken, bins)} of the last call, with a row for every member of a bank."""
        found = {}
        for d in self.table('decision'):
            at, m = d.offset // 8, d.members
            four = words[at:at + 4 * m].reshape(m, 4).astype(int)
            bins = words[at + 4 * m:at + 4 * m + m * d.bins].reshape(m, d.bins).astype(int)
            found[d.path.decode()] = (d.kind, *four.T[:3], bins)
        return found


class Call:
    """A network and what it is called with, each buffer between guard pages."""

    def __init__(self, network, inputs, weights=None, knobs=None, state=None):
        self.network, self.held, info = network, [], network.info
        self.extents = extents = network.extents(inputs)
        ins = [self.place(stored(inputs[t.name.decode()], t.dtype), numpy_type(t.dtype).itemsize)
               if t.name.decode() in inputs else 0 for t in network.required(inputs)]
        self.profile = Guarded(info.profile_bytes, 8)
        self.profile.bytes[:] = 0
        if info.decisions:
            ins.append(self.profile.address)
        self.shapes = [network.shape(t, extents) for t in network.table('output')]
        self.outs = [Guarded(room(s, t.dtype), numpy_type(t.dtype).itemsize)
                     for s, t in zip(self.shapes, network.table('output'))]
        table = 0
        if info.weights and not info.weights_embedded:
            table = self.pointers(self.place(stored(weights[w.name.decode()], w.dtype)) for w in network.table('weight'))
        block = network.knob_block(knobs or {})
        self.state = state or network.new_state()
        self.args = (self.pointers(ins, b''.join(struct.pack('<i', n) for n in extents)),
                     self.pointers(o.address for o in self.outs), self.state.address,
                     self.place(block, 8) if block else 0, table, network.workspace.address)

    def place(self, data, align=64):
        self.held.append(Guarded(len(data), align).fill(data))
        return self.held[-1].address

    def pointers(self, values, extra=b''):
        return self.place(b''.join(struct.pack('<Q', p) for p in values) + extra, 8)

    def run(self):
        return run_counted(self.network.call, *self.args)

    def results(self):
        buffers = [('the workspace', self.network.workspace), ('the state', self.state), ('the profile', self.profile)]
        for what, buffer in buffers + [('a result', o) for o in self.outs]:
            buffer.check(what)
        return {t.name.decode(): loaded(o.bytes, s, t.dtype)
                for t, o, s in zip(self.network.table('output'), self.outs, self.shapes)}

    def free(self):
        for buffer in self.held + self.outs + [self.profile]:
            buffer.free()


def axis_value(text, names):
    """An extent such as '2 * T + 1'."""
    tree = ast.parse(text.strip().replace('/', '//'), mode='eval')
    return eval(compile(tree, text, 'eval'), {'__builtins__': {}}, names)


@functools.cache
def quick(gatec, level):
    """A level without what LLVM does at it, which takes most of the time of a build."""
    passes = re.search(f'^- `{level}`: `(.*)`', command([gatec, '--print=passes']), re.M).group(1)
    return ['-O0', '--passes=' + passes]


def checked(gatec, options):
    """The options of a build: under sanitizers, which do not see into LLVM, its own work is left out."""
    if 'GATEC_SANITIZE' not in os.environ:
        return list(options)
    return [o for option in options for o in (quick(gatec, option) if option in ('-O1', '-O2', '-O3') else [option])]


class Gatec:
    """The compiler, and a folder for what it writes."""

    def __init__(self, gatec, root, scratch):
        self.gatec, self.scratch, self.builds = gatec, scratch, 0
        os.makedirs(scratch, exist_ok=True)
        read_dtypes(root)

    def build(self, source, *options):
        """{name: Network} of a file."""
        self.builds += 1
        base = f'{self.scratch}/code{self.builds}'
        command([self.gatec, 'build', source, '-o', base + '.o', '--header', base + '.h', *checked(self.gatec, options)])
        wants = set(UNDEFINED.findall(command(['readelf', '-Ws', base + '.o'])))     # nm loads all of LLVM
        if wants - {'memcpy', 'memset', 'memmove'}:
            raise Failure(f'the object imports {" ".join(sorted(wants))}')
        command(['ld', '-shared', base + '.o', '-o', base + '.so'])
        with open(source) as f:
            names = NETWORK.findall(f.read())
        library = ctypes.CDLL(base + '.so')
        return {name: Network(library, name, base + '.o') for name in names}

    def arguments(self, inputs, knobs):
        """What tells 'gatec run' the inputs, in files, and the knobs."""
        args = []
        for name, value in inputs.items():
            np.save(f'{self.scratch}/{name}.npy', value)
            args += ['--input', f'{name}={self.scratch}/{name}.npy']
        for name, value in knobs.items():
            args += ['--knob', f'{name}={knob_text(value)}']
        return args

    def run(self, source, network, calls, outputs, *options, knobs=None):
        """'gatec run' on one call, or on several with states kept. The status is of the last call."""
        args = [self.gatec, 'run', source, '--network', network, *options]
        stacked = calls[0] if len(calls) == 1 else {n: np.stack([c[n] for c in calls]) for n in calls[0]}
        args += self.arguments(stacked, knobs or {}) + ['--frames'] * (len(calls) > 1)
        for name in outputs:
            args += ['--save', f'{name}={self.scratch}/out_{name}.npy']
        text = command(args)
        status = sum(bit for name, bit in STATUS.items() if name in text)
        return {**{n: np.load(f'{self.scratch}/out_{n}.npy') for n in outputs}, 'status': status}


class Ways:
    """The networks of a file as they are run: interpreted, one process a case, and compiled for each
    level once; with 'weights' also with these by pointer."""

    def __init__(self, gatec, source, flags, weights=None):
        self.weights = weights
        self.pointer = gatec.build(source, '-O3', '--weights=pointer', *flags) if weights else {}
        self.interpreted = lambda *case: gatec.run(source, *case, '--interpret', *flags)
        self.compiled = {level: gatec.build(source, level, *flags) for level in ('-O0', '-O3')}

    def run(self, network, calls, outputs):
        """{way: the outputs, those of several calls stacked; or what went wrong}"""
        ways = {'interpreter': lambda: self.interpreted(network, calls, outputs)}
        for level, networks in self.compiled.items():
            ways[level] = lambda code=networks[network]: called(code, calls)
        if self.pointer:
            ways['-O3 by pointer'] = lambda: called(self.pointer[network], calls, weights=self.weights)
        return {way: attempt(run, outputs) for way, run in ways.items()}


def attempt(run, outputs):
    try:
        got = run()
        return [got[n] for n in outputs] if got['status'] & 0xff == 0 else f'status {got["status"]}'
    except Failure as e:
        return str(e)


def called(code, calls, **how):
    """A state of its own for the calls; the outputs of several are stacked, as 'gatec run' does."""
    state = code.new_state()
    results = [code(c, state=state, **how) for c in calls]
    if len(calls) == 1:
        return results[0]
    status = 0
    for r in results:
        status |= r['status']
    return {**{n: np.stack([r[n] for r in results]) for n in results[0]}, 'status': status}


def knob_text(value):
    if np.ndim(value):
        return ','.join(knob_text(v) for v in value)
    return str(int(value)) if isinstance(value, (bool, int, np.integer, np.bool_)) else repr(float(value))
