"""Files that are missing or broken: errors that name them, or left out on request."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import GroupShuffleSplit
from torch import nn

from skd2ace import ImageClassifier
from skd2ace._images import BadImageError
from skd2ace.inspection import LabelReport
from skd2ace.training import TrainingDynamics


def backbone():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())


def make(body, **params):
    defaults = {"lr": 5e-3, "batch_size": 32, "max_epochs": 2, "random_state": 0, "verbose": 0}
    return ImageClassifier(body, **{**defaults, **params})


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Sixty images as files, and their labels."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    paths = [str(folder / f"{i}.png") for i in range(60)]
    for path in paths:
        Image.fromarray(rng.integers(256, size=(12, 12, 3), dtype=np.uint8)).save(path)
    return paths, rng.integers(2, size=(60, 10))


@pytest.fixture
def some_bad(files, tmp_path):
    """Of the files three are bad: one is missing, one no image, one cut in the middle."""
    paths, Y = files
    paths = list(paths)
    whole = Path(paths[5]).read_bytes()
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    paths[3], paths[7], paths[11] = (str(tmp_path / f"{n}.png") for n in ("missing", "text", "cut"))
    return paths, Y


@pytest.mark.parametrize("frozen", [False, True])
def test_bad_images_are_errors_that_name_their_path(some_bad, files, frozen):
    paths, Y = some_bad
    torch.manual_seed(0)
    est = make(body=backbone(), frozen=frozen)
    with pytest.raises(BadImageError, match=r"1 images are missing, the first .*missing\.png"):
        est.fit(paths, Y)
    paths[3] = files[0][3]
    with pytest.raises(ValueError, match=r"(text|cut)\.png cannot be read"):
        est.fit(paths, Y)
    est.fit(files[0], Y)
    for bad, said in (
        (paths[7], "cannot be read"),
        (paths[11], "cannot be read"),
        ("no", "missing"),
    ):
        with pytest.raises(ValueError, match=said):
            est.predict([bad])


@pytest.mark.parametrize("frozen", [False, True])
def test_bad_images_are_skipped_on_request(some_bad, frozen):
    paths, Y = some_bad
    torch.manual_seed(0)
    body, weight = backbone(), np.arange(60) % 3 + 1.0
    good = np.setdiff1d(np.arange(60), [3, 7, 11])
    est = make(body=body, frozen=frozen, bad_images="skip")
    with pytest.warns(UserWarning, match=r"3 of 60 images are left out, the first: .*missing"):
        est.fit(paths, Y, sample_weight=weight)
    assert [verdict.split()[2].rpartition(os.sep)[2] for verdict in est.bad_images_] == [
        "missing.png", "text.png", "cut.png",
    ]  # fmt: skip
    kept = [paths[i] for i in good]
    expected = make(body=body, frozen=frozen).fit(kept, Y[good], sample_weight=weight[good])
    assert np.array_equal(est.predict_proba(kept), expected.predict_proba(kept))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        est.fit(kept, Y[good])
    assert est.bad_images_ == []
    est.set_params(warm_start=True)
    with pytest.warns(UserWarning, match="3 of 60 images are left out"):
        est.fit(paths, Y)
    assert len(est.bad_images_) == 3


@pytest.mark.filterwarnings("ignore:3 of 60 images are left out")
def test_rows_of_a_fit_that_skips_are_those_of_all_images(some_bad, tmp_path):
    paths, Y = some_bad
    good, groups = np.setdiff1d(np.arange(60), [3, 7, 11]), np.arange(60) // 4
    est = make(body=backbone, bad_images="skip", max_epochs=1)
    kept = clone(est).fit([paths[i] for i in good], Y[good])
    for train in (est.fit, est.partial_fit):
        train(paths, Y)
        np.testing.assert_array_equal(est.train_indices_, good[kept.train_indices_])
        np.testing.assert_array_equal(est.valid_indices_, good[kept.valid_indices_])
    est.save(tmp_path / "est")
    loaded = ImageClassifier.load(tmp_path / "est", backbone=est.backbone)
    assert loaded.bad_images_ == est.bad_images_
    est.set_params(train_split=GroupShuffleSplit(random_state=0))
    est.fit(paths, Y, groups=groups.tolist())
    assert not set(groups[est.train_indices_]) & set(groups[est.valid_indices_])
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[60, 70,"):
        est.fit(paths, np.concatenate((Y, Y[:10])), groups=groups)


@pytest.mark.filterwarnings("ignore:3 of 60 images are left out")
def test_a_report_on_labels_of_images_of_which_some_are_bad(some_bad):
    paths, Y = some_bad
    est = make(body=backbone, bad_images="skip", callbacks=[TrainingDynamics()])
    report = LabelReport.from_estimator(est.fit(paths, Y), paths, Y)
    trained = np.isin(np.arange(60), est.train_indices_)
    np.testing.assert_array_equal(np.isnan(report.proba).all(axis=1), ~trained)


@pytest.mark.filterwarnings("ignore:3 of 60 images are left out")
def test_a_fit_that_fails_leaves_which_images_were_bad(some_bad, files):
    paths, Y = some_bad
    est = make(body=backbone, bad_images="skip", max_epochs=1).fit(paths, Y)
    before = est.bad_images_
    for train in (est.fit, est.partial_fit):
        with pytest.raises(ValueError, match="labels"):
            train(files[0], Y - 7)
        assert est.bad_images_ is before
    fresh = clone(est)
    with pytest.raises(ValueError, match="labels"):
        fresh.fit(paths, Y - 7)
    assert not hasattr(fresh, "bad_images_")
