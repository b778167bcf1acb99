"""Images out of arrays, files and data sets, one by one."""

import os
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

Transform = Callable[[Any], Any]
# Modes of Pillow whose pixels are bits or places in a palette, and those that show the same.
_WITH_BYTES = {"1": "L", "P": "RGB"}
_REMEDY = "Reading images needs Pillow: `pip install 'skd2ace[images]'`."


class BadImageError(ValueError):
    """An image that is not there or cannot be read; its path is in the message."""


class ImageItems(Dataset[Any]):
    """A map-style data set that gives images as tensors, converted and transformed when asked.

    Parameters
    ----------
    source : sequence of paths, array of shape (n, c, h, w), or data set
        Of a data set, items are x, (x, y, ...), or a dict with an image among its values.
    transform : callable, optional
        Of a file, and of a Pillow image, it gets the image in RGB; of arrays a tensor (c, h, w).
        None makes tensors (3, h, w) in [0, 1] of images and leaves arrays as they are.
    train_transform : callable, optional
        What takes its place in :meth:`for_training`.
    """

    def __init__(
        self,
        source: Any,
        transform: Transform | None = None,
        train_transform: Transform | None = None,
    ) -> None:
        self.source = source
        self.transform = transform
        self.train_transform = train_transform
        self._shape: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, i: int) -> Any:
        item = self.source[i]
        if isinstance(item, Mapping):
            return self._prepare(_find_image(item), i)
        if isinstance(item, (tuple, list)):
            return (self._prepare(item[0], i), *item[1:])
        return self._prepare(item, i)

    def for_training(self) -> "ImageItems | None":
        """Give the images as training steps see them, drawn anew; None if as everyone does."""
        return (
            None if self.train_transform is None else ImageItems(self.source, self.train_transform)
        )

    @property
    def paths(self) -> list[str] | None:
        """The files, or None where there are none."""
        return [os.fspath(path) for path in self.source] if _is_path(self.source[0]) else None

    def _prepare(self, image: Any, i: int) -> Tensor:
        name = f"image {i}"
        if _is_path(image):
            name, image = os.fspath(image), read_image(image)
        elif hasattr(image, "convert"):
            image = convert_to_rgb(image)
        elif not isinstance(image, Tensor):
            image = torch.as_tensor(np.array(image))
        if self.transform is not None:
            image = self.transform(image)
        x = _to_tensor(image)
        self._shape = self._shape or tuple(x.shape)
        if x.shape != self._shape:
            raise ValueError(
                f"{name} has shape {tuple(x.shape)}, and the first one {self._shape}: take a "
                "transform that makes them one size."
            )
        return x


def open_images(
    X: Any,
    transform: Transform | None = None,
    train_transform: Transform | None = None,
    *,
    are_there: bool = True,
) -> Any:
    """Give images as items where they must be read or transformed, else as they are.

    Parameters
    ----------
    X : arrays, paths or data set
    transform, train_transform : callable, optional
    are_there : bool, default=True
        Whether files must be.

    Raises
    ------
    BadImageError
        If files are missing.
    """
    if isinstance(X, ImageItems):
        return X
    if isinstance(X, Subset) and isinstance(X.dataset, ImageItems):
        # A part of what was opened before: its own items are transformed already.
        return ImageItems(Subset(X.dataset.source, X.indices), transform, train_transform)
    paths = list_paths(X)
    if paths is not None:
        missing = [path for path in paths if not os.path.exists(path)]
        if missing and are_there:
            raise BadImageError(f"{len(missing)} images are missing, the first {missing[0]}.")
        return ImageItems(paths, transform, train_transform)
    is_array = isinstance(X, (np.ndarray, Tensor))
    as_they_are = transform is None and train_transform is None
    if as_they_are and (is_array or not _gives_images(X)):
        return X
    return ImageItems(X, transform, train_transform)


def list_paths(X: Any) -> list[str] | None:
    """List the paths in a list, an array, a column or a frame of one; None if they are none."""
    if hasattr(X, "columns") and len(X.columns) == 1:
        X = np.asarray(X)[:, 0]
    if isinstance(X, (Tensor, Dataset)) or not hasattr(X, "__len__") or len(X) == 0:
        return None
    if not isinstance(X, (list, tuple)):
        if not hasattr(X, "__array__") or getattr(X, "ndim", 1) != 1:
            return None
        X = np.asarray(X).tolist()
    return [os.fspath(path) for path in X] if all(map(_is_path, X)) else None


def read_image(path: Any) -> Any:
    """Read a file as a Pillow image in RGB.

    Raises
    ------
    BadImageError
        If it is missing or no image that can be read.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(_REMEDY) from error
    try:
        with Image.open(path) as image:
            return convert_to_rgb(image)
    except FileNotFoundError as error:
        raise BadImageError(f"The image {os.fspath(path)} is missing.") from error
    # What decoders raise of broken files differs by format.
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise BadImageError(f"The image {os.fspath(path)} cannot be read: {error}") from error


def convert_to_rgb(image: Any) -> Any:
    """Convert grey, palette and alpha images; what alpha hides is shown, and 16 bits become 8."""
    if image.mode.startswith("I"):
        # Pillow itself would cut all values at 255.
        grey = (np.asarray(image).astype(np.float64) / 257).clip(0, 255).astype(np.uint8)
        image = _from_array(grey)
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def find_bad(items: ImageItems, num_workers: int = 0) -> list[str | None]:
    """Read all files once, and say for each what is wrong with it, or None."""
    loader = torch.utils.data.DataLoader(
        _Verdicts(items), batch_size=64, collate_fn=list, num_workers=num_workers,
        generator=torch.Generator(),
    )  # fmt: skip
    return [verdict for verdicts in loader for verdict in verdicts]


class _Verdicts(Dataset[Any]):
    """What is wrong with each file; its own class, since worker processes get it."""

    def __init__(self, items: ImageItems) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> str | None:
        try:
            read_image(self.items.source[i])
        except BadImageError as error:
            return str(error)
        return None


def _from_array(grey: Any) -> Any:
    from PIL import Image

    return Image.fromarray(grey)


def _to_tensor(image: Any) -> Tensor:
    if isinstance(image, Tensor):
        return image.to(torch.float32)
    if not hasattr(image, "convert"):
        return torch.as_tensor(np.array(image)).to(torch.float32)
    # Rows, columns and, unless it is grey, channels: of bytes, or of numbers on their own scale.
    values = np.array(image.convert(_WITH_BYTES.get(image.mode, image.mode)))
    values = values[:, :, None] if values.ndim == 2 else values
    x = torch.as_tensor(values.astype(np.float32)).permute(2, 0, 1)
    return x / 255 if values.dtype == np.uint8 else x


def _is_path(thing: Any) -> bool:
    return isinstance(thing, (str, os.PathLike))


def _find_image(item: Mapping[str, Any]) -> Any:
    """Find the first image of Pillow's among columns, or else the first tensor (c, h, w)."""
    pictures = (v for v in item.values() if hasattr(v, "convert") and hasattr(v, "mode"))
    # By a transform, or the format, of the data set; its arrays have channels last.
    tensors = (v for v in item.values() if isinstance(v, Tensor) and v.ndim == 3)
    image = next(chain(pictures, tensors), None)
    if image is None:
        raise ValueError(
            f"No image among the columns {', '.join(item)} of the data set, neither one of "
            "Pillow's nor a tensor (c, h, w)."
        )
    return image


def _gives_images(X: Any) -> bool:
    """Whether the items of a data set are Pillow images or paths, which nobody else converts."""
    if not hasattr(X, "__getitem__") or not hasattr(X, "__len__") or len(X) == 0:
        return False
    try:
        first = X[0]
    except (KeyError, TypeError, IndexError):
        return False
    if isinstance(first, (tuple, list)) and len(first):
        first = first[0]
    return isinstance(first, Mapping) or hasattr(first, "convert") or _is_path(first)
