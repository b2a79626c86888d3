"""Rounds: one at once, one for each piece of news, and no error that ends them."""

import logging
import queue

import pytest

from calotype.errors import Unavailable
from calotype.services.archive.rounds import Rounds

WAIT_S = 30
FOR_EVER_S = 1e6


@pytest.fixture
def begin():
    """Start rounds that take what they do from a queue: what an entry returns or raises, they do."""
    begun = []

    def begin(*steps, retry_s=FOR_EVER_S):
        left, made = list(steps), queue.Queue()

        def work():
            step = left.pop(0) if left else FOR_EVER_S
            made.put(step)
            if isinstance(step, Exception):
                raise step
            return step

        rounds = Rounds(work, name="test", what="the test", retry_s=retry_s)
        begun.append(rounds)
        rounds.start()
        return rounds, made

    yield begin
    for rounds in begun:
        rounds.stop(WAIT_S)


def test_a_round_comes_at_once_and_when_it_is_due(begin):
    _, made = begin(0.0, FOR_EVER_S)
    assert [made.get(timeout=WAIT_S) for _ in range(2)] == [0.0, FOR_EVER_S]


def test_news_bring_a_round(begin):
    rounds, made = begin(1e5, 2e5)
    assert made.get(timeout=WAIT_S) == 1e5
    rounds.wake()
    assert made.get(timeout=WAIT_S) == 2e5


@pytest.mark.parametrize("error", [Unavailable("the index is closed"), ZeroDivisionError("ours")])
def test_what_goes_wrong_is_logged_and_tried_again(begin, caplog, error):
    with caplog.at_level(logging.WARNING):
        _, made = begin(error, retry_s=0.0)
        assert [made.get(timeout=WAIT_S) for _ in range(2)] == [error, FOR_EVER_S]
    [record] = caplog.records
    assert record.getMessage().startswith("the test waits: ")


def test_a_mistake_while_stopping_ends_quietly(caplog):
    made = queue.Queue()

    def work():
        made.put(None)
        while not rounds.is_stopping:
            release.get(timeout=WAIT_S)
        raise ZeroDivisionError

    release = queue.Queue()
    rounds = Rounds(work, name="test", what="the test")
    rounds.start()
    made.get(timeout=WAIT_S)
    rounds.stop(0)
    release.put(None)
    rounds.stop(WAIT_S)
    assert rounds.is_stopping
    assert not caplog.records


def test_stopping_ends_the_wait_and_may_be_done_twice(begin):
    rounds, made = begin(FOR_EVER_S)
    made.get(timeout=WAIT_S)
    rounds.stop(WAIT_S)
    rounds.stop(WAIT_S)
    rounds.wake()
    assert made.empty()


def test_rounds_begin_again_after_they_were_stopped(begin):
    rounds, made = begin(1e5, 2e5)
    made.get(timeout=WAIT_S)
    rounds.stop(WAIT_S)
    rounds.start()
    assert made.get(timeout=WAIT_S) == 2e5
