"""The report in a browser: it reads well on a narrow screen, and its pictures are shown."""

import json
import shutil
import subprocess

import matplotlib.pyplot as plt
import pytest
from sklearn.dummy import DummyClassifier

from skd2ace.benchmark import Experiment
from skd2ace.benchmark.__main__ import main
from skd2ace.neighbors import MLkNN

BROWSER = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
# Writes the width and height of each picture, as it was decoded, into the page.
MEASURING = """<script>addEventListener("load", () => {
  const sizes = [...document.images].map(image => [image.naturalWidth, image.naturalHeight]);
  document.body.append("sizes:" + JSON.stringify(sizes) + ".");
});</script>"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]


@pytest.fixture
def page(data, clif, tmp_path):
    """Three methods on two data sets, which the critical difference needs, one with epochs."""
    methods = {"mlknn": MLkNN(3), "prior": DummyClassifier(), "clif": clif(max_epochs=2)}
    store, path = tmp_path / "results.sqlite", tmp_path / "report.html"
    experiment = Experiment({"emotions": data, "yeast": data}, methods, 3, store=store)
    assert len(experiment.run(progress=False)) == 2 * 3 * 3
    given = ["--store", str(store), "--format", "html", "--output", str(path)]
    assert main(["report", *given]) == 0
    return path


def test_a_narrow_screen(page, tmp_path):
    picture = tmp_path / "report.png"
    command = [*BROWSER, "--window-size=420,2000", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, timeout=120)
    shown = plt.imread(picture)[:, :, :3]
    # Wide tables scroll within the page, and the page itself is not cut off at the right.
    assert shown.shape[1] == 420
    assert shown[:300].std() > 0.05
    assert shown[:, -10:].std() < shown.std() / 2


def test_pictures_are_shown(page):
    page.write_text(page.read_text(encoding="utf-8") + MEASURING, encoding="utf-8")
    command = [*BROWSER, "--dump-dom", page.as_uri()]
    ran = subprocess.run(command, check=True, timeout=120, capture_output=True, text=True)
    sizes = json.loads(ran.stdout.rpartition("sizes:")[2].partition(".")[0])
    # The critical difference, and the validation curves of both data sets.
    assert len(sizes) == 3
    assert min(map(min, sizes)) > 100
