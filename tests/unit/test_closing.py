"""What is closed or stopped when its block ends."""

from __future__ import annotations

import pytest

from calotype.closing import Closing, Stopping


class Door(Closing):
    """Counts how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        """Count."""
        self.closed += 1


class Wheel(Stopping):
    """Counts how often it was stopped."""

    def __init__(self) -> None:
        self.stopped = 0

    def stop(self) -> None:
        """Count."""
        self.stopped += 1


def test_a_block_is_given_the_thing_itself_and_closes_it_at_its_end() -> None:
    door = Door()
    with door as same:
        assert same is door
        assert door.closed == 0
    assert door.closed == 1


def test_a_block_stops_the_thing_at_its_end() -> None:
    wheel = Wheel()
    with wheel as same:
        assert same is wheel
        assert wheel.stopped == 0
    assert wheel.stopped == 1


def test_what_goes_wrong_in_the_block_is_told_after_the_end() -> None:
    door, wheel = Door(), Wheel()
    with pytest.raises(ValueError, match="stuck"), door, wheel:
        raise ValueError("stuck")
    assert (door.closed, wheel.stopped) == (1, 1)


def test_what_cannot_be_closed_is_not_made() -> None:
    class Wall(Closing):
        """Has no close of its own."""

    with pytest.raises(TypeError, match="close"):
        Wall()
