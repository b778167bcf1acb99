"""Images as a table: what a backbone that is not trained makes of them."""

import os
from collections.abc import Callable, Iterator
from itertools import chain
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.utils.data import DataLoader, Dataset
from typing_extensions import Self

from skd2ace._atomic import replace_file
from skd2ace._backbones import make_backbone, pool
from skd2ace._code import describe_code
from skd2ace._constraints import check_parameters
from skd2ace._describe import digest
from skd2ace._devices import full_device
from skd2ace._images import ImageItems, list_paths, open_images
from skd2ace._modules import copy_module, has_lazy_parts, materialize
from skd2ace._seeding import torch_rng
from skd2ace._sklearn import Interval, StrOptions


class ImageFeatures(TransformerMixin, BaseEstimator):
    """Features of images by a frozen backbone, computed once and kept on disk.

    What comes out is a table, for which everything else here is made: each classifier, selectors,
    the benchmark.

    Parameters
    ----------
    backbone : str, nn.Module or callable that returns one
        A name of torchvision's ("resnet18") or timm's ("timm/resnet18"), or a module that maps
        images (b, c, h, w) to features (b, channels) or maps (b, channels, h', w').
    weights : str, dict or None, default=None
        Of a backbone by name: "DEFAULT", or another name that torchvision has, or a tag of timm's;
        or a state dict that you have, of the whole network. None draws them, always the same.
    pooling : {"avg", "max"} or None, default="avg"
        Mean or maximum of each channel over positions; None keeps maps.
    image_transform : callable, optional
        Of each image: of files in RGB, as Pillow has them, of arrays as tensors. It should draw
        nothing: the features of an image are computed once.
    cache_dir : str or path, optional
        Folder where features are kept, in a file for each set of images and each setting: by the
        backbone's weights, ``image_transform`` with the code of its functions, and the arrays'
        values or the files' names, sizes and times. What a function reads from its module is not
        looked at. None keeps nothing, and so is it of data sets, which cannot be known again.
    batch_size : int, default=64
    num_workers : int, default=0
        Processes that read and transform images.
    device : str or torch.device, default="cpu"

    Attributes
    ----------
    backbone_ : nn.Module

    Raises
    ------
    ImportError
        If the backbone's library, or Pillow for files, cannot be imported.
    ValueError
        If there are no images, or one is missing or cannot be read, with its path.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.preprocessing import ImageFeatures
    >>> from sklearn.pipeline import make_pipeline
    >>> images, Y = np.random.rand(40, 3, 8, 8), np.random.randint(2, size=(40, 4))
    >>> backbone = torch.nn.Conv2d(3, 16, 3)
    >>> est = make_pipeline(ImageFeatures(backbone), CLIFClassifier(max_epochs=1, verbose=0))
    >>> est.fit(images, Y).predict_proba(images).shape
    (40, 4)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "backbone": [str, callable],
        "weights": [str, dict, None],
        "pooling": [StrOptions({"avg", "max"}), None],
        "image_transform": [callable, None],
        "cache_dir": [str, os.PathLike, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "num_workers": [Interval(Integral, 0, None, closed="left")],
        "device": [str, torch.device],
    }

    def __init__(
        self,
        backbone: str | nn.Module | Callable[[], nn.Module],
        *,
        weights: str | dict[str, Any] | None = None,
        pooling: str | None = "avg",
        image_transform: Callable[[Any], Any] | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        batch_size: int = 64,
        num_workers: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        self.backbone = backbone
        self.weights = weights
        self.pooling = pooling
        self.image_transform = image_transform
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.device = device

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Make the backbone; images are not looked at.

        Parameters
        ----------
        X, y : ignored

        Returns
        -------
        self
        """
        check_parameters(self._parameter_constraints, self.get_params(deep=False), "ImageFeatures")
        with torch_rng(torch.device("cpu"), 0):
            backbone = make_backbone(self.backbone, self.weights)
        # The user's own stays where it is, and as it is.
        self.backbone_ = copy_module(backbone) if backbone is self.backbone else backbone
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Features of images.

        Parameters
        ----------
        X : ndarray or Tensor of shape (n, c, h, w), list or column of paths, or data set
            As for :class:`~skd2ace.ImageClassifier`.

        Returns
        -------
        ndarray of shape (n, channels), or (n, channels, h', w') with ``pooling=None``, float32
            Read from the disk as it is used, where it is kept there.

        Raises
        ------
        ValueError
            If X has no images, or one is missing or cannot be read.
        """
        check_is_fitted(self)
        items = open_images(X, self.image_transform)
        if len(items) == 0:
            raise ValueError("X has no images; at least one is needed.")
        if has_lazy_parts(self.backbone_):
            with torch_rng(torch.device("cpu"), 0):
                materialize(self.backbone_, tuple(_Images(items)[0].shape))
        if self.cache_dir is None or not _can_be_known(items):
            return np.concatenate(list(self._compute(items)))
        folder = Path(self.cache_dir)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{digest(self._key(items))}.npy"
        if not path.exists():
            self._write(items, path)
        kept: NDArray[np.float32] = np.load(path, mmap_mode="r")
        return kept

    def _key(self, items: Any) -> list[Any]:
        """All that features depend on."""
        source = items.source if isinstance(items, ImageItems) else items
        if not isinstance(source, (np.ndarray, torch.Tensor)):
            stats = [(path, os.stat(path)) for path in source]
            source = [[path, stat.st_size, stat.st_mtime_ns] for path, stat in stats]
        transform = [self.image_transform, describe_code(self.image_transform)]
        return [self.backbone_, self.pooling, transform, source]

    def _write(self, items: Any, path: Path) -> None:
        batches = self._compute(items)
        with replace_file(path) as file:
            first = next(batches)
            shape = (len(items), *first.shape[1:])
            np.lib.format.write_array_header_1_0(
                file, {"descr": first.dtype.str, "fortran_order": False, "shape": shape}
            )
            for batch in chain([first], batches):
                file.write(batch.tobytes())

    def _compute(self, items: Any) -> Iterator[NDArray[np.float32]]:
        """Features of batch after batch, without keeping them."""
        device = full_device(self.device)
        backbone, was_training = self.backbone_.to(device), self.backbone_.training
        generator = torch.Generator()
        loader = DataLoader(
            _Images(items),
            batch_size=self.batch_size,
            num_workers=self.num_workers,
            generator=generator,
            pin_memory=device.type == "cuda",
        )
        backbone.eval()
        try:
            for X in loader:
                with torch.no_grad():
                    features = pool(backbone(X.to(device, non_blocking=True)), self.pooling)
                yield features.to("cpu", torch.float32).numpy()
        finally:
            backbone.train(was_training)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        backbone = state.get("backbone_")
        if backbone is not None and any(p.device.type != "cpu" for p in backbone.parameters()):
            # A pickle opens where that device is not, too.
            state["backbone_"] = copy_module(backbone).to("cpu")
        return state

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "backbone_")


class _Images(Dataset[torch.Tensor]):
    """The images of items, without their labels; its own class, since workers get it."""

    def __init__(self, items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> torch.Tensor:
        item = self.items[i]
        image = item[0] if isinstance(item, (tuple, list)) else item
        # Of an array a copy: torch cannot mark a tensor read-only, as a memory map may be.
        image = np.array(image) if isinstance(image, np.ndarray) else image
        return torch.as_tensor(image, dtype=torch.float32)


def _can_be_known(items: Any) -> bool:
    source = items.source if isinstance(items, ImageItems) else items
    return isinstance(source, (np.ndarray, torch.Tensor)) or list_paths(source) is not None
