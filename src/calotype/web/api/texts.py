"""``/api/texts`` and ``/api/studies/{uid}/text``: how the text of a study is read, and a person's word on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query

from calotype.dicom.hierarchy import UID
from calotype.errors import InvalidRequest
from calotype.services.archive.ports import StudyText
from calotype.services.archive.texts import Texts
from calotype.web.offload import Offload

StudyUid = Annotated[str, Path(max_length=64, description="The Study Instance UID.")]


@dataclass(frozen=True, slots=True)
class RepairView:
    """Declared character sets and those that the text is really in: values of Specific Character Set."""

    declared: str
    read_as: str


@dataclass(frozen=True, slots=True)
class TextView:
    """How a study is read.

    ``state`` is ``declared``, ``repaired``, ``uncertain`` or ``overridden``; ``charset`` is what a person has said.
    """

    study: str
    state: str
    charset: str
    repairs: list[RepairView]


@dataclass(frozen=True, slots=True)
class Override:
    """What a person says: a value of Specific Character Set, for example ``GB18030``."""

    charset: str


def router(texts: Texts, offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["archive"])

    def overridden(study: UID, charset: str) -> TextView:
        texts.override(study, charset)
        return _view(study, texts.of(study))

    @routes.get("/texts")
    async def list_texts(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> list[TextView]:
        """List the studies that are not simply read as they declare."""
        return [_view(study, text) for study, text in await offload(texts.notable, limit)]

    @routes.get("/studies/{study}/text")
    async def show_text(study: StudyUid) -> TextView:
        """Tell how the text of a study is read."""
        return _view(UID(study), await offload(texts.of, UID(study)))

    @routes.put("/studies/{study}/text")
    async def override_text(study: StudyUid, said: Override) -> TextView:
        """Read a study by these character sets, whatever it declares; its rows are made again before the answer."""
        if not said.charset.strip() or len(said.charset) > 256:
            raise InvalidRequest("charset must name a character set, for example GB18030; DELETE takes one back")
        return await offload(overridden, UID(study), said.charset)

    @routes.delete("/studies/{study}/text")
    async def judge_text(study: StudyUid) -> TextView:
        """Take a person's word back and read the study as its text shows."""
        return await offload(overridden, UID(study), "")

    return routes


def _view(study: UID, text: StudyText) -> TextView:
    reading = text.judgement.reading
    repairs = [RepairView(_value(one), _value(other)) for one, other in (reading.repaired if reading else ())]
    return TextView(study, text.state or "declared", _value(text.override), repairs)


def _value(charsets: tuple[str, ...]) -> str:
    """Return terms as a value of Specific Character Set; the default repertoire is the empty value."""
    return "\\".join("" if term == "ISO_IR 6" else term for term in charsets)
