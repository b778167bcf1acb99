"""What classifiers share whose network is fixed."""

from typing import Any, ClassVar

import torch

from ._net import MultiLabelNetClassifier


class FixedNetClassifier(MultiLabelNetClassifier):
    """A classifier that is named after its network, which has a loss of its own."""

    _needs_matrix = True
    _network: ClassVar[type[torch.nn.Module]]

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: constraint
        for name, constraint in MultiLabelNetClassifier._parameter_constraints.items()
        if name not in ("module", "criterion")
    }
    _fixed_parameters: ClassVar[frozenset[str]] = MultiLabelNetClassifier._fixed_parameters | {
        "module",
        "criterion",
    }
