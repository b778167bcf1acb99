"""Without its extra the package says what to install."""

import subprocess
import sys

WITHOUT = """
import sys

for blocked in ("pandas", "psutil", "tqdm"):
    # How Python is told that a module cannot be imported.
    kept = {name: sys.modules.pop(name) for name in [*sys.modules] if name.startswith(blocked)}
    sys.modules[blocked] = None
    for name in [name for name in sys.modules if name.startswith("skd2ace.benchmark")]:
        del sys.modules[name]
    try:
        import skd2ace.benchmark
    except ImportError as error:
        print(error)
    del sys.modules[blocked]
    sys.modules |= kept
"""


def test_without_its_extra():
    ran = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        f"skd2ace.benchmark needs {missing}: `pip install 'skd2ace[benchmark]'`."
        for missing in ("pandas", "psutil", "tqdm")
    ]
