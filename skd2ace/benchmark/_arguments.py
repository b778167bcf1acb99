"""What the command line takes, and its help."""

import argparse
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from skd2ace.metrics._records import METRICS

from .run._baselines import BASELINES
from .run._experiment import N_FOLDS
from .run._methods import NETWORKS, SELECTORS
from .run._presets import PRESETS

_RUN = """
A small comparison, and what came of it:

  python -m skd2ace.benchmark run --datasets emotions yeast --networks clif \\
      --selectors random d2ace --folds 5 --epochs 100 --store results.sqlite
  python -m skd2ace.benchmark report --store results.sqlite --format html --output report.html

Run the first again after a crash, or with more methods: what is stored is not done again.
"""
_REPORT = """
All that is stored as a page with pictures, and the ranks of two methods by another metric:

  python -m skd2ace.benchmark report --store results.sqlite --reference 'clif d2ace' \\
      --published --format html --output report.html
  python -m skd2ace.benchmark report --store results.sqlite --metric label_ranking_loss \\
      --methods 'clif random' 'clif d2ace'
"""
_EXPORT = """
Results that go with a project, and a comparison that goes on elsewhere:

  python -m skd2ace.benchmark export --store results.sqlite --file results.jsonl.gz
  python -m skd2ace.benchmark import --store other.sqlite --file results.jsonl.gz
"""
_Action = Callable[[argparse.Namespace], int]


def make_parser(
    *, run: _Action, report: _Action, listing: _Action, export: _Action, take: _Action
) -> argparse.ArgumentParser:
    """Make the parser of the command, whose ``action`` is one of those given."""
    parser = argparse.ArgumentParser(
        prog="python -m skd2ace.benchmark",
        description="Compare multi-label methods on MULAN's data sets.",
        epilog=_RUN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(required=True, metavar="{run,report,list,export,import}")
    commands: list[tuple[str, str, str, _Action, Callable[[Any], None]]] = [
        ("run", "fit what is not stored yet", _RUN, run, _add_run),
        ("report", "tables, ranks, tests and pictures of what is stored", _REPORT, report,
         _add_report),
        ("list", "show data sets, methods and presets, and what they are", "", listing, _add_list),
        ("export", "write what is stored to a file of text", _EXPORT, export, _add_file),
        ("import", "take what export wrote into a store, where it is not yet", "", take, _add_file),
    ]  # fmt: skip
    for name, does, example, action, add_options in commands:
        command = actions.add_parser(
            name, help=does, description=f"{does[0].upper()}{does[1:]}.", epilog=example,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        add_options(command.add_argument)
        command.set_defaults(action=action)
    return parser


def _add_run(add: Any) -> None:
    add("--preset", choices=PRESETS, help="a whole comparison; what else is given replaces parts")
    add("--datasets", nargs="+", metavar="NAME",
        help="of MULAN, and one made up; the command list shows them")  # fmt: skip
    add("--networks", nargs="+", choices=NETWORKS, metavar="NAME",
        help=f"deep networks (default none): {', '.join(NETWORKS)}")  # fmt: skip
    add("--selectors", nargs="+", choices=SELECTORS, metavar="NAME",
        help="batch selection, each with every network (default random): "
        f"{', '.join(SELECTORS)}")  # fmt: skip
    add("--baselines", nargs="+", choices=BASELINES, metavar="NAME",
        help="plain methods to run beside them (default none): "
        f"{', '.join(BASELINES)}")  # fmt: skip
    add("--method", nargs="+", action="append", default=[], metavar="WORD",
        help="NAME=package.module:factory, a method of your own, or NAME='clif d2ace', a known "
        "one, and then any PARAMETER=VALUE; may be given several times")  # fmt: skip
    add("--folds", type=_parse_from(2), default=N_FOLDS, metavar="K",
        help="of a stratified cross-validation (default %(default)s)")  # fmt: skip
    add("--repeats", type=_parse_from(1), metavar="N",
        help="deal the folds so many times, each time anew (default 1, or as the preset has it)"
        )  # fmt: skip
    add("--seeds", type=_parse_from(1), metavar="N",
        help="fits of each fold, differently seeded (default 1, or as the preset has it)"
        )  # fmt: skip
    add("--epochs", type=_parse_from(1), metavar="N",
        help="of the networks (default: their own, 100 of the D2ACE paper's)"
        )  # fmt: skip
    add("--min-positives", type=_parse_from(1), metavar="N",
        help="drop labels of fewer instances, then instances without labels (default: keep all; "
        "D2ACE's published code: 21); needs a store of its own")  # fmt: skip
    add("--random-state", type=_parse_from(0), default=0, metavar="SEED",
        help="of folds and fits (default %(default)s)")  # fmt: skip
    add("--device", default="cpu", help="of the networks, for example cuda (default %(default)s)")
    _add_data_home(add)
    _add_store(add)
    add("--jobs", type=_parse_from(1, -1), default=1, metavar="N",
        help="fits at a time, -1 for one on each core (default %(default)s); with Dask as many as "
        "it has threads")  # fmt: skip
    add("--backend", choices=("loky", "threading", "dask"),
        help="what runs them: processes, threads or a cluster (default loky)")  # fmt: skip
    add("--scheduler", metavar="ADDRESS", help="of the Dask scheduler, for --backend dask")
    add("--time-limit", type=_parse_from(1), metavar="SECONDS",
        help="end a fit that takes longer, and go on with the next (default none, or as the "
        "preset has it)")  # fmt: skip
    add("--retry-failed", action="store_true",
        help="try again what failed before or took too long")  # fmt: skip
    add("--quiet", action="store_true", help="no progress bar")


def _add_report(add: Any) -> None:
    _add_store(add)
    add("--metric", metavar="NAME", default="macro_auc",
        help="what methods are compared by (default %(default)s): a script's own or one of "
        f"{', '.join(METRICS)}")  # fmt: skip
    add("--better", choices=("higher", "lower"),
        help="which values of a script's own metric are the better ones")  # fmt: skip
    add("--reference", metavar="METHOD",
        help="that the others are compared with (default: the best one)")  # fmt: skip
    add("--datasets", nargs="+", metavar="NAME", help="only these (default: all in the store)")
    add("--methods", nargs="+", metavar="METHOD",
        help="only these, as 'clif d2ace', which is all its settings (default: all in the store)"
        )  # fmt: skip
    add("--published", action="store_true", help="show what papers print for these data sets too")
    add("--format", choices=("markdown", "html", "latex"), default="markdown",
        help="html has pictures, the others are text (default %(default)s)")  # fmt: skip
    add("--output", type=Path, metavar="FILE", help="to write (default: print)")


def _add_file(add: Any) -> None:
    _add_store(add)
    add("--file", type=Path, required=True, metavar="FILE",
        help="of JSON lines; compressed where its name ends in .gz")  # fmt: skip


def _add_list(add: Any) -> None:
    _add_data_home(add)


def _add_data_home(add: Any) -> None:
    add("--data-home", type=Path, metavar="FOLDER",
        help="of the data sets (default: the one that the environment variable SKD2ACE_DATA "
        "names, or else mulan in scikit-learn's)")  # fmt: skip


def _add_store(add: Any) -> None:
    add("--store", type=Path, required=True, metavar="FILE", help="SQLite file of the results")


def _parse_from(least: int, *others: int) -> Callable[[str], int]:
    expected = " or ".join([f"a whole number of at least {least}", *map(str, others)])

    def number(text: str) -> int:
        with suppress(ValueError):
            found = int(text)
            if found >= least or found in others:
                return found
        raise argparse.ArgumentTypeError(f"must be {expected}; got {text!r}")

    return number
