"""Yes and no in query parameters."""

from __future__ import annotations

import pytest

from calotype.dicom.query.switch import switch


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, True) for text in ("true", "True", "yes", "1", "", " ")),
        *((text, False) for text in ("false", "FALSE", "no", "0")),
        *((text, None) for text in ("2", "on", "y", "perhaps", "true,false")),
    ],
)
def test_yes_and_no_are_told_apart_and_from_all_else(text: str, *, value: bool | None) -> None:
    assert switch(text) is value
