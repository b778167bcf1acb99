"""What is read ahead comes in order, and no further than is allowed."""

import threading

import pytest

from skd2ace.training._read_ahead import read_ahead


def test_in_order_and_not_too_far():
    drawn = []

    def wanted():
        for i in range(10):
            drawn.append(i)
            yield i

    for n_read, (i, square) in enumerate(read_ahead(lambda i: i * i, wanted()), start=1):
        assert (i, square) == (n_read - 1, (n_read - 1) ** 2)
        assert len(drawn) == min(n_read + 2, 10)
    assert n_read == 10
    assert list(read_ahead(str, [])) == []


def test_the_next_is_read_while_the_last_is_used():
    second = threading.Event()
    reading = read_ahead(lambda i: second.set() if i else None, range(3))
    next(reading)
    assert second.wait(60)
    reading.close()


def test_an_error_comes_in_its_turn_and_leaves_no_thread():
    before = threading.active_count()
    reading = read_ahead(lambda i: 1 / (3 - i), range(10))
    assert [next(reading)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        next(reading)
    assert threading.active_count() == before
    abandoned = read_ahead(str, range(10))
    next(abandoned)
    abandoned.close()
    assert threading.active_count() == before
