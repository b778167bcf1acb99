"""A store that version 0.1 wrote, made into one of this version."""

import json
import sqlite3
from functools import cache
from pathlib import Path
from typing import Any

from skd2ace import CLIFClassifier
from skd2ace._describe import describe

from ._keys import MATCH, Key
from ._process import is_alive
from ._settings import digest_settings, drop_private_modules

OLD_VERSION = 3
CLAIMANT = "host, process, started, seen"

# Metrics of an experiment that was given none, as version 0.1 called them and their functions.
_OLD_DEFAULT_METRICS = {
    "macro_auc": "skd2ace.metrics._ranking.macro_auc",
    "micro_f1": "skd2ace.metrics._f1.micro_f1",
    "macro_f1": "skd2ace.metrics._f1.macro_f1",
    "label_ranking_average_precision": (
        "sklearn.metrics._ranking.label_ranking_average_precision_score"
    ),
    "ranking_loss": "sklearn.metrics._ranking.label_ranking_loss",
    "hamming_loss": "sklearn.metrics._classification.hamming_loss",
    "one_error": "skd2ace.metrics._ranking.one_error",
    "coverage": "sklearn.metrics._ranking.coverage_error",
}
# They go by the names of their functions now.
_RENAMED = {old: name.rpartition(".")[2] for old, name in _OLD_DEFAULT_METRICS.items()}
_OLD_ITERATOR = '"iterator_train": {"name": "skd2ace.training._batches.BatchIterator"}'


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the tables of version 3 to version 4, within the transaction of the caller.

    Fits are then known by their settings as this version describes them, so that the experiment
    they belong to goes on.

    Raises
    ------
    ValueError
        If a process of the old version still does fits for the store.
    """
    for host, process, start, seen in db.execute(f"SELECT {CLAIMANT} FROM running"):
        if is_alive(host, process, start, seen):
            raise ValueError(
                f"{path} is of version {OLD_VERSION}, and process {process} on {host} does fits "
                "for it: it can be opened by this skd2ace when that has ended."
            )
    db.execute("ALTER TABLE running ADD COLUMN epoch INTEGER")
    fits = f"SELECT {', '.join(Key._fields)}, record FROM fits ORDER BY status DESC"
    for *key, text in db.execute(fits).fetchall():
        _migrate_fit(db, Key(*key), json.loads(text))


def _migrate_fit(db: sqlite3.Connection, key: Key, record: dict[str, Any]) -> None:
    if "described" not in record:
        return
    described, has_default_metrics = _describe_anew(record["described"])
    record["described"] = described
    if has_default_metrics and "metrics" in record:
        record["metrics"] = {_RENAMED[name]: score for name, score in record["metrics"].items()}
    values = (digest_settings(described), json.dumps(record), *key)
    anew = f"UPDATE OR IGNORE fits SET settings = ?, record = ? WHERE {MATCH}"
    if not db.execute(anew, values).rowcount:
        # The same fit, whose metrics were given in another order; the first of them is as good.
        db.execute(f"DELETE FROM fits WHERE {MATCH}", key)


@cache
def _describe_anew(described: str) -> tuple[str, bool]:
    """Describe old settings as this version does; tell whether metrics are the default ones."""
    *others, metrics = json.loads(described.replace(_OLD_ITERATOR, _describe_iterator()))
    pairs = metrics["dict"]
    names = {name: function.get("name") for name, function in pairs if isinstance(function, dict)}
    has_default_metrics = names == _OLD_DEFAULT_METRICS
    if has_default_metrics:
        pairs = [(_RENAMED[name], function) for name, function in pairs]
    anew = [*others, {"dict": sorted(pairs, key=lambda pair: pair[0])}]
    return drop_private_modules(json.dumps(anew, ensure_ascii=False)), has_default_metrics


@cache
def _describe_iterator() -> str:
    """Describe the default that stands in the old one's place."""
    ((_, parameters),) = json.loads(describe(CLIFClassifier())).items()
    return f'"iterator_train": {json.dumps(parameters["iterator_train"])}'
