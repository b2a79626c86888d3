"""Reads what an archive must know of an object from its bytes, and writes file meta information (PS3.10 7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from calotype.dicom.hierarchy import UID

ReadableBuffer = bytes | bytearray | memoryview


class NeedMore(Exception):
    """The prefix given does not reach far enough; call again with a view of the whole data set."""


class Oddity(StrEnum):
    """What is not as the Standard wants it, yet does not stop an object from being read."""

    NO_PATIENT_ID = "no-patient-id"
    BAD_DATE = "bad-date"
    BAD_TIME = "bad-time"
    BAD_UID = "bad-uid"
    BAD_TEXT = "bad-text"
    BAD_NUMBER = "bad-number"
    ODD_LENGTH = "odd-length"
    HEADER_DAMAGED = "header-damaged"


@dataclass(frozen=True, slots=True)
class FileMeta:
    """File meta information (PS3.10 Table 7.1-1); the data set starts at ``data_offset`` bytes."""

    sop_class: UID
    sop_instance: UID
    transfer_syntax: UID
    source_ae_title: str
    data_offset: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a data set says of itself, Pixel Data left out.

    ``attributes``: the indexed attributes that have a value, as text. ``pixel_data_offset``: where the value of
    Pixel Data starts in the data set, ``None`` without Pixel Data or when the data set is deflated. :meth:`json`
    reads the buffer that was scanned: call it while that is valid.
    """

    attributes: dict[str, str]
    oddities: frozenset[Oddity]
    pixel_data_offset: int | None

    def json(self) -> bytes:
        """Return the data set as a DICOM JSON object (PS3.18 Annex F), UTF-8, bulk data as relative URIs."""
        raise NotImplementedError


def read_file_meta(prefix: ReadableBuffer) -> FileMeta | None:
    """Read file meta information; ``None`` when more bytes are needed, InvalidRequest when it is not Part 10."""
    raise NotImplementedError


def write_file_meta(sop_class: UID, sop_instance: UID, transfer_syntax: UID, *, source_ae_title: str = "") -> bytes:
    """Return preamble, ``DICM`` and file meta information."""
    raise NotImplementedError


def scan(data: ReadableBuffer, transfer_syntax: UID, *, data_bytes: int) -> Header:
    """Read the header of a data set of ``data_bytes`` bytes, of which ``data`` is a prefix or all.

    Raises NeedMore when the prefix does not reach far enough, InvalidRequest when the data set is truncated.
    """
    raise NotImplementedError
