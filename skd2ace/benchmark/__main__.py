"""The command ``python -m skd2ace.benchmark``: run, report, list."""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from skd2ace.datasets import (
    MulanSet,
    drop_rare_labels,
    drop_unlabelled,
    fetch_mulan,
    mulan_registry,
    select_top_features,
)

from ._arguments import make_parser
from ._listing import listing
from .compare import Comparison
from .compare._published import published
from .run._experiment import Experiment
from .run._methods import PRESETS, make_methods
from .run._store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the arguments of the command line, or those given.

    Returns
    -------
    int
        Exit status: 0, 1 where fits failed or are left to other processes, 2 where the command
        was wrong or data sets were left out, 130 after Ctrl-C.
    """
    parser = make_parser(run=_run, report=_report, listing=_list)
    given = parser.parse_args(arguments)
    try:
        return given.action(given)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on.", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2


def _run(given: argparse.Namespace) -> int:
    if given.scheduler:
        given.backend = given.backend or "dask"
    if (given.backend == "dask") != bool(given.scheduler):
        raise ValueError("--backend dask and --scheduler ADDRESS need each other")
    experiment = _experiment(given)
    _tell_of_shuffling(experiment.methods)
    if given.scheduler:
        _connect(given.scheduler)
    else:
        _check_device(given.device)
    if given.retry_failed:
        experiment.retry_failed()
    try:
        experiment.run(n_jobs=given.jobs, backend=given.backend, progress=not given.quiet)
    finally:
        status = _tell_of_failures(experiment.failures())
    return _tell_of_others(experiment.running()) or status


def _check_device(device: str) -> None:
    """Find out at once what would fail in every fit, and be kept as failed."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"--device {device}: {str(error).splitlines()[0]}") from error


def _tell_of_shuffling(methods: dict[str, Any]) -> None:
    selectors = {name: getattr(est, "batch_selector", None) for name, est in methods.items()}
    names = [
        name
        for name, selector in selectors.items()
        if selector is not None and selector.warmup_epochs >= methods[name].max_epochs
    ]
    if names:
        print(
            f"These will only shuffle, as their warm-up takes all epochs: {', '.join(names)}.",
            file=sys.stderr,
        )


def _connect(scheduler: str) -> None:
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError("--backend dask needs Dask: `pip install 'skd2ace[dask]'`") from error
    # The first client made is the one that joblib finds.
    Client(scheduler)


def _experiment(given: argparse.Namespace) -> Experiment:
    parts = PRESETS.get(given.preset, {}) | {
        name: value
        for name in ("datasets", "networks", "selectors")
        if (value := getattr(given, name))
    }
    if "datasets" not in parts:
        raise ValueError("give --datasets, or a --preset")
    methods = make_methods(
        parts.get("networks", []),
        parts.get("selectors", ["random"]),
        given.baselines,
        max_epochs=given.epochs,
        device=given.device,
    )
    if given.selectors and "networks" not in parts:
        raise ValueError("--selectors needs --networks")
    if not methods:
        raise ValueError("give --networks or --baselines")
    return Experiment(
        dict(_source(name, given.data_home, given.min_positives) for name in parts["datasets"]),
        methods,
        given.folds,
        n_seeds=given.seeds,
        random_state=given.random_state,
        store=given.store,
    )


def _source(name: str, data_home: Path | None, min_positives: int | None) -> tuple[str, Any]:
    """Name of a set as the registry has it, and what loads it."""
    known = {entry.name.lower(): entry for entry in mulan_registry().values()}
    if name.lower() not in known:
        raise ValueError(f"no data set {name!r}; see `python -m skd2ace.benchmark list`")
    entry = known[name.lower()]
    return entry.name, partial(_load, entry, data_home, min_positives)


def _load(entry: MulanSet, data_home: Path | None, min_positives: int | None) -> tuple[Any, Any]:
    """Fetch a set, with the features that the papers keep of it, and labels frequent enough."""
    X, Y = fetch_mulan(entry.name, data_home=data_home, return_X_y=True)
    # Some editions have no others.
    if entry.top_fraction and X.shape[1] > entry.n_features:
        X = select_top_features(X, entry.top_fraction)
    if min_positives is not None:
        X, Y = drop_unlabelled(X, drop_rare_labels(Y, min_positives))
    return X, Y


def _tell_of_failures(failures: Any) -> int:
    for row in failures.itertuples():
        last_line = row.error.strip().splitlines()[-1]
        seed = f", seed {row.seed}" if row.seed else ""
        print(f"failed: {row.dataset}, {row.method}, fold {row.fold + 1}{seed}: {last_line}")
    if len(failures):
        print("Their tracebacks are in the store; --retry-failed tries them again.")
    return int(len(failures) > 0)


def _tell_of_others(running: Any) -> int:
    for (host, process), fits in running.groupby(["host", "process"]):
        how_many = "1 fit is" if len(fits) == 1 else f"{len(fits)} fits are"
        print(
            f"{how_many} left to process {process} on {host}, last heard of "
            f"{time.time() - fits['seen'].max():.0f} s ago; run again for their results"
        )
    return int(len(running) > 0)


def _report(given: argparse.Namespace) -> int:
    if not given.store.exists():
        raise ValueError(f"there is no store {given.store}")
    comparison = Comparison.from_store(
        Store(given.store),
        given.metric,
        datasets=given.datasets,
        methods=given.methods,
        higher_is_better=given.better and given.better == "higher",
        reference=given.reference,
    )
    text = comparison.report(
        format=given.format, published=published() if given.published else None
    )
    if given.output is None:
        print(text)
    else:
        given.output.write_text(text, encoding="utf-8")
    return 0


def _list(given: argparse.Namespace) -> int:
    print(listing(given.data_home))
    return 0


if __name__ == "__main__":
    sys.exit(main())
