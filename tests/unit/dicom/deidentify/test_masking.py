"""Pictures with text burned in: the declared parts are blackened, in every syntax, and the rest stays as it is."""

import numpy as np
import pytest
from pydicom.dataelem import DataElement

from calotype.dicom.deidentify.deidentify import Policy
from calotype.dicom.deidentify.masking import covered
from calotype.dicom.deidentify.suspects import Rectangle, Regions
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.codecs import can_encode
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.options import DEFAULT_OPTIONS
from calotype.dicom.pixels.transcode import transcode
from calotype.errors import InvalidRequest, Refused
from support.identities import ct, data_set, deidentified, read

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
TOP = Regions((Rectangle.parsed("0,0,16,3"),), modality="US", manufacturer="acme imaging", rows=16, columns=16)
DECLARED = Policy(regions=(TOP,))


def picture(frames=1, **attributes):
    pixels = np.arange(1, 1 + frames * 256, dtype=np.uint16).reshape(frames, 16, 16) % 4096
    made = ct(SOPClassUID=ULTRASOUND, Modality="US", Rows=16, Columns=16, NumberOfFrames=str(frames))
    made.PixelData = pixels.tobytes()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    made["PixelData"].VR = "OW"
    return made, pixels


SIXTEEN_BITS = PixelDescription(16, 16, 1, 16, 12, 11)
WRITTEN = [
    EXPLICIT,
    IMPLICIT,
    *(
        uid
        for uid in (
            "1.2.840.10008.1.2.5",
            "1.2.840.10008.1.2.4.70",
            "1.2.840.10008.1.2.4.80",
            "1.2.840.10008.1.2.4.90",
            "1.2.840.10008.1.2.4.201",
        )
        # Some cannot be written with the libraries of older Pythons.
        if can_encode(UID(uid), SIXTEEN_BITS)
    ),
]


@pytest.mark.parametrize("syntax", WRITTEN)
def test_declared_regions_are_blackened_and_nothing_else(syntax):
    made, pixels = picture(frames=3)
    data = data_set(made, syntax=syntax if syntax == IMPLICIT else EXPLICIT)
    if syntax not in {EXPLICIT, IMPLICIT}:
        with transcode(data, UID(EXPLICIT), UID(syntax)) as new:
            data = b"".join(new.chunks())
    out, now = deidentified(data, syntax=syntax, policy=DECLARED)
    assert now == syntax
    found = read(out, now)
    if syntax in {EXPLICIT, IMPLICIT}:
        shown = np.frombuffer(found.PixelData, np.uint16).reshape(3, 16, 16)
    else:
        with transcode(out, now, UID(EXPLICIT)) as plain:
            shown = np.frombuffer(read(b"".join(plain.chunks())).PixelData, np.uint16).reshape(3, 16, 16)
    assert not shown[:, :3].any()
    assert np.array_equal(shown[:, 3:], pixels[:, 3:])
    assert found.BurnedInAnnotation == "NO"


def test_lossy_pictures_leave_uncompressed():
    made, _ = picture()
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.PixelData = bytes(range(256))
    made["PixelData"].VR = "OB"
    with transcode(data_set(made), UID(EXPLICIT), UID("1.2.840.10008.1.2.4.50"), lossy=DEFAULT_OPTIONS) as new:
        data = b"".join(new.chunks())
    out, now = deidentified(data, syntax="1.2.840.10008.1.2.4.50", policy=DECLARED)
    found = read(out, now)
    assert now == EXPLICIT
    assert found.LossyImageCompression == "01"
    assert found.PixelData[:48] == bytes(48)


def test_kind_without_text_is_declared_by_no_areas():
    made, pixels = picture()
    out, _ = deidentified(data_set(made), policy=Policy(regions=(Regions((), modality="US"),)))
    found = read(out)
    assert found.PixelData == pixels.tobytes()
    assert found.BurnedInAnnotation == "NO"


def test_other_kinds_are_refused():
    made, _ = picture(Manufacturer="OTHER")
    with pytest.raises(Refused, match="no regions are declared"):
        deidentified(data_set(made), policy=DECLARED)
    made, _ = picture(Manufacturer="ACME Imaging", Rows=8, NumberOfFrames="2")
    with pytest.raises(Refused):
        deidentified(data_set(made), policy=DECLARED)


def test_overlay_in_unused_bits_is_taken_out():
    made = ct()
    cells = np.frombuffer(made.PixelData, np.uint16) % 4096
    made.PixelData = (cells | 1 << 15).astype(np.uint16).tobytes()
    for low, vr, value in ((0x10, "US", 4), (0x11, "US", 4), (0x100, "US", 16), (0x102, "US", 15)):
        made.add(DataElement(0x60000000 | low, vr, value))
    found = read(*deidentified(data_set(made)))
    assert found.PixelData == cells.tobytes()
    assert not [each for each in found if each.tag.group == 0x6000]


@pytest.mark.parametrize(
    ("photometric", "signed", "samples", "black"),
    [
        ("MONOCHROME2", False, 1, 0),
        ("MONOCHROME1", False, 1, 4095),
        ("MONOCHROME2", True, 1, -2048),
        ("MONOCHROME1", True, 1, 2047),
        ("PALETTE COLOR", False, 1, 0),
        ("RGB", False, 3, [0, 0, 0]),
        ("YBR_FULL", False, 3, [0, 128, 128]),
    ],
)
def test_black_is_black_in_every_colour_space(photometric, signed, samples, black):
    description = PixelDescription(
        4, 4, samples, 16, 12, 11, is_signed=signed, photometric_interpretation=photometric
    )
    values = np.full((4, 4) if samples == 1 else (4, 4, 3), 77, np.int16 if signed else np.uint16)
    shown = covered(values, description, (Rectangle(2, 1, 99, 1),))
    assert shown[1, 2].tolist() == shown[1, 3].tolist() == black
    assert (shown != values).any(axis=-1).sum() == (2 if samples == 3 else 1)
    assert values.min() == values.max() == 77


@pytest.mark.parametrize("written", ["", "1,2,3", "a,b,c,d", "-1,0,1,1", "0,0,0,5"])
def test_what_is_no_rectangle_is_refused(written):
    with pytest.raises(InvalidRequest, match="rectangle"):
        Rectangle.parsed(written)
