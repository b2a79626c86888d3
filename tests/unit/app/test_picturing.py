"""How frames are decoded, by settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calotype.app.picturing import decoding_of, isolation_of
from calotype.app.settings import Settings
from calotype.dicom.pixels.subject import decode_here
from calotype.errors import InvalidRequest


def decoding(**pixels):
    settings = replace(Settings(), pixels=replace(Settings().pixels, **pixels))
    isolation = isolation_of(settings)
    return decoding_of(settings, isolation), isolation


def test_by_default_only_what_is_damaged_and_asked_for_is_decoded_elsewhere():
    made, isolation = decoding()
    assert made.decode is decode_here
    assert made.forced.func == isolation.decode
    assert made.forced.keywords == {"is_forced": True}
    assert not made.is_always_forced


def test_everything_may_be_decoded_elsewhere():
    made, isolation = decoding(isolation="all", damaged="show")
    assert made.decode == isolation.decode
    assert made.is_always_forced


def test_nothing_may_be_decoded_elsewhere():
    made, _ = decoding(isolation="none")
    assert (made.decode, made.forced) == (decode_here, None)


def test_what_cannot_be_shown_is_not_promised():
    with pytest.raises(InvalidRequest, match="isolation"):
        decoding(isolation="none", damaged="show")
