# Configuration of the test suite. The build directory's lit.site.cfg.py sets gatec_obj_root.
import os
import shutil
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
config.environment['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', 'detect_leaks=0')

# The longest first, so that one name is not taken for the start of another.
config.substitutions += [
    ('%gatec', os.path.join(build, 'gatec')),
    ('%build', build),
    ('%root', root),
    ('%shared', shared),
    ('%python', '/usr/bin/python3'),
    ('%cc', os.environ.get('CC', 'cc')),
    ('%cxx', os.environ.get('CXX', 'c++')),
]

# Data that are not part of the repository: tests that use them say REQUIRES: shared-...
for name, path in (('shared-vad', 'data/silero-vad'), ('shared-mnist', 'data/mnist'),
                   ('shared-logic', 'data/logic-mnist'), ('shared-language', 'language')):
    if os.path.isdir(os.path.join(shared, path)):
        config.available_features.add(name)
if shutil.which('c++'):
    config.available_features.add('cxx')
if config.sanitize:
    config.available_features.add('sanitize')
