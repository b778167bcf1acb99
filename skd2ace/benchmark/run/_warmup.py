"""What the first training of a process does beside training, done before a clock starts."""

from functools import cache

import torch
from sklearn.base import BaseEstimator

from skd2ace import MultiLabelNetClassifier


def warm_up(estimator: BaseEstimator) -> None:
    """Have torch ready for the networks in an estimator, if there are any."""
    for part in (estimator, *estimator.get_params().values()):
        if isinstance(part, MultiLabelNetClassifier):
            _take_a_step(str(part.device))


@cache
def _take_a_step(device: str) -> None:
    # Torch imports its compiler when the first optimizer is made, which takes a second or two;
    # a GPU is set up at the first use, and its library of products at the first of them.
    weight = torch.nn.Parameter(torch.ones(1, 1, device=device))
    optimizer = torch.optim.Adam([weight])
    (weight @ weight).sum().backward()
    optimizer.step()
