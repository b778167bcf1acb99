"""Labels that have names keep them, and rows that were held out are known."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.metrics import classification_report, f1_score
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit
from skorch.dataset import ValidSplit
from skorch.helper import predefined_split

from skd2ace import MultiLabelNetClassifier
from skd2ace.training import Checkpointing, TensorDataset

NAMES = ["beach", "sunset", "urban", "rare"]
FRAMES = {
    "pandas": lambda Y, names=NAMES: pd.DataFrame(Y, columns=names),
    "polars": lambda Y, names=NAMES: pl.DataFrame(Y, schema=list(names)),
    "sparse": lambda Y, names=NAMES: pd.DataFrame.sparse.from_spmatrix(
        sp.csr_array(Y), columns=names
    ),
    "nullable": lambda Y, names=NAMES: pd.DataFrame(Y, columns=names).astype("Int64"),
}
SWAPPED = [1, 0, 2, 3]


@pytest.fixture(params=FRAMES)
def frame(request):
    return FRAMES[request.param]


def swap(Y, frame):
    return frame(Y[:, SWAPPED], [NAMES[i] for i in SWAPPED])


def test_names_of_any_frame(make_two, data, frame, tmp_path):
    X, Y = data
    est = make_two(max_epochs=1).fit(X, frame(Y))
    assert est.label_names_in_.tolist() == NAMES
    est.save(tmp_path / "file")
    given = {"module": est.module} if type(est) is MultiLabelNetClassifier else {}
    assert type(est).load(tmp_path / "file", **given).label_names_in_.tolist() == NAMES


@pytest.mark.parametrize("nameless", [np.asarray, sp.csr_array, pd.DataFrame])
def test_what_has_no_names_leaves_none(make, data, nameless):
    X, Y = data
    est = make(max_epochs=1).fit(X, FRAMES["pandas"](Y)).fit(X, nameless(Y))
    assert not hasattr(est, "label_names_in_")
    est.fit(X, pd.Series(Y[:, 0], name="beach"))
    assert not hasattr(est, "label_names_in_")


def test_another_order_is_refused(make, data, frame):
    X, Y = data
    est = make(max_epochs=1).fit(X, frame(Y))
    before = est.predict_proba(X)
    with pytest.raises(ValueError, match="the order is another"):
        est.partial_fit(X, swap(Y, frame))
    with pytest.raises(ValueError, match="the order is another"):
        est.score(X, swap(Y, frame))
    with pytest.raises(ValueError, match="not seen at fit: night; missing: rare"):
        est.partial_fit(X, frame(Y, [*NAMES[:3], "night"]))
    np.testing.assert_array_equal(est.predict_proba(X), before)
    assert est.score(X, frame(Y)) == est.score(X, Y)
    # Of labels without names the order is the user's.
    est.partial_fit(X, Y)
    assert est.label_names_in_.tolist() == NAMES


def test_resume_refuses_another_order(make, data, frame, tmp_path):
    X, Y = data
    params = {"max_epochs": 2, "callbacks": [("save", Checkpointing(tmp_path))]}
    make(**params).fit(X, frame(Y))
    # As many of each, so that nothing but the names tells the columns apart.
    with pytest.raises(ValueError, match="of a training with other data"):
        make(**params).fit(X, swap(Y, frame), resume=tmp_path)
    make(**params).fit(X, frame(Y), resume=tmp_path)


def test_thresholds_by_name(make, data, frame):
    X, Y = data
    est = make(max_epochs=1, threshold={"rare": 0.1, "beach": 0.6}).fit(X, frame(Y))
    relevant = est.predict_proba(X) >= [0.6, 0.5, 0.5, 0.1]
    np.testing.assert_array_equal(est.predict(X), relevant)


@pytest.mark.parametrize("index", [NAMES, None])
def test_a_series_goes_by_names_if_it_has_such(make, data, tmp_path, index):
    """In the labels' order, and turned round by name: the same thresholds and weights."""
    X, Y = data
    numbers = np.array([0.6, 0.5, 0.4, 0.1])
    straight = pd.Series(numbers, index)
    turned = straight if index is None else straight[::-1]
    for parameter in ("threshold", "label_weight", "pos_weight"):
        expected = make(max_epochs=2, **{parameter: numbers}).fit(X, FRAMES["pandas"](Y))
        est = make(max_epochs=2, **{parameter: turned}).fit(X, FRAMES["pandas"](Y))
        np.testing.assert_array_equal(est.predict(X), expected.predict(X))
        np.testing.assert_array_equal(est.predict_proba(X), expected.predict_proba(X))
        est.save(tmp_path / "file")
        given = {"module": est.module} if type(est) is MultiLabelNetClassifier else {}
        again = type(est).load(tmp_path / "file", **given)
        np.testing.assert_array_equal(again.predict(X), expected.predict(X))
        for one in (again, expected):
            one.partial_fit(X, FRAMES["pandas"](Y))
        np.testing.assert_array_equal(again.predict_proba(X), expected.predict_proba(X))
        # Labels without names have their order only.
        make(max_epochs=1, **{parameter: turned}).fit(X, Y)


@pytest.mark.parametrize("parameter", ["label_weight", "pos_weight"])
def test_copies_that_tune_go_by_names_too(make, data, parameter):
    X, Y = data
    numbers = pd.Series([9.0, 1.0, 0.2, 4.0], NAMES)
    tuned = [
        make(max_epochs=3, threshold="tune", train_split=None, **{parameter: values})
        .fit(X, FRAMES["pandas"](Y))
        .thresholds_
        for values in (numbers.to_numpy(), numbers[::-1])
    ]
    np.testing.assert_array_equal(*tuned)


@pytest.mark.parametrize("parameter", ["threshold", "label_weight", "pos_weight"])
@pytest.mark.parametrize("names", [NAMES[:3], [*NAMES[:3], "reef"], [*NAMES[:3], "beach"]])
def test_a_series_by_other_names_is_refused(make, data, parameter, names):
    est = make(**{parameter: pd.Series(0.5, names)})
    with pytest.raises(ValueError, match=f"{parameter} is a Series by names.*differ in .*r"):
        est.fit(data[0], FRAMES["pandas"](data[1]))


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        ({"reef": 0.5}, "threshold names 'reef', which is no label; those are 'beach', 'sunset'"),
        ({"rare": 1.5}, r"threshold must be in \[0, 1\]"),
        ({"rare": "high"}, r"threshold must be in \[0, 1\]"),
        ({0: 0.5}, "threshold names 0"),
    ],
)
def test_thresholds_by_wrong_names(make, data, threshold, message):
    X, Y = data
    with pytest.raises(ValueError, match=message):
        make(threshold=threshold).fit(X, FRAMES["pandas"](Y))


def test_thresholds_by_name_need_names(make, data):
    X, Y = data
    with pytest.raises(ValueError, match="needs labels with names"):
        make(threshold={"rare": 0.5}).fit(X, Y)


def test_report_by_name(make, data):
    X, Y = data
    est = make().fit(X, FRAMES["pandas"](Y))
    report = classification_report(
        Y, est.predict(X), target_names=est.label_names_in_, output_dict=True, zero_division=0
    )
    found = [report[name]["f1-score"] for name in NAMES]
    np.testing.assert_allclose(found, f1_score(Y, est.predict(X), average=None, zero_division=0))


@pytest.mark.parametrize(
    "train_split", [0.1, 0.3, ShuffleSplit(test_size=7, random_state=0), ValidSplit(4)]
)
def test_rows_of_the_two_parts(make_two, data, train_split):
    X, Y = data
    est = make_two(max_epochs=1, train_split=train_split).fit(X, Y)
    rows = np.concatenate([est.train_indices_, est.valid_indices_])
    assert sorted(rows) == list(range(len(X)))
    if isinstance(train_split, float):
        assert len(est.valid_indices_) == round(train_split * len(X))


def test_rows_are_those_of_the_split(make, data):
    X, Y = data
    splitter = ShuffleSplit(test_size=7, random_state=0)
    train, valid = next(splitter.split(X))
    est = make(max_epochs=1, train_split=splitter).fit(X, Y)
    assert est.train_indices_.tolist() == train.tolist()
    assert est.valid_indices_.tolist() == valid.tolist()
    groups = np.arange(60) % 7
    splitter = GroupShuffleSplit(test_size=2, random_state=0)
    est.set_params(train_split=splitter).fit(X, Y, groups=groups)
    assert len(set(groups[est.valid_indices_])) == 2
    assert not {*groups[est.valid_indices_]} & {*groups[est.train_indices_]}


def test_rows_without_a_split(make, data):
    X, Y = data
    est = make(max_epochs=1, train_split=None).fit(X, Y)
    assert est.train_indices_.tolist() == list(range(60))
    assert est.valid_indices_.tolist() == []


def test_rows_of_a_part_of_its_own(make, data):
    X, Y = data
    own = TensorDataset(X[40:].astype(np.float32), Y[40:].astype(np.float32))
    est = make(max_epochs=1, train_split=predefined_split(own)).fit(X[:40], Y[:40])
    assert est.train_indices_.tolist() == list(range(40))
    assert est.valid_indices_ is None


def test_rows_held_out_do_not_train(make, data):
    """What is said to be held out may be anything."""
    X, Y = data
    est = make(max_epochs=3, callbacks__best_epoch=None).fit(X, Y)
    other = X.copy()
    other[est.valid_indices_] = 9
    again = make(max_epochs=3, callbacks__best_epoch=None).fit(other, Y)
    np.testing.assert_array_equal(est.predict_proba(X), again.predict_proba(X))
    other = X.copy()
    other[est.train_indices_[0]] = 9
    again = make(max_epochs=3, callbacks__best_epoch=None).fit(other, Y)
    assert (est.predict_proba(X) != again.predict_proba(X)).any()
