"""The private parts of skorch that the package uses: all of them, and nowhere else."""

import math
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import ProgressBar
from typing_extensions import Self

from ._batch_size import choose_batch_size


class SelectionProgressBar(ProgressBar):
    """Progress bar as long as the epoch that a batch selector has chosen."""

    def _get_batches_per_epoch_phase(self, net: Any, dataset: Any, training: bool) -> int:
        selector = getattr(net, "batch_selector_", None)
        if training and selector is not None:
            n_batches: int = selector.count_batches(len(net.history) - 1)
            return n_batches
        if dataset is None:
            return 0
        # Skorch divides by what was given, which may be "auto".
        batch_size = choose_batch_size(self._get_batch_size(net, training), len(dataset))
        return math.ceil(len(dataset) / batch_size)


def find_bar_without_size(net: Any) -> str | None:
    """Name a progress bar of skorch's that would divide by a batch size that is no number."""
    for name, callback in net.callbacks_:
        if type(callback) is ProgressBar and callback.batches_per_epoch == "auto":
            phases = (True,) if net.train_split is None else (True, False)
            if "auto" in [callback._get_batch_size(net, phase) for phase in phases]:
                return str(name)
    return None


class SkorchNet(NeuralNet):
    """A skorch net that gives what we need of its private parts under names of our own."""

    def _make_default_callbacks(self) -> list[tuple[str, Any]]:
        """Make the callbacks, by name, that a net has without being given any."""
        return super()._default_callbacks

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return self._make_default_callbacks()

    def _named_callbacks(self) -> dict[str, Any]:
        """Find all callbacks as they were given, default ones included, by their unique names."""
        return dict(self._uniquely_named_callbacks())

    def _run_training(self, X: Any, Y: Any, method: str, **fit_params: Any) -> Self:
        """Train for ``max_epochs`` epochs, with parameters routed as for that method."""
        return super().partial_fit(X, Y, _routing_method=method, **fit_params)

    @property
    def _is_trimmed(self) -> bool:
        """Whether it can predict only, since what training needs was dropped."""
        return getattr(self, "_trimmed_for_prediction", False)
