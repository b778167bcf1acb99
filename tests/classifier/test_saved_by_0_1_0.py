"""Files that version 0.1.0 wrote open, predict as they did there, and go on training.

To single precision only: another machine sums in another order.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from skd2ace import CLIFClassifier, MultiLabelNetClassifier
from skd2ace.selection import D2ACE
from skd2ace.training import Checkpointing

FOLDER = Path(__file__).parents[1] / "data" / "saved_by_0_1_0"


# Schedules were epochs, by default those of the paper's 100.
SELECTOR = D2ACE(n_neighbors=3, warmup_epochs=1, mix_epochs=(30, 70))
of_100_epochs = pytest.mark.filterwarnings(r"ignore:D2ACE. mix_epochs=\(30, 70\) lies beyond")


@pytest.fixture(scope="module")
def expected():
    with np.load(FOLDER / "expected.npz") as arrays:
        return dict(arrays)


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_clif_with_d2ace_and_tuned_thresholds(expected):
    est = MultiLabelNetClassifier.load(FOLDER / "clif.skd2ace")
    assert type(est) is CLIFClassifier
    assert est.batch_selector.get_params() == SELECTOR.get_params()
    assert_close(est.predict_proba(expected["X"]), expected["clif"])
    assert_close(est.thresholds_, expected["thresholds"])


@of_100_epochs
def test_training_goes_on_from_the_file(expected):
    est = CLIFClassifier.load(FOLDER / "clif.skd2ace")
    est.partial_fit(expected["X"], expected["Y"])
    assert len(est.history) == 8
    assert_close(est.predict_proba(expected["X"]), expected["clif_further"])


def test_dela_with_the_published_codes_selector(expected):
    est = MultiLabelNetClassifier.load(FOLDER / "dela_reference.skd2ace")
    assert est.batch_selector.get_params() == D2ACE.reference().get_params()
    assert_close(est.predict_proba(expected["X"]), expected["dela"])


def test_trimmed_paca_of_one_dimension(expected):
    est = MultiLabelNetClassifier.load(FOLDER / "paca_vector_trimmed.skd2ace")
    assert_close(est.predict_proba(expected["X"]), expected["paca"])


@of_100_epochs
def test_training_goes_on_from_the_checkpoint(expected, tmp_path):
    shutil.copytree(FOLDER / "checkpoints", tmp_path / "checkpoints")
    est = CLIFClassifier(
        batch_selector=SELECTOR,
        module__hidden_size=6,
        module__embedding_size=4,
        callbacks=[Checkpointing(tmp_path / "checkpoints", every_n_epochs=2)],
        max_epochs=6,
        batch_size=16,
        lr=0.01,
        random_state=0,
        verbose=0,
    )
    est.fit(expected["X"], expected["Y"], resume=tmp_path / "checkpoints")
    assert_close(est.predict_proba(expected["X"]), expected["resumed"])
