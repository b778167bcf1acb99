"""Drawing mini-batches from sampling probabilities, all batches of an epoch at once."""

import torch
from torch import Generator, Tensor

# Draws at a time, of two for each instance in an epoch.
_N_DRAWS = 2**17
# And of those in which repeats are looked for at a time: for each ten numbers exist. Fewer than are
# drawn, since on a GPU each part that is drawn has random numbers of its own.
_N_COMPARED = 2**14


def draw_with_replacement(
    probabilities: Tensor, n_batches: int, batch_size: int, generator: Generator
) -> Tensor:
    """Independent draws: indices of shape (n_batches, batch_size)."""
    return _draw(probabilities.cumsum(0), n_batches, batch_size, generator)


def _draw(cumulative: Tensor, n_batches: int, batch_size: int, generator: Generator) -> Tensor:
    uniform = torch.rand(
        n_batches,
        batch_size,
        dtype=cumulative.dtype,
        device=cumulative.device,
        generator=generator,
    )
    drawn = torch.searchsorted(cumulative, uniform.mul_(cumulative[-1]), right=True)
    return drawn.clamp_(max=len(cumulative) - 1)


def draw_without_replacement(
    probabilities: Tensor, n_batches: int, batch_size: int, generator: Generator
) -> Tensor:
    """Draw batches of distinct instances, each in the order it was drawn.

    Successive sampling, the law of ``Generator.choice(n, batch_size, replace=False, p=p)``: an
    instance that is already in the batch is passed over and the next one drawn. Draws with
    replacement from which repeats are dropped follow that law, and cost a binary search each
    where an exponential race costs a pass over all instances; the few batches that are still
    short after twice as many draws are completed by a race among the rest.

    Returns
    -------
    Tensor of shape (n_batches, batch_size)
    """
    cumulative = probabilities.cumsum(0)
    batches = torch.empty(n_batches, batch_size, dtype=torch.int64, device=cumulative.device)
    n_distinct = batches.new_empty(n_batches)
    step, n_compared = (max(n // (2 * batch_size), 1) for n in (_N_DRAWS, _N_COMPARED))
    # On a CPU parts, one after the other, have the random numbers of the whole.
    for part, count in zip(batches.split(step), n_distinct.split(step), strict=True):
        drawn = _draw(cumulative, len(part), 2 * batch_size, generator)
        pieces = (whole.split(n_compared) for whole in (drawn, part, count))
        for piece, kept, n_kept in zip(*pieces, strict=True):
            distinct_first, n = _drop_repeats(piece)
            kept.copy_(distinct_first[:, :batch_size])
            n_kept.copy_(n)
    short = n_distinct < batch_size
    if short.any():
        batches[short] = _complete(batches[short], n_distinct[short], probabilities, generator)
    return batches


def _drop_repeats(drawn: Tensor) -> tuple[Tensor, Tensor]:
    """Move repeated entries of each row to its end; say how many others there are."""
    values, order = drawn.sort(dim=1, stable=True)
    repeated = torch.zeros_like(values, dtype=torch.bool)
    repeated[:, 1:] = values[:, 1:] == values[:, :-1]
    n_drawn = drawn.shape[1]
    places = (order + n_drawn * repeated).sort(dim=1).values
    return drawn.gather(1, places % n_drawn), n_drawn - repeated.sum(1)


def _complete(
    batches: Tensor, n_distinct: Tensor, probabilities: Tensor, generator: Generator
) -> Tensor:
    """Fill the places from ``n_distinct`` on by successive sampling among the instances left."""
    n_batches, batch_size = batches.shape
    kept = torch.arange(batch_size, device=batches.device) < n_distinct[:, None]
    arrival = arrival_times(probabilities, n_batches, generator)
    # Those already in the batch arrived before all others, in the order of their places (repeats
    # beyond n_distinct are instances kept elsewhere).
    places = torch.arange(batch_size, device=batches.device, dtype=arrival.dtype) - batch_size
    arrived = torch.where(kept, places, torch.inf).expand_as(batches)
    arrival.scatter_reduce_(1, batches, arrived, "amin")
    return _first(arrival, batch_size)


def draw_batch(probabilities: Tensor, batch_size: int, generator: Generator) -> Tensor:
    """Draw one batch of distinct instances by a race: no number is read from the device."""
    return _first(arrival_times(probabilities, 1, generator), batch_size)[0]


def arrival_times(probabilities: Tensor, n_races: int, generator: Generator) -> Tensor:
    """Exponential arrival times of rate p, of shape (n_races, n).

    Whoever arrives first among any instances is one of them drawn with its share of their
    probability; and after that arrival the waiting times of the others are exponential anew.
    """
    race = torch.rand(
        n_races,
        len(probabilities),
        dtype=probabilities.dtype,
        device=probabilities.device,
        generator=generator,
    )
    return race.log_().neg_().div_(probabilities)


def _first(arrival: Tensor, batch_size: int) -> Tensor:
    return arrival.topk(batch_size, dim=1, largest=False, sorted=True).indices
