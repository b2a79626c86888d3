"""What two sides agree on beyond the baseline, byte by byte."""

from __future__ import annotations

import pytest

from calotype.dicom.query.negotiated import SUPPORTED, Negotiated


@pytest.mark.parametrize(
    ("information", "agreed"),
    [
        (b"", Negotiated()),
        (b"\1", Negotiated(relational_queries=True)),
        (b"\1\1\1\1\1\1\1", Negotiated(True, True, True, True, True, True, True)),
        (b"\0\1\2\xff\0\0\1\1", Negotiated(date_time_matching=True, multiple_values=True)),
    ],
)
def test_extended_negotiation_is_read_byte_by_byte(information: bytes, agreed: Negotiated) -> None:
    assert Negotiated.from_bytes(information) == agreed
    assert Negotiated.from_bytes(agreed.to_bytes()) == agreed


def test_all_is_agreed_to_but_converting_images() -> None:
    assert SUPPORTED.to_bytes() == b"\1\1\1\1\0\1\1"
