"""The method that the others are compared with."""

from typing import Any, NamedTuple

from skd2ace._results import find_setting


class Reference(NamedTuple):
    """A method, and a sentence on why it is the one where that was not said; or no words."""

    method: Any
    reason: str


def list_others(methods: Any, reference: Any) -> list[Any]:
    """List the other methods.

    Raises
    ------
    ValueError
        If the reference is none of the methods, or the only one.
    """
    if reference not in list(methods):
        known = ", ".join(map(str, methods))
        raise ValueError(f"reference must be one of {known}; got {reference!r}.")
    others = [method for method in methods if method != reference]
    if not others:
        raise ValueError(f"There is no method to compare with reference={reference!r}.")
    return others


def find_reference(name: str, results: Any, metric: str) -> Reference:
    """Find the method that a name stands for, of several settings the one to go by.

    Raises
    ------
    ValueError
        If it is none of the methods.
    """
    method = find_setting(name, results, metric)
    methods = results["method"].unique()
    if list(methods) != [method]:
        list_others(methods, method)
    if method == name:
        return Reference(method, "")
    return Reference(
        method,
        f"{name} was run with several settings and stands here for {method}, the one with the most "
        "runs, of as many the newest.",
    )


def choose_reference(average_ranks: Any, n_runs: Any) -> Reference:
    """Choose the method of the best average rank; where nothing is ranked, of the most runs."""
    score = -n_runs if average_ranks is None else average_ranks
    reason = "most runs (nothing can be ranked)"
    if average_ranks is not None:
        reason = (
            "best average rank. Being chosen by these very results, it looks better here than it is"
        )
    chosen = min(score.index, key=lambda method: (score[method], str(method)))
    return Reference(chosen, f"No reference was given: {chosen} is the method of the {reason}.")
