"""Objects that are made ready while the one before them leaves."""

from __future__ import annotations

from calotype.closing import Closing
from calotype.services.archive.ahead import MADE_AHEAD, Queue


class Object(Closing):
    """An object that tells when it was made ready and when it was closed."""

    def __init__(self, number, said, *, is_being_made):
        self.number = number
        self.is_being_made = is_being_made
        self._said = said
        said.append(f"ready {number}")

    def close(self):
        self._said.append(f"closed {self.number}")


def objects(count, said, *, is_being_made=False):
    return (Object(number, said, is_being_made=is_being_made) for number in range(count))


def numbers(queue):
    while (turn := queue.next()) is not None:
        yield turn.number


def test_objects_come_in_their_order_and_then_no_more():
    with Queue(objects(3, [])) as queue:
        assert list(numbers(queue)) == [0, 1, 2]
        assert queue.next() is None


def test_nothing_is_made_ready_before_it_is_prepared_or_asked_for():
    said = []
    with Queue(objects(3, said)) as queue:
        assert said == []
        queue.prepare()
        queue.prepare()
        assert said == ["ready 0"]


def test_while_others_work_on_one_some_after_it_are_made_ready_too():
    said = []
    with Queue(objects(MADE_AHEAD + 3, said, is_being_made=True)) as queue:
        queue.prepare()
        assert said == [f"ready {number}" for number in range(MADE_AHEAD)]


def test_one_that_nobody_works_on_is_the_last_that_is_made_ready():
    said = []
    made = (Object(number, said, is_being_made=number < 2) for number in range(9))
    with Queue(made) as queue:
        queue.prepare()
        assert said == ["ready 0", "ready 1", "ready 2"]


def test_what_was_not_asked_for_is_closed():
    said = []
    with Queue(objects(3, said, is_being_made=True)) as queue:
        queue.next()
        said.clear()
    assert said == ["closed 1", "closed 2"]
