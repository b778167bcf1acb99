"""Which members of an ensemble do not see a row."""

import torch
from torch import Tensor, nn

# Odd multipliers of Stafford's variant 13 of the splitmix64 finaliser, as signed integers.
_FACTORS = (0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64)
_SHIFTS = (30, 27, 31)
_STEP = 0x9E3779B97F4A7C15 - 2**64


class Blindness(nn.Module):
    """Deal rows to members that do not see them, by nothing but the rows' positions.

    Members are taken in groups of ``n_parts``, and each group has a partition of the rows of its
    own: one member of the group is blind to each part. A row of position i belongs to the part
    that a hash of i, the group and a seed says. No table of rows is kept: checkpoints stay small,
    and training that goes on deals alike.

    Parameters
    ----------
    n_members : int
    n_parts : int
        Where it does not divide ``n_members``, the last group lacks members, and some rows have a
        blind member less.
    """

    seed: Tensor

    def __init__(self, n_members: int, n_parts: int) -> None:
        super().__init__()
        self.n_members = n_members
        self.n_parts = n_parts
        # With the state: a training that goes on must deal as it did.
        self.register_buffer("seed", torch.randint(2**62, ()))

    def forward(self, index: Tensor) -> Tensor:
        """Tell who is blind.

        Parameters
        ----------
        index : Tensor of shape (b,), int64

        Returns
        -------
        Tensor of shape (b, n_members), bool
        """
        n_groups = -(-self.n_members // self.n_parts)
        groups = torch.arange(n_groups, device=index.device)
        part = _hash(_hash(self.seed + groups) + index[:, None]) % self.n_parts
        member = torch.arange(self.n_parts, device=index.device)
        return (part[:, :, None] == member).flatten(1)[:, : self.n_members]


def _hash(values: Tensor) -> Tensor:
    """Scatter integers over all of 64 bits (splitmix64; Steele et al. 2014)."""
    mixed = values * _STEP
    for shift, factor in zip(_SHIFTS, (*_FACTORS, 1), strict=True):
        # Torch's shift keeps the sign; the shifted-in bits are to be 0.
        high = (mixed >> shift) & (2 ** (64 - shift) - 1)
        mixed = (mixed ^ high) * factor
    return mixed
