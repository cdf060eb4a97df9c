"""Runs IR text through gatec, interpreted and compiled, and compares with NumPy.

A case is a network in IR text with inputs and expected outputs. Expected values are computed by
NumPy only, from the written meaning of the ops. 'ulp' is the distance allowed for the interpreter
and for compiled code; None is equality (NaN equals NaN, 0 equals -0). The stage is 'hi', or for the
loop stage the declaration of the outputs; that is not interpreted."""
import os
import re
import subprocess
import numpy as np
from gatecode import STATUS, Failure, Gatec

INTERPRETER = ('interpreter', ['--interpret'])
LEVELS = ('-O0', '-O3')
NP = {'f64': np.float64, 'f32': np.float32, 'f16': np.float16, 'bf16': np.uint16, 'i64': np.int64,
      'i32': np.int32, 'i16': np.int16, 'i8': np.int8, 'u64': np.uint64, 'u32': np.uint32,
      'u16': np.uint16, 'u8': np.uint8, 'bit': np.bool_, 'ix': np.int32}
FLOATS = ('f64', 'f32', 'f16', 'bf16')
INTS = ('i64', 'i32', 'i16', 'i8', 'u64', 'u32', 'u16', 'u8')


class Case:
    def __init__(self, name, text, inputs, outputs, head='', ulp=None, args=(), note=None,
                 bf16=(), stage='hi'):
        self.name, self.text, self.head = name, text, head
        self.inputs, self.outputs = inputs, outputs
        self.ulp = ulp if isinstance(ulp, dict) or ulp is None else {'interpreter': 1, 'code': ulp}
        self.args, self.note = list(args), note
        self.stage = stage
        self.bf16 = set(bf16)  # outputs whose u16 are the bits of bf16

    def alone(self):
        """Whether it has to be a module of its own: it has tables, options, or is no tensor code."""
        tables = [line for line in self.head.splitlines() if not line.startswith('dim ')]
        return bool(tables or self.args or self.stage != 'hi')

    def network(self, name):
        ins = ', '.join('%%%s : %s' % (n, t) for n, (t, _) in self.inputs.items())
        dims = re.findall(r'^dim (\S+) <=', self.head, re.M)
        used = [d for d in dims if re.search(r'\[%s\b|, %s\b' % (d, d), ins)]
        outs = ', '.join(self.outputs) if self.stage == 'hi' else self.stage
        stage = 'hi' if self.stage == 'hi' else 'lo'
        return 'network @%s(%s) -> (%s) stage %s%s {\n%s\n}\n' % (
            name, ins, outs, stage, ' dims [%s]' % ', '.join(used) if used else '', self.text.strip('\n'))


def type_of(a, elem):
    return elem + ('[%s]' % ', '.join(map(str, a.shape)) if a.shape else '')


class Runner:
    def __init__(self, gatec, folder):
        self.gatec, self.folder = gatec, folder
        self.failures, self.runs, self.worst = [], 0, {}
        self.ops = set()
        os.makedirs(folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, file, head, networks):
        with open(self.path(file), 'w') as f:
            f.write('module test\n%s\n' % head + ''.join(networks))
        return self.path(file)

    def ops_of(self, text):
        self.ops |= set(re.findall(r'^\s*(?:%[^=]*= )?([a-z_0-9]+)\b', text, re.M))

    def command(self, case, source, network, flags):
        c = [self.gatec, 'run', source, '--network', network] + list(flags) + case.args
        for n in case.inputs:
            c += ['--input', '%s=%s' % (n, self.path('in_%s.npy' % n))]
        for n in case.outputs:
            c += ['--save', '%s=%s' % (n, self.path('out_%s.npy' % n))]
        return c

    def fail(self, case, mode, text):
        self.failures.append('%s (%s): %s' % (case.name, mode, text))

    def run(self, cases):
        """Interpreted in a process each. Compiled, those that can are one module, which is built once a level."""
        joined = [c for c in cases if not c.alone()]
        dims = {line for c in joined for line in c.head.splitlines()}
        source = self.write('joined.gir', '\n'.join(sorted(dims)), [c.network('net%d' % k) for k, c in enumerate(joined)])
        for k, case in enumerate(joined):
            self.run_process(case, source, 'net%d' % k, [INTERPRETER])
        self.run_joined(joined, source)
        for case in cases:
            self.ops_of(case.text)
            if case.alone():
                source = self.write(case.name + '.gir', case.head, [case.network('net')])
                ways = [(level, [level]) for level in LEVELS]
                self.run_process(case, source, 'net', [INTERPRETER] * (case.stage == 'hi') + ways)
                self.collect(source)

    def run_process(self, case, source, network, ways):
        for n, (_, a) in case.inputs.items():
            np.save(self.path('in_%s.npy' % n), a)
        for mode, flags in ways:
            self.runs += 1
            p = subprocess.run(self.command(case, source, network, flags), capture_output=True, text=True)
            if p.returncode:
                self.fail(case, mode, 'exit %d: %s' % (p.returncode, p.stderr.strip()[:600]))
                continue
            if (case.note or '') not in p.stdout or (not case.note and 'note:' in p.stdout):
                self.fail(case, mode, 'status: %r expected, printed %r' % (case.note, p.stdout))
            for n, want in case.outputs.items():
                self.compare(case, mode, n, np.asarray(want), np.load(self.path('out_%s.npy' % n)))

    def run_joined(self, cases, source):
        for level in LEVELS:
            networks = Gatec(self.gatec, os.environ['GATEC_ROOT'], self.path(level)).build(source, level)
            for k, case in enumerate(cases):
                self.runs += 1
                try:
                    got = networks['net%d' % k]({n: a for n, (_, a) in case.inputs.items()})
                except Failure as e:
                    self.fail(case, level, str(e))
                    continue
                if got['status'] != (STATUS[case.note] if case.note else 0):
                    self.fail(case, level, 'status %d, expected %r' % (got['status'], case.note))
                for n, want in case.outputs.items():
                    self.compare(case, level, n, np.asarray(want), got[n])
        self.collect(source)

    def collect(self, source):
        """Ops of the loop stage that a module is lowered to."""
        for level in LEVELS:
            p = subprocess.run([self.gatec, 'build', source, level, '--emit=ir', '-o', '-'],
                               capture_output=True, text=True)
            self.ops_of(p.stdout)

    def compare(self, case, mode, name, want, got):
        if want.dtype != got.dtype or want.shape != got.shape:
            return self.fail(case, mode, '%s is %s%s, expected %s%s' % (
                name, got.dtype, got.shape, want.dtype, want.shape))
        if name in case.bf16:
            want, got = from_bf16(want), from_bf16(got)
        if want.dtype.kind == 'f':
            same = (want == got) | (np.isnan(want) & np.isnan(got))
        else:
            same = want == got
        if np.all(same):
            return None
        allowed = 0
        if case.ulp and want.dtype.kind == 'f':
            allowed = case.ulp['interpreter' if mode == 'interpreter' else 'code']
            far = distance(want, got)
            far[same] = 0
            key = case.name, 'interpreter' if mode == 'interpreter' else 'code'
            self.worst[key] = max(self.worst.get(key, 0), float(np.max(far)))
            same = same | (far <= allowed)
        if not np.all(same):
            k = np.unravel_index(np.argmin(same), same.shape) if same.shape else ()
            self.fail(case, mode, '%s%s is %r, expected %r%s' % (
                name, list(map(int, k)), got[k], want[k],
                ' within %g ULP' % allowed if allowed else ''))
        return None


def distance(want, got):
    """In units of the last place of the expected value; infinite where only one is a number."""
    w, g = want.astype(np.float64), got.astype(np.float64)
    with np.errstate(all='ignore'):
        unit = np.spacing(np.abs(want)).astype(np.float64)
        far = np.abs(w - g) / unit
        # Results below the normal range may lose bits.
        tiny = np.finfo(want.dtype).tiny
        far = np.where(np.abs(w - g) <= tiny, 0, far)
    return np.where(np.isfinite(w) & np.isfinite(g), far, np.inf)


# ---- element types that NumPy has not ----

def to_bf16(x):
    """f32 to the bits of the nearest bf16, ties to even."""
    b = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    r = (b + 0x7fff + ((b >> 16) & 1)) >> 16
    return np.where(np.isnan(x), 0x7fc0, r).astype(np.uint16)


def from_bf16(b):
    return (b.astype(np.uint32) << 16).view(np.float32)


def as_f32(elem, a):
    return from_bf16(a) if elem == 'bf16' else a.astype(np.float32)


def from_f32(elem, a):
    with np.errstate(all='ignore'):
        return to_bf16(a) if elem == 'bf16' else np.asarray(a).astype(NP[elem])
