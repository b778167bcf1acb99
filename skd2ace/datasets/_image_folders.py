"""Folders of images with annotations: VOC2007 and COCO as they are handed out."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

VOC_CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip


def load_voc(folder: str | os.PathLike[str], split: str = "trainval") -> Bunch:
    """Paths and labels of the images of a part of Pascal VOC2007, or of a later year.

    Parameters
    ----------
    folder : str or path
        With ``Annotations``, ``ImageSets`` and ``JPEGImages``: "VOCdevkit/VOC2007" as unpacked.
    split : str, default="trainval"
        "train", "val", "trainval" or "test": a file of ``ImageSets/Main``.

    Returns
    -------
    Bunch
        ``data``, list of n paths; ``target``, ndarray of shape (n, 20), float64 of 0/1, NaN where
        all objects of a class are marked difficult, which VOC leaves out of its scores;
        ``target_names``; ``image_ids``.

    Raises
    ------
    FileNotFoundError
        If the folder has no such part, or an annotation is missing.
    ValueError
        If an annotation cannot be read, or names another class than VOC's.
    """
    home = Path(folder)
    listed = home / "ImageSets" / "Main" / f"{split}.txt"
    image_ids = [line.split()[0] for line in listed.read_text().splitlines() if line.strip()]
    target = np.zeros((len(image_ids), len(VOC_CLASSES)))
    for row, image_id in zip(target, image_ids, strict=True):
        _read_objects(home / "Annotations" / f"{image_id}.xml", row)
    paths = [str(home / "JPEGImages" / f"{image_id}.jpg") for image_id in image_ids]
    return Bunch(data=paths, target=target, target_names=list(VOC_CLASSES), image_ids=image_ids)


def _read_objects(path: Path, row: Any) -> None:
    """Mark the classes of an annotation's objects in a row of zeros."""
    root = _parse(path)
    for node in root.iter("object"):
        name = (node.findtext("name") or "").strip()
        if name not in VOC_CLASSES:
            raise ValueError(f"{path} names {name!r}, which is no class of VOC.")
        label = VOC_CLASSES.index(name)
        if (node.findtext("difficult") or "0").strip() != "1":
            row[label] = 1
        elif row[label] == 0:
            row[label] = np.nan


def _parse(path: Path) -> Any:
    try:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, fromstring
    except ImportError as error:
        raise ImportError(
            "VOC's annotations are read by defusedxml: `pip install 'skd2ace[data]'`."
        ) from error
    try:
        return fromstring(path.read_bytes(), forbid_dtd=True)
    except (ParseError, DefusedXmlException) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def load_coco(folder: str | os.PathLike[str], split: str = "train2014") -> Bunch:
    """Paths and labels of the images of a part of MS-COCO.

    Parameters
    ----------
    folder : str or path
        With ``annotations/instances_{split}.json``, and the images in a folder named as the part.
    split : str, default="train2014"
        "train2014", "val2014", "train2017" or "val2017".

    Returns
    -------
    Bunch
        ``data``, list of n paths, in the order of the file; ``target``, ndarray of shape (n, q) of
        0/1, by the annotated objects, crowds among them; ``target_names``, the categories by their
        number; ``image_ids``. Images without an object have no label.

    Raises
    ------
    FileNotFoundError
        If there is no such part.
    ValueError
        If the file is no such JSON, or an object is of an image or category that is not listed.
    """
    home = Path(folder)
    path = home / "annotations" / f"instances_{split}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        categories = sorted(content["categories"], key=lambda category: category["id"])
        names = [category["name"] for category in categories]
        column = {category["id"]: place for place, category in enumerate(categories)}
        image_ids = [image["id"] for image in content["images"]]
        paths = [str(home / split / image["file_name"]) for image in content["images"]]
        row = {image_id: place for place, image_id in enumerate(image_ids)}
        target = np.zeros((len(paths), len(names)), dtype=np.int64)
        for item in content["annotations"]:
            target[row[item["image_id"]], column[item["category_id"]]] = 1
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no list of COCO's instances: {error!r}") from error
    return Bunch(data=paths, target=target, target_names=names, image_ids=image_ids)
