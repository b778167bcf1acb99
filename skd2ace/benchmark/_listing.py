"""What ``python -m skd2ace.benchmark list`` prints."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from skd2ace.datasets import MulanSet, mulan_registry
from skd2ace.datasets._mulan import is_here

from .compare._published import published
from .run._baselines import find_missing
from .run._presets import PRESETS
from .run._sources import MIXED_TABLE

ABOUT = {
    "Networks (--networks)": {
        "clif": "label embeddings from a graph of labels gate features for each label",
        "dela": "trained on features perturbed where the label does not need them",
        "paca": "prototypes of having and of lacking each label, with normalising flows",
        "mpvae": "variational encoders of labels and of features, and a multivariate probit model",
        "c2ae": "an auto-encoder of labels, whose code is predicted from the features",
        "tabm": "an ensemble of perceptrons in one network, which prepares features itself",
        "clif-recommended": "CLIF with features prepared and other settings than the papers'",
        "dela-recommended": "DELA alike",
        "paca-recommended": "PACA alike",
        "ml-gcn": "of images: a graph of labels makes their classifiers, on a ResNet-101",
        "hst": "of images: features of each label, and labels taken over, on a ResNet-101",
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
        "infobatch": "InfoBatch: half of the easy instances left out, the others weighted up",
        "selective-backprop": "Selective-Backprop: high loss, and few of the others",
        "reducible-loss": "RHO-LOSS: high loss that others of its kind do not have",
        "gradient-norm": "importance sampling by the gradient at the logits",
        "repeat-factor": "instances of rare labels several times an epoch",
        "mlros": "ML-ROS: random copies of instances of minority labels",
        "random-subset": "half of the instances, whoever they are",
    },
    "Baselines (--baselines)": {
        "logistic-regression": "one for each label",
        "mlknn": "ML-kNN: posterior of a label given how many of 10 neighbours have it",
        "random-forest": "500 trees for all labels together",
        "extra-trees": "500 of them, split at random",
        "mlp": "a network of one hidden layer of 256",
        "catboost": "1000 trees for all labels together, boosted by MultiLogloss",
        "xgboost": "100 boosted trees for each label",
        "boomer": "1000 rules for one label each or several, boosted",
    },
}
_HEADER = ("name", "n", "d", "q", "domain", "published", "files")
_MADE_UP = (MIXED_TABLE, "1500", "20", "8", "made up", "-", "none needed")
# As their annotation files have them, training part and test part together.
_IMAGES = (
    ("voc2007", "9963", "-", "20", "images", "-", "put them there yourself"),
    ("coco2014", "123287", "-", "80", "images", "-", "put them there yourself"),
)


def list_choices(data_home: Path | None = None) -> str:
    """List data sets with their sizes and whether they are here, methods, and presets."""
    papers = _find_papers()
    rows = (_describe(entry, papers, data_home) for entry in mulan_registry().values())
    sections = [
        (
            "Data sets (--datasets): n instances, d features, q labels; whose papers' numbers "
            "report --published shows",
            _align([_HEADER, *rows, _MADE_UP, *_IMAGES], "<>>><<<"),
        ),
        *((title, _align(_tell_what_is_missing(about), "<<")) for title, about in ABOUT.items()),
        ("Presets (--preset)", _list_presets()),
    ]
    return "\n\n".join("\n  ".join([title, *lines]) for title, lines in sections)


def _tell_what_is_missing(about: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    missing = find_missing(about)
    for name, text in about.items():
        yield name, f"{text} ({missing[name]})" if name in missing else text


def _find_papers() -> dict[str, str]:
    """Find the papers that have numbers of each data set."""
    numbers = published()
    sources = numbers[numbers["dataset"] != ""].groupby("dataset")["source"].unique()
    return {name: ", ".join(sorted(papers)) for name, papers in sources.items()}


def _describe(
    entry: MulanSet, papers: Mapping[str, str], data_home: Path | None
) -> tuple[str, ...]:
    if is_here(entry, data_home):
        files = "here"
    else:
        files = "to be downloaded" if entry.is_downloadable else "put them there yourself"
    sizes = map(str, (entry.n_instances, entry.n_features, entry.n_labels))
    return (entry.name, *sizes, entry.domain, papers.get(entry.name, "-"), files)


def _align(rows: Iterable[Sequence[str]], sides: str) -> list[str]:
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _list_presets() -> Iterator[str]:
    for name, preset in PRESETS.items():
        yield name
        for part, chosen in vars(preset).items():
            if chosen:
                yield f"  {part.removeprefix('make_') + ':':<12} {_show_part(chosen)}"


def _show_part(chosen: Any) -> str:
    if callable(chosen):
        return ", ".join(chosen())
    return " ".join(chosen) if isinstance(chosen, tuple) else str(chosen)
