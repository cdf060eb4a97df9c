"""Checks the memory plan of loop-level IR text, independently of the compiler: the life of every
buffer is worked out again from the text, and buffers that live together must not overlap."""
import re
import sys


class Loop:
    def __init__(self, line, repeats):
        self.line, self.repeats = line, repeats


def read(path):
    """Buffers as dicts, and the workspace of the network."""
    bufs, workspace, stack, uses = {}, None, [], []
    ends = {}
    for no, line in enumerate(open(path), 1):
        text = line.strip()
        found = re.search(r'workspace (\d+)', text) if text.startswith('network') else None
        if found:
            workspace = int(found.group(1))
        if text.startswith('}') and stack:
            ends[stack.pop().line] = no
        made = re.match(r'(%\S+) = buf \{bytes = (\d+).*offset = (-?\d+)', text)
        if made:
            name, size, offset = made.groups()
            bufs[name] = dict(name=name, bytes=int(size), offset=int(offset), line=no,
                              inside=[s.line for s in stack], last=no)
        else:
            for name in re.findall(r'%[\w.]+', text):
                if name in bufs:
                    uses.append((name, no, list(stack)))
        if text.endswith('{'):
            stack.append(Loop(no, bool(re.match(r'(%.*= )?for ', text))))
    for name, no, around in uses:
        buf = bufs[name]
        last = no
        for outer in around:
            if outer.repeats and outer.line not in buf['inside']:
                last = max(last, ends[outer.line])
        buf['last'] = max(buf['last'], last)
    return list(bufs.values()), workspace


def main():
    bufs, workspace = read(sys.argv[1])
    bad = []
    for buf in bufs:
        if buf['offset'] < 0 or buf['offset'] % 64:
            bad.append('%(name)s: offset %(offset)d' % buf)
        if buf['offset'] + buf['bytes'] > (workspace or 0):
            bad.append('%(name)s ends behind the workspace' % buf)
    for k, a in enumerate(bufs):
        for b in bufs[k + 1:]:
            together = a['line'] <= b['last'] and b['line'] <= a['last']
            overlap = a['offset'] < b['offset'] + b['bytes'] and b['offset'] < a['offset'] + a['bytes']
            if together and overlap:
                bad.append('%s and %s overlap' % (a['name'], b['name']))
    print('\n'.join(bad) or '%d buffers, workspace %s' % (len(bufs), workspace))
    sys.exit(bool(bad))


main()
