"""Settings of D2ACE that are more than parameters, for the study of batch selection."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from torch import Tensor
from torch.nn.functional import binary_cross_entropy
from typing_extensions import Self

from skd2ace import MultiLabelNetClassifier
from skd2ace.training import BatchSelection
from skd2ace.training._out_of_bag import predict_out_of_bag

from ._rate_search import RateSearch


class LearnedNeighbors(RateSearch):
    """A search of rates where neighbours are found by what a first network has learned.

    That one, of the rate in the middle, is trained on shuffled batches, and holds out the same
    rows. Parameters and attributes are those of :class:`RateSearch`.
    """

    def fit(self, X: Any, Y: NDArray[Any], **fit_params: Any) -> Self:
        """Train the first network, and then at all rates."""
        first = clone(self.estimator).set_params(
            batch_selector=None,
            lr=sorted(self.rates)[len(self.rates) // 2],
            random_state=self.random_state,
        )
        learned = read_hidden(first.fit(X, Y), X)
        return super().fit(X, Y, neighbor_features=learned, **fit_params)


def read_hidden(network: MultiLabelNetClassifier, X: Any) -> NDArray[np.float32]:
    """What a fitted network gives its module's ``head`` for rows of X: (n, width)."""
    seen: list[Tensor] = []
    hook = network.module_.head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        n_rows = len(network.predict_proba(X))
    finally:
        hook.remove()
    # The last batch is padded.
    return torch.cat(seen)[:n_rows].cpu().numpy()


class OutOfBagSelection(BatchSelection):
    """Tell a selector with ``refresh="epoch"`` the predictions of members blind to a row."""

    def on_epoch_end(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Predict the rows that some member has not seen."""
        seen = predict_out_of_bag(net, dataset_train)
        rows = np.flatnonzero(~np.isnan(seen.proba).any(axis=1))
        proba = torch.from_numpy(seen.proba[rows]).to(net.device, torch.float32)
        labels = torch.from_numpy(seen.Y[rows]).to(net.device)
        net.batch_selector_.update(
            torch.from_numpy(rows).to(net.device),
            proba,
            binary_cross_entropy(proba, labels, reduction="none"),
            learning_rate=net.optimizer_.param_groups[0]["lr"],
        )
