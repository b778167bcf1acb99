"""Data sets of images in folders that the user has."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skd2ace.datasets import load_coco, load_voc


@dataclass(frozen=True)
class ImageSource:
    """What lists the images of VOC2007 or COCO: a column of paths, and labels.

    Parameters
    ----------
    name : {"voc2007", "coco2014"}
    data_home : Path or None
        Where "VOC2007" (or "VOCdevkit/VOC2007") and "coco" lie; None is the folder that
        SKD2ACE_DATA names.
    """

    name: str
    data_home: Path | None

    def __call__(self) -> tuple[Any, Any]:
        """List X, of training and test part, and Y; a difficult object counts as none."""
        train, test = self._parts
        X = pd.DataFrame({"path": [*train.data, *test.data]})
        return X, np.nan_to_num(np.concatenate([train.target, test.target])).astype(np.int64)

    def folds(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Give the data set's own parts, in the place of a cross-validation."""
        train, test = self._parts
        rows = np.arange(len(train.data) + len(test.data))
        yield rows[: len(train.data)], rows[len(train.data) :]

    @cached_property
    def _parts(self) -> tuple[Any, Any]:
        home = self.data_home or os.environ.get("SKD2ACE_DATA")
        if home is None:
            raise ValueError(f"{self.name} is read from a folder that you have: give --data-home")
        if self.name == "coco2014":
            folder = Path(home) / "coco"
            return load_coco(folder, "train2014"), load_coco(folder, "val2014")
        folder = Path(home) / "VOC2007"
        folder = folder if folder.exists() else Path(home) / "VOCdevkit" / "VOC2007"
        return load_voc(folder, "trainval"), load_voc(folder, "test")


IMAGE_SETS = ("voc2007", "coco2014")
