"""WAV files for tests.
    wav.py DIR                  good and bad files by name
    wav.py --half-silence IN OUT   every second second of IN set to zero, the first included
    wav.py --cut IN OUT N       the first N samples of IN
"""
import os
import struct
import sys


def chunk(name, data):
    return name + struct.pack('<I', len(data)) + data + b'\0' * (len(data) % 2)


def fmt(kind=1, channels=1, rate=16000, bits=16, align=None, extra=b''):
    align = channels * bits // 8 if align is None else align
    return chunk(b'fmt ', struct.pack('<HHIIHH', kind, channels, rate, rate * align, align, bits) + extra)


def riff(*chunks):
    return chunk(b'RIFF', b'WAVE' + b''.join(chunks))


SOUND = struct.pack('<5h', 0, 16384, -32768, 8192, 8192)  # sums to 0
DATA = chunk(b'data', SOUND)
FILES = {
    'good': riff(fmt(), DATA),
    'chunks': riff(chunk(b'LIST', b'abc'), fmt(extra=b'\0\0'), chunk(b'fact', bytes(4)), DATA, chunk(b'id3 ', b'x')),
    'nothing': b'', 'text': b'hello, this is no sound at all', 'rifx': b'RIFX' + riff(fmt(), DATA)[4:],
    'stereo': riff(fmt(channels=2), DATA), 'rate': riff(fmt(rate=44100), DATA), 'bits': riff(fmt(bits=8), DATA),
    'float': riff(fmt(kind=3, bits=32), DATA), 'order': riff(DATA, fmt()), 'twice': riff(fmt(), fmt(), DATA),
    'nosound': riff(fmt()), 'shortfmt': riff(chunk(b'fmt ', bytes(8)), DATA),
    'longer': riff(fmt(), b'data' + struct.pack('<I', 4000) + SOUND),
    'hugechunk': riff(b'LIST' + b'\xff\xff\xff\xff', fmt(), DATA),
    'hugefmt': riff(b'fmt ' + b'\xff\xff\xff\xff' + bytes(16), DATA),
}


def half_silence(source, target):
    with open(source, 'rb') as f:
        data = bytearray(f.read())
    second = 32000
    for at in range(44, len(data), 2 * second):
        data[at:at + second] = bytes(len(data[at:at + second]))
    with open(target, 'wb') as f:
        f.write(data)


def cut(source, target, samples):
    with open(source, 'rb') as f:
        sound = f.read()[44:44 + 2 * samples]
    with open(target, 'wb') as f:
        f.write(riff(fmt(), chunk(b'data', sound)))


def main():
    if sys.argv[1] == '--half-silence':
        return half_silence(sys.argv[2], sys.argv[3])
    if sys.argv[1] == '--cut':
        return cut(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, data in FILES.items():
        with open(os.path.join(sys.argv[1], name + '.wav'), 'wb') as f:
            f.write(data)


main()
