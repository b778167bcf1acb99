"""ImageClassifier."""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_consistent_length
from torch import nn
from torch.utils.data import Subset
from typing_extensions import Self

from skd2ace._backbones import describe_map, make_backbone, pool
from skd2ace._devices import full_device
from skd2ace._images import ImageItems, find_bad, open_images
from skd2ace._modules import copy_module, unwrap_compiled
from skd2ace._sklearn import Interval, StrOptions, take_rows
from skd2ace._stored import StoredFeatures
from skd2ace.networks import HST, MLGCN, MLDecoder
from skd2ace.networks._image_network import ImageNetwork, LinearHead, OwnLossImageNetwork
from skd2ace.preprocessing import ImageFeatures
from skd2ace.training import BatchIterator, LabelTransfer
from skd2ace.training._items import ItemDataset

from ._item_data import is_of_a_training, workers_of
from ._net import MultiLabelNetClassifier
from ._signature import takes_parameters_of
from ._split import Parts
from ._training_data import TrainingData

# Heads by name, and how they pool what a frozen backbone gives: None keeps the maps.
_HEADS: dict[str, tuple[Callable[..., nn.Module], str | None]] = {
    "linear": (LinearHead, "avg"),
    "ml-gcn": (MLGCN, "max"),
    "hst": (HST, None),
    "ml-decoder": (MLDecoder, None),
}
_NETWORK = frozenset({"backbone", "head", "weights", "backbone_lr_ratio", "frozen"})
# Modules among these, as torchvision's transforms are, are no parts of the net for skorch.
_NO_PARTS = _NETWORK | {"transform", "train_transform"}
# What fit is given for each image.
_OF_IMAGES = ("y", "sample_weight", "neighbor_features", "groups")


class ImageClassifier(MultiLabelNetClassifier):
    """Multi-label classifier of images: a backbone and a head, trained together or frozen.

    Parameters
    ----------
    backbone : str, nn.Module or callable that returns one
        A name of torchvision's ("resnet18") or timm's ("timm/resnet18"), imported when it is
        needed; or a module that maps images (b, c, h, w) to features (b, channels) or maps
        (b, channels, h', w'), of which a copy is trained.
    head : {"linear", "ml-gcn", "hst", "ml-decoder"} or callable, default="linear"
        What makes logits of these: a linear layer on means over positions,
        :class:`~skd2ace.networks.MLGCN`, :class:`~skd2ace.networks.HST`,
        :class:`~skd2ace.networks.MLDecoder`; or anything that gives a module for ``(n_channels,
        n_labels)``, such as ``partial(MLGCN, hidden_size=256)``.
    weights : str, dict or None, default=None
        Of a backbone by name: "DEFAULT", or another name that torchvision has, or a tag of timm's;
        or a state dict that you have, of the whole network. None draws them.
    backbone_lr_ratio : float, default=1.0
        Share of ``lr`` at which the backbone learns; ML-GCN's paper takes 0.1.
    transform : callable, optional
        Of each image, in training and prediction: of files in RGB, as Pillow has them, of arrays
        as tensors (c, h, w). None makes tensors (3, h, w) in [0, 1] of files.
    train_transform : callable, optional
        Of each image that a training step is made on, in the place of ``transform``, which then
        serves validation, predictions and what selectors look at beside the steps. What it draws
        from the global generators of torch, numpy and Python goes by ``random_state``, with any
        number of workers. None takes ``transform``.
    frozen : bool, default=False
        Whether the backbone stays as it is: features are computed once, by
        :class:`~skd2ace.preprocessing.ImageFeatures`, and the head is trained on them.
    cache_dir : str or path, optional
        With ``frozen``: a folder where features are kept for other fits.
    bad_images : {"raise", "skip"}, default="raise"
        What becomes of files in ``fit`` that are missing or broken: an error that names the first;
        or, after all were read once, a warning with their number, and the rest is trained on: a
        splitter sees these only. In prediction they are always an error.
    criterion, optimizer, lr, max_epochs, batch_size, batch_selector, threshold, threshold_metric, \
calibration, label_weight, pos_weight, random_state, train_split, iterator_train, iterator_valid, \
dataset, callbacks, warm_start, verbose, device, compile, use_caching, torch_load_kwargs
        As for :class:`MultiLabelNetClassifier`. "hst" has a loss of its own, and no
        ``criterion``; its default callbacks have ``label_transfer`` besides, a
        :class:`~skd2ace.training.LabelTransfer`.
    **kwargs
        ``criterion__...``, ``optimizer__...``, ``callbacks__...`` and so on.
        ``iterator_train__num_workers`` and ``iterator_valid__num_workers`` are processes that read
        images.

    Attributes
    ----------
    bad_images_ : list of str
        With ``bad_images="skip"``: what is wrong with each file that was left out, which is
        neither among ``train_indices_`` nor ``valid_indices_``.
    features_ : ImageFeatures
        With ``frozen``: what computes features, with a copy of the backbone as it was when training
        began. Other parameters that are set after it are for the next fit.
    classes_, n_labels_, module_, batch_selector_, best_epoch_, thresholds_, \
temperature_, intercept_, pos_weight_, history
        As for :class:`MultiLabelNetClassifier`; ``module_`` has ``backbone`` and ``head``.

    See Also
    --------
    skd2ace.preprocessing.ImageFeatures : Images as tables, for every other classifier.

    Notes
    -----
    Images are arrays or tensors (n, c, h, w); a list or a column of paths; or a torch or Hugging
    Face data set, whose items are images, pairs of these and labels, or dicts with an image. Files
    and data sets are read batch by batch.

    Selectors that want neighbours find them, unless ``fit`` is given ``neighbor_features``, by
    the mean features of the backbone as it is when ``fit`` or ``partial_fit`` begins, in one pass
    over the images. With ``frozen`` and features (n, channels) given as X, these are taken for
    what the backbone has made of images.

    Examples
    --------
    >>> import torch
    >>> from skd2ace import ImageClassifier
    >>> from skd2ace.datasets import make_digits_mosaics
    >>> from skd2ace.selection import D2ACE
    >>> images, Y = make_digits_mosaics(40, return_X_y=True)
    >>> backbone = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU())
    >>> est = ImageClassifier(
    ...     backbone, head="ml-gcn", batch_selector=D2ACE(), max_epochs=2, verbose=0
    ... )
    >>> est.fit(images, Y).predict_proba(images).shape
    (40, 10)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{
            name: constraint
            for name, constraint in MultiLabelNetClassifier._parameter_constraints.items()
            if name not in ("module", "preprocessor")
        },
        "backbone": [str, callable],
        "head": [StrOptions(set(_HEADS)), callable],
        "weights": [str, dict, None],
        "backbone_lr_ratio": [Interval(Real, 0, None, closed="neither")],
        "transform": [callable, None],
        "train_transform": [callable, None],
        "frozen": ["boolean"],
        "cache_dir": [str, os.PathLike, None],
        "bad_images": [StrOptions({"raise", "skip"})],
    }
    _fixed_parameters: ClassVar[frozenset[str]] = MultiLabelNetClassifier._fixed_parameters | {
        "module",
        "preprocessor",
    }

    bad_images_: list[str]
    features_: ImageFeatures

    # Whether the data of a training are features by the backbone that it was given, or neighbours
    # are found on such: with other first weights it would be another training.
    _computes_by_backbone = False
    # Whether the weights of a file take the place of those that a backbone has by name.
    _gets_weights = False

    @takes_parameters_of(MultiLabelNetClassifier.__init__, "preprocessor")
    def __init__(
        self,
        backbone: Any,
        head: Any = "linear",
        *,
        weights: Any = None,
        backbone_lr_ratio: float = 1.0,
        transform: Callable[[Any], Any] | None = None,
        train_transform: Callable[[Any], Any] | None = None,
        frozen: bool = False,
        cache_dir: str | os.PathLike[str] | None = None,
        bad_images: str = "raise",
        **parameters: Any,
    ) -> None:
        super().__init__(ImageNetwork, **parameters)
        self.backbone = backbone
        self.head = head
        self.weights = weights
        self.backbone_lr_ratio = backbone_lr_ratio
        self.transform = transform
        self.train_transform = train_transform
        self.frozen = frozen
        self.cache_dir = cache_dir
        self.bad_images = bad_images

    def __setattr__(self, name: str, value: Any) -> None:
        # Skorch takes every module that is set for a part of the net.
        if name in _NO_PARTS:
            vars(self)[name] = value
        else:
            super().__setattr__(name, value)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, as of every estimator; another network is trained from its beginning."""
        before = {name: getattr(self, name) for name in _NETWORK & params.keys()}
        super().set_params(**params)
        if self.initialized_ and any(params[name] is not value for name, value in before.items()):
            self.must_start_afresh_ = True
        return self

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, **params: Any) -> Self:
        """Train from scratch, or go on with ``warm_start`` or from a checkpoint.

        Parameters
        ----------
        X : array or tensor of shape (n, c, h, w), list or column of paths, or data set
        y, sample_weight, neighbor_features, resume, **params
            As for :meth:`MultiLabelNetClassifier.fit`; y may be None where the data set has
            labels.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As there; if an image is missing or cannot be read, with its path; and if there is a
            ``train_transform`` with ``frozen``.
        TypeError
            As there; and if ``train_transform`` is given and ``iterator_train`` makes no
            :class:`~skd2ace.training.BatchIterator`.
        """
        if self.warm_start and self.initialized_ and params.get("resume") is None:
            # Images are opened there, and once.
            params.pop("resume", None)
            return self.partial_fit(X, y, sample_weight=sample_weight, **params)
        rows = {"y": y, "sample_weight": sample_weight, **params}
        with self._open_to_train(X, rows, afresh=True) as (X, rows):
            super().fit(X, **rows)
        return self

    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        classes: ArrayLike | None = None,
        sample_weight: Any = None,
        **params: Any,
    ) -> Self:
        """Train for ``max_epochs`` further epochs; parameters as of :meth:`fit`."""
        rows = {"y": y, "sample_weight": sample_weight, **params}
        with self._open_to_train(X, rows, afresh=self._starts_afresh) as (X, rows):
            super().partial_fit(X, classes=classes, **rows)
        return self

    def decision_function(self, X: Any) -> NDArray[np.float32]:
        """Logits of images: see :meth:`skd2ace.MultiLabelNetClassifier.decision_function`.

        Parameters
        ----------
        X : array or tensor of shape (n, c, h, w), list or column of paths, or data set

        Returns
        -------
        ndarray of shape (n, q), float32
        """
        if self.initialized_:
            X = self._open(X)
        return super().decision_function(X)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Share of images of which every label is predicted correctly (subset accuracy).

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.

        Returns
        -------
        float
        """
        is_ready = hasattr(self, "features_") and _are_features(X)
        if not (is_ready or is_of_a_training(X, prepared=False)):
            X = open_images(X, self.transform)
        return super().score(X, y, sample_weight)

    # Images

    @contextmanager
    def _open_to_train(
        self, X: Any, rows: dict[str, Any], *, afresh: bool
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Open images for the block, without those that are bad, if asked, and what is theirs."""
        frozen = self.frozen if afresh else hasattr(self, "features_")
        if frozen and self.train_transform is not None:
            raise ValueError(
                "train_transform is given with frozen=True, where each image's features are "
                "computed once: there is nothing to draw anew. Give it with frozen=False."
            )
        verdicts = self._judge(X)
        good = None
        if verdicts is not None and any(verdicts):
            good = np.flatnonzero([verdict is None for verdict in verdicts])
            paths = open_images(X, are_there=False).source
            X, rows = _select_images(paths, rows, good)
        if frozen and rows.get("y") is None:
            rows["y"] = _labels_of(open_images(X, self.transform), workers_of(self))
        with self._begin_features() if afresh else nullcontext():
            yield self._open(X, self.train_transform), rows
        # Only now: an error leaves what is known of the last fit.
        vars(self).pop("bad_images_", None)
        if verdicts is not None:
            self.bad_images_ = [verdict for verdict in verdicts if verdict is not None]
        if verdicts is not None and good is not None:
            self.n_samples_fit_ = len(verdicts)
            self.train_indices_ = _rows_of(good, self.train_indices_)
            self.valid_indices_ = _rows_of(good, self.valid_indices_)

    def _judge(self, X: Any) -> list[str | None] | None:
        """What is wrong with each of the files, or None; None where none is to be left out."""
        opened = X.dataset if isinstance(X, Subset) else X
        if self.bad_images != "skip" or isinstance(opened, (ImageItems, ItemDataset)):
            return None
        items = open_images(X, self.transform, are_there=False)
        if not isinstance(items, ImageItems) or items.paths is None:
            return None
        verdicts = find_bad(items, workers_of(self).num_workers)
        bad = [verdict for verdict in verdicts if verdict is not None]
        if bad:
            warnings.warn(
                f"{len(bad)} of {len(verdicts)} images are left out, the first: {bad[0]}",
                stacklevel=5,
            )
        return verdicts

    def _open(self, X: Any, train_transform: Callable[[Any], Any] | None = None) -> Any:
        """Images as the network reads them: features where the backbone is frozen."""
        frozen = hasattr(self, "features_")
        if frozen and isinstance(X, ItemDataset):
            # From ``score``, which has looked at the labels.
            X = X.items
        if is_of_a_training(X, prepared=False) or isinstance(X, StoredFeatures):
            return X
        if not frozen:
            return open_images(X, self.transform, train_transform)
        if _are_features(X):
            return X
        features = self._compute_features(X)
        return StoredFeatures(features) if features.ndim > 2 else features

    @contextmanager
    def _begin_features(self) -> Iterator[None]:
        """Take the backbone as it is now for a fit's, if it is frozen; not where the fit fails."""
        before = vars(self).pop("features_", None)
        try:
            if self.frozen:
                self.features_ = self._make_features()
            yield
        except BaseException:
            vars(self).pop("features_", None)
            if before is not None:
                self.features_ = before
            raise

    def _make_features(self) -> ImageFeatures:
        # Names that are none are refused by ``fit``.
        pooling = _HEADS[self.head][1] if self.head in list(_HEADS) else None
        return ImageFeatures(self.backbone, weights=self.weights, pooling=pooling)

    def _compute_features(self, X: Any) -> NDArray[np.float32]:
        """Features by the backbone of the fit; how and where is as parameters say now."""
        if not hasattr(self.features_, "backbone_"):
            # Not before there are images: features may have been given in their place.
            self.features_.fit()
        self.features_.set_params(
            image_transform=self.transform,
            cache_dir=self.cache_dir,
            num_workers=workers_of(self).num_workers,
            device="cpu" if self.device is None else self.device,
        )
        return self.features_.transform(X)

    # Network

    def initialize(self) -> Self:
        """Make callbacks, network, criterion and optimizer; only after a fit is their size known.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there was no fit.
        """
        with self._begin_features():
            return super().initialize()

    def initialize_module(self) -> Self:
        """Make the network, with the sizes that the data gives."""
        if self._instance_shape is None:
            raise ValueError("Before the first fit the size of images is not known.")
        if hasattr(self, "features_"):
            backbone: nn.Module = nn.Identity()
        else:
            is_loaded = not self._gets_weights
            backbone = make_backbone(self.backbone, self.weights, is_loaded=is_loaded)
            # A copy: the parameter is the user's, and the next fit begins with it again.
            backbone = copy_module(backbone) if backbone is self.backbone else backbone
        n_channels = describe_map(backbone, self._instance_shape)[0]
        make = _HEADS[self.head][0] if isinstance(self.head, str) else self.head
        head = make(n_channels=n_channels, n_labels=self.n_labels_)
        has_own_loss = hasattr(head, "training_loss")
        self.module_ = (OwnLossImageNetwork if has_own_loss else ImageNetwork)(
            backbone, head, float(self.backbone_lr_ratio)
        )
        return self

    def _initialize_for_weights(self) -> Self:
        """Make the network without looking for weights, which may have to be downloaded."""
        self._gets_weights = True
        try:
            return super()._initialize_for_weights()
        finally:
            del self._gets_weights

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Make the iterator over a dataset: to train on images drawn anew, one of ours."""
        iterator = super().get_iterator(dataset, training)
        augments = training and self.train_transform is not None
        if augments and not isinstance(iterator, BatchIterator):
            raise TypeError(
                f"iterator_train gave a {type(iterator).__name__}, which knows no train_transform: "
                "skd2ace.training.SelectedBatches does."
            )
        return iterator

    def _make_default_callbacks(self) -> list[tuple[str, Any]]:
        """Those of every network, and for HST the one that has it take labels over."""
        callbacks = super()._make_default_callbacks()
        kind = self.head.func if isinstance(self.head, partial) else self.head
        is_hst = kind == "hst" or kind is HST
        return [*callbacks, ("label_transfer", LabelTransfer())] if is_hst else callbacks

    def _train(self, data: TrainingData, *args: Any, **kwargs: Any) -> Parts:
        """Find what neighbours are looked for in, where a selector wants it."""
        wanted = self.batch_selector is not None and self.batch_selector._wants_features()
        is_table = not isinstance(data.X, ItemDataset) and data.X.ndim == 2
        finds = wanted and data.neighbor_features is None and not is_table
        self._computes_by_backbone = finds or hasattr(self, "features_")
        if finds:
            data = data._replace(neighbor_features=self._mean_features(data.X))
        parts: Parts = super()._train(data, *args, **kwargs)
        return parts

    def _mean_features(self, X: Any) -> torch.Tensor:
        """Features (n, channels) of the backbone as it is now, on the host."""
        backbone, device = unwrap_compiled(self.module_).backbone, full_device(self.device)
        self._set_mode(training=False)
        found = []
        with torch.no_grad():
            for batch in self.get_iterator(self.get_dataset(X), training=False):
                images = batch[0] if isinstance(batch, (tuple, list)) else batch
                found.append(pool(backbone(images.to(device)), "avg").to("cpu"))
        return torch.cat(found)


def _are_features(X: Any) -> bool:
    """Whether X (n, channels) is what a frozen backbone made of images."""
    return isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "f"


def _select_images(
    paths: Any, rows: dict[str, Any], good: NDArray[np.int64]
) -> tuple[list[str], dict[str, Any]]:
    """Files that are good, and what fit was given for each of them."""
    given = {k: v for k, v in rows.items() if k in _OF_IMAGES and v is not None}
    check_consistent_length(paths, *given.values())
    selected = {name: take_rows(value, good) for name, value in given.items()}
    return [paths[i] for i in good], rows | selected


def _rows_of(
    good: NDArray[np.int64], indices: NDArray[np.int64] | None
) -> NDArray[np.int64] | None:
    return None if indices is None else good[indices]


def _labels_of(X: Any, workers: Any) -> Any:
    if not isinstance(X, ImageItems) and not isinstance(X, torch.utils.data.Dataset):
        return None
    return ItemDataset(X).read_labels(workers)
