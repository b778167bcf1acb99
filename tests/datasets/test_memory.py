"""Nothing of a file stays in memory once what was read of it is dropped."""

import subprocess
import sys

import pytest

# 250 types of 200 values each: 0.5 MB of text, and ten times that as strings.
_HEADER = "@relation big\n@attribute y {0,1}\n" + "".join(
    f"@attribute a{i} {{{','.join(f'v{i}_{j}' for j in range(200))}}}\n" for i in range(250)
)
_NUMBERS = "@relation big\n@attribute y {0,1}\n" + "".join(
    f"@attribute a{i} real\n" for i in range(250)
)
_BIG = {
    "dense": _HEADER + "@data\n1" + "".join(f",v{i}_1" for i in range(250)) + "\n",
    "sparse": _HEADER + "@data\n{0 1,5 v4_3}\n",
    "broken": _HEADER + "@data\n1,2\n",
    "numbers": _NUMBERS + "@data\n" + ("1" + ",0.125" * 250 + "\n") * 400,
}
_HEADER = "@relation small\n@attribute y {0,1}\n@attribute a {b,c}\n@attribute d real\n@data\n"
_ROWS = {"dense": "1,b,2\n", "sparse": "{0 1}\n", "broken": "1,2\n", "numbers": "1,c,0\n"}
_SMALL = {name: _HEADER + row for name, row in _ROWS.items()}
_READ = """
import gc, sys, tracemalloc, warnings
from pathlib import Path
from skd2ace.datasets import ArffError, fetch_mulan, load_arff, load_yeast

def read(folder):
    for file in sorted(Path(folder).glob("*.arff")):
        for labels in (1, file.parent / "many.xml"):
            try:
                load_arff(file, labels, as_frame=file.stem == "numbers")
            except ArffError:
                pass
    fetch_mulan("yeast", data_home=folder)
    load_yeast(as_frame=True)

warnings.simplefilter("ignore")  # Another edition of yeast.
# Whatever is imported, compiled or made once is there before it counts.
read(sys.argv[1])
gc.collect()
tracemalloc.start()
read(sys.argv[2])
gc.collect()
print(tracemalloc.get_traced_memory()[0])
"""


@pytest.fixture
def folders(tmp_path):
    """One of small files, to warm up with, and one of large ones."""
    for size, texts, n_labels in (("small", _SMALL, 1), ("big", _BIG, 20_000)):
        folder = tmp_path / size
        (folder / "yeast").mkdir(parents=True)
        for name, text in texts.items():
            (folder / f"{name}.arff").write_text(text)
        many = "".join(f'<label name="no attribute {i}"/>' for i in range(n_labels))
        (folder / "many.xml").write_text(f"<labels>{many}</labels>")
        (folder / "yeast" / "yeast.arff").write_text(texts["dense"])
        (folder / "yeast" / "yeast.xml").write_text('<labels><label name="y"/></labels>')
    return tmp_path / "small", tmp_path / "big"


@pytest.mark.slow
def test_what_is_dropped_is_gone(folders):
    """By every loader; of a file that cannot be read, too."""
    done = subprocess.run(
        [sys.executable, "-c", _READ, *folders], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 500_000
