"""Writes a loop-level module with one network per op and element type: out[i] = op(a[i], b[i], ..)
over N elements, once element by element and once in vectors (see ops.c)."""

N = 4096
LANES = 16
FLOATS = ['f32', 'f64', 'f16', 'bf16']
SIGNED = ['i64', 'i32', 'i16', 'i8']
UNSIGNED = ['u64', 'u32', 'u16', 'u8']
INTS = SIGNED + UNSIGNED
BYTES = {'f64': 8, 'i64': 8, 'u64': 8, 'f32': 4, 'i32': 4, 'u32': 4, 'f16': 2, 'bf16': 2, 'i16': 2,
         'u16': 2, 'i8': 1, 'u8': 1}


def cases():
    """(name, op text, operand elements, result element)"""
    for e in FLOATS:
        for op in ['add', 'sub', 'mul', 'div', 'mod', 'min', 'max']:
            yield f'{op}_{e}', op, [e, e], e
        for op in ['neg', 'abs', 'sqrt', 'floor', 'ceil', 'round']:
            yield f'{op}_{e}', op, [e], e
        yield f'fma_{e}', 'fma', [e] * 3, e
    for e in INTS:
        for op in ['add', 'sub', 'mul', 'div', 'mod', 'min', 'max', 'and', 'or', 'xor', 'shl', 'shr']:
            yield f'{op}_{e}', op, [e, e], e
        for op in ['neg', 'abs', 'not']:
            yield f'{op}_{e}', op, [e], e
    for e in FLOATS + INTS:
        for pred in ['eq', 'ne', 'lt', 'le', 'gt', 'ge']:
            yield f'{pred}_{e}', f'cmp:{pred}', [e, e], 'u8'
        for to in FLOATS + INTS:
            if e != to:
                yield f'to_{e}_{to}', 'convert', [e], to
        for to in FLOATS + INTS:
            if e != to and BYTES[e] == BYTES[to]:
                yield f'bits_{e}_{to}', 'bitcast', [e], to


def network(name, op, operands, result, lanes):
    def t(e):
        return f'<{lanes} x {e}>' if lanes else e
    out = []
    args = ', '.join(f'%x{k} "x{k}" : {e}[{N}]' for k, e in enumerate(operands))
    suffix = '_v' if lanes else ''
    out.append(f'network @{name}{suffix}({args}) -> (y : {result}[{N}]) stage lo dims [] '
               f'workspace 0 {{')
    for k, e in enumerate(operands):
        out.append(f'  %p{k} = arg {{kind = "input", name = "x{k}"}} : ptr {e}')
    out.append(f'  %q = arg {{kind = "output", name = "y"}} : ptr {result}')
    out.append('  %z = const {int = 0} : i64')
    out.append(f'  %n = const {{int = {N}}} : i64')
    out.append(f'  for %z, %n {{step = {lanes or 1}}} (%i : i64) {{')
    for k, e in enumerate(operands):
        out.append(f'    %a{k} = load %p{k}, %i : {t(e)}')
    ins = ', '.join(f'%a{k}' for k in range(len(operands)))
    if op.startswith('cmp:'):
        out.append(f'    %c = cmp {ins} {{pred = "{op[4:]}"}} : {t("bit")}')
        out.append(f'    %r = convert %c : {t("u8")}')
    else:
        out.append(f'    %r = {op} {ins} : {t(result)}')
    out.append('    store %q, %i, %r')
    out.append('    yield\n  }\n  yield\n}')
    return '\n'.join(out)


def module():
    print('module ops')
    for case in cases():
        if not case[1].startswith(('cmp', 'convert')):
            print(network(*case, 0))
        print(network(*case, LANES))


module()
