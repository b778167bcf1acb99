"""One training in several processes: each steps on its share of every batch, and all know all.

Gradients are added up by hand, in one message a step together with losses and predictions, and not
by DistributedDataParallel: that sees calls of a module's ``forward`` only, and networks here have
losses of their own. Skorch's AccelerateMixin builds upon it, deals batches out by a DataLoader,
where here a selector chooses them, and scores each process's rows for themselves.
"""

import hashlib
from typing import Any

from torch import Tensor, nn

from skd2ace._devices import full_device
from skd2ace._processes import gather, world
from skd2ace._seeding import derive_seed, seed_generators
from skd2ace.networks import LossOutput

from ._batches import Batch, BatchIterator
from ._checkpointing import fingerprint
from ._shares import add_up, copy_first
from ._state import components, drawn_seeds


def begin_sharing(net: Any, X: Any, y: Any) -> None:
    """Have all processes begin a training with the weights of the first.

    Raises
    ------
    ValueError
        If data, settings or seeds are not the same in all.
    """
    if world()[0] > 1:
        seeds = {name: str(seed) for name, seed in drawn_seeds(net).items()}
        _check_same({**fingerprint(net, X, y), **seeds})
        copy_first_weights(net)


def share_epoch(net: Any, iterator: Any, *, training: bool) -> None:
    """Have an iterator serve shares, of batches that are the same in all processes.

    Raises
    ------
    TypeError
        If it is that of the training and serves none.
    ValueError
        If the processes are not at the same epoch, or draw from different probabilities.
    """
    n_processes, rank = world()
    if isinstance(iterator, BatchIterator):
        iterator.is_shared = n_processes > 1
    elif n_processes > 1 and training:
        raise TypeError(
            f"iterator_train gave a {type(iterator).__name__}, whose batches {n_processes} "
            "processes cannot share: SelectedBatches can."
        )
    if n_processes > 1 and training:
        epoch = len(net.history)
        _check_same({"epoch": str(epoch), "what is drawn": _show_drawing(net, epoch - 1)})
        if rank > 0:
            # Noise of its own. The first goes on with its own generators, also from a checkpoint.
            seed = derive_seed(derive_seed(net.torch_seed_, rank), epoch)
            seed_generators(full_device(net.device), seed)


def end_training_epoch(net: Any) -> None:
    """Give all processes the buffers of the first: running means are those of the rows it saw."""
    if world()[0] > 1:
        copy_first(buffer for module in _modules(net) for buffer in module.buffers())


def end_sharing(net: Any) -> None:
    """Find all processes at the end of the training.

    Raises
    ------
    ValueError
        If one of them goes on.
    """
    if world()[0] > 1:
        _check_same({"epoch": f"none after {len(net.history)}"})


def copy_first_weights(net: Any) -> None:
    """Give all processes the parameters and buffers of the first."""
    if world()[0] > 1:
        for module in _modules(net):
            copy_first([*module.parameters(), *module.buffers()])


def own_rows(batch: Any) -> Any:
    """Give the rows of a batch that this process trains on."""
    share = getattr(batch, "share", None)
    if share is None:
        return batch
    (X, Y), rows = batch, share.rows
    weights, of_instances = (
        None if values is None else values[rows]
        for values in (batch.weights, batch.instance_weights)
    )
    return Batch(X, Y[rows], batch.instances[rows], weights, batch.epoch, of_instances)


def step_back(net: Any, out: LossOutput, batch: Any) -> LossOutput:
    """Pass backward, and give the outcome, detached: as of the whole batch, gradients too.

    The loss of a batch is the mean of its shares' losses, weighted by how many rows they have.
    """
    share = getattr(batch, "share", None)
    weight = 1.0 if share is None else share.weight
    (out.loss if share is None else weight * out.loss).backward()
    logits, losses = out.logits.detach(), out.label_losses.detach()
    if share is None:
        terms = {name: term.detach() for name, term in out.terms.items()}
        return LossOutput(out.loss.detach(), logits, losses, terms)
    n_rows = len(batch.instances)
    logits, losses = share.spread(logits, n_rows), share.spread(losses, n_rows)
    loss = weight * out.loss.detach()
    terms = {name: weight * term.detach() for name, term in out.terms.items()}
    gradients = [p.grad for _, p in net.get_all_learnable_params() if p.grad is not None]
    add_up([*gradients, loss, *terms.values(), logits, losses])
    return LossOutput(loss, logits, losses, terms)


def join_rows(values: Tensor, batch: Any) -> Tensor:
    """Bring what processes found of their rows of a batch together, in all of them."""
    share = getattr(batch, "share", None)
    if share is None:
        return values
    whole: Tensor = share.spread(values, len(batch.instances))
    add_up([whole])
    return whole


def _modules(net: Any) -> list[nn.Module]:
    return [part for part in components(net).values() if isinstance(part, nn.Module)]


def _show_drawing(net: Any, epoch: int) -> str:
    """Show what an epoch's batches are drawn from."""
    selector = getattr(net, "batch_selector_", None)
    if selector is None:
        return "nothing"
    selector.count_batches(epoch)
    drawn_from = selector.probabilities_
    if drawn_from is None:
        drawn_from = selector.order_
    return hashlib.sha256(drawn_from.cpu().numpy().tobytes()).hexdigest()[:16]


def _check_same(here: dict[str, str]) -> None:
    """Raise a ValueError in all processes unless all give the same."""
    first, *others = gather(here)
    for rank, there in enumerate(others, start=1):
        for name in sorted(first.keys() | there.keys()):
            if first.get(name) != there.get(name):
                raise ValueError(
                    f"The processes of this training differ in {name}: {first.get(name)} in "
                    f"process 0, {there.get(name)} in process {rank}. All must call fit, as "
                    "often, with the same data and settings, and stop at the same epoch."
                )
