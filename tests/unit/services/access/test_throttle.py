"""Guessing is slowed down, and nobody else."""

from __future__ import annotations

import pytest

from calotype.services.access.throttle import MAX_KEYS, Patience, Throttle, Throttled, place_of


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throttle(clock):
    return Throttle(Patience(free=3, first_s=10, longest_s=40, forget_s=1000), clock)


def wait_of(throttle, key="zhang"):
    with pytest.raises(Throttled) as caught:
        throttle.begin(key)
    return caught.value.wait_s


def test_some_attempts_are_free_and_then_each_waits_twice_as_long(throttle, clock):
    for _ in range(3):
        throttle.begin("zhang")
    waits = []
    for _ in range(4):
        waits.append(wait_of(throttle) - 1)
        clock.now_s += waits[-1]
        throttle.begin("zhang")
    assert waits == [10, 20, 40, 40]


def test_an_attempt_that_comes_too_early_prolongs_nothing(throttle, clock):
    for _ in range(3):
        throttle.begin("zhang")
    for _ in range(10):
        wait_of(throttle)
    clock.now_s = 10
    throttle.begin("zhang")


def test_keys_are_counted_apart(throttle):
    for _ in range(3):
        throttle.begin("zhang")
    wait_of(throttle)
    throttle.begin("li")


def test_success_clears_and_time_forgets(throttle, clock):
    for _ in range(3):
        throttle.begin("zhang")
    throttle.clear("zhang")
    for _ in range(3):
        throttle.begin("zhang")
    clock.now_s = 1001
    for _ in range(3):
        throttle.begin("zhang")
    wait_of(throttle)


def test_what_was_no_attempt_is_taken_back(throttle):
    for _ in range(10):
        throttle.begin("zhang")
        throttle.take_back("zhang")
    throttle.take_back("nobody")


def test_many_keys_do_not_fill_the_memory_and_push_out_the_quietest(throttle):
    for _ in range(3):
        throttle.begin("zhang")
    for number in range(MAX_KEYS - 1):
        throttle.begin(str(number))
    wait_of(throttle)
    throttle.begin("one more")
    throttle.begin("zhang")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::1"),
        ("unknown", "elsewhere"),
        ("", "elsewhere"),
    ],
)
def test_one_place_has_one_key(address, place):
    assert place_of(address) == place
