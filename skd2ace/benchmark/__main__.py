"""The command ``python -m skd2ace.benchmark``: run, report, list."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from skd2ace.datasets import MulanSet, fetch_mulan, mulan_registry, select_top_features

from ._experiment import Experiment
from ._methods import BASELINES, NETWORKS, PRESETS, SELECTORS, make_methods
from ._report import report
from ._store import Store

_EXAMPLE = """
A small comparison, and what came of it:

  python -m skd2ace.benchmark run --datasets emotions yeast --networks clif \\
      --selectors random d2ace --folds 5 --epochs 100 --store results.sqlite
  python -m skd2ace.benchmark report --store results.sqlite --format html --output report.html

Run the first again after a crash, or with more methods: what is stored is not done again.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the arguments of the command line, or those given.

    Returns
    -------
    int
        Exit status: 0, 1 where fits failed, 130 after Ctrl-C.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        return given.action(given)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on.", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m skd2ace.benchmark",
        description="Compare multi-label methods on MULAN's data sets.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(required=True, metavar="{run,report,list}")
    _add_run(actions)
    _add_report(actions)
    listing = actions.add_parser("list", help="show data sets, methods and presets by name")
    listing.set_defaults(action=_list)
    return parser


def _add_run(actions: Any) -> None:
    run = actions.add_parser(
        "run", help="fit what is not stored yet", epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = run.add_argument
    add("--preset", choices=PRESETS, help="a whole comparison; what else is given replaces parts")
    add("--datasets", nargs="+", metavar="NAME", help="see the command list")
    add("--networks", nargs="+", choices=NETWORKS)
    add("--selectors", nargs="+", choices=SELECTORS, help="each with every network")
    add("--baselines", nargs="+", choices=BASELINES, default=[])
    add("--folds", type=int, default=5, help="of a stratified cross-validation (default 5)")
    add("--seeds", type=int, default=1, help="fits of each fold, differently seeded (default 1)")
    add("--epochs", type=int, default=100, help="of the networks (default 100)")
    add("--random-state", type=int, default=0, help="seed of folds and fits (default 0)")
    add("--device", default="cpu", help="of the networks, for example cuda (default cpu)")
    add("--data-home", type=Path, help="folder of the data sets (default: SKD2ACE_DATA)")
    add("--store", type=Path, required=True, help="SQLite file of the results")
    add("--jobs", type=int, default=1, help="fits at a time (default 1); not for dask")
    add("--backend", choices=("loky", "threading", "dask"), help="of joblib (default loky)")
    add("--scheduler", help="address of a Dask scheduler, for --backend dask")
    add("--retry-failed", action="store_true", help="try again what failed before")
    add("--quiet", action="store_true", help="no progress bar")
    run.set_defaults(action=_run)


def _add_report(actions: Any) -> None:
    page = actions.add_parser("report", help="tables, ranks, tests and pictures of what is stored")
    add = page.add_argument
    add("--store", type=Path, required=True)
    add("--metric", default="macro_auc", help="(default macro_auc)")
    add("--reference", help="method that the others are compared with")
    add("--datasets", nargs="+", metavar="NAME", help="only these (default: all in the store)")
    add("--methods", nargs="+", metavar="NAME", help="only these, as 'clif d2ace'")
    add("--format", choices=("markdown", "html", "latex"), default="markdown")
    add("--output", type=Path, help="file to write (default: print)")
    page.set_defaults(action=_report)


def _run(given: argparse.Namespace) -> int:
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
    if not methods or (given.selectors and "networks" not in parts):
        raise ValueError("give --networks or --baselines")
    experiment = Experiment(
        {name: _loader(name, given.data_home) for name in parts["datasets"]},
        methods,
        given.folds,
        n_seeds=given.seeds,
        random_state=given.random_state,
        store=given.store,
    )
    if given.retry_failed:
        experiment.retry_failed()
    if given.scheduler:
        from distributed import Client

        given.backend = given.backend or "dask"
        # The first client made is the one that joblib finds.
        Client(given.scheduler)
    experiment.run(n_jobs=given.jobs, backend=given.backend, progress=not given.quiet)
    return _tell_of_failures(experiment.failures())


def _loader(name: str, data_home: Path | None) -> Any:
    if name not in mulan_registry():
        raise ValueError(f"no data set {name!r}; see `python -m skd2ace.benchmark list`")
    return partial(_load, mulan_registry()[name], data_home)


def _load(entry: MulanSet, data_home: Path | None) -> tuple[Any, Any]:
    """Fetch a set, with the features that the papers keep of it."""
    X, Y = fetch_mulan(entry.name, data_home=data_home, return_X_y=True)
    # Some editions have no others.
    if entry.top_fraction and X.shape[1] > entry.n_features:
        X = select_top_features(X, entry.top_fraction)
    return X, Y


def _tell_of_failures(failures: Any) -> int:
    for row in failures.itertuples():
        last_line = row.error.strip().splitlines()[-1]
        print(f"failed: {row.dataset}, {row.method}, fold {row.fold + 1}: {last_line}")
    if len(failures):
        print("Their tracebacks are in the store; --retry-failed tries them again.")
    return int(len(failures) > 0)


def _report(given: argparse.Namespace) -> int:
    if not given.store.exists():
        raise ValueError(f"there is no store {given.store}")
    store = Store(given.store)
    results = store.results()
    results, curves = (
        _selected(_told_apart(rows, results), given) for rows in (results, store.curves())
    )
    text = report(
        results,
        metric=given.metric,
        reference=given.reference,
        curves=curves,
        format=given.format,
    )
    if given.output is None:
        print(text)
    else:
        given.output.write_text(text, encoding="utf-8")
    return 0


def _told_apart(rows: Any, results: Any) -> Any:
    """Name methods that were run with several settings by the digest of these too."""
    kinds = results.groupby("method")["settings"].nunique()
    several = rows["method"].map(kinds) > 1
    names = rows["method"].where(~several, rows["method"] + " " + rows["settings"].str[:6])
    return rows.assign(method=names)


def _selected(rows: Any, given: argparse.Namespace) -> Any:
    for column, names in (("dataset", given.datasets), ("method", given.methods)):
        unknown = set(names or ()) - set(rows[column])
        # Plain baselines have no curves.
        if unknown and "epoch" not in rows:
            raise ValueError(f"the store has no {column} {sorted(unknown)[0]!r}")
        rows = rows[rows[column].isin(names)] if names else rows
    return rows


def _list(given: argparse.Namespace) -> int:
    print("Data sets (--datasets):")
    for name in mulan_registry():
        print(f"  {name}")
    for title, names in (
        ("Networks (--networks)", NETWORKS),
        ("Selectors (--selectors)", SELECTORS),
        ("Baselines (--baselines)", BASELINES),
        ("Presets (--preset)", PRESETS),
    ):
        print(f"{title}:\n  {' '.join(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
