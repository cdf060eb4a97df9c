"""Checks every line of a file against the fields of rustc's JSON diagnostics; prints a summary."""
import json
import sys

SPAN = {'file_name': str, 'byte_start': int, 'byte_end': int, 'line_start': int, 'line_end': int,
        'column_start': int, 'column_end': int, 'is_primary': bool, 'text': list}
OPTIONAL = ('label', 'suggested_replacement', 'suggestion_applicability', 'expansion')


def check(message, top):
    assert isinstance(message['message'], str) and message['message']
    assert message['level'] in ('error', 'warning', 'note', 'help'), message['level']
    assert message['code'] is None or set(message['code']) == {'code', 'explanation'}
    for span in message['spans']:
        for key, kind in SPAN.items():
            assert isinstance(span[key], kind), (key, span)
        for key in OPTIONAL:
            assert key in span
        assert span['byte_start'] <= span['byte_end'] and span['column_start'] >= 1
        for line in span['text']:
            assert set(line) == {'text', 'highlight_start', 'highlight_end'}
    for child in message['children']:
        check(child, False)
    assert not top or (message['$message_type'] == 'diagnostic' and message['rendered'])


lines = open(sys.argv[1], encoding='utf-8').read().splitlines()
assert len(lines) == int(sys.argv[2]), len(lines)
for text in lines:
    m = json.loads(text)
    check(m, True)
    place = ''.join(f"{s['line_start']}:{s['column_start']}-{s['line_end']}:{s['column_end']} "
                    f"{s['byte_start']}..{s['byte_end']} " for s in m['spans'])
    print(m['level'], m['code']['code'] if m['code'] else '-', place + m['message'])
