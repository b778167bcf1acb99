"""The label report on planted errors, whose cells are known, and at its limits."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.metrics import average_precision_score
from sklearn.model_selection import ShuffleSplit
from sklearn.neighbors import NearestNeighbors
from torch.utils.data import Dataset

from skd2ace import MultiLabelNetClassifier, TabMClassifier
from skd2ace.inspection import LabelCurvesDisplay, LabelReport, ReliabilityDisplay
from skd2ace.inspection._neighbors import find_nearest
from skd2ace.networks import MLP
from skd2ace.selection import D2ACE
from skd2ace.training import SelectionRecorder, TrainingDynamics

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


def plant(n=300, q=3, share=0.05, seed=0):
    """Labels that X tells with certainty, of which a share is flipped, and where."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    Y = (X[:, :q] > 0).astype(int)
    flipped = rng.random((n, q)) < share
    return X, np.where(flipped, 1 - Y, Y), flipped


def tabm(**params):
    settings = {"max_epochs": 15, "module__k": 8, "module__width": 32, "random_state": 0}
    return TabMClassifier(**settings | {"verbose": 0} | params)


@pytest.fixture(scope="module")
def planted():
    X, Y, flipped = plant()
    est = tabm(callbacks=[TrainingDynamics()]).fit(X, Y)
    return LabelReport.from_estimator(est, X, Y), est, X, Y, flipped


def test_planted_errors_come_first(planted):
    report, _, _, Y, flipped = planted
    frame = report.to_frame(all=True)
    assert len(frame) == Y.size
    truth = flipped[frame["instance"], frame["label"].astype(int)]
    assert average_precision_score(truth, frame["score"]) > 0.8
    # In-sample, by the margin over training.
    assert average_precision_score(truth, -frame["margin"]) > 0.6
    assert (frame["score"].diff().dropna() <= 0).all()


def test_the_table_is_of_the_cells_that_it_names(planted):
    report, est, _, Y, flipped = planted
    frame = report.to_frame()
    rows, labels = frame["instance"].to_numpy(), frame["label"].to_numpy(int)
    assert np.array_equal(frame["observed"], Y[rows, labels])
    # Odds are four times too high where a positive counts as four negatives.
    odds = est.oob_proba_ / (1 - est.oob_proba_) / 4
    np.testing.assert_allclose(frame["proba"], (odds / (1 + odds))[rows, labels])
    assert len(frame) == report.suspects.sum()
    expected = np.where(frame["observed"] == 1, "suspected spurious", "suspected missing")
    assert np.array_equal(frame["kind"], expected)
    # Few that are right, and more than half of those that are wrong.
    assert flipped[rows, labels].mean() > 0.9
    assert flipped[report.suspects].sum() > 0.5 * flipped.sum()


def test_instances_and_labels_count_the_suspects(planted):
    report, _, _, Y, flipped = planted
    instances, labels = report.instances(), report.labels()
    assert np.array_equal(instances["n_suspects"], report.suspects.sum(1))
    assert average_precision_score(flipped.any(1), instances["score"]) > 0.8
    assert np.array_equal(labels["n_missing"], (report.suspects & (Y == 0)).sum(0))
    assert np.array_equal(labels["n_spurious"], (report.suspects & (Y == 1)).sum(0))
    np.testing.assert_allclose(labels["wrong"], report.suspects.mean(0))
    assert (labels["low"] <= labels["wrong"]).all()
    assert (labels["wrong"] <= labels["high"]).all()
    assert labels["wrong"].idxmin() == labels["rank"].idxmin()


def test_kinds_go_by_the_share_of_passes(planted):
    report, *_ = planted
    share = report.dynamics["on_side"]
    for i, j in np.ndindex(share.shape):
        kind = report.kind[i, j]
        assert kind.startswith("suspected") == report.suspects[i, j]
        if kind in ("easy", "hard", "ambiguous"):
            expected = (
                "easy" if share[i, j] >= 0.8 else "hard" if share[i, j] <= 0.2 else "ambiguous"
            )
            assert kind == expected


def test_suspects_can_be_left_out_of_a_second_fit(planted):
    report, _, X, Y, _ = planted
    est = tabm(pos_weight=None)
    unknown = clone(est).fit(X, np.where(report.suspects, np.nan, Y))
    weighted = clone(est).fit(X, Y, sample_weight=(~report.suspects).astype(float))
    assert np.array_equal(unknown.predict_proba(X), weighted.predict_proba(X))
    X_new, Y_new, _ = plant(share=0, seed=1)
    assert unknown.score(X_new, Y_new) >= 0.7


@pytest.mark.parametrize("calibration", [None, "temperature", "sigmoid"])
@pytest.mark.parametrize("weight", [None, 4.0, [1.0, 4.0, 16.0]], ids=str)
def test_the_weight_of_positives_is_taken_back_once(calibration, weight):
    """Of labels that nothing tells about, what is right is known: how frequent they are."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(500, 2)), (rng.random((500, 3)) < [0.15, 0.2, 0.25]).astype(int)
    settings = {"pos_weight": weight, "calibration": calibration, "callbacks__best_epoch": None}
    est = tabm(lr=0.03, **settings).fit(X, Y)
    report = LabelReport.from_estimator(est, X, Y)
    np.testing.assert_allclose(report.proba.mean(axis=0), Y.mean(axis=0), atol=0.05)
    # What the fit did counts, not what it was asked for since.
    est.set_params(calibration=None if calibration else "sigmoid", pos_weight=None)
    again = LabelReport.from_estimator(est, X, Y)
    np.testing.assert_array_equal(again.proba, report.proba)


def test_a_loaded_fit_gives_the_same_report(planted, tmp_path):
    report, est, X, Y, _ = planted
    clone(est).set_params(callbacks=None).fit(X, Y).save(tmp_path / "est")
    loaded = TabMClassifier.load(tmp_path / "est")
    np.testing.assert_array_equal(LabelReport.from_estimator(loaded, X, Y).proba, report.proba)


def test_without_out_of_bag_it_is_in_sample_and_says_so(mlp, tmp_path):
    X, Y, _ = plant()
    callbacks = [TrainingDynamics()]
    est = MultiLabelNetClassifier(
        mlp, callbacks=callbacks, max_epochs=5, lr=0.01, random_state=0, verbose=0
    ).fit(X, Y)
    report = LabelReport.from_estimator(est, X, Y)
    assert report.is_in_sample
    late = dict(est.callbacks_)["TrainingDynamics"].moments_["late"]
    np.testing.assert_allclose(report.proba[est.train_indices_], late, rtol=1e-6)
    assert np.isnan(report.score[est.valid_indices_]).all()
    assert not report.suspects[est.valid_indices_].any()
    assert (report.kind[est.valid_indices_] == "unknown").all()
    report.to_html(tmp_path / "report.html")
    assert "in-sample" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_page_has_the_names_escaped(tmp_path):
    X, Y, _ = plant()
    frame = pd.DataFrame(Y, columns=["<b>", "a & b", "$x_1"])
    est = tabm(max_epochs=2).fit(X, frame)
    report = LabelReport.from_estimator(est, X, frame)
    assert set(report.to_frame()["label"]) <= set(frame.columns)
    report.to_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "in-sample" not in page


def test_one_label_in_one_dimension_and_one_epoch():
    X, Y, _ = plant(n=60, q=1)
    est = tabm(max_epochs=1, callbacks=[TrainingDynamics()]).fit(X, Y[:, 0])
    report = LabelReport.from_estimator(est, X, Y[:, 0])
    assert report.score.shape == (60, 1)
    assert (report.dynamics["spread"] == 0).all()
    assert (report.dynamics["forgotten"] == 0).all()
    assert len(report.labels()) == 1


def test_unknown_labels_are_not_judged():
    X, Y, _ = plant()
    Y = Y.astype(float)
    Y[:50, 1] = np.nan
    report = LabelReport.from_estimator(tabm().fit(X, Y), X, Y)
    assert np.isnan(report.score[:50, 1]).all()
    assert not report.suspects[:50, 1].any()
    assert report.labels()["n_cells"].tolist() == [300, 250, 300]


def test_ten_thousand_labels():
    rng = np.random.default_rng(0)
    Y = (rng.random((20, 10_000)) < 0.1).astype(float)
    report = LabelReport(Y, np.clip(0.8 * Y + 0.1 * rng.random(Y.shape), 0, 1))
    assert len(report.to_frame(all=True)) == 200_000
    assert len(report.labels()) == 10_000


def test_what_does_not_fit_is_refused(planted, mlp):
    _, est, X, Y, _ = planted
    with pytest.raises(ValueError, match="X has 299 rows"):
        LabelReport.from_estimator(est, X[1:], Y)
    with pytest.raises(ValueError, match="fitted with"):
        LabelReport.from_estimator(est, X[1:], Y[1:])
    plain = MultiLabelNetClassifier(mlp, max_epochs=1, verbose=0).fit(X, Y)
    with pytest.raises(ValueError, match="TrainingDynamics"):
        LabelReport.from_estimator(plain, X, Y)


@pytest.mark.parametrize(("q", "shown"), [(3, 3), (174, 30)])
def test_the_picture_has_the_shares_of_the_worst_labels(q, shown):
    rng = np.random.default_rng(0)
    Y = (rng.random((100, q)) < 0.3).astype(float)
    names = [f"label ${j}" for j in range(q)]
    report = LabelReport(Y, rng.random(Y.shape), label_names=names).plot()
    expected = report.labels().sort_values("wrong", ascending=False, kind="stable").head(shown)
    widths = [bar.get_width() for bar in report.ax_.patches]
    np.testing.assert_allclose(widths[::-1], 100 * expected["wrong"])
    ticks = [text.get_text() for text in report.ax_.get_yticklabels()]
    assert ticks[::-1] == list(expected["label"])
    matplotlib.pyplot.close(report.figure_)


def test_how_often_instances_were_drawn():
    X, Y, _ = plant()
    est = MultiLabelNetClassifier(
        MLP, batch_selector=D2ACE(), callbacks=[TrainingDynamics(), SelectionRecorder()],
        max_epochs=5, random_state=0, verbose=0,
    ).fit(X, Y)  # fmt: skip
    epochs = dict(est.callbacks_)["SelectionRecorder"].epochs_
    drawn = sum(epoch.draws for epoch in epochs)
    report = LabelReport.from_estimator(est, X, Y)
    np.testing.assert_array_equal(report.n_drawn[est.train_indices_], drawn)
    assert np.isnan(report.n_drawn[est.valid_indices_]).all()
    frame = report.to_frame(all=True)
    np.testing.assert_array_equal(frame["n_drawn"], report.n_drawn[frame["instance"]])


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_neighbors_that_carry_the_other_value(container):
    """Against scikit-learn's nearest neighbours of the features that the network sees."""
    X, Y, _ = plant(n=120)
    X = np.where(X > -0.3, X, 0)
    Y = Y.astype(float)
    Y[:20, 1] = np.nan
    est = tabm().fit(container(X), Y)
    report = LabelReport.from_estimator(est, container(X), Y, n_neighbors=4)
    seen = est.preprocessor_.transform(container(X))
    near = NearestNeighbors(n_neighbors=4).fit(seen).kneighbors(return_distance=False)
    frame = report.to_frame(all=True)
    assert frame["neighbors"].map(len).between(1, 3).any()
    for instance, label, observed, neighbors in frame[
        ["instance", "label", "observed", "neighbors"]
    ].itertuples(index=False):
        expected = [row for row in near[instance] if Y[row, label] == 1 - observed]
        assert list(neighbors) == expected
    report = LabelReport.from_estimator(est, container(X), Y, n_neighbors=0)
    assert "neighbors" not in report.to_frame()


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_neighbors_come_by_distance_then_by_row(container):
    """On a line, with rows at the same distance; more of them than are sorted at once."""
    X = np.repeat([0.0, 1.0, 3.0], [2, 2, 1500])[:, None]
    near = find_nearest(SimpleNamespace(), container(X), 3)
    assert near[0].tolist() == [1, 2, 3]
    assert near[3].tolist() == [2, 0, 1]
    assert near[4].tolist() == sorted(near[4])
    np.testing.assert_array_equal(X[near[4:], 0], 3)


def test_a_data_set_is_not_read_for_neighbors():
    """Items are read one by one, and may be images."""
    X, Y, _ = plant(n=60)
    n_read = []

    class Items(Dataset):
        def __len__(self):
            return len(X)

        def __getitem__(self, i):
            n_read.append(i)
            return X[i].astype(np.float32)

    est = MultiLabelNetClassifier(MLP, max_epochs=1, callbacks=[TrainingDynamics()], verbose=0)
    est.fit(Items(), Y)
    n_read.clear()
    assert LabelReport.from_estimator(est, Items(), Y).neighbors is None
    assert not n_read


def test_images_by_the_paths_of_a_frame_have_no_neighbours():
    paths = pd.DataFrame({"path": ["a.png", "b.png"]})
    assert find_nearest(SimpleNamespace(), paths, 1) is None


def follow(X, Y, train_split=None):
    return MultiLabelNetClassifier(
        MLP,
        callbacks=[SelectionRecorder(), TrainingDynamics()],
        max_epochs=3,
        train_split=train_split,
        verbose=0,
        random_state=0,
    ).fit(X, Y)


def test_draws_are_those_of_the_rows_trained_on_last():
    X, Y, _ = plant(60)
    est = follow(X, Y).partial_fit(X[:40], Y[:40])
    report = LabelReport.from_estimator(est, X[:40], Y[:40])
    np.testing.assert_array_equal(report.n_drawn, 3)


def test_rows_that_a_split_leaves_out():
    """Neither trained on nor held out: of these only the rest is known."""
    X, Y, _ = plant(60)
    est = follow(X, Y, ShuffleSplit(1, train_size=30, test_size=15, random_state=0))
    report = LabelReport.from_estimator(est, X, Y)
    is_trained_on = np.isin(np.arange(60), est.train_indices_)
    np.testing.assert_array_equal(report.n_drawn, np.where(is_trained_on, 3, np.nan))
    margin = report.to_frame(all=True).groupby("instance")["margin"].count()
    assert margin.reindex(range(60), fill_value=0).tolist() == (3 * is_trained_on).tolist()
    with pytest.raises(ValueError, match="fitted with"):
        LabelReport.from_estimator(est, X[:45], Y[:45])


def test_labels_in_another_order_are_refused():
    """They were judged under each other's names."""
    X, Y, _ = plant(60)
    frame = pd.DataFrame(Y, columns=["a", "b", "c"])
    est = tabm(max_epochs=2).fit(X, frame)
    for display in (LabelReport, LabelCurvesDisplay, ReliabilityDisplay):
        with pytest.raises(ValueError, match="the order is another"):
            display.from_estimator(est, X, frame[["b", "a", "c"]])
        with pytest.raises(ValueError, match="not seen at fit: d; missing: c"):
            display.from_estimator(est, X, frame.set_axis(["a", "b", "d"], axis=1))
        display.from_estimator(est, X, frame)
        display.from_estimator(est, X, Y)


def test_a_stated_recall_with_settings_by_names():
    X, Y, _ = plant(120)
    frame = pd.DataFrame(Y, columns=["a", "b", "c"])
    est = tabm(threshold={"a": 0.3}).fit(X, frame)
    report = LabelReport.from_estimator(est, X, frame)
    stated = report.with_recall(est, X, random_state=0)
    plain = LabelReport.from_estimator(tabm().fit(X, Y), X, Y)
    np.testing.assert_array_equal(
        stated.suspects, plain.with_recall(tabm(), X, random_state=0).suspects
    )
