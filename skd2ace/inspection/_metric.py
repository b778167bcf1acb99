"""What is known of metrics: which values are better, and what a reader calls them."""

HIGHER_IS_BETTER = {
    "macro_auc": True,
    "micro_f1": True,
    "macro_f1": True,
    "label_ranking_average_precision": True,
    "ranking_loss": False,
    "hamming_loss": False,
    "one_error": False,
    "coverage": False,
}

_TITLES = {
    "macro_auc": "Macro-AUC",
    "micro_f1": "Micro-F1",
    "macro_f1": "Macro-F1",
    "label_ranking_average_precision": "Label ranking average precision",
    "ranking_loss": "Ranking loss",
    "hamming_loss": "Hamming loss",
    "one_error": "One-error",
    "coverage": "Coverage",
}


def find_title(metric: str | None) -> str:
    """Name of a metric for readers; that of a column, where no more is known."""
    return _TITLES.get(str(metric), str(metric))


def find_direction(metric: str | None, higher_is_better: bool | None) -> bool:
    """Whether more is better: as told, or else as is known of the metric.

    Raises
    ------
    ValueError
        If neither says so.
    """
    if higher_is_better is not None:
        return higher_is_better
    if metric not in HIGHER_IS_BETTER:
        raise ValueError(
            f"higher_is_better must be given for metric={metric!r}; known are "
            f"{', '.join(HIGHER_IS_BETTER)}. (On the command line, say with --better which values "
            f"of {metric} are the better ones.)"
        )
    return HIGHER_IS_BETTER[metric]
