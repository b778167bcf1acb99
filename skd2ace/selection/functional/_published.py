"""What the authors' published code of D2ACE computes where it departs from the equations."""

import torch
from torch import Tensor

from . import _weights as paper
from ._blocks import ScoreBlocks
from ._weights import Correlation, LabelWeight


class PublishedCode:
    """The departures from the equations; arguments are those of the equations' own functions."""

    @staticmethod
    def update_flip_rate(
        flip_rate: Tensor, before: Tensor, now: Tensor, smoothing: float
    ) -> Tensor:
        """Average the absolute changes of the probability (Eq. 4)."""
        before, now = before.to(flip_rate.dtype), now.to(flip_rate.dtype)
        change = (now - before).abs_().nan_to_num_(nan=0.0)
        return flip_rate * (1 - smoothing) + smoothing * change

    @staticmethod
    def hardness(losses: Tensor, flip_rate: Tensor) -> Tensor:
        """Put 2 - exp(-loss) in the place of the loss (Eq. 5)."""
        return (2 - torch.exp(-losses)) * (1 - flip_rate)

    @staticmethod
    def label_correlation(blocks: ScoreBlocks) -> Tensor:
        """Divide each row of cosines by its sum (Eq. 9)."""
        cosine = paper.label_correlation(blocks)
        totals = cosine.sum(1, keepdim=True)
        return cosine / torch.where(totals > 0, totals, 1)

    @staticmethod
    def instance_weights(
        blocks: ScoreBlocks,
        local: Tensor | None,
        *,
        label_weight: LabelWeight,
        correlation: Correlation,
    ) -> Tensor:
        """Spread M diag(v) by the transposed correlations, with v the label weights (Eq. 11)."""
        weights = paper.weigh_labels(blocks, label_weight)
        if correlation is None:
            return torch.cat([block.scores @ weights for block in blocks])
        cosine = PublishedCode.label_correlation(blocks).T
        return torch.cat(
            [
                block.scores @ weights
                + paper.spread_scores(
                    paper.mask_scores(block.scores, block.Y) * weights,
                    cosine,
                    local,
                    correlation,
                    block.rows,
                )
                for block in blocks
            ]
        )
