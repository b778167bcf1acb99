"""The command ``python -m skd2ace.benchmark``: run, report, list, export, import."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from skd2ace.metrics._records import METRICS
from skd2ace.model_selection import RepeatedIterativeStratifiedKFold

from ._arguments import make_parser
from ._listing import list_choices
from .compare import Comparison
from .compare._published import published
from .report._report import write_report
from .run._baselines import find_missing
from .run._exchange import export_fits, import_fits
from .run._experiment import Experiment
from .run._methods import make_methods
from .run._mulan import fetch_missing
from .run._own_methods import make_own_method
from .run._preflight import check_device, tell_misfits
from .run._presets import PRESETS, Preset, set_networks
from .run._sources import find_sources
from .run._store import Store
from .run._summary import tell_failures, tell_running

_NO_PRESET = Preset(datasets=(), networks=(), selectors=())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the arguments of the command line, or those given.

    Returns
    -------
    int
        Exit status: 0, 1 where fits failed or are left to other processes, 2 where the command
        was wrong or data sets were left out, 130 after Ctrl-C.
    """
    parser = make_parser(run=_run, report=_report, listing=_list, export=_export, take=_import)
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
    _fill_in(given)
    methods = _make_methods(given)
    sources = find_sources(given.datasets, given.data_home, given.min_positives)
    for misfit in tell_misfits(methods):
        print(misfit, file=sys.stderr)
    if not given.scheduler:
        check_device(given.device)
        return _do_fits(given, methods, sources)
    with _connect(given.scheduler):
        return _do_fits(given, methods, sources)


def _do_fits(given: argparse.Namespace, methods: dict[str, Any], sources: dict[str, Any]) -> int:
    fetch_missing(sources.values())
    experiment = Experiment(
        sources,
        methods,
        _make_folds(given),
        _find_metrics(given.metrics),
        n_seeds=given.seeds,
        slow=[name for name in methods if name.split()[0] in given.slow],
        random_state=given.random_state,
        store=given.store,
    )
    if given.retry_failed:
        experiment.retry_failed()
    try:
        experiment.run(
            n_jobs=given.jobs,
            backend=given.backend,
            progress=not given.quiet,
            time_limit=given.time_limit,
        )
    finally:
        failed = _print_all(tell_failures(experiment.failures()))
    left = _print_all(tell_running(experiment.running()))
    return int(failed or left)


def _fill_in(given: argparse.Namespace) -> None:
    """Take what was not given from the preset, or else the defaults."""
    preset = PRESETS.get(given.preset, _NO_PRESET)
    for name, value in vars(preset).items():
        if getattr(given, name, None) is None:
            setattr(given, name, value)
    if not given.datasets:
        raise ValueError("give --datasets, or a --preset")
    if given.selectors and not given.networks:
        raise ValueError("--selectors needs --networks")


def _make_methods(given: argparse.Namespace) -> dict[str, Any]:
    """Make the methods that can be run here; tell of the others."""
    missing = find_missing(given.baselines)
    for name, reason in missing.items():
        print(f"{name} is left out: {reason}", file=sys.stderr)
    methods = make_methods(
        given.networks,
        given.selectors or ["random"],
        [name for name in given.baselines if name not in missing],
        max_epochs=given.epochs,
        device=given.device,
    )
    if given.make_methods:
        made = given.make_methods()
        methods |= set_networks(made, max_epochs=given.epochs, device=given.device)
    for words in given.method:
        name, method = make_own_method(words, max_epochs=given.epochs, device=given.device)
        if name in methods:
            raise ValueError(f"--method {name}: there is such a method already")
        methods[name] = method
    if not methods:
        raise ValueError("give --networks, --baselines or --method")
    return methods


def _make_folds(given: argparse.Namespace) -> Any:
    if given.repeats == 1:
        return given.folds
    return RepeatedIterativeStratifiedKFold(
        given.folds, n_repeats=given.repeats, random_state=given.random_state
    )


def _find_metrics(names: Iterable[str]) -> dict[str, Any] | None:
    """Find the default metrics and those named; None where only the default ones are wanted."""
    found = {
        name: metric.function
        for name, metric in METRICS.items()
        if metric.is_default or name in names
    }
    return found if names else None


def _connect(scheduler: str) -> AbstractContextManager[Any]:
    """Make the client that the fits' backend finds, to be closed after them."""
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError("--backend dask needs Dask: `pip install 'skd2ace[dask]'`") from error
    return Client(scheduler)


def _print_all(lines: Iterable[str]) -> bool:
    """Print lines; tell whether there were any."""
    lines = list(lines)
    print(*lines, sep="\n", end="\n" if lines else "")
    return bool(lines)


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
    text = write_report(
        comparison, format=given.format, published=published() if given.published else None
    )
    if given.output is None:
        print(text)
    else:
        given.output.write_text(text, encoding="utf-8")
    return 0


def _export(given: argparse.Namespace) -> int:
    if not given.store.exists():
        raise ValueError(f"there is no store {given.store}")
    print(f"{export_fits(Store(given.store), given.file)} fits written.")
    return 0


def _import(given: argparse.Namespace) -> int:
    print(f"{import_fits(Store(given.store), given.file)} fits taken.")
    return 0


def _list(given: argparse.Namespace) -> int:
    print(list_choices(given.data_home))
    return 0


if __name__ == "__main__":
    sys.exit(main())
