"""A process group ends where a script destroys it."""

import subprocess
import sys

import pytest

# Of one process, which is enough to see who keeps the group.
SCRIPT = """
import weakref

import torch
import torch.distributed as dist

import skd2ace

dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
group = weakref.ref(dist.group.WORLD)
# The first imports much of torch, functions among it whose default is the group of now.
torch.optim.SGD([torch.zeros(1, requires_grad=True)])
dist.destroy_process_group()
assert group() is None
"""


@pytest.mark.slow
def test_nothing_keeps_a_group_that_is_destroyed():
    """Its threads would live on, and may abort the process when Python ends."""
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)
