"""Puts the sample study into the archive. What it shows is for ``dicom.phantom``."""

from __future__ import annotations

from typing import Final

from calotype.dicom import phantom
from calotype.dicom.hierarchy import UID
from calotype.services.archive.ingest import Ingest
from calotype.services.archive.ports import Channel, Origin

_ORIGIN: Final = Origin(Channel.IMPORT)


def put_sample(ingest: Ingest) -> UID:
    """Take the sample in like any other objects, and return its study. What is there already stays as it is.

    OutOfResources, Unavailable where the archive takes nothing.
    """
    for file in phantom.files():
        with ingest.begin_part10(_ORIGIN) as incoming:
            incoming.write((file,))
            incoming.commit()
    return phantom.STUDY
