"""Random networks as .gate text, well typed by construction, in every way of running them.

    gate_text.py [--seed N] [--level N] [--keep DIR] GATEC COUNT
    gate_text.py --show --seed N GATEC 1

Program N is a function of the seed N. Each is compiled at -O0 and -O3 and compared with the
interpreter on random inputs (gatec difftest). A program that is refused is a mistake too: of this
generator or of the checker. The first failure is made smaller by leaving out lines and printed with
its seed.

A type is (element, axes). Inside a gate over T the name T means the selected rows, and so it does in
the types of all that is seen there: a body is written with the same types as the text around it.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

import routed_text

DIMS = {'T': 'dim T <= 7;', 'S': 'dim S = 6;', 'D': 'dim D = 4;', 'E': 'dim E = 3;'}
ROWS = ['T', 'S']
FEATURES = ['D', 'E']
SIZE = {'S': 6, 'D': 4, 'E': 3}
UNARY = ['tanh({})', 'exp(-abs({}))', 'sqrt(abs({}))', 'log1p(abs({}))', 'sin({})', '-({})', 'abs({})',
         'floor({})', 'nn.relu({})', 'nn.sigmoid({})', 'nn.gelu({})', 'nn.silu({})', 'nn.hard_swish({})',
         'clamp({}, -2, 3)', '({}) ** 2', 'erf({})']
ALONG = ['nn.softmax({})', 'nn.log_softmax({})', 'nn.rms_norm({}, {one})', 'nn.softmax({} * 4)']
INT_OPS = ['+', '-', '*', '&', '^', '|', '%', '/']
COMPARE = ['<', '<=', '>', '>=', '==', '!=']


HALTS = True  # whether loops leave early


class Name:
    def __init__(self, text, elem, axes, kind='value', target=False):
        self.text, self.elem, self.axes, self.kind, self.target = text, elem, tuple(axes), kind, target


class Text(routed_text.Routed):
    """One program: lines, and what can be seen at the place that is written."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.lines, self.indent = [], 0
        self.names, self.gates = [], []
        self.inside = []      # gates whose bodies are around, by name
        self.narrowed = []    # axes that are restricted here
        self.count = 0
        self.blocks = []
        self.loops = 0
        self.indices = []     # (name, dimension) of each and reductions around

    # ---- small choices ----

    def chance(self, percent):
        return self.r.randrange(100) < percent

    def pick(self, items):
        return self.r.choice(list(items))

    def fresh(self, stem):
        self.count += 1
        return f'{stem}{self.count}'

    def put(self, line):
        self.lines.append('    ' * self.indent + line)

    def axes(self, rank):
        return tuple(self.r.sample(ROWS + FEATURES, rank))

    def seen(self, elem, axes):
        return [n for n in self.names if n.elem == elem and n.axes == tuple(axes)]

    # ---- expressions over whole tensors ----

    def leaf(self, elem, axes):
        found = self.seen(elem, axes)
        if found and self.chance(85):
            return self.pick(found[-8:]).text
        if not axes:
            return self.scalar_leaf(elem) if self.chance(40) else self.element_leaf(elem)
        return self.each(elem, axes, 0)

    def scalar_leaf(self, elem):
        if elem == 'bit':
            return self.pick(('true', 'false'))
        if elem == 'i32':
            gates = [g for g in self.gates if g.axes and g.text not in self.inside]
            if gates and self.chance(30):
                return self.pick(gates).text + '.count'
            return self.pick(('0', '1', '2', '3', '7', 'T', 'D', 'E'))
        return self.pick(('0.0', '0.5', '1.0', '-1.5', '2.0', '0.25'))

    def expr(self, elem, axes, depth):
        axes = tuple(axes)
        if depth <= 0:
            return self.leaf(elem, axes)
        kinds = {'f32': [self.leaf, self.unary, self.unary, self.binary, self.binary, self.binary, self.choose,
                         self.along, self.product, self.transposed, self.each_of, self.reduced, self.when, self.when,
                         self.rank0_when, self.gathered, self.shifted, self.converted],
                 'i32': [self.leaf, self.integers, self.integers, self.choose, self.each_of, self.converted,
                         self.counted, self.when],
                 'bit': [self.compared, self.compared, self.logic, self.mask, self.each_of, self.leaf]}[elem]
        for _ in range(8):
            kind = self.pick(kinds)
            e = kind(elem, axes) if kind == self.leaf else kind(elem, axes, depth - 1)
            if e:
                return e
        return self.leaf(elem, axes)

    def unary(self, elem, axes, depth):
        return self.pick(UNARY).format(self.expr(elem, axes, depth))

    def part(self, elem, axes, depth):
        """An operand: of the same axes, of some of them in order, or a scalar."""
        some = [a for a in axes if self.chance(50)]
        return self.expr(elem, self.pick((axes, axes, some, ())), depth)

    def binary(self, elem, axes, depth):
        op = self.pick(('+', '-', '*', '*', '/', 'max', 'min'))
        a, b = self.expr(elem, axes, depth), self.part(elem, axes, depth)
        if self.chance(30):
            a, b = b, a
        if op in ('max', 'min'):
            return f'{op}({a}, {b})'
        if op == '/':
            return f'({a}) / (1 + abs({b}))'
        return f'(({a}) {op} ({b}))'

    def binary_of(self, n):
        if n.elem == 'bit':
            return f'{n.text} or {self.expr("bit", n.axes, 1)}'
        return f'({n.text} + {self.expr(n.elem, n.axes, 2)})'

    def integers(self, elem, axes, depth):
        return f'(({self.expr(elem, axes, depth)}) {self.pick(INT_OPS)} ({self.part(elem, axes, depth)}))'

    def choose(self, elem, axes, depth):
        c = self.expr('bit', axes, depth - 1)
        return f'select({c}, {self.expr(elem, axes, depth)}, {self.part(elem, axes, depth)})'

    def along(self, elem, axes, depth):
        if not axes:
            return None
        one = self.leaf('f32', axes[-1:])
        return self.pick(ALONG).format(self.expr(elem, axes, depth), one=one)

    def product(self, elem, axes, depth):
        if not axes or len(axes) > 2:
            return None
        over = self.pick([d for d in ROWS + FEATURES if d not in axes])
        a = self.expr(elem, axes[:1] + (over,), depth)
        b = self.expr(elem, (over,) + axes[1:], depth)
        if len(axes) == 2 and self.chance(30) and self.seen(elem, (axes[1], over)):
            b = self.leaf(elem, (axes[1], over)) + "'"
        return f'(({a}) @ ({b}))' if not b.endswith("'") else f'(({a}) @ {b})'

    def transposed(self, elem, axes, depth):
        if len(axes) != 2:
            return None
        return f"({self.expr(elem, axes[::-1], depth)})'"

    def each_of(self, elem, axes, depth):
        return self.each(elem, axes, min(depth, 2)) if axes else None

    def reduced(self, elem, axes, depth):
        return f'({self.reduction(elem, axes, depth)})' if not axes else None

    def converted(self, elem, axes, depth):
        if elem == 'i32':
            return f'i32({self.expr("f32", axes, depth)})'
        return self.pick(('f32({})', 'f32({})', 'f32(f16(f32({})))')).format(self.expr('i32', axes, depth))

    def counted(self, elem, axes, depth):
        if axes:
            return None
        over = self.axes(1)
        return f'(count[i in {over[0]}] ({self.expr("bit", over, depth)})[i])' if not self.indices else None

    def compared(self, elem, axes, depth):
        kind = self.pick(('f32', 'f32', 'i32'))
        return f'(({self.expr(kind, axes, depth)}) {self.pick(COMPARE)} ({self.part(kind, axes, depth)}))'

    def logic(self, elem, axes, depth):
        if self.chance(25):
            return f'(not ({self.expr("i32", axes, depth)} == 1))'
        return f'(({self.expr(elem, axes, depth)}) {self.pick(("and", "or"))} ({self.part(elem, axes, depth)}))'

    def open_gates(self, axis):
        return [g for g in self.gates if g.axes == axis and g.text not in self.inside]

    def mask(self, elem, axes, depth):
        found = self.open_gates(tuple(axes)) if len(axes) == 1 else []
        return self.pick(found).text + '.mask' if found else None

    # ---- decisions ----

    def when(self, elem, axes, depth):
        rows = [a for a in axes if a in ROWS]
        found = [g for a in rows for g in self.gates if g.axes == (a,) and (a not in self.inner_each())]
        if not found or self.indices:
            return None
        g = self.pick(found)
        a = self.under(g, lambda: self.expr(elem, axes, depth))
        b = self.under(g, lambda: self.pick((self.expr(elem, axes, depth - 1), '0' if elem != 'bit' else 'false')))
        return f'({{ when {g.text} {{ {a} }} else ({b}) }})'

    def inner_each(self):
        return [d for _, d in self.indices]

    def under(self, g, make):
        self.inside.append(g.text)
        self.narrowed += list(g.axes)
        e = make()
        self.inside.pop()
        del self.narrowed[len(self.narrowed) - len(g.axes):]
        return e

    def rank0_when(self, elem, axes, depth):
        found = [g for g in self.gates if not g.axes]
        if not found or self.indices:
            return None
        return (f'({{ when {self.pick(found).text} {{ {self.expr(elem, axes, depth)} }} '
                f'else ({self.expr(elem, axes, depth - 1)}) }})')

    # ---- index notation ----

    def each(self, elem, axes, depth):
        bound = [(self.fresh('k'), d) for d in axes]
        binders = ', '.join(f'{n} in {d}' for n, d in bound)
        self.indices += bound
        e = self.element(elem, depth)
        del self.indices[len(self.indices) - len(bound):]
        return f'(each[{binders}] {e})'

    def element(self, elem, depth):
        """A scalar that may use the indices around."""
        if depth <= 0 or self.chance(25):
            return self.element_leaf(elem)
        if elem == 'f32':
            k = self.r.randrange(6)
            if k == 0:
                return self.pick(UNARY).format(self.element(elem, depth - 1))
            if k == 1:
                return f'select({self.element("bit", depth - 1)}, {self.element(elem, depth - 1)}, ' \
                       f'{self.element(elem, depth - 1)})'
            if k == 2:
                return f'({self.reduction(elem, (), depth)})'
            if k == 3:
                return f'f32({self.element("i32", depth - 1)})'
            return f'({self.element(elem, depth - 1)} {self.pick("+-*")} {self.element(elem, depth - 1)})'
        if elem == 'i32':
            return f'({self.element(elem, depth - 1)} {self.pick(INT_OPS[:4])} {self.element(elem, depth - 1)})'
        kind = self.pick(('f32', 'i32'))
        return f'({self.element(kind, depth - 1)} {self.pick(COMPARE)} {self.element(kind, depth - 1)})'

    def element_leaf(self, elem):
        here = dict((d, n) for n, d in self.indices)
        usable = [n for n in self.names if n.elem == elem and n.axes]
        found = [n for n in usable if all(a in here for a in n.axes)]
        if found and self.chance(80):
            return self.at(self.pick(found[-10:]), here)
        if elem == 'i32' and self.indices and self.chance(40):
            return f'i32({self.pick(self.indices)[0]})'
        found = [n for n in usable if len([a for a in n.axes if a not in here]) == 1]
        if found and self.chance(80):
            n, k = self.pick(found[-10:]), self.fresh('j')
            over = [a for a in n.axes if a not in here][0]
            op = {'f32': ('sum', 'max', 'mean', 'min'), 'i32': ('sum', 'max', 'min'), 'bit': ('any', 'all')}[elem]
            return f'({self.pick(op)}[{k} in {over}] {self.at(n, {**here, over: k})})'
        return self.scalar_leaf(elem)

    def at(self, n, here):
        return f'{n.text}[{", ".join(here[a] for a in n.axes)}]'

    def reduction(self, elem, axes, depth):
        op = self.pick(('sum', 'sum', 'sum', 'max', 'min', 'mean', 'prod'))
        d = self.pick(ROWS + FEATURES)
        over = d
        gates = self.open_gates((d,))
        if gates and self.chance(40) and not self.indices:
            over = self.pick(gates).text
        if d in self.inner_each():
            return self.element_leaf(elem)
        n = self.fresh('j')
        self.indices.append((n, d))
        body = self.element(elem, depth - 1)
        self.indices.pop()
        return f'{op}[{n} in {over}] {body}' if body.startswith('(') else f'{op}[{n} in {over}] ({body})'

    def gathered(self, elem, axes, depth):
        """Rows in the order of an index."""
        if not axes or axes[0] in self.narrowed or self.indices:
            return None
        found = [n for n in self.names if n.elem == 'ix' and n.kind == axes[0] and n.axes == axes[:1]]
        base = self.seen(elem, axes)
        if not found or not base:
            return None
        return f'{self.pick(base).text}[{self.pick(found).text}]'

    def shifted(self, elem, axes, depth):
        base = self.seen(elem, axes)
        if not axes or not base or axes[0] in self.narrowed:
            return None
        bound = [self.fresh('k') for _ in axes]
        binders = ', '.join(f'{n} in {d}' for n, d in zip(bound, axes))
        by = self.pick(('- 1', '+ 1', '- 2', '* 2', '/ 2'))
        subs = ', '.join([f'{bound[0]} {by}'] + bound[1:])
        return f'(each[{binders}] ({self.pick(base).text}[{subs}] ?? {self.pick(("0", "0.5"))}))'

    # ---- statements ----

    def bind(self, text, elem, axes, kind='value', target=False):
        self.names.append(Name(text, elem, axes, kind, target))

    def let(self):
        elem = self.pick(('f32', 'f32', 'f32', 'f32', 'i32', 'bit'))
        axes = self.axes(self.pick((0, 1, 1, 2, 2, 2, 3)))
        name = self.fresh('v')
        typed = f': {type_text(elem, axes)}' if self.chance(50) or not axes else ''
        self.put(f'let {name}{typed} = {self.expr(elem, axes, 3)};')
        self.bind(name, elem, axes)

    def index(self):
        d, over = self.axes(2)
        if d in self.narrowed or over in self.narrowed:
            return
        found = self.seen('f32', (over, d))
        name = self.fresh('p')
        if found and d != 'T':
            self.put(f'let {name}[i in {over}] = argmax[j in {d}] {self.pick(found).text}[i, j];')
            self.names.append(Name(name, 'ix', (over,), d))
        else:
            self.put(f'let {name} = sorted({self.expr("f32", (d,), 1)}).ids;')

    def gate(self):
        name = self.fresh('g')
        if self.chance(20):
            self.put(f'gate {name} = {self.expr("bit", (), 2)};')
            self.gates.append(Name(name, 'gate', ()))
            return
        axis = self.pick(ROWS)
        score = self.expr('f32', (axis,), 2)
        old = self.open_gates((axis,))
        rules = [self.expr('bit', (axis,), 2)] * 3 + [f'gates.top({score}, k: {self.pick((1, 2, 3))})',
                                                      f'gates.top_share({score}, {self.pick(("0.3", "0.6", "1.0"))})',
                                                      f'gates.mass_set(nn.softmax({score}), 0.7)',
                                                      f'gates.bernoulli(nn.sigmoid({score}), {self.r.randrange(9)})']
        if old and self.chance(20):
            rules = [f'not {self.pick(old).text}']
        elif len(old) > 1 and self.chance(50):
            a, b = self.r.sample(old, 2)
            rules = [f'{a.text} {self.pick(("and", "or"))} {b.text}', f'{a.text} and not {b.text}', f'not {a.text}']
        self.put(f'gate {name}[{axis}] = {self.pick(rules)} #local{self.how(25)};')
        self.gates.append(Name(name, 'gate', (axis,)))

    def assign(self):
        """An assignment that is allowed here: of a target with the axes that are restricted."""
        need = set(self.narrowed)
        found = [n for n in self.names if n.target and need <= set(n.axes)]
        if not found:
            return False
        n = self.pick(found)
        op = self.pick(('=', '=', '+='))
        if op == '+=':
            self.put(f'{n.text} += {self.expr(n.elem, n.axes, 2)};')
        elif n.axes and n.axes[0] in SIZE and not self.narrowed and self.chance(25):
            at = self.pick((str(self.r.randrange(SIZE[n.axes[0]])), f'({self.expr("i32", (), 1)}) % {n.axes[0]}'))
            self.put(f'{n.text}[{at}] = {self.expr(n.elem, n.axes[1:], 2)};')
        else:
            self.put(f'{n.text} = {self.expr(n.elem, n.axes, 2)};')
        return True

    def scope(self):
        return len(self.names), len(self.gates)

    def leave(self, s):
        del self.names[s[0]:], self.gates[s[1]:]

    def on(self, level):
        usable = [g for g in self.gates if g.text not in self.inside]
        targets = [n for n in self.names if n.target]
        usable = [g for g in usable if any(set(self.narrowed) | set(g.axes) <= set(n.axes) for n in targets)]
        if not usable:
            return
        g = self.pick(usable)
        self.put(f'on {g.text} {{')
        s = self.scope()
        self.indent += 1

        def body():
            for _ in range(self.r.randrange(2)):
                self.statement(level - 1)
            self.assign()
        self.under(g, body)
        self.indent -= 1
        self.leave(s)
        self.put('}')

    def decided(self, level):
        """A value under a gate, with statements in its braces."""
        if not self.gates:
            return
        g = self.pick(self.gates[-6:])
        axes = list(self.axes(self.pick((1, 2, 2))))
        if g.axes and g.axes[0] not in axes:
            axes[self.r.randrange(len(axes))] = g.axes[0]
        elem = self.pick(('f32', 'f32', 'f32', 'i32'))
        name = self.fresh('v')
        first = self.pick(('', f'{self.leaf(elem, axes)} + '))
        self.put(f'let {name}: {type_text(elem, axes)} = {first}when {g.text} {{')
        s = self.scope()
        self.indent += 1

        def body():
            for _ in range(self.pick((1, 1, 2, 3))):
                self.statement(level - 1)
            self.put(self.expr(elem, axes, 2))
            return self.expr(elem, axes, 1)
        other = self.under(g, body)
        self.indent -= 1
        self.leave(s)
        if re.search(r'[a-z]\d', other):
            other = '0'
        self.put(f'}} else ({other});')
        self.bind(name, elem, axes)

    def loop(self, level):
        if self.loops > 1:
            return
        self.loops += 1
        carries = []
        for _ in range(self.pick((1, 1, 2))):
            axes = self.axes(self.pick((0, 1, 1, 2)))
            carries.append((self.fresh('h'), self.pick(('f32', 'f32', 'f32', 'i32')), axes))
        init = ', '.join(f'{n}: {type_text(e, a)} = {self.expr(e, a, 1)}' for n, e, a in carries)
        index = self.fresh('l')
        stack = self.fresh('z') if self.chance(30) else None
        rng = self.pick(('3', 'E', '0..2', 'E', 'D', 'rev[E]()'))
        dim = rng if rng in SIZE else None
        if stack and dim:
            self.put(f'loop {stack}[{index} in {rng}] carry {init} {{')
        else:
            stack = None
            self.put(f'loop {index} in {rng} carry {init} {{')
        s = self.scope()
        self.indent += 1
        for n, e, a in carries:
            self.bind(n, e, a, 'carry', True)
        halts = self.halting(carries)
        self.narrowed += halts or []
        for _ in range(self.pick((1, 2))):
            self.statement(level - 1)
        self.assign()
        left = self.fresh('q')
        if halts and self.chance(25):
            h, e, a = self.pick(carries)
            grow = f'{h} += {self.fresh("w")} * {h};' if e == 'f32' and a[:1] == tuple(halts) else ''
            w = f'w{self.count}' if grow else self.fresh('w')
            self.put(f'halt {left}[{halts[0]}] mass nn.sigmoid({self.expr("f32", halts, 1)}) to {self.pick(("0.9", "1.5"))} as {w} {{ {grow} }}')
            del self.narrowed[len(self.narrowed) - len(halts):]
        elif halts is not None:
            self.put(f'halt {left}{"[" + halts[0] + "]" if halts else ""} when '
                     f'{self.expr("bit", halts, 2)}{self.how(60) if halts else ""};')
            del self.narrowed[len(self.narrowed) - len(halts):]
        axes = ()
        if stack:
            axes = self.axes(1)
            self.put(self.expr('f32', axes, 1))
        self.indent -= 1
        self.leave(s)
        self.put('}')
        for n, e, a in carries:
            self.bind(n, e, a)
        if stack:
            self.bind(stack, 'f32', (dim,) + axes)
        if halts is not None:
            self.bind(f'{left}.steps', 'i32', tuple(halts))
        self.loops -= 1

    def halting(self, carries):
        """None, or the axes of the decision that ends the loop: of its rows, or none for all of it."""
        rows = [a for a in ROWS if all(a in axes for _, _, axes in carries)]
        if rows and self.chance(50):
            return rows[:1]
        return [] if not self.narrowed and self.chance(30) else None

    def scan(self, level):
        if self.loops > 1:
            return
        d = self.pick(ROWS)
        carry = self.fresh('h')
        axes = self.axes(self.pick((0, 1)))
        if d in axes:
            return
        name, index = self.fresh('y'), self.fresh('t')
        init = self.expr('f32', axes, 1)
        source = self.seen('f32', (d,) + axes)
        self.put(f'scan {name}[{index} in {d}] carry {carry}: {type_text("f32", axes)} = {init} {{')
        s = self.scope()
        self.indent += 1
        self.loops += 1
        self.bind(carry, 'f32', axes, 'carry', True)
        row = f'{self.pick(source).text}[{index}]' if source else '0.5'
        decay = self.pick(('0.5', self.expr('f32', axes, 1)))
        if self.chance(30):
            self.on(level - 1)
        self.put(f'{carry} = {carry} * {decay} + {row};')
        self.put(self.pick((carry, self.expr('f32', axes, 2))))
        self.loops -= 1
        self.indent -= 1
        self.leave(s)
        self.put('}')
        self.bind(name, 'f32', (d,) + axes)
        self.bind(carry, 'f32', axes)

    def call(self):
        """A part or bank of a block over rows of D."""
        if not self.blocks:
            return
        rows = self.pick(ROWS)
        name = self.fresh('v')
        x = self.expr('f32', (rows, 'D'), 1)
        kind, part = self.pick(self.blocks)
        if kind == 'bank' and self.loops < 2 and not self.indices:
            h, index = self.fresh('h'), self.fresh('l')
            self.put(f'loop {index} in E carry {h} = {x} {{ {h} = {part}[{index}]({h}); }}')
            self.bind(h, 'f32', (rows, 'D'))
            return
        callee = part if kind == 'part' else f'{part}[{self.r.randrange(3)}]'
        self.put(f'let {name} = {callee}({x});')
        self.bind(name, 'f32', (rows, 'D'))

    def library(self):
        name = self.fresh('v')
        rows = self.pick(ROWS)
        x = self.expr('f32', (rows, 'D'), 1)
        if rows not in self.narrowed and self.chance(40):
            k = self.leaf('f32', ('D', 'E'))
            self.put(f'let {name} = nn.causal_conv({x}, {k});')
        elif self.chance(50):
            whole = self.seen('f32', (rows, 'D'))
            self.put(f"let {name} = nn.softmax(({x}) @ ({self.expr('f32', (rows, 'D'), 1)})') @ "
                     f"{self.pick(whole).text if whole else x};")
        else:
            h = self.pick(('2', '4', '1'))
            self.put(f'let {name} = attention.flat(attention.attend(attention.heads[{h}]({x}), '
                     f'attention.heads[{h}]({x}), attention.heads[{h}]({self.expr("f32", (rows, "D"), 1)})));')
        self.bind(name, 'f32', (rows, 'D'))

    def statement(self, level):
        kinds = [self.let] * 4 + [self.gate] * 4 + [self.index, self.call, self.call, self.library, self.routed, self.routed, self.merged]
        if level > 0:
            kinds += [lambda: self.decided(level)] * 4 + [lambda: self.on(level)] * 3 + [lambda: self.loop(level)] * 2 + [lambda: self.scan(level)] * 2
            kinds += [self.assign] * 2
        self.pick(kinds)()

    # ---- the file ----

    def block(self, name):
        self.put(f'block {name}(x: f32[n, D]) -> f32[n, D] {{')
        self.indent += 1
        self.put(f'param w: f32[D, D] = {weights(self.r, 2)};')
        self.put(f'param b: f32[D] = {weights(self.r, 1)};')
        act = self.pick(('tanh', 'nn.relu', 'nn.silu'))
        if self.chance(40):
            self.put(f'exit done[n] when x @ b > {self.pick(("0.2", "-0.3"))} with {self.pick(("x", "x * 0.5", "0"))};')
        if self.chance(40):
            self.put('gate hot[n] = x @ b > 0.1 #local;')
            self.put(f"x + when hot {{ {act}(x @ w' + b) }} else 0")
        else:
            self.put(f"x + {act}(x @ w' + b)")
        self.indent -= 1
        self.put('}')

    def network(self):
        self.lines = ['use std.nn;', 'use std.gates;', 'use std.routers;', 'use std.attention;'] + list(DIMS.values())
        self.block('one')
        inputs = [('x', 'f32', ('T', 'D')), ('s', 'f32', ('S', 'D')), ('e', 'f32', ('E', 'D'))]
        inputs += [('n', 'i32', self.pick((('T',), ('S',), ('T', 'D')))), ('m', 'bit', self.axes(1))]
        for _ in range(self.r.randrange(3)):
            inputs.append((self.fresh('a'), self.pick(('f32', 'f32', 'i32', 'bit')), self.axes(self.pick((0, 1, 2)))))
        head = len(self.lines)
        self.indent = 1
        for n, e, a in inputs:
            self.bind(n, e, a)
        if self.chance(60):
            self.put('part one_part: one;')
            self.blocks.append(('part', 'one_part'))
        if self.chance(40):
            self.put('bank layers[E]: one;')
            self.blocks.append(('bank', 'layers'))
        if self.chance(50):
            self.put('knob tau: f32 = 0.25 in -1..1;')
            self.bind('tau', 'f32', ())
        if self.chance(30):
            self.put('knob most: int = 2 in 1..3;')
            self.bind('most', 'i32', ())
        if self.chance(30):
            self.put('knob part_of: f32[E] = [0.5, 0.25, 1] in 0..1;')
            self.bind('part_of', 'f32', ('E',))
        for _ in range(self.r.randrange(3)):
            axes = tuple(self.r.sample(['S', 'D', 'E'], self.pick((1, 2))))
            name = self.fresh('w')
            self.put(f'param {name}: {type_text("f32", axes)} = {weights(self.r, len(axes))};')
            self.bind(name, 'f32', axes)
        for _ in range(self.r.randrange(3)):
            axes = tuple(self.r.sample(['S', 'D', 'E'], self.pick((0, 1, 2))))
            name, elem = self.fresh('st'), self.pick(('f32', 'f32', 'i32'))
            self.put(f'state {name}: {type_text(elem, axes)}{self.pick(("", " = 1"))};')
            self.bind(name, elem, axes, 'state', True)
        for _ in range(3 + self.r.randrange(5)):
            self.statement(2)
        made = [n for n in self.names if n.elem != 'ix'][len(inputs):] or self.names[:1]
        outs, values = [], []
        for k in range(1 + self.r.randrange(3)):
            n = self.pick(made[-8:])
            outs.append((f'y{k}', n.elem, n.axes))
            values.append(n.text if self.chance(50) else self.binary_of(n))
        self.put(values[0] if len(values) == 1 else f'({", ".join(values)})')
        signature = ', '.join(f'{n}: {type_text(e, a)}' for n, e, a in inputs)
        result = ', '.join(f'{n}: {type_text(e, a)}' for n, e, a in outs)
        result = f'({result})' if len(outs) > 1 else type_text(*outs[0][1:])
        self.lines.insert(head, f'network net({signature}) -> {result} {{')
        return '\n'.join(self.lines) + '\n}\n'


def type_text(elem, axes):
    return f'{elem}[{", ".join(axes)}]' if axes else elem


def weights(r, rank):
    i = [f'f32(i{k})' for k in range(rank)]
    stream, seed = r.randrange(9), r.randrange(99)
    total = ' + '.join(f'{v} * {c}' for v, c in zip(i, ('1.7', '0.9')))
    binders = ', '.join(f'i{k}' for k in range(rank))
    return f'each[{binders}] sin({total} + {stream}.{seed})'


# ---- running ----


def write(folder, seed, text):
    path = os.path.join(folder, f'{seed}.gate')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    return path


def difftest(args, seed, paths, timeout):
    try:
        return subprocess.run([args.gatec, 'difftest', '--diag=line', f'--levels={args.level}', f'--seed={seed}', *paths],
                              capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return None


def kind_of(r):
    """What went wrong, so that a smaller program fails in the same way."""
    if r is None:
        return 'time'
    if r.returncode == 0:
        return ''
    if r.returncode not in (0, 1):
        return f'status {r.returncode}'
    codes = re.findall(r'error\[(\w+)\]', r.stderr)
    return ' '.join(['refused', *sorted(set(codes))]) if codes else 'mismatch'


def blocks(lines):
    """Ranges of lines that can be left out together, the longest first."""
    out, open_at = [], []
    for k, line in enumerate(lines):
        if line.rstrip().endswith('{'):
            open_at.append(k)
        elif line.strip().startswith('}') and open_at:
            out.append((open_at.pop(), k + 1))
        else:
            out.append((k, k + 1))
    return sorted(out, key=lambda r: r[0] - r[1])


def smaller(args, folder, seed, text, kind):
    again = True
    while again:
        again = False
        lines = text.splitlines()
        for a, b in blocks(lines):
            less = '\n'.join(lines[:a] + lines[b:]) + '\n'
            if kind_of(difftest(args, seed, [write(folder, 'less', less)], 60)) == kind:
                text, again = less, True
                break
    return text


def suspects(args, seeds, paths):
    """Several programs to a process; those of one that fails are tried again alone."""
    for k in range(0, len(seeds), 10):
        some = seeds[k:k + 10]
        if kind_of(difftest(args, some[0], [paths[seed] for seed in some], 300)):
            yield from some


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--level', default='0,3')
    p.add_argument('--keep')
    p.add_argument('--show', action='store_true')
    p.add_argument('gatec')
    p.add_argument('count', type=int)
    args = p.parse_args()
    texts = {seed: Text(seed).network() for seed in range(args.seed, args.seed + args.count)}
    if args.show:
        print('\n'.join(texts.values()))
        return 0
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        paths = {seed: write(folder, seed, text) for seed, text in texts.items()}
        for seed in suspects(args, list(texts), paths):
            text = texts[seed]
            kind = kind_of(difftest(args, seed, [paths[seed]], 60))
            if not kind:
                continue
            failed.append(seed)
            print(f'seed {seed}: {kind}')
            if args.keep:
                write(args.keep, seed, text)
            if len(failed) == 1:
                less = smaller(args, folder, seed, text, kind)
                r = difftest(args, seed, [write(folder, 'less', less)], 60)
                print(less + ((r.stdout + r.stderr) if r else ''))
    print(f'{args.count} programs, {len(failed)} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
