"""A bank merged by weights, carried out as one product with merged weights, as a mix of the members' products, and
as the cost model of the pass 'mix' chooses: microseconds of a call, and the model's choice.

    merge_mix.py GATEC [ROUNDS [WIDTH,.. [MEMBERS,..]]]

Rows 1, 4, 16, 64, 256; 2, 4, 8 members; width 256 and 512; weights shared by all rows, by groups of 4 rows, or each
row with its own. The least of ROUNDS measurements in turn (default 2); 'bad' marks a choice that takes more than
1.15 times the other way's time.
"""
import re
import subprocess
import sys
import tempfile

GATEC = sys.argv[1]
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 2
WIDTHS, MEMBERS = ([int(n) for n in (sys.argv[k] if len(sys.argv) > k else usual).split(',')]
                   for k, usual in ((3, '256,512'), (4, '2,4,8')))
SHARES = {'all': 0, 'four': 4, 'row': 1}

TEXT = '''dim B = {groups};
dim T = {each};
dim D = {width};
dim E = {members};
block f(x: f32[n, D]) -> f32[n, D] {{
    param w: f32[D, D];
    x @ w'
}}
network net(x: f32[B, T, D], w: f32[B, E]) -> f32[B, T, D] {{
    bank experts[E]: f{lower};
    {call}
}}
'''
UNITS = {'ns': 1e-3, 'us': 1, 'ms': 1e3}


def measure(path, rows, members, width, share, lower):
    each = SHARES[share] or rows
    call = 'each[b] (merge experts by w[b])(x[b])' if share != 'all' else \
        '{ let y = (merge experts by w[0])(x[0]); each[b] y }'
    with open(path, 'w') as f:
        f.write(TEXT.format(groups=rows // each, each=each, width=width, members=members, call=call,
                            lower=f' #lower({lower})' if lower else ''))
    done = subprocess.run([GATEC, 'bench', path, '--weights=pointer', '--cpu=native', '--stats'], capture_output=True, text=True)
    time = re.search(r'min ([\d.]+) (ns|us|ms)', done.stdout)
    if done.returncode or not time:
        sys.exit(done.stdout + done.stderr)
    chosen = re.search(r'merge of \d+: (\w+)', done.stdout + done.stderr)
    return float(time[1]) * UNITS[time[2]], chosen[1] if chosen else '-'


def main():
    bad = 0
    print(f'{"width":>5} {"members":>7} {"shared":>6} {"rows":>4} {"merged":>9} {"mixed":>9}  chosen')
    with tempfile.TemporaryDirectory() as folder:
        for width in WIDTHS:
            for members in MEMBERS:
                for share, each in SHARES.items():
                    for rows in (1, 4, 16, 64, 256):
                        if each > 1 and rows <= each:
                            continue
                        times = {'merged': [], 'mixed': []}
                        for _ in range(ROUNDS):
                            for way in times:
                                times[way].append(measure(f'{folder}/b.gate', rows, members, width, share, way)[0])
                        merged, mixed = min(times['merged']), min(times['mixed'])
                        _, chosen = measure(f'{folder}/b.gate', rows, members, width, share, '')
                        slower = (merged / mixed) if chosen == 'merge' else mixed / merged
                        bad += slower > 1.15
                        print(f'{width:5} {members:7} {share:>6} {rows:4} {merged:9.1f} {mixed:9.1f}  {chosen}'
                              + ('  bad %.2f' % slower if slower > 1.15 else ''), flush=True)
    print(f'{bad} choices cost more than 1.15 times the other way')


main()
