#!/usr/bin/python3
"""What the energy gate of examples/vad saves on a recording of which half is silence.

    vad_gate.py VAD WEIGHTS.safetensors AUDIO.wav [RUNS]

Sets every second second of AUDIO to zero, runs the program with and without its gate, RUNS times
each in turn, and prints medians. The time of a run on one frame (start, mapping, output) is measured
as well and taken off, so that the share is that of the network.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

WAV = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'examples', 'Inputs', 'wav.py')


def measure(command):
    begin = time.perf_counter()
    out = subprocess.run(command, capture_output=True, check=True).stdout
    return (time.perf_counter() - begin) * 1e3, out.count(b'\n')


def main():
    vad, weights, audio = sys.argv[1:4]
    runs = int(sys.argv[4]) if len(sys.argv) > 4 else 31
    with tempfile.TemporaryDirectory() as d:
        half, short = os.path.join(d, 'half.wav'), os.path.join(d, 'short.wav')
        subprocess.run([sys.executable, WAV, '--half-silence', audio, half], check=True)
        subprocess.run([sys.executable, WAV, '--cut', audio, short, '512'], check=True)
        kinds = {'one frame': [vad, weights, short], 'every frame': [vad, weights, half],
                 'gated': [vad, '--gated', weights, half]}
        times = {k: [] for k in kinds}
        for _ in range(runs):
            for kind, command in kinds.items():
                ms, frames = measure(command)
                times[kind].append(ms)
    median = {k: statistics.median(v) for k, v in times.items()}
    for kind, v in times.items():
        print(f'{kind:12} {median[kind]:8.2f} ms  (least {min(v):.2f}, most {max(v):.2f})')
    free, gated = (median[k] - median['one frame'] for k in ('every frame', 'gated'))
    print(f'per frame: {1e3 * free / frames:.2f} us without the gate, {1e3 * gated / frames:.2f} us with it: '
          f'{100 * (1 - gated / free):.0f} % saved')


main()
