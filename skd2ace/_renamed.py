"""Names that version 0.2 changed: the old ones work for one version more, with a warning."""

import warnings


def warn_of_old_name(old: str, new: str, *, stacklevel: int = 2) -> None:
    """Tell whoever uses an old name what it is called now.

    Parameters
    ----------
    old, new : str
        As the user writes them.
    stacklevel : int, default=2
        As in ``warnings.warn``, counted from the function that calls this one.
    """
    warnings.warn(
        f"{old} is called {new} since version 0.2; the old name goes with version 0.3.",
        FutureWarning,
        stacklevel=stacklevel + 1,
    )
