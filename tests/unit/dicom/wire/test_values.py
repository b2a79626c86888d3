"""Text in protocol fields: kept readable, never fatal."""

from __future__ import annotations

import pytest

from calotype.dicom.wire.values import decode_text, decode_uid, encode_ae_title, encode_text
from calotype.errors import InvalidRequest


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b" AE  ", "AE"),
        (b"AE\0", "AE"),
        (b"AE\0 rest of another name", "AE"),
        (b"\0AE", ""),
        (b"A\x1b[2JB", "A?[2JB"),
        (b"A\r\nB", "A??B"),
        (b"M\xfcller", "M\xfcller"),
        (b"\xa0\x85", ""),
    ],
)
def test_text_is_read_without_padding_and_control_characters(raw, text):
    assert decode_text(raw) == text


def test_uid_is_read_without_padding():
    assert [decode_uid(raw) for raw in (b"1.2\0", b"1.2 ", b"1.2", b"")] == ["1.2", "1.2", "1.2", ""]


def test_ae_title_is_padded():
    assert encode_ae_title("AE") == b"AE              "


def test_text_outside_the_repertoire_is_not_sent():
    with pytest.raises(InvalidRequest, match="'\u5317\u4eac' cannot be sent"):
        encode_text("\u5317\u4eac")
