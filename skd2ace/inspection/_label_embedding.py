"""Which labels CLIF holds for alike."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._looks import COLORS, GREY, make_axes, open_frame
from ._predictions import name_labels


class LabelEmbeddingDisplay:
    """A map of the labels: near each other where CLIF's embeddings point the same way.

    Made by :meth:`from_estimator`. Embeddings are scaled to length 1, so that their products are
    the cosines that CLIF trains to resemble its label graph; the map is the plane of their first
    two principal components.

    Parameters
    ----------
    positions : ndarray of shape (q, 2)
    explained : ndarray of shape (2,)
        Shares of the variance of the scaled embeddings that the two directions have.
    label_names : sequence of str, optional
        By default the numbers of the labels.

    Attributes
    ----------
    ax_, figure_ : Axes and Figure
        After :meth:`plot`.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.inspection import LabelEmbeddingDisplay
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> est = CLIFClassifier(max_epochs=2, random_state=0, verbose=0).fit(X, Y)
    >>> LabelEmbeddingDisplay.from_estimator(est).positions.shape
    (5, 2)
    """

    def __init__(
        self,
        positions: NDArray[np.float64],
        explained: NDArray[np.float64],
        label_names: Sequence[str] | None = None,
    ) -> None:
        self.positions = positions
        self.explained = explained
        self.label_names = name_labels(label_names, len(positions))

    @classmethod
    def from_estimator(cls, estimator: Any) -> "LabelEmbeddingDisplay":
        """Compute the map of a fitted estimator's labels.

        Parameters
        ----------
        estimator : fitted estimator
            Whose network has ``embed_labels()``, as :class:`~skd2ace.networks.CLIF` has.

        Returns
        -------
        LabelEmbeddingDisplay

        Raises
        ------
        ValueError
            If it is not fitted, its network does not embed labels, or there is one label only.
        """
        import torch
        from sklearn.decomposition import PCA

        network: Any = getattr(estimator, "module_", None)
        if not hasattr(network, "embed_labels"):
            raise ValueError(
                f"{type(estimator).__name__} has no network that embeds labels: fit a "
                "CLIFClassifier, or a network of your own with embed_labels()."
            )
        was_training = network.training
        with torch.no_grad():
            embeddings = network.eval().embed_labels().double().cpu().numpy()
        network.train(was_training)
        if len(embeddings) < 2:
            raise ValueError("A map needs two labels at least, got one.")
        unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).clip(min=1e-12)
        plane = PCA(2, svd_solver="full")
        positions = plane.fit_transform(unit)
        return cls(
            positions, plane.explained_variance_ratio_, getattr(estimator, "label_names_in_", None)
        )

    def plot(self, ax: Any = None, *, max_names: int = 20) -> "LabelEmbeddingDisplay":
        """Draw a dot for each label, and names where there are not too many.

        Parameters
        ----------
        ax : Axes, optional
            By default of a new figure.
        max_names : int, default=20
            How many labels get a name, those farthest from the middle first.

        Returns
        -------
        LabelEmbeddingDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        ax = make_axes(ax, (6.0, 5.0))
        open_frame(ax)
        ax.axhline(0, color=GREY, linewidth=0.5)
        ax.axvline(0, color=GREY, linewidth=0.5)
        ax.plot(*self.positions.T, "o", color=COLORS[0], markersize=5)
        distance = np.linalg.norm(self.positions, axis=1)
        for j in np.argsort(-distance, kind="stable")[:max_names]:
            ax.annotate(
                self.label_names[j], self.positions[j], (4, 3), textcoords="offset points",
                fontsize=8, parse_math=False,
            )  # fmt: skip
        ax.set_xlabel(f"First component, {self.explained[0]:.0%} of the variance")
        ax.set_ylabel(f"Second component, {self.explained[1]:.0%}")
        ax.margins(0.12)
        self.ax_, self.figure_ = ax, ax.figure
        return self
