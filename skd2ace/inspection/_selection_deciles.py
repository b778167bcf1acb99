"""Who has the high sampling probabilities: easy or hard instances, typical ones or outliers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skd2ace.training import SelectionEpoch, SelectionRecorder

from ._looks import SHADES, make_axes, open_frame, place_legend_beside

_N_DECILES = 10


class SelectionDecilesDisplay:
    """Composition of each decile of sampling probability, as Figures 1 and A5 of [1]_ show it.

    Instances are sorted by their sampling probability and cut into ten parts of equal size; of
    each, the bar tells which tiers of a value its instances belong to. The paper does not say how
    its tiers of loss and of outlyingness are made; here they are parts of equal size of whatever
    value is given.

    Parameters
    ----------
    shares : ndarray of shape (10, t)
        Of each decile, the highest probabilities first, the shares of the tiers, the lowest
        values first.
    names : sequence of str
        Of the tiers.
    epoch : int
        From 1.

    Attributes
    ----------
    ax_, figure_ : Axes and Figure
        After :meth:`plot`.

    References
    ----------
    .. [1] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and
       Adaptive Correlation Enhancement. IJCAI-ECAI. Figures 1 and A5.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.inspection import SelectionDecilesDisplay
    >>> from skd2ace.selection import OnlineBatch
    >>> from skd2ace.training import SelectionRecorder
    >>> recorder, hard = SelectionRecorder(), torch.arange(100.0)[:, None]
    >>> selector = OnlineBatch(warmup_epochs=0)
    >>> selector = selector.start(hard, torch.ones(100, 1), n_epochs=9, batch_size=50)
    >>> for epoch in range(2):
    ...     for index in recorder.follow(selector, epoch):
    ...         pass
    ...     selector.update(torch.arange(100), torch.rand(100, 1), hard)
    >>> display = SelectionDecilesDisplay.from_recorder(recorder, hard[:, 0], epoch=2, n_tiers=2)
    >>> display.shares[[0, 9]]  # the hard ones have the high probabilities
    array([[0., 1.],
           [1., 0.]])
    """

    def __init__(self, shares: NDArray[np.float64], names: Sequence[str], epoch: int) -> None:
        self.shares = shares
        self.names = list(names)
        self.epoch = epoch

    @classmethod
    def from_recorder(
        cls,
        recorder: SelectionRecorder,
        values: ArrayLike | None = None,
        *,
        epoch: int,
        n_tiers: int = 3,
    ) -> "SelectionDecilesDisplay":
        """Compute the composition of the deciles in one epoch.

        Parameters
        ----------
        recorder : SelectionRecorder
        values : array-like of shape (n,), optional
            By which instances are put into tiers, those of equal value by their rows. By default
            the losses at their last steps up to that epoch; for outliers, give
            ``-LocalOutlierFactor().fit(X).negative_outlier_factor_``.
        epoch : int
            From 1. Not one in which all probabilities are equal, as at the end of a falling
            pressure.
        n_tiers : int, default=3

        Returns
        -------
        SelectionDecilesDisplay

        Raises
        ------
        ValueError
            If the epoch was shuffled, drawn evenly or not recorded, the values do not fit or are
            not finite, no losses were told, or there are fewer instances than deciles or tiers.
        """
        chosen = _find_epoch(recorder, epoch)
        probabilities = recorder.epochs_[chosen].probabilities
        assert probabilities is not None
        n = len(probabilities)
        known = _latest_losses(recorder, chosen) if values is None else np.asarray(values, float)
        if known.shape != (n,) or not np.isfinite(known).all():
            raise ValueError(
                f"values must be {n} finite numbers, one for each instance of the training part; "
                f"got the shape {known.shape}, {np.isfinite(known).sum()} of them finite. (Losses "
                "are known of instances that were drawn, where the recorder is told losses.)"
            )
        if not 1 <= n_tiers <= n or n < _N_DECILES:
            raise ValueError(f"n_tiers={n_tiers} and ten deciles need more than {n} instances.")
        tier = _cut(known, n_tiers)
        decile = _cut(-probabilities, _N_DECILES)
        counts = np.zeros((_N_DECILES, n_tiers))
        np.add.at(counts, (decile, tier), 1)
        names = _name_tiers(n_tiers)
        shares = counts / counts.sum(1, keepdims=True)
        return cls(shares, names, recorder.epochs_[chosen].epoch)

    def plot(self, ax: Any = None) -> "SelectionDecilesDisplay":
        """Draw a bar for each decile.

        Parameters
        ----------
        ax : Axes, optional
            By default of a new figure.

        Returns
        -------
        SelectionDecilesDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        ax = make_axes(ax, (5.6, 3.2))
        open_frame(ax)
        places = np.arange(1, _N_DECILES + 1)
        bottom = np.zeros(_N_DECILES)
        steps = np.linspace(0, len(SHADES) - 1, len(self.names)).round().astype(int)
        for name, share, step in zip(self.names, self.shares.T, steps, strict=True):
            ax.bar(places, share, 0.85, bottom, color=SHADES[step], label=name)
            bottom += share
        ax.set(xticks=places, ylim=(0, 1), ylabel="Share of the decile")
        ax.set_xlabel(f"Decile of probability in epoch {self.epoch}, the highest first")
        place_legend_beside(ax, reverse=True)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _find_epoch(recorder: SelectionRecorder, epoch: int) -> int:
    """Find the place of an epoch among those recorded."""
    places = {seen.epoch: place for place, seen in enumerate(recorder.epochs_) if _is_uneven(seen)}
    if epoch not in places:
        raise ValueError(
            f"epoch={epoch} is not among those that were drawn by unequal probabilities, "
            f"{list(places)}."
        )
    return places[epoch]


def _is_uneven(seen: SelectionEpoch) -> bool:
    return seen.probabilities is not None and bool(np.ptp(seen.probabilities) > 0)


def _latest_losses(recorder: SelectionRecorder, last: int) -> NDArray[np.float64]:
    """Find each instance's loss when it was seen last."""
    losses = np.full(len(recorder.epochs_[last].draws), np.nan)
    for seen in recorder.epochs_[: last + 1]:
        losses = np.where(np.isnan(seen.losses), losses, seen.losses)
    return losses


def _cut(values: NDArray[Any], n_parts: int) -> NDArray[np.intp]:
    """Number of the part, of equal sizes from the lowest values up, that each value is in."""
    ranks = np.empty(len(values), dtype=np.intp)
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values))
    return ranks * n_parts // len(values)


def _name_tiers(n_tiers: int) -> list[str]:
    known = {1: ["all"], 2: ["low", "high"], 3: ["low", "middle", "high"]}
    return known.get(n_tiers, [f"{tier + 1} of {n_tiers}" for tier in range(n_tiers)])
