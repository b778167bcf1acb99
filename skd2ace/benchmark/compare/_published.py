"""Numbers of the papers, to stand beside one's own."""

from importlib.resources import files
from typing import Any

import pandas as pd

_TABLES = {
    "d2ace-3": ("D2ACE", 3),
    "d2ace-4": ("D2ACE", 4),
    "d2ace-5": ("D2ACE", 5),
    "hard-imb-2": ("Hard-Imb", 2),
}


def published(table: str | None = None) -> Any:
    """Published results of batch selection methods, one number a row.

    Parameters
    ----------
    table : {"d2ace-3", "d2ace-4", "d2ace-5", "hard-imb-2"}, optional
        Table to return; all of them by default.

    Returns
    -------
    DataFrame
        Columns ``source`` and ``table``; ``network``; ``dataset``, empty where a number is of
        all sets; ``method``; ``metric``, named as in :mod:`skd2ace.metrics`; ``statistic``,
        "mean" over five folds, of images over five seeds on the sets' own test parts, or
        "average_rank" over thirteen sets; ``value``; and ``p_below``,
        the level, 0.01 or 0.05, at which the paper marks D2ACE as significantly better, NaN
        where it gives no mark.

    Raises
    ------
    ValueError
        If there is no such table.

    Notes
    -----
    Datasets are named alike in both papers here: rcv1subset1 is printed as rcvsubest1 in the
    D2ACE paper, yahoo-Arts and yahoo-Business with a 1 at the end in both; voc2007 and coco2014
    are its VOC2007 and MS-COCO. The method that the
    Hard-Imb paper calls adaptive is ``Hard-Imb``.

    The numbers were read from the papers by machine. A row of Hard-Imb's Table 2 is in only
    where its dataset and all its twelve numbers were read without fault. So missing are Corel5k
    (MPVAE, CLIF), rcv1subset1 (MPVAE, PACA, DELA), rcv1subset2 (MPVAE, DELA), rcv1subset3
    (MPVAE, DELA), yahoo-Arts (MPVAE, PACA, DELA), yahoo-Business (PACA, DELA), and cal500,
    tmc2007, bibtex and yeast (PACA). Tables 3 to 5 of the D2ACE paper are whole. Ranks in them
    give equal numbers the best rank that they share.

    References
    ----------
    .. [1] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and
       Adaptive Correlation Enhancement. IJCAI-ECAI. Tables 3 to 5.
    .. [2] Zhou et al. (2024). Multi-Label Adaptive Batch Selection by Highlighting Hard and
       Imbalanced Samples. ECML PKDD. Table 2.

    Examples
    --------
    >>> rows = published("d2ace-4").query("dataset == 'yeast' and metric == 'macro_auc'")
    >>> rows.set_index("method")["value"].nlargest(2).to_dict()
    {'D2ACE': 0.7305, 'ML-Unc': 0.7242}
    """
    if table is not None and table not in _TABLES:
        raise ValueError(f"table must be one of {', '.join(_TABLES)}; got {table!r}.")
    with files(__package__).joinpath("published.csv").open(encoding="utf-8") as file:
        # Only numbers may be missing: an empty dataset is a name.
        numbers = pd.read_csv(file, keep_default_na=False, na_values={"p_below": [""]})
    if table is None:
        return numbers
    source, number = _TABLES[table]
    chosen = (numbers["source"] == source) & (numbers["table"] == number)
    return numbers[chosen].reset_index(drop=True)
