"""Multi-label data sets."""

from ._arff import load_arff
from ._arff_header import ArffError
from ._describe import LabelStatistics, describe
from ._digits_mosaics import make_digits_mosaics
from ._image_folders import load_coco, load_voc
from ._mixed_table import make_mixed_table
from ._mulan import fetch_mulan
from ._preprocessing import drop_rare_labels, drop_unlabelled, select_top_features
from ._registry import MulanSet, mulan_registry
from ._yeast import load_yeast

__all__ = [
    "ArffError",
    "LabelStatistics",
    "MulanSet",
    "describe",
    "drop_rare_labels",
    "drop_unlabelled",
    "fetch_mulan",
    "load_arff",
    "load_coco",
    "load_voc",
    "load_yeast",
    "make_digits_mosaics",
    "make_mixed_table",
    "mulan_registry",
    "select_top_features",
]
