"""What ``python -m skd2ace.benchmark list`` prints."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from skd2ace.datasets import MulanSet, mulan_registry
from skd2ace.datasets._mulan import is_here

from .run._methods import PRESETS

ABOUT = {
    "Networks (--networks)": {
        "clif": "label embeddings from a graph of labels gate features for each label",
        "dela": "trained on features perturbed where the label does not need them",
        "paca": "prototypes of having and of lacking each label, with normalising flows",
    },
    "Selectors (--selectors)": {
        "random": "shuffled batches",
        "active": "Active Bias: predictions varied most over all of training",
        "recent": "Recency Bias: the last few predictions do not agree",
        "dihcl": "DIHCL: what training keeps changing",
        "balance": "shuffled batches, losses weighted so that each label is balanced",
        "online-batch": "high loss, by rank",
        "hard-imb": "Hard-Imb: high loss, more so where minority labels are rare",
        "ml-unc": "ML-Unc: uncertain in labels whose uncertainties go together",
        "d2ace": "D2ACE: uncertain instances first, hard ones later",
        "d2ace-reference": "D2ACE as its authors' published code has it",
    },
    "Baselines (--baselines)": {
        "logistic-regression": "one for each label",
        "mlknn": "ML-kNN: posterior of a label given how many of 10 neighbours have it",
        "random-forest": "200 trees for all labels together",
        "mlp": "a network of one hidden layer of 256",
    },
}
_HEADER = ("name", "n", "d", "q", "domain", "files")


def listing(data_home: Path | None = None) -> str:
    """Data sets with their sizes and whether they are here, methods, and presets."""
    sets = [_HEADER, *(_row(entry, data_home) for entry in mulan_registry().values())]
    sections = [
        (
            "Data sets (--datasets): n instances, d features, q labels",
            _aligned(sets, "<>>><<"),
        ),
        *((title, _aligned(about.items(), "<<")) for title, about in ABOUT.items()),
        ("Presets (--preset)", _presets()),
    ]
    return "\n\n".join("\n  ".join([title, *lines]) for title, lines in sections)


def _row(entry: MulanSet, data_home: Path | None) -> tuple[str, ...]:
    if is_here(entry, data_home):
        files = "here"
    else:
        files = "to be downloaded" if entry.is_downloadable else "put them there yourself"
    sizes = map(str, (entry.n_instances, entry.n_features, entry.n_labels))
    return (entry.name, *sizes, entry.domain, files)


def _aligned(rows: Iterable[Sequence[str]], sides: str) -> list[str]:
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _presets() -> Iterator[str]:
    for name, parts in PRESETS.items():
        yield name
        for part, names in parts.items():
            yield f"  {part + ':':<10} {' '.join(names)}"
