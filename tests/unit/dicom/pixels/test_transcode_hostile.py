"""Mutants of data sets: they are converted or refused in our own words, whatever they hold."""

import random

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.pixels.transcode import Offsets, convert
from calotype.dicom.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN as DEFLATED
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN as BIG_ENDIAN
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN as IMPLICIT
from calotype.dicom.uids import JPEG_2000_LOSSLESS, JPEG_LOSSLESS_SV1, JPEG_LS_LOSSLESS, RLE_LOSSLESS
from calotype.errors import CalotypeError
from support.transcoding import PIXELS, converted, data_set

NEAR_LOSSLESS = UID("1.2.840.10008.1.2.4.81")
STORED = (EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED, RLE_LOSSLESS, JPEG_LOSSLESS_SV1)
TARGETS = (*STORED, JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS, NEAR_LOSSLESS)
MUTANTS = 400


def mutant(data, chance):
    """Change, cut or add some bytes."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 2, 5))):
        at, kind = chance.randrange(len(made)), chance.random()
        if kind < 0.6:
            made[at] = chance.randrange(256)
        elif kind < 0.8:
            del made[at : at + chance.randrange(1, 30)]
        else:
            made[at:at] = chance.randbytes(chance.randrange(1, 12))
    return bytes(made)


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("pixels", ["8 bits, odd", "12 bits", "RGB by plane", "YBR_FULL_422"])
def test_mutants_are_converted_or_refused(pixels, stored):
    whole = data_set(PIXELS[pixels], 2)
    data = whole if stored == EXPLICIT else converted(whole, EXPLICIT, stored)
    chance = random.Random(f"{pixels} {stored}")
    outcomes = {"converted": 0, "refused": 0}
    for _ in range(MUTANTS):
        to = chance.choice([each for each in TARGETS if each != stored])
        lossy = EncodeOptions() if to == NEAR_LOSSLESS else None
        try:
            with convert(mutant(data, chance), stored, to, lossy=lossy, offsets=chance.choice(list(Offsets))) as new:
                assert all(new.chunks())
            outcomes["converted"] += 1
        except CalotypeError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 0, outcomes
