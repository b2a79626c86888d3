"""An archive made of lists, and a client that talks to the application over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from calotype.dicom.hierarchy import UID, InstanceRef, Level, Selection
from calotype.errors import CalotypeError, ClassMismatch, InvalidRequest, NotFound
from calotype.network.rejections import Rejections
from calotype.services.archive.incoming import Outcome, Receipt
from calotype.services.archive.ports import ObjectLocation, Statistics, StoredInstance, Total
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.settings import WebSettings

CT = UID("1.2.840.10008.5.1.4.1.1.2")
EXPLICIT = UID("1.2.840.10008.1.2.1")


class FakeReader:
    """An open object; ``archive.open_readers`` counts those not closed."""

    def __init__(self, archive, content):
        self.size_bytes = len(content)
        self.reads = []
        self._content = content
        self._archive = archive
        self._closed = False
        archive.open_readers += 1

    def read_at(self, offset, size_bytes):
        self.reads.append(size_bytes)
        return self._content[offset : offset + size_bytes]

    def fileno(self):
        return None

    def close(self):
        if not self._closed:
            self._closed = True
            self._archive.open_readers -= 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FakeIncoming:
    """Takes "study/series/instance" for an object, and fails as ``archive.refusals`` says."""

    def __init__(self, archive, study):
        self._archive = archive
        self._study = study
        self._content = bytearray()
        self.done = False
        archive.incoming.append(self)

    def write(self, parts):
        for part in parts:
            self._archive.largest_write_bytes = max(self._archive.largest_write_bytes, len(part))
            self._content += part
        if error := self._archive.write_errors.get(bytes(self._content)):
            raise error

    def commit(self):
        content = bytes(self._content)
        if error := self._archive.refusals.get(content):
            raise error
        try:
            study, series, instance = content.split(b"/")[:3]
        except ValueError:
            raise InvalidRequest("not a DICOM file: no 'DICM' at byte 128") from None
        ref = InstanceRef(*(UID(name.decode()) for name in (study, series, instance)))
        if self._study not in (None, ref.study):
            raise ClassMismatch(f"the object is of study {ref.study}")
        self.done = True
        self._archive.store(ref, content)
        return Receipt(ref, CT, Outcome.STORED, self._archive.flags.get(content, frozenset()))

    def discard(self):
        self.done = True


class Client:
    """Talks to an application as a browser would, one request after the other."""

    def __init__(self, portal, app):
        self._portal = portal
        self._app = app

    def request(self, method, path, **how):
        return self._portal.call(self._request, method, path, how)

    def get(self, path, **how):
        return self.request("GET", path, **how)

    def post(self, path, **how):
        return self.request("POST", path, **how)

    async def _request(self, method, path, how):
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False, client=("192.0.2.1", 4242))
        async with httpx.AsyncClient(transport=transport, base_url="http://pacs.example:5000") as client:
            return await client.request(method, path, **how)


@dataclass
class FakeArchive:
    """What the doors see of an archive, and what a test arranges in it."""

    contents: dict[InstanceRef, bytes] = field(default_factory=dict)
    syntaxes: dict[InstanceRef, UID] = field(default_factory=dict)
    data_offsets: dict[InstanceRef, int] = field(default_factory=dict)
    metadata: dict[InstanceRef, bytes] = field(default_factory=dict)
    refusals: dict[bytes, CalotypeError] = field(default_factory=dict)
    write_errors: dict[bytes, CalotypeError] = field(default_factory=dict)
    flags: dict[bytes, frozenset] = field(default_factory=dict)
    matches: list[dict[str, str]] = field(default_factory=list)
    total: Total = field(default_factory=lambda: Total(0))
    queries: list = field(default_factory=list)
    counted: int = 0
    open_conflicts: list = field(default_factory=list)
    damage: list = field(default_factory=list)
    incoming: list[FakeIncoming] = field(default_factory=list)
    lost: set[InstanceRef] = field(default_factory=set)
    open_readers: int = 0
    largest_write_bytes: int = 0

    def store(self, ref, content, *, syntax=EXPLICIT, metadata=b'{"00080018":{"vr":"UI"}}', data_offset=0):
        self.contents[ref] = content
        self.data_offsets[ref] = data_offset
        self.syntaxes[ref] = syntax
        self.metadata[ref] = metadata

    # as Ingest
    def begin_part10(self, origin, *, study=None):
        self.origin = origin
        return FakeIncoming(self, study)

    # as Search
    def find(self, query, _checkpoint=None):
        self.queries.append(query)
        page = query.page
        end = None if page.limit is None else page.offset + page.limit
        return iter(self.matches[page.offset : end])

    def count(self, query, cap, _checkpoint=None):
        self.counted += 1
        return self.total

    def statistics(self):
        return Statistics(1, 2, 3, 4, 5, 6)

    # as Retrieve
    def locate(self, selection: Selection) -> Iterator[StoredInstance]:
        for ref, content in self.contents.items():
            if _selects(selection, ref):
                offset, syntax = self.data_offsets[ref], self.syntaxes[ref]
                size = len(content)
                yield StoredInstance(ref, CT, ObjectLocation(ref.instance, size, offset, size - offset, b"", syntax))

    def open_current(self, stored):
        if stored.ref in self.lost:
            raise NotFound(f"{stored.location.key} is gone")
        return stored, FakeReader(self, self.contents[stored.ref])

    def headers(self, selection):
        for ref, header in self.metadata.items():
            if _selects(selection, ref):
                yield ref, header

    kept_headers = headers

    # as Curate
    def conflicts(self):
        yield from self.open_conflicts

    def damaged(self):
        yield from self.damage

    @property
    def ingest(self):
        return self

    search = retrieve = curate = texts = ingest


def _selects(selection, ref):
    chosen: Sequence[tuple[Sequence[UID], UID]] = (
        (selection.studies, ref.study),
        (selection.series, ref.series),
        (selection.instances, ref.instance),
    )
    return all(not wanted or name in wanted for wanted, name in chosen)


@pytest.fixture
def archive():
    return FakeArchive()


@pytest.fixture
def rejections():
    return Rejections()


@pytest.fixture
def settings():
    return WebSettings(chunk_bytes=1000, page_limit=5, max_parts=20, max_part_bytes=150_000)


@pytest.fixture
def app(archive, settings, rejections):
    return create_app(Rooms(archive, rejections), settings)


@pytest.fixture
def portal_client():
    """Make a client of any application."""
    with start_blocking_portal() as portal:
        yield lambda app: Client(portal, app)


@pytest.fixture
def client(portal_client, app):
    return portal_client(app)


@pytest.fixture
def study(archive):
    """Two series: two objects and one."""
    refs = [
        InstanceRef(UID("1.1"), UID(series), UID(instance))
        for series, instance in (("1.1.1", "1.1.1.1"), ("1.1.1", "1.1.1.2"), ("1.1.2", "1.1.2.1"))
    ]
    for number, ref in enumerate(refs):
        archive.store(ref, b"object %d" % number)
    return SimpleNamespace(refs=refs, level=Level.STUDY)
