# Configuration of the test suite. The build directory's lit.site.cfg.py sets gatec_obj_root.
import os
import shutil
import subprocess
import lit.formats
import lit.util

config.name = 'gatec'
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = ['.gate', '.gir', '.test']
config.excludes = ['Inputs', 'bench', 'support']
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.gatec_obj_root, 'tests')

root = os.path.dirname(config.test_source_root)
build = config.gatec_obj_root
shared = os.environ.get('GATEC_SHARED', os.path.join(os.path.dirname(root), 'shared'))

tools = None
for d in ('/usr/lib/llvm-22/bin', '/usr/lib/llvm-19/bin'):
    if os.path.exists(os.path.join(d, 'FileCheck')):
        tools = d
        break
config.environment['PATH'] = os.pathsep.join([build, tools or '', os.environ.get('PATH', '')])
config.environment['GATEC_STD_PATH'] = os.path.join(root, 'stdlib')
config.environment['GATEC_BUILD'] = build
config.environment['GATEC_ROOT'] = root
config.environment['GATEC_SHARED'] = shared
config.environment['PYTHONPATH'] = os.path.join(root, 'tests', 'support')
config.environment['PYTHONDONTWRITEBYTECODE'] = '1'
# Memory comes from arenas: where a piece was got is one place for all, so it is not kept, and a short
# quarantine of what was given back holds all the arenas of a run.
config.environment['ASAN_OPTIONS'] = os.environ.get(
    'ASAN_OPTIONS', 'detect_leaks=0:malloc_context_size=1:quarantine_size_mb=16')

# How much work a random test does: one of %few, %some, %many programs or mutants.
work = {'few': 20, 'some': 100, 'many': 250}
if config.sanitize:
    work = {what: n // 5 for what, n in work.items()}

# The longest first, so that one name is not taken for the start of another.
config.substitutions += [
    ('%gatec', os.path.join(build, 'gatec')),
    ('%build', build),
    ('%root', root),
    ('%shared', shared),
    ('%python', '/usr/bin/python3'),
    ('%cc', os.environ.get('CC', 'cc')),
    ('%cxx', os.environ.get('CXX', 'c++')),
    ('%clang-format', 'clang-format-14'),
] + [('%' + what, str(n)) for what, n in work.items()]


def has_module(name):
    """Whether the Python of the tests has the module: lit itself may run in another one."""
    return subprocess.run(['/usr/bin/python3', '-c', 'import ' + name],
                          stderr=subprocess.DEVNULL).returncode == 0


# What tests name in REQUIRES. Data below shared/ are not part of the repository.
features = {
    'cxx': shutil.which(os.environ.get('CXX', 'c++')),
    'numpy': has_module('numpy'),
    'clang-format': shutil.which('clang-format-14'),
    'shared-vad': os.path.isdir(os.path.join(shared, 'data/silero-vad')),
    'shared-mnist': os.path.isdir(os.path.join(shared, 'data/mnist')),
    'shared-logic': os.path.isdir(os.path.join(shared, 'data/logic-mnist')),
    'shared-language': os.path.isdir(os.path.join(shared, 'language')),
}
config.available_features.update(name for name, there in features.items() if there)
missing = sorted(name for name, there in features.items() if not there)
if missing:
    lit_config.note('not on this machine, tests that need it are skipped: ' + ', '.join(missing))
if config.sanitize:
    config.available_features.add('sanitize')
    config.environment['GATEC_SANITIZE'] = '1'

# A test that hangs fails (where lit knows how to end it).
if lit.util.killProcessAndChildrenIsSupported()[0]:
    lit_config.maxIndividualTestTime = 900
