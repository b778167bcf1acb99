"""Data sets times methods times folds times seeds, each fit stored as it ends."""

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.base import BaseEstimator
from sklearn.model_selection import BaseCrossValidator
from tqdm import tqdm

from skd2ace._describe import describe_briefly
from skd2ace._seeding import derive_seed
from skd2ace._sklearn import HasMethods, Interval, validate_parameter_constraints
from skd2ace.metrics._records import METRICS
from skd2ace.model_selection import IterativeStratifiedKFold

from ._data import Data, digest_values, lacks_values, load_data
from ._keys import Key
from ._progress import Progress
from ._repeating import call_repeatedly
from ._running import Fits
from ._scoring import find_response
from ._settings import describe_settings, digest_settings
from ._sources import find_sources
from ._store import Store, make_temporary_store
from ._task import RECORDED, Task

N_FOLDS = 5
# Rows times labels of a data set that slow methods have one fit of.
_MANY_CELLS = 100_000
_SECONDS_BETWEEN_SIGNS_OF_LIFE = 60


class Experiment:
    """Compare methods on data sets, by cross-validation.

    Every method of a data set is fitted on the same folds and with the same seeds, features
    scaled to [0, 1] by the training part (sparse ones divided by their largest magnitude). Where
    features are missing, every method gets the medians of the training part for them. What is
    stored already is not done again, so that the same call goes on after a crash.

    Parameters
    ----------
    datasets : dict of str to (X, Y) or callable, or list of str
        X (n, d) dense, sparse or DataFrame of numbers, Y (n, q) of 0/1; a callable returns the
        pair when it is needed. A list has names of :func:`~skd2ace.datasets.mulan_registry`, and
        "mixed-table" for :func:`~skd2ace.datasets.make_mixed_table`.
    methods : dict of str to estimator
        Any scikit-learn multi-label classifiers with ``predict_proba``.
    cv : int or splitter, default=5
        A number of folds is stratified by :class:`~skd2ace.model_selection.\
IterativeStratifiedKFold`.
    metrics : dict of str to callable, optional
        Functions of the true labels and of ``Y_score`` or ``Y_pred``, as the second parameter is
        named; by default all of :mod:`skd2ace.metrics` but
        :func:`~skd2ace.metrics.expected_calibration_error`.
    n_seeds : int, default=1
        How many times each fold is fitted, with seeds of its own.
    random_state : int, default=0
        Seed of folds and fits, from 0 to 2^32 - 1.
    slow : list of str, default=()
        Methods that data sets of 100 000 cells (rows x labels) or more have one fit of only: the
        first fold with the first seed.
    store : str, path or Store, optional
        By default results are kept for as long as the experiment, and no longer.

    Attributes
    ----------
    datasets : dict of str to (X, Y) or callable
    store : Store
    cv : splitter

    Raises
    ------
    TypeError
        If data sets, methods or metrics are not given by names.
    ValueError
        If a parameter is of a wrong kind or out of range, a data set given by its name only is
        unknown, ``slow`` names no method, ``cv`` would deal other folds each time, or a metric
        does not say what it is of or has the name of something else that is stored.

    Examples
    --------
    >>> from skd2ace.benchmark import Experiment, make_methods
    >>> from sklearn.datasets import make_multilabel_classification
    >>> data = {"made up": make_multilabel_classification(n_samples=60, random_state=0)}
    >>> methods = make_methods(["clif"], ["random", "d2ace"], ["mlknn"], max_epochs=2)
    >>> results = Experiment(data, methods, cv=3).run(progress=False)
    >>> results.groupby("method")["macro_auc"].count().to_dict()
    {'clif d2ace': 3, 'clif random': 3, 'mlknn': 3}
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "datasets": [Mapping, list, tuple],
        "methods": [Mapping],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods("split")],
        "metrics": [Mapping, None],
        "n_seeds": [Interval(Integral, 1, None, closed="left")],
        "random_state": [Interval(Integral, 0, 2**32 - 1, closed="both")],
        "slow": [list, tuple],
        "store": [str, os.PathLike, Store, None],
    }

    def __init__(
        self,
        datasets: Mapping[str, Data] | Sequence[str],
        methods: Mapping[str, BaseEstimator],
        cv: int | BaseCrossValidator = N_FOLDS,
        metrics: Mapping[str, Callable[..., float]] | None = None,
        *,
        n_seeds: int = 1,
        random_state: int = 0,
        slow: Sequence[str] = (),
        store: str | os.PathLike[str] | Store | None = None,
    ) -> None:
        named = {"datasets": datasets, "methods": methods, "metrics": metrics}
        numbers = {"cv": cv, "n_seeds": n_seeds, "random_state": random_state}
        given = {**named, **numbers, "slow": slow, "store": store}
        validate_parameter_constraints(self._parameter_constraints, given, "Experiment")
        for parameter, things in named.items():
            _check_names(parameter, things or ())
        self.datasets = dict(datasets if isinstance(datasets, Mapping) else find_sources(datasets))
        self.methods = dict(methods)
        self.metrics = dict(metrics or _list_metrics())
        self.n_seeds = int(n_seeds)
        self.random_state = int(random_state)
        self.slow = _find_slow(slow, self.methods)
        self.cv = _make_splitter(cv, self.random_state)
        for metric in self.metrics.values():
            find_response(metric)
        if taken := sorted(RECORDED & self.metrics.keys()):
            raise ValueError(f"metrics must not be called {taken[0]!r}: results have that already.")
        self.store = _open_store(store)

    def run(
        self,
        *,
        n_jobs: int = 1,
        backend: str | None = None,
        progress: bool = True,
        time_limit: float | None = None,
        **config: Any,
    ) -> Any:
        """Do the fits that are not stored yet.

        Parameters
        ----------
        n_jobs : int, default=1
            Fits at a time; Dask runs as many as the cluster has threads.
        backend : str, optional
            Of joblib; "dask" with a client made before.
        progress : bool, default=True
            Whether to show a bar.
        time_limit : float, optional
            Seconds after which a fit, with its prediction and scores, is ended. It is stored as
            "timeout", is among the failures, and is done again like these. Each job then has a
            process of its own for its fits; not for Dask.
        **config
            For ``joblib.parallel_config``.

        Returns
        -------
        DataFrame
            Of this experiment's fits that succeeded, a row each.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C; the fits that were running are lost, the others stored.
        ValueError
            If the time limit is not positive or meant for Dask; after all others have run, if data
            sets could not be had or split, have labels that are not 0 or 1 or one label only, or
            are not those that the store has fits of by the same name.
        """
        settings = {"n_jobs": n_jobs, **config} | ({"backend": backend} if backend else {})
        _check_time_limit(time_limit, backend)
        left_out: dict[str, Exception] = {}
        try:
            with call_repeatedly(self.store.renew, _SECONDS_BETWEEN_SIGNS_OF_LIFE):
                for name in self.datasets:
                    try:
                        X, Y, tasks = self._plan(name)
                    except sqlite3.Error:
                        raise
                    except Exception as error:
                        left_out[name] = error
                        if progress:
                            tqdm.write(f"{name} is left out: {error}", file=sys.stderr)
                    else:
                        self._do_fits(name, X, Y, tasks, settings, time_limit, progress)
        finally:
            self.store.release()
        if left_out:
            causes = "; ".join(f"{name}: {error}" for name, error in left_out.items())
            raise ValueError(f"Left out: {causes}") from next(iter(left_out.values()))
        return self.results()

    def results(self) -> Any:
        """Rows of the store that belong to this experiment as it is set up."""
        return self._select_mine(self.store.results())

    def failures(self) -> Any:
        """Fits of this experiment that failed or took too long, as of :meth:`Store.failures`."""
        return self._select_mine(self.store.failures())

    def running(self) -> Any:
        """Fits of this experiment that other processes have claimed, which a run leaves to them.

        Columns are those of :meth:`Store.running`.
        """
        return self._select_mine(self.store.running())

    def retry_failed(self) -> None:
        """Have this experiment's fits that failed or took too long done again by the next run."""
        rows = self.failures()[list(Key._fields)]
        self.store.forget(Key(*row) for row in rows.itertuples(index=False))

    def _select_mine(self, rows: Any) -> Any:
        settings = {name: self._digest(method) for name, method in self.methods.items()}
        mine = rows["settings"] == rows["method"].map(settings)
        rows = rows[mine & rows["dataset"].isin(self.datasets) & (rows["seed"] < self.n_seeds)]
        return rows.reset_index(drop=True)

    def _plan(self, name: str) -> tuple[Any, Any, list[Task]]:
        """Load a data set and list its fits."""
        X, Y = load_data(self.datasets[name])
        tasks = list(self._list_tasks(name, X, Y))
        self.store.identify(name, digest_values(X, Y))
        return X, Y, tasks

    def _list_tasks(self, dataset: str, X: Any, Y: Any) -> Iterator[Task]:
        """List all fits on one data set, in order: folds, then seeds, then methods."""
        settings = {name: self._digest(method) for name, method in self.methods.items()}
        is_imputed = lacks_values(X)
        # Some come in parts, which everybody compares by.
        own = getattr(self.datasets[dataset], "folds", None)
        folds = self.cv.split(X, Y) if own is None else own()
        for fold, (train, test) in enumerate(folds):
            for seed in range(self.n_seeds):
                random_state = derive_seed(derive_seed(self.random_state, fold), seed) % 2**32
                is_first = fold == seed == 0
                for name, estimator in self.methods.items():
                    if name in self.slow and Y.size >= _MANY_CELLS and not is_first:
                        continue
                    key = Key(dataset, name, fold, seed, settings[name])
                    yield Task(key, estimator, random_state, train, test, is_imputed)

    def _do_fits(
        self,
        dataset: str,
        X: Any,
        Y: Any,
        tasks: list[Task],
        config: dict[str, Any],
        time_limit: float | None,
        progress: bool,
    ) -> None:
        """Do those of a data set's fits that are not stored."""
        todo = [task for task in tasks if self.store.status(task.key) is None]
        described = {
            name: {"estimator": describe_briefly(method), "described": self._describe(method)}
            for name, method in self.methods.items()
        }
        title = f"{dataset} ({list(self.datasets).index(dataset) + 1}/{len(self.datasets)})"
        n_stored = len(tasks) - len(todo)
        bar = Progress(title, len(tasks), n_stored, self.store, is_shown=progress)
        with closing(bar), call_repeatedly(bar.draw, bar.seconds_between_drawings):
            fits = Fits(X, Y, self.metrics, described, self.store, bar, config, time_limit)
            fits.run(todo)

    def _digest(self, estimator: BaseEstimator) -> str:
        """Digest what a fit depends on beside its data: other settings are other fits."""
        return digest_settings(self._describe(estimator))

    def _describe(self, estimator: BaseEstimator) -> str:
        return describe_settings(estimator, self.cv, self.random_state, self.metrics)


def _list_metrics() -> dict[str, Callable[..., float]]:
    return {name: metric.function for name, metric in METRICS.items() if metric.is_default}


def _check_names(parameter: str, things: Any) -> None:
    if not all(isinstance(name, str) for name in things):
        raise TypeError(f"{parameter} must be given by names; got {list(things)!r}.")


def _check_time_limit(seconds: float | None, backend: str | None) -> None:
    given = {"time_limit": seconds}
    wanted = {"time_limit": [Interval(Real, 0, None, closed="neither"), None]}
    validate_parameter_constraints(wanted, given, "run")
    if seconds is not None and backend == "dask":
        raise ValueError("time_limit is for processes of this machine, not for Dask's.")


def _find_slow(slow: Sequence[str], methods: Mapping[str, BaseEstimator]) -> list[str]:
    if unknown := [name for name in slow if name not in methods]:
        raise ValueError(f"slow must name methods; there is no {unknown[0]!r}.")
    return list(slow)


def _make_splitter(cv: Any, random_state: int) -> BaseCrossValidator:
    """Make the splitter that a number of folds stands for, and refuse one that varies."""
    if isinstance(cv, Integral):
        return IterativeStratifiedKFold(int(cv), random_state=random_state)
    seed = getattr(cv, "random_state", 0)
    if getattr(cv, "shuffle", True) and not isinstance(seed, Integral):
        raise ValueError(
            f"cv={cv!r} deals other folds each time: give it a whole number as random_state."
        )
    return cv


def _open_store(store: str | os.PathLike[str] | Store | None) -> Store:
    if store is None:
        return make_temporary_store()
    return store if isinstance(store, Store) else Store(store)
