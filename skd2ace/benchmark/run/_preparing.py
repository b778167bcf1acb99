"""What is done to features before a method gets them, by the training part of each fold."""

from typing import Any

import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, OneHotEncoder

from skd2ace import ImageClassifier
from skd2ace.preprocessing import TabularPreprocessor

from ._data import list_categories

# What methods get for missing features, of the training part.
IMPUTATION = "median"


def prepares_itself(estimator: BaseEstimator) -> bool:
    """Whether an estimator reads features as they are, by this library's own preparation.

    That is one with a ``preprocessor``, and a pipeline that begins with one; and of images.
    """
    first = estimator.steps[0][1] if isinstance(estimator, Pipeline) else estimator
    own = getattr(first, "preprocessor", None)
    return own is not None or isinstance(first, (TabularPreprocessor, ImageClassifier))


def make_preparation(estimator: BaseEstimator, X: Any, *, is_imputed: bool) -> list[BaseEstimator]:
    """Make what is fitted inside the fold: the test part has no say in medians and scale.

    Missing numbers get the median of the feature, categories become a column each, and features
    are scaled to [0, 1]; sparse ones are divided by their largest magnitude.
    """
    if prepares_itself(estimator):
        return []
    # A feature without any value in the training part stays, as zeros: all folds have as many.
    imputer = SimpleImputer(strategy=IMPUTATION, keep_empty_features=True)
    # The scale of sparse features keeps zeros.
    scaler = MaxAbsScaler() if sp.issparse(X) else MinMaxScaler()
    if categories := list_categories(X):
        numbers = [name for name in X if name not in categories]
        # What is missing is a category too, and what the training part lacks is none.
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        return [make_column_transformer((imputer, numbers), (encoder, categories)), scaler]
    return [imputer, scaler] if is_imputed else [scaler]
