"""status.py N COMMAND...: runs the command and says whether its exit status is N."""
import subprocess
import sys

status = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
if status != int(sys.argv[1]):
    sys.exit(f'exit status {status}, expected {sys.argv[1]}: {" ".join(sys.argv[2:])}')
