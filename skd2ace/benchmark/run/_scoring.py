"""Scores of a fitted classifier, whatever shape it gives its probabilities in."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def predict_label_probabilities(model: Any, X: Any) -> NDArray[np.float64]:
    """Predict probabilities (n, q) with any scikit-learn multi-label classifier.

    Some give a list of (n, 2) per label, and (n, 1) for a label of one class.
    """
    proba = model.predict_proba(X)
    if not isinstance(proba, list):
        return np.asarray(proba)
    classes = model.classes_
    columns = [
        part[:, list(known).index(1)] if 1 in known else np.zeros(len(part))
        for part, known in zip(proba, classes, strict=True)
    ]
    return np.column_stack(columns)


def compute_scores(
    metrics: Mapping[str, Callable[..., float]], Y: Any, proba: Any, labels: Any
) -> dict[str, float]:
    """Compute all metrics, each of probabilities or of labels, as it wants."""
    wanted = {"score": proba, "pred": labels}
    return {
        name: float(metric(Y, wanted[find_response(metric)])) for name, metric in metrics.items()
    }


def find_response(metric: Callable[..., float]) -> str:
    """Find out what a metric is of: "score" or "pred".

    Raises
    ------
    ValueError
        If the name of its second parameter does not say.
    """
    second = [*inspect.signature(metric).parameters, "", ""][1]
    if second not in ("y_score", "Y_score", "y_pred", "Y_pred"):
        raise ValueError(
            f"{metric} must name its second parameter y_score or y_pred, and names it {second!r}."
        )
    return second[2:]
