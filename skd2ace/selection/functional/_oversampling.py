"""How often instances of rare labels are shown: repeat factors and ML-ROS."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skd2ace._labels import imbalance_ratios, mean_imbalance_ratio

from ._known import keep_known


def repeat_factors(Y: Tensor, threshold: float, known: Tensor | None = None) -> Tensor:
    """How often each instance is shown for the sake of its rarest label (Gupta et al. [1]_).

    The largest of max(1, sqrt(threshold / f_j)) over the labels j that the instance carries, with
    f_j the share of instances that do.

    Parameters
    ----------
    Y : Tensor of shape (n, q)
        0/1 in any dtype.
    threshold : float
        In (0, 1].
    known : Tensor of shape (n, q), bool, optional
        f_j is the share among the instances of which label j is known.

    Returns
    -------
    Tensor of shape (n,), float64
        At least 1, which it is without labels.

    References
    ----------
    .. [1] Gupta et al. (2019). LVIS: A Dataset for Large Vocabulary Instance Segmentation. CVPR.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import repeat_factors
    >>> repeat_factors(torch.tensor([[1, 1], [1, 0], [1, 0], [1, 0]]), threshold=0.5)
    tensor([1.4142, 1.0000, 1.0000, 1.0000], dtype=torch.float64)
    """
    relevant = keep_known(Y, known).to(torch.float64)
    n_known = len(Y) if known is None else known.sum(0)
    # A label that nobody carries has no instance to repeat.
    positives = relevant.sum(0)
    ratio = threshold * n_known / torch.where(positives > 0, positives, torch.inf)
    of_label = ratio.sqrt().clamp(min=1)
    return (relevant * of_label).amax(1).clamp(min=1)


def copy_minorities(Y: Tensor, n_copies: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """How often each instance is there after ML-ROS has made its copies (Charte et al. [1]_).

    In turn for each label with IRLbl above MeanIR, a random instance that carries it is copied. A
    label whose IRLbl, copies counted, is no longer above that MeanIR is done with.

    Parameters
    ----------
    Y : Tensor of shape (n, q)
        0/1 in any dtype; 0 where it is not known.
    n_copies : int
        Copies to make at most: fewer where no such label is left.
    rng : Generator of numpy's

    Returns
    -------
    ndarray of shape (n,), int64
        1 without copies.

    References
    ----------
    .. [1] Charte et al. (2015). Addressing imbalance in multilabel classification: measures and
       random resampling algorithms. Neurocomputing 163.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from skd2ace.selection.functional import copy_minorities
    >>> Y = torch.tensor([[1, 0], [1, 0], [1, 0], [0, 1]])
    >>> copy_minorities(Y, 2, np.random.default_rng(0))  # IRLbl 1 and 3, MeanIR 2.
    array([1, 1, 1, 2])
    """
    ratios = imbalance_ratios(Y)
    limit = float(mean_imbalance_ratio(ratios))
    relevant = Y.cpu().numpy().astype(bool)
    counts = relevant.sum(axis=0)
    minorities = [j for j, ratio in enumerate(ratios.tolist()) if limit < ratio < float("inf")]
    bags = {j: np.flatnonzero(relevant[:, j]) for j in minorities}
    copies = np.ones(len(relevant), dtype=np.int64)
    n_left = n_copies
    while n_left > 0 and bags:
        for j in list(bags)[:n_left]:
            chosen = rng.choice(bags[j])
            copies[chosen] += 1
            n_left -= 1
            counts += relevant[chosen]
            if counts.max() / counts[j] <= limit:
                del bags[j]
    return copies
