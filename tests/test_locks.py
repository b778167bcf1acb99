"""A lock for what a process shares: re-entrant, exclusive between threads, free after a fork."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from skd2ace._locks import ForkSafeLock


def test_one_thread_at_a_time():
    lock, inside, end_of_turn = ForkSafeLock(), [], threading.Event()

    def work(number):
        with lock.hold():
            inside.append(number)
            end_of_turn.wait(0.001)
            inside.append(number)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(40)))
    assert inside[::2] == inside[1::2]


def test_the_thread_that_holds_it_may_take_it_again():
    lock = ForkSafeLock()
    with lock.hold(), lock.hold():
        pass


def test_it_is_released_after_an_error():
    lock = ForkSafeLock()

    def fail():
        with lock.hold():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    def take():
        with lock.hold():
            return True

    with ThreadPoolExecutor(1) as other:
        assert other.submit(take).result(60)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("holder", ["another thread", "this thread"])
def test_it_is_free_in_a_child(holder):
    """Also where the child leaves a block that its parent entered."""
    lock, taken, end = ForkSafeLock(), threading.Event(), threading.Event()

    def hold():
        with lock.hold():
            taken.set()
            end.wait(60)

    def fork():
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            with lock.hold():
                pass
        return child

    if holder == "another thread":
        thread = threading.Thread(target=hold)
        thread.start()
        taken.wait(60)
        child = fork()
    else:
        with lock.hold():
            child = fork()
    if child == 0:
        os._exit(0)
    end.set()
    assert os.waitpid(child, 0)[1] == 0
