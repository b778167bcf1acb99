"""What prepares features before a network sees them, fitted on the rows that it trains on."""

import inspect
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import InputTags, check_array, get_tags, indexable
from sklearn.utils.validation import validate_data

from skd2ace._containers import count_dimensions, keep_numbers, open_features
from skd2ace._seeding import derive_seed
from skd2ace._sklearn import HasMethods, StrOptions, take_rows
from skd2ace._stored import StoredFeatures, open_stored
from skd2ace.preprocessing import TabularPreprocessor
from skd2ace.training import TensorDataset
from skd2ace.training._items import ItemDataset

from ._checks import check_features
from ._item_data import open_items
from ._split import find_rows, split

PREPROCESSOR_CONSTRAINTS: list[Any] = [
    HasMethods(["fit", "transform", "get_params"]),
    StrOptions({"auto"}),
    None,
]


def make_preprocessor(preprocessor: Any, seed: int) -> Any:
    """Make what the parameter stands for, unfitted; what has no seed of its own gets one."""
    # Our own gives what the network takes, whatever the user has set for transformers.
    made: Any = TabularPreprocessor() if isinstance(preprocessor, str) else clone(preprocessor)
    if isinstance(preprocessor, str):
        made.set_output(transform="default")
    unseeded = [
        name
        for name, value in sorted(made.get_params().items())
        if value is None and name.rpartition("__")[2] == "random_state"
    ]
    seeds = {name: derive_seed(seed, step) % 2**32 for step, name in enumerate(unseeded)}
    return made.set_params(**seeds) if seeds else made


def read_input_tags(preprocessor: Any, default: InputTags) -> InputTags:
    """What may be given to ``fit``: what the preprocessor takes."""
    if isinstance(preprocessor, str):
        preprocessor = TabularPreprocessor()
    # A class, in the place of an instance, is refused elsewhere.
    is_one = hasattr(preprocessor, "fit") and not inspect.isclass(preprocessor)
    return get_tags(preprocessor).input_tags if is_one else default


def check_table(est: Any, X: Any, *, reset: bool) -> Any:
    """Look at no more of features than their number and names: the rest is the preprocessor's.

    Raises
    ------
    TypeError
        If X is a data set that is read item by item.
    ValueError
        If X has other columns than in ``fit``.
    """
    X, _ = open_items(X, y=())
    if isinstance(X, ItemDataset):
        raise TypeError(
            "A preprocessor is fitted on all rows at once, and a data set is read item by item: "
            "give arrays, or prepare the items and take preprocessor=None."
        )
    X = open_features(X)
    stored = open_stored(X)
    if isinstance(stored, StoredFeatures):
        stored.warn_of_reading(
            "A preprocessor sees all rows at once",
            "Prepared before, with preprocessor=None, it stays in its file.",
        )
        X = stored.unread()
    if isinstance(X, (list, tuple)):
        X = keep_numbers(X)
    (X,) = indexable(X)
    if reset:
        vars(est).pop("n_features_in_", None)
    # Texts are no table; where one is due, the preprocessor says so.
    if count_dimensions(X) > 1:
        validate_data(est, X, reset=reset, skip_check_array=True)
    return X


def fit_preprocessor(est: Any, X: Any, Y: Any, seed: int, **split_params: Any) -> Any:
    """Split rows as the training will, fit the preprocessor on those to train on, transform all.

    Returns
    -------
    X : ndarray or CSR matrix of shape (n, m), float32
    parts : tuple of ndarray of int
        Rows to train on, and rows held out, perhaps none.

    Raises
    ------
    TypeError
        If ``train_split`` gives rows of other data.
    """
    given = TensorDataset(X, Y, length=len(Y))
    parts = split(est.train_split, given, Y, seed, **split_params)
    train, valid = (find_rows(part, given) for part in parts)
    if train is None or valid is None:
        raise TypeError(
            "With a preprocessor, train_split must split the rows that fit is given; those of "
            "another data set would not be prepared."
        )
    preprocessor = make_preprocessor(est.preprocessor, est.torch_seed_)
    # One label as scikit-learn has it.
    labels = Y[train, 0] if Y.shape[1] == 1 else Y[train]
    est.preprocessor_ = preprocessor.fit(take_rows(X, train), labels)
    return transform_features(est, X), (train, valid)


def is_prepared(est: Any) -> bool:
    """Whether features are taken as they are, or a fit has found out how to prepare them."""
    return est.preprocessor is None or hasattr(est, "preprocessor_")


def check_prepared(est: Any) -> None:
    """Raise a NotFittedError if features are to be prepared and no fit has found out how."""
    if not is_prepared(est):
        raise NotFittedError(
            f"The preprocessor of this {type(est).__name__} is not fitted: weights alone, by "
            "load_params, say nothing of how features are prepared. save and load keep both."
        )


def transform_features(est: Any, X: Any) -> Any:
    """Features as the network takes them, (n, m) of float32.

    Raises
    ------
    ValueError
        If the preprocessor cannot read X, or gives what is no finite matrix.
    """
    return check_array(
        est.preprocessor_.transform(X), accept_sparse="csr", dtype=np.float32, input_name="X"
    )


def read_features(est: Any, X: Any) -> Any:
    """Features to predict from, checked and prepared as in ``fit``."""
    if hasattr(est, "preprocessor_"):
        return transform_features(est, check_table(est, X, reset=False))
    if not est.history:
        check_prepared(est)
    return check_features(est, X, reset=False)
