"""Asks gatec to explain every code of the generated page, and compares the two."""
import re
import subprocess
import sys

gatec = sys.argv[1]
page = subprocess.run([gatec, '--print=diagnostics'], capture_output=True, text=True, check=True)
sections = re.findall(r'^## ([EW]\d{4}): (.+)\n\n((?:(?!\n## )[\s\S])+)', page.stdout, re.M)
assert len(sections) > 60, len(sections)
assert len({code for code, _, _ in sections}) == len(sections), 'a code stands twice'
for code, summary, text in sections:
    out = subprocess.run([gatec, 'explain', code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == f'{code}: {summary}\n\n{text.strip()}', code
    assert len(text.strip()) >= 20 and not summary.endswith('.'), code
print(len(sections), 'codes explained')
