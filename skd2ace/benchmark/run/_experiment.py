"""Data sets times methods times folds times seeds, each fit stored as it ends."""

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import BaseCrossValidator
from tqdm import tqdm

import skd2ace.metrics
from skd2ace._seeding import derive_seed
from skd2ace._shown import digest, in_brief, shown
from skd2ace.metrics._records import METRICS
from skd2ace.model_selection import IterativeStratifiedKFold

from ._data import Data, loaded, values_digest
from ._progress import Progress, repeating
from ._running import Fits
from ._store import Key, Store
from ._task import RECORDED, Task, judged

N_FOLDS = 5
_SECONDS_BETWEEN_SIGNS_OF_LIFE = 60


class Experiment:
    """Compare methods on data sets, by cross-validation.

    Every method of a data set is fitted on the same folds and with the same seeds, features
    scaled to [0, 1] by the training part (sparse ones divided by their largest magnitude). What
    is stored already is not done again, so that the same call goes on after a crash.

    Parameters
    ----------
    datasets : dict of str to (X, Y) or callable
        X (n, d) dense, sparse or DataFrame of numbers, Y (n, q) of 0/1; a callable returns the
        pair when it is needed.
    methods : dict of str to estimator
        Any scikit-learn multi-label classifiers with ``predict_proba``.
    cv : int or splitter, default=5
        A number of folds is stratified by :class:`~skd2ace.model_selection.\
IterativeStratifiedKFold`.
    metrics : dict of str to callable, optional
        Functions of the true labels and of ``Y_score`` or ``Y_pred``, as the second parameter is
        named; all of :mod:`skd2ace.metrics` by default.
    n_seeds : int, default=1
        How many times each fold is fitted, with seeds of its own.
    random_state : int, default=0
        Seed of folds and fits, from 0 to 2^32 - 1.
    store : str, path or Store

    Attributes
    ----------
    store : Store
    cv : splitter

    Raises
    ------
    TypeError
        If data sets, methods or metrics are not given by names, or ``cv`` is no splitter.
    ValueError
        If ``cv`` would deal other folds each time, a number is out of range, or a metric does
        not say what it is of or has the name of something else that is stored.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skd2ace.benchmark import Experiment, make_methods
    >>> from sklearn.datasets import make_multilabel_classification
    >>> data = {"made up": make_multilabel_classification(n_samples=60, random_state=0)}
    >>> methods = make_methods(["clif"], ["random", "d2ace"], ["mlknn"], max_epochs=2)
    >>> with TemporaryDirectory() as folder:
    ...     experiment = Experiment(data, methods, cv=3, store=f"{folder}/results.sqlite")
    ...     experiment.run(progress=False).groupby("method")["macro_auc"].count().to_dict()
    {'clif d2ace': 3, 'clif random': 3, 'mlknn': 3}
    """

    def __init__(
        self,
        datasets: Mapping[str, Data],
        methods: Mapping[str, BaseEstimator],
        cv: int | BaseCrossValidator = N_FOLDS,
        metrics: Mapping[str, Callable[..., float]] | None = None,
        *,
        n_seeds: int = 1,
        random_state: int = 0,
        store: str | os.PathLike[str] | Store,
    ) -> None:
        self.datasets = _named("datasets", datasets)
        self.methods = _named("methods", methods)
        self.metrics = _named("metrics", metrics or _all_metrics())
        self.n_seeds = _whole("n_seeds", n_seeds, 1)
        self.random_state = _whole("random_state", random_state, 0)
        self.cv = _splitter(cv, self.random_state)
        for metric in self.metrics.values():
            judged(metric)
        if taken := sorted(RECORDED & self.metrics.keys()):
            raise ValueError(f"metrics must not be called {taken[0]!r}: results have that already.")
        self.store = store if isinstance(store, Store) else Store(store)

    def run(
        self, *, n_jobs: int = 1, backend: str | None = None, progress: bool = True, **config: Any
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
            After all others have run, if data sets could not be loaded or split, have labels that
            are not 0 or 1 or one label only, or are not those that the store has fits of by the
            same name.
        """
        settings = {"n_jobs": n_jobs, **config} | ({"backend": backend} if backend else {})
        left_out: dict[str, Exception] = {}
        try:
            with repeating(self.store.renew, _SECONDS_BETWEEN_SIGNS_OF_LIFE):
                for name, X, Y, tasks in self._prepared(left_out, progress):
                    self._run_fits(name, X, Y, tasks, progress, settings)
        finally:
            self.store.release()
        if left_out:
            causes = "; ".join(f"{name}: {error}" for name, error in left_out.items())
            raise ValueError(f"Left out: {causes}") from next(iter(left_out.values()))
        return self.results()

    def results(self) -> Any:
        """Rows of the store that belong to this experiment as it is set up."""
        return self._mine(self.store.results())

    def failures(self) -> Any:
        """Fits of this experiment that failed, with the traceback in ``error``."""
        return self._mine(self.store.failures())

    def running(self) -> Any:
        """Fits of this experiment that other processes have claimed, which a run leaves to them.

        Columns are those of :meth:`Store.running`.
        """
        return self._mine(self.store.running())

    def retry_failed(self) -> None:
        """Have this experiment's failed fits done again by the next run."""
        rows = self.failures()[list(Key._fields)]
        self.store.forget(Key(*row) for row in rows.itertuples(index=False))

    def _mine(self, rows: Any) -> Any:
        settings = {name: self._settings(method) for name, method in self.methods.items()}
        mine = rows["settings"] == rows["method"].map(settings)
        rows = rows[mine & rows["dataset"].isin(self.datasets) & (rows["seed"] < self.n_seeds)]
        return rows.reset_index(drop=True)

    def _tasks(self, dataset: str, X: Any, Y: Any) -> Iterator[Task]:
        """All fits on one data set, in order: folds, then seeds, then methods."""
        settings = {name: self._settings(method) for name, method in self.methods.items()}
        for fold, (train, test) in enumerate(self.cv.split(X, Y)):
            for seed in range(self.n_seeds):
                random_state = derive_seed(derive_seed(self.random_state, fold), seed) % 2**32
                for name, estimator in self.methods.items():
                    key = Key(dataset, name, fold, seed, settings[name])
                    yield Task(key, estimator, random_state, train, test)

    def _prepared(
        self, left_out: dict[str, Exception], progress: bool
    ) -> Iterator[tuple[str, Any, Any, list[Task]]]:
        """Load one data set after the other; note those that cannot be used, and why."""
        for name, data in self.datasets.items():
            try:
                X, Y = loaded(data)
                tasks = list(self._tasks(name, X, Y))
                self.store.identify(name, values_digest(X, Y))
            except sqlite3.Error:
                raise
            except Exception as error:
                left_out[name] = error
                if progress:
                    tqdm.write(f"{name} is left out: {error}", file=sys.stderr)
            else:
                yield name, X, Y, tasks

    def _run_fits(
        self,
        name: str,
        X: Any,
        Y: Any,
        tasks: list[Task],
        progress: bool,
        config: dict[str, Any],
    ) -> None:
        todo = [task for task in tasks if self.store.status(task.key) is None]
        n_stored = len(tasks) - len(todo)
        number = f" ({list(self.datasets).index(name) + 1}/{len(self.datasets)})"
        bar = Progress(name + number, len(tasks), n_stored, is_shown=progress)
        described = {
            name: {"estimator": in_brief(method), "described": shown(self._depends_on(method))}
            for name, method in self.methods.items()
        }
        with closing(bar), repeating(bar.draw, bar.seconds_between_drawings):
            Fits(X, Y, self.metrics, described, self.store, bar, config).run(todo)

    def _settings(self, estimator: BaseEstimator) -> str:
        """Digest of what a fit depends on beside its key: other settings are other fits."""
        return digest(self._depends_on(estimator))

    def _depends_on(self, estimator: BaseEstimator) -> tuple[Any, ...]:
        return estimator, self.cv, self.random_state, self.metrics


def _all_metrics() -> dict[str, Callable[..., float]]:
    return {name: getattr(skd2ace.metrics, name) for name in METRICS}


def _named(parameter: str, things: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(things, Mapping) or not all(isinstance(name, str) for name in things):
        raise TypeError(f"{parameter} must be a dict whose keys are names; got {things!r}.")
    return dict(things)


def _whole(parameter: str, value: Any, least: int) -> int:
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or not least <= value < 2**32:
        raise ValueError(
            f"{parameter} must be a whole number from {least} to 2^32 - 1; got {value!r}."
        )
    return int(value)


def _splitter(cv: Any, random_state: int) -> BaseCrossValidator:
    """Make the splitter that a number of folds stands for, and refuse one that varies."""
    if isinstance(cv, (int, np.integer)):
        return IterativeStratifiedKFold(int(cv), random_state=random_state)
    if not hasattr(cv, "split"):
        raise TypeError(f"cv must be a number of folds or a splitter; got {cv!r}.")
    seed = getattr(cv, "random_state", 0)
    if getattr(cv, "shuffle", True) and not isinstance(seed, (int, np.integer)):
        raise ValueError(
            f"cv={cv!r} deals other folds each time: give it a whole number as random_state."
        )
    return cv
