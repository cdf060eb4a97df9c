"""Writes PREFIX-<kind>.gate: text nested 10,000 levels deep in every way the grammar knows."""
import sys

N = 10000
HEAD = 'fn f(x: f32) -> f32 = '
TEXTS = {
    'parens': HEAD + '(' * N + 'x' + ')' * N + ';',
    'braces': HEAD + '{' * N + 'x' + '}' * N + ';',
    'brackets': HEAD + 'x[' * N + '0' + ']' * N + ';',
    'calls': HEAD + 'g(' * N + 'x' + ')' * N + ';',
    'minus': HEAD + '-' * N + 'x;',
    'not': HEAD + 'not ' * N + 'x;',
    'whole': HEAD + 'whole ' * N + 'x;',
    'each': HEAD + 'each[i] ' * N + 'x;',
    'sum': HEAD + 'sum[i] ' * N + 'x;',
    'send': HEAD + 'send ' * N + 'x' + ' to e by r' * N + ';',
    'when': HEAD + 'when g { ' * N + 'x' + ' } else 0' * N + ';',
    'types': 'fn f(x: ' + '(' * N + 'f32' + ')' * N + ') -> f32 = x;',
    'fine': HEAD + '-g(' * 200 + 'x' + ')' * 200 + ';',
}
for name, text in TEXTS.items():
    with open(f'{sys.argv[1]}-{name}.gate', 'w') as f:
        f.write(text + '\n')
