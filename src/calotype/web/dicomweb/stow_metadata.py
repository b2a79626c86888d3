"""STOW-RS of metadata and bulk data: collected part by part, built when all is there (PS3.18 10.5.1.4).

A part that says it is metadata is one, wherever it stands; all others are bulk data, known by their Content-Location
(or by Content-ID, as ``cid:`` names it). Nothing is stored of a request whose message or metadata are broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.errors import InvalidRequest
from calotype.services.archive.building import Building, Notation
from calotype.services.archive.ingest import Receipt
from calotype.web.accept import parse_media_type
from calotype.web.dicomweb.stow import transfer_encoding_objection
from calotype.web.dicomweb.stow_answer import StoreAnswer
from calotype.web.settings import WebSettings

NOTATIONS: Final[Mapping[str, Notation]] = {
    "application/dicom+json": Notation.JSON,
    "application/json": Notation.JSON,
    "application/dicom+xml": Notation.XML,
}
"""The media types of metadata."""

_MAX_LOCATION_CHARS: Final = 2048


class MetadataSession:
    """Receives the parts of one request (a ``PartSink``). One thread at a time.

    ``notation`` is that of a part that does not say what it is, and of a body that is no multipart message.
    """

    def __init__(self, building: Building, answer: StoreAnswer, notation: Notation, settings: WebSettings) -> None:
        self._building = building
        self._answer = answer
        self._notation = notation
        self._max_metadata_bytes = settings.max_metadata_bytes
        self._max_part_bytes = settings.max_part_bytes
        self._part_bytes = 0
        self._metadata: bytearray | None = None
        self._reading: Notation | None = None

    def begin(self, headers: Mapping[str, str]) -> None:
        """Start a part. Unsupported when it is encoded."""
        if (objection := transfer_encoding_objection(headers)) is not None:
            raise objection
        self._part_bytes = 0
        declared = headers.get("content-type")
        media = parse_media_type(declared) if declared else None
        if declared and media is None:
            raise InvalidRequest("a part has a Content-Type that cannot be read")
        names = _names(headers)
        if media is None and not names:
            self._reading = self._notation
        else:
            self._reading = NOTATIONS.get(media.essence) if media is not None else None
        if self._reading is not None:
            self._metadata = bytearray()
            return
        syntax = (media.parameter("transfer-syntax") if media is not None else None) or ""
        self._building.begin_bulk(names, media.essence if media is not None else "", UID(syntax))

    def data(self, piece: memoryview) -> None:
        """Take the next bytes of the part. InvalidRequest above the limits, OutOfResources when there is no space."""
        self._part_bytes += len(piece)
        if self._metadata is not None:
            if self._part_bytes > self._max_metadata_bytes:
                raise InvalidRequest(
                    f"the metadata of one request take at most {self._max_metadata_bytes} bytes here"
                )
            self._metadata += piece
            return
        if self._max_part_bytes and self._part_bytes > self._max_part_bytes:
            raise InvalidRequest(f"a part is larger than the {self._max_part_bytes} bytes taken here")
        self._building.write_bulk(piece)

    def end(self) -> None:
        """Finish the part. InvalidRequest when it is metadata that cannot be read."""
        if self._metadata is None or self._reading is None:
            self._building.end_bulk()
            return
        document, self._metadata = bytes(self._metadata), None
        self._building.add_metadata(document, self._reading)

    def finish(self) -> None:
        """Build and store every instance. InvalidRequest when there are no metadata."""
        for built in self._building.build():
            if isinstance(built.result, Receipt):
                self._answer.add(built.result)
            else:
                self._answer.fail(built.result, built.sop_class, built.sop_instance)
        if unused := self._building.unused:
            self._answer.fail(InvalidRequest(f"no BulkDataURI names {unused} of the parts that came"))

    def close(self) -> None:
        """Forget what was collected. Idempotent."""
        self._building.close()


def _names(headers: Mapping[str, str]) -> list[str]:
    """Return the addresses of a part (RFC 2557 4.2). InvalidRequest for one that is too long."""
    names = []
    if location := headers.get("content-location", "").strip(' "<>'):
        names.append(location)
    if content_id := headers.get("content-id", "").strip(' "<>'):
        names.append(f"cid:{content_id}")
    if any(len(name) > _MAX_LOCATION_CHARS for name in names):
        raise InvalidRequest(f"a Content-Location has more than {_MAX_LOCATION_CHARS} characters")
    return names
