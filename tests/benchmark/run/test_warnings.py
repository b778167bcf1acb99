"""Warnings that are no news are ignored in fits, and only there, whatever runs beside them."""

import threading
import warnings

import numpy as np
import pytest
from sklearn.model_selection import PredefinedSplit

from skd2ace.benchmark import Experiment
from skd2ace.benchmark.run._warnings import ignore_warnings
from skd2ace.neighbors import MLkNN

BOTH_RUN = threading.Event()
FIRST_IS_STORED = threading.Event()


class First(MLkNN):
    """Ends when the second one has begun."""

    def fit(self, X, Y):
        assert BOTH_RUN.wait(60)
        return super().fit(X, Y)


class Second(MLkNN):
    """Ends when the first one has left everything behind, and is warned of what is no news."""

    def fit(self, X, Y):
        BOTH_RUN.set()
        assert FIRST_IS_STORED.wait(60)
        warnings.warn("Label not 3 is present in all training examples.", stacklevel=1)
        return super().fit(X, Y)


def test_threads_leave_the_filters_as_they_were(data, tmp_path, monkeypatch):
    methods = {"first": First(3), "second": Second(3)}
    one_fold = PredefinedSplit(np.repeat([-1, 0], [40, 20]))
    experiment = Experiment({"d": data}, methods, one_fold, store=tmp_path / "s")
    write = experiment.store.write

    def store(key, record):
        write(key, record)
        FIRST_IS_STORED.set()

    monkeypatch.setattr(experiment.store, "write", store)
    before = list(warnings.filters)
    results = experiment.run(progress=False, n_jobs=2, backend="threading")
    assert warnings.filters == before
    assert len(results) == 2, experiment.failures()["error"].tolist()


def test_blocks_that_overlap():
    """The last to be left puts back what the first one found."""
    before = list(warnings.filters)
    first, second = ignore_warnings("one"), ignore_warnings("two")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    warnings.warn("two of them", stacklevel=1)
    second.__exit__(None, None, None)
    assert warnings.filters == before
    with pytest.warns(UserWarning, match="two of them"):
        warnings.warn("two of them", stacklevel=1)


def test_other_warnings_are_heard():
    with ignore_warnings("one"):
        warnings.warn("one", stacklevel=1)
        with pytest.raises(UserWarning, match="other"):
            warnings.warn("other", stacklevel=1)


def test_filters_come_back_after_an_error():
    before = list(warnings.filters)
    with pytest.raises(ZeroDivisionError), ignore_warnings("one"):
        raise ZeroDivisionError
    assert warnings.filters == before
