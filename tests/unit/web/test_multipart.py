"""multipart/related, written and read: whole, in any pieces, and broken in every way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.hierarchy import UID
from calotype.web.multipart import PartsWriter, object_type
from calotype.web.multipart_reader import MalformedMultipart, MultipartReader, PartLimits, boundary_of

EXPLICIT = UID("1.2.840.10008.1.2.1")
LIMITS = PartLimits(max_parts=10, max_header_bytes=500)


class Parts:
    """Keeps the parts that came to their end, and the one that did not."""

    def __init__(self):
        self.headers = []
        self.complete = []
        self.open = None

    def begin(self, headers):
        self.headers.append(dict(headers))
        self.open = bytearray()

    def data(self, piece):
        self.open += piece

    def end(self):
        self.complete.append(bytes(self.open))
        self.open = None


def read(body, *, boundary="b", limits=LIMITS, step=None):
    parts = Parts()
    reader = MultipartReader(boundary, parts, limits)
    for start in range(0, len(body), step or len(body) or 1):
        reader.feed(body[start : start + (step or len(body))])
    reader.finish()
    return parts


def message(*parts, boundary="b"):
    return b"".join(
        b"\r\n--%s\r\nContent-Type: application/dicom\r\n\r\n%s" % (boundary.encode(), part) for part in parts
    ) + (b"\r\n--%s--\r\n" % boundary.encode())


def test_what_is_written_is_read():
    writer = PartsWriter("application/dicom")
    body = writer.prefix(object_type(EXPLICIT), 3) + b"one" + writer.prefix(object_type(EXPLICIT), 0) + writer.end

    parts = read(body, boundary=boundary_of(writer.content_type))

    assert parts.complete == [b"one", b""]
    assert parts.headers == [
        {"content-type": f"application/dicom; transfer-syntax={EXPLICIT}", "content-length": "3"},
        {"content-type": f"application/dicom; transfer-syntax={EXPLICIT}", "content-length": "0"},
    ]


def test_boundaries_differ():
    assert PartsWriter("image/jpeg").boundary != PartsWriter("image/jpeg").boundary


def test_header_lines_cannot_be_smuggled_in_by_a_transfer_syntax():
    assert object_type(UID("1.2\r\nX: y")) == "application/dicom; transfer-syntax=1.2"


@given(
    st.lists(
        st.one_of(st.binary(max_size=60), st.sampled_from([b"\r\n--", b"\r\n--b", b"--b--", b"\r", b"\n"])),
        max_size=4,
    ),
    st.integers(1, 40),
)
def test_parts_are_the_same_however_the_body_arrives(contents, step):
    boundary = "a-boundary-that-no-content-holds"

    assert read(message(*contents, boundary=boundary), boundary=boundary, step=step).complete == contents


def test_preamble_and_epilogue_are_ignored():
    body = b"This is a message; not --b as a delimiter.\r\n--b\r\n\r\none\r\n--b--\r\nthat was it --b\r\n"

    assert read(body).complete == [b"one"]
    assert read(body, step=1).complete == [b"one"]


@pytest.mark.parametrize("step", [None, 1, 5, 13])
@pytest.mark.parametrize(
    ("body", "complete"),
    [
        (b"--b\n\none\n--b\nContent-Type: a/b\n\ntwo\r\n--b--\n", [b"one", b"two\r"]),
        (b"--b\r\n\none\r\n--b--", [b"one"]),
        (b"--b \t \r\n\r\none\r\n--b \r\n\r\ntwo\r\n--b--  ", [b"one", b"two"]),
        (b"--b\r\n\r\n--b2\r\n\r\ninner\r\n--b2--\r\n\r\n--b--", [b"--b2\r\n\r\ninner\r\n--b2--\r\n"]),
        (b"--b\r\n\r\n\r\n--b\r\n\r\n\r\n\r\n--bye\r\n--b--", [b"", b"\r\n\r\n--bye"]),
        (b"--bx\r\n\r\none\r\n--b--", []),
        (b"--b\r\n\r\n\r\n--b-\r\n--b--", [b"\r\n--b-"]),
    ],
)
def test_lines_that_clients_write_are_read(body, complete, step):
    assert read(body, step=step).complete == complete


def test_headers_may_go_on_in_the_next_line_and_the_first_of_a_name_counts():
    body = b"--b\r\nContent-Type: application/dicom;\r\n\ttransfer-syntax=1.2\r\nA: 1\r\na: 2\r\n\r\none\r\n--b--"

    assert read(body).headers == [{"content-type": "application/dicom; transfer-syntax=1.2", "a": "1"}]


def test_large_blocks_are_handed_on_without_being_copied():
    block = bytearray(b"--b\r\n\r\n" + bytes(100_000))
    pieces = []

    class Sink(Parts):
        def data(self, piece):
            if piece.obj is block:
                pieces.append(len(piece))

    reader = MultipartReader("b", Sink(), LIMITS)
    reader.feed(block)
    block[:] = bytes(len(block))
    reader.feed(block, 50_000)

    assert sum(pieces) >= 100_000 + 50_000 - 2 * 1024


@pytest.mark.parametrize(
    ("body", "complaint", "complete"),
    [
        (b"", "boundary named in Content-Type does not occur", []),
        (b"no delimiter at all", "boundary named in Content-Type does not occur", []),
        (b"x" * 100_000, "boundary named in Content-Type does not occur", []),
        (message(b"one")[:-6], "ends within part 1", []),
        (b"--b\r\nContent-Type: application/dicom\r\n\r\nhalf", "ends within part 1", []),
        (b"--b\r\n\r\none\r\n--b\r\n\r\nha", "ends within part 2", [b"one"]),
        (b"--b\r\n\r\none\r\n--b", "ends within part 1", []),
        (b"--b\r\nno colon here\r\n\r\n", "part 1", []),
        (b"--b\r\nBad Name: x\r\n\r\n", "part 1", []),
        (b"--bx\r\n\r\none", "boundary named in Content-Type does not occur", []),
        (b"--b\r\n\r\none\r\n--b-", "ends within part 1", []),
        (b"--b\r\nA: x\0y\r\n\r\none\r\n--b--", "no header", []),
        (b"--b\r\n\r\n--b--", "ends within part 1", []),
        (b"--b\r\n" + b"A: " + b"x" * 600 + b"\r\n\r\n", "longer than 500 bytes", []),
        (b"--b\r\n" + b"A: x\r\n" * 40 + b"\r\n", "more than 32 headers", []),
        (b"--b\r\n\r\none\r\n--b\r\n" + b"A: " + b"x" * 600, "headers of part 2", [b"one"]),
        (message(*[b"x"] * 11), "more than 10 parts", [b"x"] * 10),
    ],
)
@pytest.mark.parametrize("step", [None, 7])
def test_a_broken_message_is_refused_with_its_fault(body, complaint, complete, step):
    parts = Parts()
    reader = MultipartReader("b", parts, LIMITS)

    with pytest.raises(MalformedMultipart, match=complaint):  # noqa: PT012 - any piece may be the one that breaks it
        for start in range(0, len(body), step or len(body) or 1):
            reader.feed(body[start : start + (step or len(body))])
        reader.finish()

    assert parts.complete == complete


@given(st.binary(max_size=400), st.integers(1, 100))
def test_any_bytes_are_read_or_refused(body, step):
    try:
        read(body, step=step)
    except MalformedMultipart:
        return
    assert b"--b" in body


@given(
    st.lists(st.sampled_from([b"--b", b"--", b"\r\n", b"b", b"A: x", b":", b"\r", b"\n", b" ", b"data"]), max_size=30)
)
def test_any_shuffle_of_delimiters_is_read_or_refused(pieces):
    parts = Parts()
    reader = MultipartReader("b", parts, LIMITS)
    try:
        for piece in pieces:
            reader.feed(piece)
        reader.finish()
    except MalformedMultipart:
        return
    assert parts.open is None


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary=abc', "abc"),
        ('multipart/related; boundary="a b:c?d"; type="application/dicom"', "a b:c?d"),
        ("multipart/related;boundary====", "==="),
    ],
)
def test_boundary_is_found(content_type, boundary):
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/related",
        "multipart/related; boundary=",
        'multipart/related; boundary="a\r\nb"',
        'multipart/related; boundary="trailing "',
        "multipart/related; boundary=" + "x" * 201,
        'multipart/related; boundary="ünder"',
        "nonsense",
    ],
)
def test_a_boundary_that_is_none_is_refused(content_type):
    with pytest.raises(MalformedMultipart, match="boundary"):
        boundary_of(content_type)
