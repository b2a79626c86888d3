"""Objects opened for their pixels, and pixels made up: what the tests of ``dicom.pixels`` share.

Objects are taken apart by the plainest means, so that a test of frames and codecs depends on nothing above them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from calotype.dicom.datasets import Element
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import read_file_meta
from calotype.dicom.pixels.codecs import decode, decoded_description, encode
from calotype.dicom.pixels.description import KINDS, PixelDescription, described
from calotype.dicom.pixels.fragments import ExtendedOffsetTable
from calotype.dicom.pixels.frames import FrameIndex, frame_index, native_index, read_frame
from calotype.dicom.sources import source_of
from calotype.dicom.uids import SECONDARY_CAPTURE_IMAGE_STORAGE, transfer_syntax
from calotype.dicom.walk import FRAGMENTS, Walk


@dataclass(frozen=True)
class Opened:
    """An object's pixels: what its header says, and where its frames lie in ``data``."""

    data: bytes
    syntax: UID
    description: PixelDescription
    index: FrameIndex

    def frame(self, number: int) -> bytes:
        """Return the bytes of one frame, as the codecs take them."""
        return read_frame(self.index, number, lambda offset, length: self.data[offset : offset + length])

    def decoded(self, number: int) -> Any:
        """Return one decoded frame."""
        return decode(self.frame(number), self.description, self.syntax)

    @property
    def decoded_description(self) -> PixelDescription:
        """What the decoded frames are."""
        return decoded_description(self.description, self.syntax)


def opened(path: Path | str | BytesIO) -> Opened:
    """Open a Part 10 file that holds pixels."""
    content = path.getvalue() if isinstance(path, BytesIO) else Path(path).read_bytes()
    meta = read_file_meta(content)
    assert meta is not None
    return opened_data_set(content[meta.data_offset :], meta.transfer_syntax)


def opened_data_set(data: bytes, syntax: UID) -> Opened:
    """Open a data set that holds pixels."""
    how = transfer_syntax(syntax)
    if how.deflated:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data)
    walk = Walk(data, len(data), explicit=how.explicit_vr, little=how.little_endian)
    tokens = {token[0]: token for token in walk.top()}
    order = "little" if walk.little else "big"
    values = {
        tag: Element(tag, vr, data[start:end]).raw if walk.little else data[start:end][::-1]
        for tag, (_, vr, _, start, end) in tokens.items()
        if tag >> 16 == 0x0028 and end - start < 64
    }
    if order == "big":
        values |= {
            tag: data[tokens[tag][3] : tokens[tag][4]]
            for tag in (0x00280004, 0x00280008, 0x00282110)
            if tag in tokens
        }
    tag = next(tag for tag in KINDS if tag in tokens)
    _, vr, _, start, end = tokens[tag]
    description = described(values, tag)
    index: FrameIndex
    if vr == FRAGMENTS:
        source = source_of(memoryview(data), deflated=False)
        source.skip(start)
        index = frame_index(source, description, syntax, _extended(data, tokens))
    else:
        index = native_index(start, end - start, description, big_endian_vr="" if walk.little else vr[-2:])
    return Opened(data, syntax, description, index)


def _extended(data: bytes, tokens: dict[int, Any]) -> ExtendedOffsetTable:
    offsets, lengths = (
        [int(number) for number in np.frombuffer(data[tokens[tag][3] : tokens[tag][4]], "<u8")]
        if tag in tokens
        else []
        for tag in (0x7FE00001, 0x7FE00002)
    )
    return ExtendedOffsetTable(offsets, lengths)


def image(description: PixelDescription, *, seed: int = 1, noise: float = 1 / 16) -> Any:
    """Return a frame as pictures are: smooth, some noise, and both ends of what the stored bits hold."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0 : description.rows, 0 : description.columns]
    smooth = (np.sin(x / 17 + seed) + np.cos(y / 13) + 2) / 4
    if description.samples_per_pixel == 3:
        smooth = np.stack([smooth, (smooth + 0.5) / 2, 1 - smooth], axis=-1)
    full = (1 << description.bits_stored) - 1
    spread = max(2, int(full * noise))
    values = (smooth * (full - spread)).astype("i8") + random.integers(0, spread, smooth.shape)
    values = np.clip(values, 0, full)
    if description.is_signed:
        values -= 1 << (description.bits_stored - 1)
    return values.astype(description.dtype)


def file_of(
    frames: list[bytes],
    description: PixelDescription,
    syntax: UID,
    *,
    sop_class: UID = SECONDARY_CAPTURE_IMAGE_STORAGE,
) -> BytesIO:
    """Return a Part 10 file of such frames, for foreign readers."""
    data_set = Dataset()
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    data_set.file_meta.MediaStorageSOPClassUID = pydicom.uid.UID(sop_class)
    data_set.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("2.25.1")
    data_set.SOPClassUID, data_set.SOPInstanceUID = sop_class, "2.25.1"
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID = "2.25.2", "2.25.3"
    data_set.PatientID, data_set.PatientName, data_set.Modality = "1", "A^B", "OT"
    data_set.Rows, data_set.Columns = description.rows, description.columns
    data_set.SamplesPerPixel = description.samples_per_pixel
    data_set.PhotometricInterpretation = description.photometric_interpretation
    if description.samples_per_pixel > 1:
        data_set.PlanarConfiguration = description.planar_configuration
    data_set.BitsAllocated, data_set.BitsStored = description.bits_allocated, description.bits_stored
    data_set.HighBit, data_set.PixelRepresentation = description.high_bit, int(description.is_signed)
    if len(frames) > 1:
        data_set.NumberOfFrames = len(frames)
    if transfer_syntax(syntax).encapsulated:
        data_set.PixelData = encapsulate(frames)
        data_set["PixelData"].VR = "OB"
        data_set["PixelData"].is_undefined_length = True
    else:
        value = b"".join(frames)
        data_set.PixelData = value + bytes(len(value) % 2)
        data_set["PixelData"].VR = "OB" if description.bits_allocated == 8 else "OW"
    out = BytesIO()
    data_set.save_as(out, enforce_file_format=True)
    return out


def encoded_file(array: Any, description: PixelDescription, syntax: UID) -> BytesIO:
    """Return a Part 10 file of one frame, encoded here."""
    encoded = encode(array, description, syntax)
    return file_of([encoded.data], encoded.description, syntax)


def frames_of(path: Path | str) -> Iterator[Any]:
    """Return every decoded frame of a Part 10 file."""
    file = opened(path)
    for number in range(1, file.index.number_of_frames + 1):
        yield file.decoded(number)
