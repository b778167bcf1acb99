"""Features that are dates or words: an error that names the column, from every estimator."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skd2ace.neighbors import MLkNN

N = 40
DAYS = pd.date_range("2020-01-01", periods=N)
PERIODS = DAYS.to_period("D")
DATES = {
    "days": DAYS,
    "with a time zone": DAYS.tz_localize("Europe/Berlin"),
    "durations": DAYS - DAYS[0],
    "objects": pd.Series([datetime.date(2020, 1, 1)] * N, dtype=object),
    "numpy's in objects": pd.Series([np.datetime64("2020-01-01")] * N, dtype=object),
    "numpy's durations in objects": pd.Series([np.timedelta64(3, "D")] * N, dtype=object),
    "categories": pd.Categorical(DAYS),
    "periods": PERIODS,
    "periods in objects": pd.Series(PERIODS, dtype=object),
    "categories of periods": pd.Categorical(PERIODS),
    "differences of periods": pd.Series(PERIODS - PERIODS[0], dtype=object),
    "no periods but gaps": pd.PeriodIndex([None] * N, freq="D"),
}


@pytest.fixture(params=["network", "neighbours"])
def est(request, make):
    return make(max_epochs=1) if request.param == "network" else MLkNN(3)


@pytest.fixture
def labels():
    return np.random.default_rng(0).integers(0, 2, (N, 3))


@pytest.mark.parametrize("kind", DATES)
def test_dates_in_frames(est, labels, kind):
    X = pd.DataFrame({"age": np.arange(N), "born": DATES[kind]})
    for frame in (X, X[["born"]]):
        with pytest.raises(ValueError, match="'born' of X holds dates or times"):
            est.fit(frame, labels)


# Of nanoseconds numpy makes objects that are integers, and no dates any more.
@pytest.mark.parametrize(
    "values",
    [DAYS.to_numpy().astype("M8[us]"), (DAYS - DAYS[0]).to_numpy().astype("m8[us]")],
    ids=["days", "durations"],
)
@pytest.mark.parametrize("kind", [np.asarray, lambda X: X.astype(object), np.ndarray.tolist, list])
def test_dates_in_arrays(est, labels, values, kind):
    X = kind(np.stack([values, values], axis=1))
    with pytest.raises(ValueError, match="X holds dates or times"):
        est.fit(X, labels)


@pytest.mark.parametrize("cast", [pl.Datetime, pl.Date, pl.Time, pl.Duration])
def test_dates_in_polars(est, labels, cast):
    born = pl.Series("born", np.arange(N) * 10**6).cast(cast)
    with pytest.raises(ValueError, match="Column 'born' of X holds dates or times"):
        est.fit(pl.DataFrame({"age": np.arange(N)}).with_columns(born), labels)


def test_dates_behind_words_in_a_table_of_polars(make_tabm, labels):
    """Which numpy makes no matrix of."""
    born = pl.Series("born", np.arange(N)).cast(pl.Date)
    frame = pl.DataFrame({"age": np.arange(N), "sky": ["blue", "grey"] * (N // 2)})
    with pytest.raises(ValueError, match="Column 'born' of X holds dates or times"):
        make_tabm(max_epochs=1).fit(frame.with_columns(born), labels)


def test_predicting_refuses_dates(est, labels):
    X = pd.DataFrame({"age": np.arange(N), "born": np.arange(N)})
    est.fit(X, labels)
    with pytest.raises(ValueError, match="'born' of X holds dates or times"):
        est.predict(X.assign(born=DAYS))


@pytest.mark.parametrize(
    "kind",
    [
        lambda X: X,
        lambda X: X.astype({"sky": "category"}),
        lambda X: X.astype({"sky": "string"}),
        lambda X: pl.DataFrame(X.to_dict("list")),
    ],
    ids=["str", "category", "string", "polars"],
)
def test_words_in_frames(est, labels, kind):
    X = kind(pd.DataFrame({"age": np.arange(N), "sky": ["1.5"] * (N - 1) + ["grey"]}))
    with pytest.raises(ValueError, match="Column 'sky' of X holds 'grey', which is no number"):
        est.fit(X, labels)


@pytest.mark.parametrize("kind", [np.asarray, list])
def test_words_in_arrays(est, labels, kind):
    with pytest.raises(ValueError, match="Column 1 of X holds 'grey'"):
        est.fit(kind([["1", "grey"]] * N), labels)


def test_numbers_of_other_types_are_trained_on(est, labels):
    X = pd.DataFrame({
        "words": ["1", "2"] * (N // 2),
        "nullable": pd.array(np.arange(N), dtype="Int64"),
        "category": pd.Categorical([1.5, 2.5] * (N // 2)),
        "bool": np.arange(N) > 3,
    })  # fmt: skip
    assert est.fit(X, labels).predict(X).shape == labels.shape
