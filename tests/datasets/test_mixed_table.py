"""The made-up table: what it promises of gaps, shares and what can be learnt."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skd2ace.datasets import make_mixed_table


@pytest.fixture(scope="module")
def table():
    return make_mixed_table(random_state=0)


def test_the_same_seed_gives_the_same_rows(table):
    before = np.random.get_state()[1].copy()
    again, others = make_mixed_table(random_state=0), make_mixed_table(random_state=1)
    for part, same, other in zip(table, again, others, strict=True):
        pd.testing.assert_frame_equal(part, same)
        assert (part.dtypes == other.dtypes).all()
        assert not part.equals(other)
    assert (np.random.get_state()[1] == before).all()


def test_kinds_of_columns(table):
    X, _ = table
    assert X.shape == (1500, 20)
    kinds = X.dtypes.astype(str).value_counts().to_dict()
    assert kinds == {"float64": 12, "category": 6, "int64": 2}
    numbers = X.select_dtypes("number")
    # Some skewed and heavy-tailed, others bell-shaped.
    assert (numbers[["crp", "troponin", "creatinine"]].skew() > 1.5).all()
    assert numbers["troponin"].kurt() > 50
    assert (numbers[["height", "systolic", "haemoglobin"]].kurt().abs() < 0.6).all()
    # Many levels, of which most are rare.
    counts = X["diagnosis"].value_counts()
    assert len(counts) > 50
    assert (counts < 0.02 * len(X)).sum() > 30


def test_shares_of_labels(table):
    _, Y = table
    shares = [0.25, 0.15, 0.12, 0.10, 0.08, 0.06, 0.03, 0.025]
    np.testing.assert_allclose(Y.mean(), shares, atol=1 / len(Y))
    assert set(np.unique(Y)) == {0, 1}
    # They go together.
    assert np.triu(Y.corr(), 1).max() > 0.25


def test_gaps_are_not_at_random(table):
    X, _ = table
    gaps = X.isna()
    assert gaps.mean()[gaps.any()].between(0.02, 0.8).all()
    assert gaps.any().sum() == 8
    # Less is missing of the ill, more of who comes in a hurry, all of who was never there.
    assert roc_auc_score(~gaps["lactate"], X["temperature"]) > 0.55
    urgent = X["admission"] == "emergency"
    assert gaps.loc[urgent, "height"].mean() > 2 * gaps.loc[~urgent, "height"].mean()
    assert (gaps["days_since_last"] == (X["n_visits"] == 0)).all()


def test_labels_can_be_learnt_and_carry_over_to_other_rows(table):
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
        remainder=make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()),
    )
    model = make_pipeline(encode, OneVsRestClassifier(LogisticRegression(C=0.1, max_iter=1000)))
    model.fit(*table)
    X, Y = make_mixed_table(4000, random_state=1)
    each = roc_auc_score(Y, model.predict_proba(X), average=None)
    assert each.min() > 0.6
    assert 0.7 < each.mean() < 0.95


@pytest.mark.parametrize("n_samples", [49, 100.0, "many"])
def test_numbers_of_rows_that_are_none(n_samples):
    with pytest.raises(ValueError, match="n_samples"):
        make_mixed_table(n_samples)


def test_few_rows():
    X, Y = make_mixed_table(50, random_state=3)
    assert X.shape == (50, 20)
    assert (Y.sum() >= 1).all()
