"""A weight file of zeros: zeros.py FILE NAME:EXTENT,EXTENT ... (NAME: for a scalar)."""
import math
import sys

from broken import entry, file

entries, end = {}, 0
for word in sys.argv[2:]:
    name, extents = word.split(':')
    shape = [int(n) for n in extents.split(',')] if extents else []
    begin, end = end, end + 4 * math.prod(shape)
    entries[name] = entry(shape=shape, begin=begin, end=end)
with open(sys.argv[1], 'wb') as out:
    out.write(file(entries, end))
