"""Mutants of a .gate text: each has one mistake that somebody could have made. Which of them are
programs the compiler says."""
import re

CODE = re.compile(r'//[^\n]*|"[^"\n]*"|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|\d+\.\d+(?:e-?\d+)?|\d+'
                  r"|->|=>|\.\.|[=!<>]=|\*\*|\?\?|\+=|#\w+\([^)]*\)|\s+|.", re.S)
SWAPS = {'<': ('>', '<='), '>': ('<', '>='), '<=': ('>=', '<'), '>=': ('<=', '>'), '==': ('!=',), '!=': ('==',),
         '+': ('-',), '-': ('+',), '*': ('+',), '/': ('*',), '+=': ('=', '-='), '**': ('*',), 'and': ('or',), 'or': ('and',),
         'not': ('',), 'true': ('false',), 'false': ('true',), "'": ('',), 'whole': ('',),
         'max': ('min',), 'min': ('max',), 'sum': ('max', 'mean'), 'mean': ('sum', 'max'), 'argmax': ('argmin',),
         'argmin': ('argmax',), 'any': ('all',), 'all': ('any',), 'count': ('any',), 'prod': ('sum',), 'sqrt': ('',),
         'rsqrt': ('',), 'exp': ('',), 'log': ('',), 'tanh': ('', 'nn.sigmoid'), 'abs': ('',), 'floor': ('ceil',),
         'ceil': ('floor',), 'merge': ('sum',), 'rev': ('',), 'f16': ('f32',),
         'nn.softmax': ('', 'nn.sigmoid'), 'nn.sigmoid': ('', 'tanh'), 'nn.relu': ('nn.gelu', ''), 'nn.gelu': ('nn.relu',),
         'nn.silu': ('nn.relu', ''), 'nn.norm': ('nn.l1',), 'nn.rms_norm': ('nn.layer_norm',), 'nn.entropy': ('',),
         'nn.layer_norm': ('',), 'gates.top': ('gates.mass_set',), 'gates.mass_set': ('gates.top',),
         'halting.confidence': ('halting.margin', 'halting.certainty'), 'halting.certainty': ('halting.margin',),
         'halting.margin': ('halting.confidence',), 'halting.moved': ('nn.dot',), 'routers.best': ('routers.sinkhorn',),
         'routers.top_p': ('routers.above',), 'routers.positive': ('routers.dense',), 'routers.dense': ('routers.positive',),
         'attention.causal': ('attention.full',), 'attention.full': ('attention.causal',), 'mask': ('not_mask',),
         'routers.shares': ('nn.softmax', 'nn.sigmoid'), 'routers.sinkhorn': ('routers.best',),
         'routers.auction': ('routers.best', 'routers.sinkhorn'), 'routers.by_entropy': ('routers.top_p',),
         'routers.capped': ('',)}
DECLARED = re.compile(r'\b(?:param|state|let|knob|const|carry|part|bank)\s+(\w+)|[(,]\s*(\w+)(?=:| = )')
WORD = re.compile(r'[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$')
STATEMENT = re.compile(r'^ {4,}(?!param|knob|state|part|bank|let|const|gate|route|loop|scan|block|exit|halt|dim)'
                       r'[^\n{}]*(?:=|\+=)[^\n{}]*;[^\n]*\n', re.M)
CONDITION = re.compile(r'\b(?:gate \w+(?:\[[^;=]*?\])? = |(?:halt|exit) \w+(?:\[[^;=]*?\])? when )'
                       r'([^;#]*?)(?=\s*(?:#[^;]*|with [^;]*)?;)')
ARM = re.compile(r'\b(\w+)(?= => )')


class Mutant:
    """'what' was changed in which 'line', and the text."""

    def __init__(self, text, at, end, new, what):
        self.line, self.what, self.text = text.count('\n', 0, at) + 1, what, text[:at] + new + text[end:]


def is_header(text, at):
    """Whether the place is in a declaration of sizes or types, where a change is another program."""
    line = text[text.rfind('\n', 0, at) + 1:text.find('\n', at)].strip()
    return re.match(r'(dim|use|enum|param|block|network|fn|extern|knob|weights)\b', line) is not None


def numbers(token):
    if '.' in token or 'e' in token:
        return [f'{float(token) * 1.25 + (0.25 if float(token) == 0 else 0):.6g}'.replace('e+', 'e')]
    return [str(int(token) + 1)] + [str(int(token) - 1)] * (int(token) > 0)


def tokens(text):
    at = 0
    for m in CODE.finditer(text):
        yield m.start(), m.group()
        at = m.end()
    assert at == len(text)


def matching(text, at):
    """The ends of the arguments of the parenthesis at 'at'."""
    depth, ends = 0, [at]
    for k in range(at, len(text)):
        depth += (text[k] in '([{') - (text[k] in ')]}')
        if depth == 1 and text[k] == ',' or depth == 0:
            ends.append(k)
        if depth == 0:
            return ends
    return None


def by_token(text):
    """One operator, function or number exchanged."""
    last, word = '', ''
    for at, token in tokens(text):
        if token.isspace() or token.startswith('//'):
            continue
        if not is_header(text, at):
            unary = token == '-' and last in '([{,=*/+-<>'
            for new in SWAPS.get(token, ()) if not unary else ('',):
                yield Mutant(text, at, at + len(token), new, f'{token} -> {new or "nothing"}')
            if token[0].isdigit() and last not in ('.', '#'):
                for new in numbers(token):
                    yield Mutant(text, at, at + len(token), new, f'{token} -> {new}')
            if token in '+-' and not unary and WORD.match(last) and word:
                start = text.rindex(last, 0, at)
                yield Mutant(text, start, at + 1, '' if token == '+' else '-', f'{last} {token} left out')
            if token == '(' and WORD.match(last):
                yield from by_order(text, at)
        last, word = token, WORD.match(token)


def by_order(text, at):
    """Two arguments of a call exchanged."""
    ends = matching(text, at)
    if not ends:
        return
    parts = [text[a + 1:b] for a, b in zip(ends, ends[1:])]
    for k in range(len(parts) - 1):
        if ':' not in parts[k] + parts[k + 1]:
            new = f'{parts[k + 1].strip()}, {parts[k].strip()}'
            yield Mutant(text, ends[k] + 1, ends[k + 2], new, f'{parts[k].strip()} <-> {parts[k + 1].strip()}')


def by_name(text):
    """Another name where one is read."""
    names = sorted({a or b for a, b in DECLARED.findall(text)})
    before = ''
    for at, token in tokens(text):
        if token in names and before not in ('param', 'state', 'let', 'knob', 'const', 'part', 'bank', 'carry') \
                and not is_header(text, at):
            for new in names:
                if new != token and text[at + len(token):at + len(token) + 1] != ':':
                    yield Mutant(text, at, at + len(token), new, f'{token} -> {new}')
        before = before if token.isspace() else token


def by_statement(text):
    """A statement left out."""
    for m in STATEMENT.finditer(text):
        yield Mutant(text, m.start(), m.end(), '', f'without: {m.group().strip()}')


def by_decision(text):
    """A gate or a halt that is always open, always closed, or the opposite; two arms exchanged."""
    for m in CONDITION.finditer(text):
        old = m.group(1)
        for new, what in ((f'({old}) or true', 'always'), (f'({old}) and false', 'never'), (f'not ({old})', 'the opposite')):
            yield Mutant(text, m.start(1), m.end(1), new, f'{m.group(0)}: {what}')
    arms = list(ARM.finditer(text))
    for a, b in zip(arms, arms[1:]):
        new = b.group() + text[a.end():b.start()] + a.group()
        yield Mutant(text, a.start(), b.end(), new, f'arms {a.group()} <-> {b.group()}')


def all_of(text):
    """By kind, the least likely to be refused first."""
    return {'decision': list(by_decision(text)), 'statement': list(by_statement(text)), 'token': list(by_token(text)),
            'name': list(by_name(text))}
