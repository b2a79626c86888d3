"""The DICOM files inside pydicom's wheel: real objects of many makers that every machine with the tests has."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pydicom
import pydicom.data
from pydicom.errors import InvalidDicomError

from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import ALL_RIGHTS, Access, Http, Listener, Settings, Storage
from calotype.app.settings import Node as NodeSection
from calotype.dicom.part10 import read_file_meta
from calotype.network.settings import DialSettings
from calotype.scu.calling import Caller
from calotype.scu.files import gather, send_files
from calotype.scu.sender import DimseCourier
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Result

CALLER = Caller("TESTER", DialSettings())
_IDENTIFIERS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_TRUNCATED = {"MR_truncated.dcm", "rtplan_truncated.dcm"}


@dataclass(frozen=True)
class Bundled:
    """One object: its file, what it says it is, and whether its file meta information says so, too."""

    path: Path
    study: str
    series: str
    sop_instance: str
    sop_class: str
    transfer_syntax: str
    meta_agrees: bool

    @property
    def data_set(self) -> bytes:
        """The bytes behind the file meta information."""
        return data_set(self.path)

    @property
    def as_sent(self) -> bytes:
        """The same made even by a NUL: no fragment on the wire is odd (PS3.8 Annex E), and one deflated set is."""
        data = self.data_set
        return data + bytes(len(data) % 2)


def data_set(path: Path | str) -> bytes:
    """Return the bytes of a Part 10 file behind its file meta information."""
    content = Path(path).read_bytes()
    return content[read_file_meta(content).data_offset :]


@cache
def objects() -> tuple[Bundled, ...]:
    """Return every complete object: all identifiers in its data set, and a transfer syntax in its meta."""
    folder = Path(pydicom.data.__file__).parent
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in _TRUNCATED)
    return tuple(found for path in files if (found := _read(path)) is not None)


def first_of_each() -> tuple[Bundled, ...]:
    """Return the objects without those whose SOP Instance UID came before."""
    return tuple({each.sop_instance: each for each in reversed(objects())}.values())[::-1]


def named(name: str) -> Bundled:
    """Return an object by its file's name."""
    [found] = [each for each in objects() if each.path.name == name]
    return found


def _read(path: Path) -> Bundled | None:
    with warnings.catch_warnings():
        # They are in the wheel for what is wrong with them.
        warnings.simplefilter("ignore")
        try:
            read = pydicom.dcmread(path, stop_before_pixels=True)
        except InvalidDicomError:
            return None
        syntax = read.file_meta.get("TransferSyntaxUID")
        if not syntax or not all(read.get(keyword) for keyword in _IDENTIFIERS):
            return None
        meta = (read.file_meta.get("MediaStorageSOPClassUID"), read.file_meta.get("MediaStorageSOPInstanceUID"))
        return Bundled(
            path,
            str(read.StudyInstanceUID),
            str(read.SeriesInstanceUID),
            str(read.SOPInstanceUID),
            str(read.SOPClassUID),
            str(syntax),
            meta == (read.SOPClassUID, read.SOPInstanceUID),
        )


OPEN_TO_ALL = Access(**dict.fromkeys(ALL_RIGHTS, "all"))
"""Peers of every name ask for everything; what strangers may do is a test of its own."""


@contextmanager
def archive_of(
    folder: Path, files: Iterable[Path], *, viewer_port: int, others: Sequence[NodeSection] = (), **viewer: Any
) -> Iterator[Node]:
    """Run our archive with ``files`` in it, sent by our own sender; it knows VIEWER, NOWHERE and ``others``.

    ``viewer`` is what else the settings say of VIEWER.
    """
    settings = Settings(
        storage=Storage(path=folder, durable=False, min_free_mib=1),
        listeners=(Listener(name="test", bind="127.0.0.1", port=0),),
        http=Http(enabled=False),
        access=OPEN_TO_ALL,
        nodes=(
            NodeSection("VIEWER", "127.0.0.1", viewer_port, **viewer),
            NodeSection("NOWHERE", "127.0.0.1", 1),
            *others,
        ),
    )
    with open_stores(settings) as opened, House(settings, opened) as house:
        node = Node("CALOTYPE", "127.0.0.1", house.listeners[0].port)
        cargo = gather(files)
        assert cargo.skipped == []
        sent = list(send_files(DimseCourier(CALLER), node, cargo))
        assert [each for each in sent if each.answer.result is not Result.COMPLETED] == []
        assert len(sent) == len(cargo.paths)
        yield node


def kept_in(folder: Path) -> list[bytes]:
    """Return every data set that an archive keeps below ``folder``, further versions included."""
    return [data_set(path) for path in folder.rglob("*.dcm*")]
