"""The processes that train together, as torch.distributed knows them."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch.distributed as dist

if dist.is_available():
    # The first optimizer imports it too, and after init_process_group its defaults hold the group.
    # Then destroy_process_group ends no thread of gloo's, and one that still lets go of a tensor
    # when Python ends aborts the process.
    import torch.distributed.nn.functional  # noqa: F401

T = TypeVar("T")


def world() -> tuple[int, int]:
    """Count the processes that train together, and say which this is."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_world_size(), dist.get_rank()
    return 1, 0


def is_first() -> bool:
    """Whether this is the process that writes and prints, the only one or the first of many."""
    return world()[1] == 0


def gather(value: Any) -> list[Any]:
    """Bring a value that can be pickled from each process to all."""
    values: list[Any] = [None] * world()[0]
    dist.all_gather_object(values, value)
    return values


def from_first(make: Callable[[], T]) -> T:
    """Have the first process make something, and give it to all; or raise in all what it raised."""
    n_processes, rank = world()
    if n_processes == 1:
        return make()
    told: list[Any] = [None, None]
    if rank == 0:
        try:
            told[0] = make()
        except Exception as error:
            told[1] = error
    dist.broadcast_object_list(told, src=0)
    made, raised = told
    if raised is not None:
        raise raised
    return made
