"""Every syntax into every other, over every kind of pixels: exact, and nothing but what must changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calotype.dicom.pixels.plans import can_become, why_not
from calotype.dicom.reencode import UNCOMPRESSED
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import TRANSFER_SYNTAXES, transfer_syntax
from calotype.errors import Unsupported
from support.transcoding import PIXELS, converted, data_set, elements_of, frames_in

EXACT = tuple(uid for uid in TRANSFER_SYNTAXES if can_become(EXPLICIT, uid))


TOUCHED = {0x00280004, 0x00280006, 0x7FE00010}


@pytest.mark.parametrize("first", EXACT, ids=lambda uid: transfer_syntax(uid).keyword)
@pytest.mark.parametrize("pixels", PIXELS)
def test_every_pair_of_exact_syntaxes_keeps_every_value(pixels, first):
    description = replace(PIXELS[pixels], number_of_frames=3)
    data = data_set(description, 3)
    stored = frames_in(data, EXPLICIT)
    if reason := why_not(EXPLICIT, first, description):
        with pytest.raises(Unsupported, match="is not written of"):
            converted(data, EXPLICIT, first)
        assert reason
        return
    there = converted(data, EXPLICIT, first)
    assert_same(frames_in(there, first), stored)
    for second in (uid for uid in EXACT if uid != first and not why_not(EXPLICIT, uid, description)):
        onwards = converted(there, first, second)
        assert_same(frames_in(onwards, second), stored)
        if first not in UNCOMPRESSED and second == EXPLICIT:
            assert_untouched(onwards, data)
    if first not in UNCOMPRESSED:
        assert_untouched(there, data)


def assert_same(found, wanted):
    assert len(found) == len(wanted)
    for new, old in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(new, old)
        assert new.dtype == old.dtype


def assert_untouched(new, old):
    was, now = elements_of(old), elements_of(new)
    assert was.keys() == now.keys()
    assert {tag for tag in was if was[tag] != now[tag]} <= TOUCHED
