"""Objects on the wire: the same PDUs by every way, and never a wrong length."""

import threading
from pathlib import Path

import pytest

from calotype.dicom.wire.dimse import fragment_bytes
from calotype.dicom.wire.pdu import PDataTF
from calotype.network.outgoing import Slice, send_chunks, send_object


class FileSource:
    """An object in a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size_bytes)

    def close(self) -> None:
        self._file.close()


@pytest.fixture
def content() -> bytes:
    return bytes(i * 7 % 251 for i in range(1_300_001))


@pytest.fixture
def source(tmp_path, content):
    path = tmp_path / "object"
    path.write_bytes(content)
    source = FileSource(path)
    yield source
    source.close()


def pdvs(data: bytes):
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at + 2 : at + 6], "big")
        yield from PDataTF.decode(data[at + 6 : at + 6 + length]).pdvs
        at += 6 + length


def on_the_wire(part: Slice) -> int:
    fragments = max(-(-part.size_bytes // fragment_bytes(part.max_pdu_bytes)), 1)
    return part.size_bytes + part.size_bytes % 2 + 12 * fragments


@pytest.mark.parametrize("max_pdu_bytes", [128, 16_384, 32_768, 131_072, 1_048_576])
@pytest.mark.parametrize("size_bytes", [0, 2, 20_000, 1_300_000])
def test_an_object_becomes_pdus_of_the_peers_length(stream_pair, collect, source, max_pdu_bytes, size_bytes):
    stream, peer = stream_pair
    content = source.read_at(0, 2_000_000)
    part = Slice(context_id=5, offset=1, size_bytes=size_bytes, max_pdu_bytes=max_pdu_bytes)
    sender = threading.Thread(target=send_object, args=(stream, b"HEAD", source, part, 10))
    sender.start()
    received = collect(peer, 4 + on_the_wire(part))
    sender.join()
    assert received[:4] == b"HEAD"
    fragments = list(pdvs(received[4:]))
    assert b"".join(pdv.data for pdv in fragments) == content[1 : 1 + size_bytes]
    assert [pdv.is_last for pdv in fragments] == [False] * (len(fragments) - 1) + [True]
    assert {(pdv.context_id, pdv.is_command) for pdv in fragments} == {(5, False)}
    assert max(len(pdv.data) for pdv in fragments) + 6 <= max_pdu_bytes
    assert all(len(pdv.data) % 2 == 0 for pdv in fragments)


@pytest.mark.parametrize("size_bytes", [1, 16_377, 16_379, 1_300_000 - 1])
def test_an_odd_object_is_followed_by_one_nul(stream_pair, collect, source, content, size_bytes):
    stream, peer = stream_pair
    part = Slice(context_id=5, offset=0, size_bytes=size_bytes, max_pdu_bytes=16_384)
    sender = threading.Thread(target=send_object, args=(stream, b"", source, part, 10))
    sender.start()
    fragments = list(pdvs(collect(peer, on_the_wire(part))))
    sender.join()
    assert b"".join(pdv.data for pdv in fragments) == content[:size_bytes] + b"\0"
    assert all(len(pdv.data) % 2 == 0 for pdv in fragments)


@pytest.mark.parametrize("max_pdu_bytes", [16_384, 131_072])
def test_an_object_shorter_than_announced_is_noticed(stream_pair, source, content, max_pdu_bytes):
    stream, _peer = stream_pair
    part = Slice(context_id=1, offset=len(content) - 10, size_bytes=11, max_pdu_bytes=max_pdu_bytes)
    with pytest.raises(EOFError, match="bytes early"):
        send_object(stream, b"", source, part, 10)


@pytest.mark.parametrize("chunk_bytes", [1000, 131_066, 1_000_003, 2_000_000])
@pytest.mark.parametrize("size_bytes", [0, 70_001, 1_300_000])
def test_chunks_become_the_same_pdus_as_an_object(stream_pair, collect, source, chunk_bytes, size_bytes):
    stream, peer = stream_pair
    part = Slice(context_id=5, offset=0, size_bytes=size_bytes, max_pdu_bytes=16_384)
    whole = source.read_at(0, size_bytes)
    chunks = (whole[start : start + chunk_bytes] for start in range(0, size_bytes, chunk_bytes))

    def send_both() -> None:
        send_object(stream, b"HEAD", source, part, 10)
        send_chunks(stream, b"HEAD", chunks, (5, 16_384), 10)

    sender = threading.Thread(target=send_both)
    sender.start()
    as_object = collect(peer, 4 + on_the_wire(part))
    as_chunks = collect(peer, 4 + on_the_wire(part))
    sender.join()
    assert as_chunks == as_object
