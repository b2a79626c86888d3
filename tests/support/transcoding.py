"""Whole data sets of pictures made up, of every kind of pixels, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset

from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import read_file_meta, write_file_meta
from calotype.dicom.pixels import native
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.transcode import convert
from calotype.dicom.uids import CT_IMAGE_STORAGE
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.walk import Walk
from support.pixels import file_of, image, opened_data_set

GREY = PixelDescription(20, 24)
COLOUR = PixelDescription(
    20, 24, samples_per_pixel=3, bits_allocated=8, bits_stored=8, high_bit=7, photometric_interpretation="RGB"
)

PIXELS = {
    "8 bits": replace(GREY, bits_allocated=8, bits_stored=8, high_bit=7),
    "8 bits, odd": replace(GREY, rows=3, columns=5, bits_allocated=8, bits_stored=8, high_bit=7),
    "12 bits": replace(GREY, bits_stored=12, high_bit=11, photometric_interpretation="MONOCHROME1"),
    "16 bits": GREY,
    "12 bits, signed": replace(GREY, bits_stored=12, high_bit=11, is_signed=True),
    "16 bits, signed": replace(GREY, is_signed=True),
    "32 bits": replace(GREY, bits_allocated=32, bits_stored=32, high_bit=31),
    "single bits": replace(GREY, rows=7, columns=9, bits_allocated=1, bits_stored=1, high_bit=0),
    "palette": replace(COLOUR, samples_per_pixel=1, photometric_interpretation="PALETTE COLOR"),
    "RGB": COLOUR,
    "RGB by plane": replace(COLOUR, planar_configuration=1),
    "RGB, 16 bits": replace(COLOUR, bits_allocated=16, bits_stored=16, high_bit=15),
    "YBR_FULL": replace(COLOUR, photometric_interpretation="YBR_FULL"),
    "YBR_FULL_422": replace(COLOUR, photometric_interpretation="YBR_FULL_422"),
}


def data_set(description: PixelDescription, count: int = 1, **elements: Any) -> bytes:
    """A data set in explicit VR little endian of pictures made up, and elements that are not of them."""
    whole = replace(description, number_of_frames=count)
    pictures = [image(whole, seed=seed) for seed in range(count)]
    if description.is_subsampled:
        for picture in pictures:
            picture[:, 1::2, 1:] = picture[:, 0::2, 1:]
        frames = [_halved(picture) for picture in pictures]
    else:
        frames = [native.encode(picture, whole) for picture in pictures]
    if description.bits_allocated == 1:
        bits = np.concatenate([picture.reshape(-1) for picture in pictures])
        frames = [np.packbits(bits.astype(bool), bitorder="little").tobytes()]
    file = dcmread(BytesIO(file_of(frames, whole, EXPLICIT, sop_class=CT_IMAGE_STORAGE).getvalue()))
    if count > 1:
        file.NumberOfFrames = count
    if description.bits_allocated in {1, 8}:
        file["PixelData"].VR = "OB"
    file.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    file.SpecificCharacterSet = "ISO_IR 192"
    file.PatientName = "王^小东"
    file.ReferencedStudySequence = [Dataset()]
    file.ReferencedStudySequence[0].ReferencedSOPInstanceUID = "1.2.3"
    if description.photometric_interpretation == "PALETTE COLOR":
        for colour in ("Red", "Green", "Blue"):
            setattr(file, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
            setattr(file, f"{colour}PaletteColorLookupTableData", bytes(range(256)) * 2)
    file.private_block(0x0029, "CALOTYPE TEST", create=True).add_new(0x10, "OB", bytes(range(256)))
    file.add_new(0xFFFCFFFC, "OB", bytes(6))
    for keyword, value in elements.items():
        setattr(file, keyword, value)
    return bytes_of(file)


def _halved(picture: Any) -> bytes:
    return np.concatenate([picture[:, 0::2, :1], picture[:, 1::2, :1], picture[:, 0::2, 1:]], axis=2).tobytes()


def bytes_of(file: Dataset) -> bytes:
    """Return the data set that a pydicom one makes, without its file meta information."""
    out = BytesIO()
    file.save_as(out, enforce_file_format=True)
    return out.getvalue()[read_file_meta(out.getvalue()).data_offset :]


def converted(data: bytes, stored: UID, to: UID, **how: Any) -> bytes:
    """Return a data set in another syntax; it comes out the same twice, and as long as told."""
    with convert(data, stored, to, **how) as new:
        made = b"".join(new.chunks())
        assert new.size_bytes in {None, len(made)}
        assert b"".join(new.chunks()) == made
    return made


def read(data: bytes, syntax: UID) -> FileDataset:
    """Return what pydicom reads."""
    return dcmread(BytesIO(write_file_meta(CT_IMAGE_STORAGE, UID("2.25.1"), syntax) + data))


def frames_in(data: bytes, syntax: UID) -> list[Any]:
    """Return every decoded frame."""
    found = opened_data_set(data, syntax)
    return [found.decoded(number) for number in range(1, found.index.number_of_frames + 1)]


def elements_of(data: bytes) -> dict[int, bytes]:
    """Return the bytes of every element of a data set in explicit VR little endian, by tag."""
    walk = Walk(data, len(data), explicit=True, little=True)
    return {tag: data[start:end] for tag, _, start, _, end in walk.top()}
