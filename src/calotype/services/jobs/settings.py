"""How jobs are run; ``app`` fills it from the settings file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobSettings:
    """How many at a time, how patient with what does not answer, and how long they are remembered."""

    workers: int = 4
    """Jobs that run at one time."""

    max_attempts: int = 10
    """A job that was begun so often without coming any further is given up."""

    retry_first_s: float = 10.0
    """Wait before the second attempt; each further one waits twice as long."""

    retry_max_s: float = 3600.0
    """No wait is longer."""

    keep_days: float = 30.0
    """Jobs that ended longer ago are removed; 0: never."""

    publish_s: float = 0.25
    """Watchers are told of progress at most so often."""

    save_s: float = 1.0
    """Progress and outcomes are written at most so often: what is done anew after a power cut."""

    look_s: float = 10.0
    """What another process has asked for (cancel, retry) is noticed after at most so long."""
