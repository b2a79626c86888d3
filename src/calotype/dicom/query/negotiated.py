"""What two sides agree on beyond the baseline of a question (PS3.4 C.5.1.1, SOP Class Extended Negotiation).

What each changes in how keys are read is in ``keys``; QIDO-RS says the same by parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What both sides agreed to beyond the baseline (PS3.4 C.5.1.1, SOP Class Extended Negotiation).

    In the order of the bytes on the wire (Table C.5-1). QIDO has the first two always and the others as parameters.
    """

    relational_queries: bool = False
    """Unique keys above the level may be left out."""
    date_time_matching: bool = False
    """A date and its time are one moment."""
    fuzzy_names: bool = False
    """A person name key is words that name parts begin with."""
    timezone_adjustment: bool = False
    """Dates and times are of the zone that the request names (``zones``)."""
    multi_frame_conversion: bool = False
    """Never agreed to: the archive keeps what it was given and converts nothing (PS3.4 C.3.5)."""
    empty_values: bool = False
    """``""`` asks for absent values."""
    multiple_values: bool = False
    """All values of a key must be there, not any."""

    @classmethod
    def from_bytes(cls, application_information: bytes) -> Negotiated:
        """Read Service-class-application-information, as it was agreed; bytes that are missing mean no."""
        return cls(*(byte == 1 for byte in application_information[: len(fields(cls))]))

    @property
    def names(self) -> tuple[str, ...]:
        """What was agreed to, by the names of the fields."""
        return tuple(f.name for f in fields(self) if getattr(self, f.name))

    def to_bytes(self) -> bytes:
        """Write Service-class-application-information."""
        return bytes(getattr(self, f.name) for f in fields(self))


BASELINE: Final = Negotiated()
USUAL: Final = Negotiated(empty_values=True)
"""What is meant where nothing is said: ``""`` is no value of anything, so it asks for absent ones, agreed or not."""

SUPPORTED: Final = Negotiated(
    relational_queries=True,
    date_time_matching=True,
    fuzzy_names=True,
    timezone_adjustment=True,
    empty_values=True,
    multiple_values=True,
)
"""What we agree to when a peer proposes it."""
