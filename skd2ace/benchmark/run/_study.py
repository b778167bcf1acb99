"""Methods of the study of batch selection: docs/studies/selection.md says what each is for."""

from collections.abc import Iterator
from typing import Any

import torch
from sklearn.base import BaseEstimator, clone

from skd2ace import CLIFClassifier, MultiLabelNetClassifier, TabMClassifier, selection
from skd2ace.model_selection import IterativeStratifiedShuffleSplit
from skd2ace.networks import MLP, AsymmetricLoss
from skd2ace.training import LinearDecay

from ._flipped_labels import FlippedLabels
from ._hunt import LearnedNeighbors, OutOfBagSelection
from ._parts import D2ACE_VARIANTS
from ._rate_search import RateSearch

_RATES = (3e-4, 1e-3, 3e-3)
_EPOCHS = 30
_HELD_OUT = 0.2
_SELECTORS: dict[str, Any] = {
    "random": None,
    "d2ace": selection.D2ACE(),
    "active": selection.ActiveBias(),
    "recent": selection.RecencyBias(),
    "dihcl": selection.DIHCL(),
    "balance": selection.Balance(warmup_epochs=0.1),
    "online-batch": selection.OnlineBatch(),
    "hard-imb": selection.HardImb(),
    "ml-unc": selection.MLUnc(),
    "infobatch": selection.InfoBatch(),
    "selective-backprop": selection.SelectiveBackprop(),
    "reducible-loss": selection.ReducibleLoss(),
    "gradient-norm": selection.GradientNorm(),
    "repeat-factor": selection.RepeatFactor(),
    "mlros": selection.MLROS(),
    # As many distinct instances in an epoch as the selector has, but any.
    "subset-d2ace": selection.RandomSubset(like=selection.D2ACE()),
    "subset-balance": selection.RandomSubset(like=selection.Balance(warmup_epochs=0.1)),
    "subset-infobatch": selection.RandomSubset(like=selection.InfoBatch()),
}
# What weights labels in the loss, in the place of choosing instances.
_LOSSES: dict[str, dict[str, Any]] = {
    "pos-weight": {"pos_weight": "balanced"},
    "asymmetric-loss": {"criterion": AsymmetricLoss},
}
_BRIEFLY = (
    "random", "d2ace", "balance", "hard-imb", "dihcl", "infobatch", "reducible-loss", "subset-d2ace"
)  # fmt: skip
_D2ACE_PARTS: dict[str, dict[str, Any]] = {
    "uncertainty": D2ACE_VARIANTS["uncertainty only"],
    "hardness": D2ACE_VARIANTS["hardness only"],
    "no-label-weight": D2ACE_VARIANTS["no label weights"],
    "no-correlation": D2ACE_VARIANTS["no correlation"],
    "unbiased": {"unbiased": True},
    "refresh-epoch": {"refresh": "epoch"},
    "unbiased-refresh-epoch": {"unbiased": True, "refresh": "epoch"},
    "even-mixture": D2ACE_VARIANTS["fixed 0.5"],
    "pressure-10": {"pressure": 10.0},
    "pressure-1000": {"pressure": 1000.0},
}


def make_study_methods() -> dict[str, BaseEstimator]:
    """Make all methods of the study, each named by its arm and what selects its batches."""
    return dict(_list_methods())


def _list_methods() -> Iterator[tuple[str, BaseEstimator]]:
    for name, selector in _SELECTORS.items():
        yield f"mlp-tuned {name}", _search(batch_selector=selector)
    for name, loss in _LOSSES.items():
        yield f"mlp-tuned {name}", _search(**loss)
    for name, settings in _D2ACE_PARTS.items():
        yield f"mlp-tuned d2ace-{name}", _search(batch_selector=selection.D2ACE(**settings))
    plain = _search(batch_selector=selection.D2ACE())
    yield "mlp-tuned d2ace-learned-neighbors", LearnedNeighbors(plain.estimator, plain.rates)
    for name in _BRIEFLY:
        selector = _SELECTORS[name]
        for share in (0.1, 0.3):
            yield (
                f"mlp-{share:.0%} {name}",
                _search(round(share * _EPOCHS), batch_selector=selector),
            )
        for share in (0.1, 0.2):
            estimator = _search(batch_selector=selector)
            yield f"mlp-flipped-{share:.0%} {name}", FlippedLabels(estimator, share)
    for name in ("random", "d2ace", "balance", "hard-imb"):
        yield f"clif {name}", CLIFClassifier(batch_selector=_SELECTORS[name], verbose=0)
        yield f"tabm {name}", _make_tabm(_SELECTORS[name])
    by_epoch = _make_tabm(selection.D2ACE(refresh="epoch"))
    yield "tabm d2ace-refresh-epoch", by_epoch
    out_of_bag = clone(by_epoch).set_params(callbacks__batch_selection=OutOfBagSelection())
    yield "tabm d2ace-out-of-bag", out_of_bag


def _make_tabm(selector: selection.BatchSelector | None) -> TabMClassifier:
    # As it came when the study was planned: positives and negatives count alike.
    return TabMClassifier(batch_selector=selector, pos_weight=None, verbose=0)


def _search(max_epochs: int = _EPOCHS, **settings: Any) -> RateSearch:
    """Make an MLP whose learning rate decays to zero, by the best of three rates."""
    network = MultiLabelNetClassifier(
        MLP,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=1e-2,
        max_epochs=max_epochs,
        batch_size="auto",
        preprocessor="auto",
        train_split=IterativeStratifiedShuffleSplit(test_size=_HELD_OUT),
        callbacks=[("lr_decay", LinearDecay())],
        callbacks__best_epoch=None,
        verbose=0,
        **settings,
    )
    return RateSearch(network, _RATES)
