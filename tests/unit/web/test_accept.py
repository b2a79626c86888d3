"""Which form a client gets for what it says in Accept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.hierarchy import UID
from calotype.errors import InvalidRequest
from calotype.web.accept import (
    MAX_HEADER_CHARS,
    Form,
    MediaRange,
    MediaType,
    accepted_syntaxes,
    choose,
    parse_accept,
    parse_media_type,
)

MULTIPART = Form("multipart/related", "application/dicom")
SINGLE = Form("application/dicom")
DICOM_JSON = Form("application/dicom+json")
JSON = Form("application/json")

JPEG_2000 = UID("1.2.840.10008.1.2.4.91")
EXPLICIT = UID("1.2.840.10008.1.2.1")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, MULTIPART),
        ("", MULTIPART),
        ("*/*", MULTIPART),
        ("multipart/*", MULTIPART),
        ("multipart/related", MULTIPART),
        ('multipart/related; type="application/dicom"', MULTIPART),
        ("multipart/related; type=application/dicom", MULTIPART),
        ('MULTIPART/Related; TYPE="Application/DICOM"', MULTIPART),
        ('multipart/related; type="application/*"', MULTIPART),
        ("application/dicom", SINGLE),
        ("application/*", SINGLE),
        ("application/dicom; transfer-syntax=*", SINGLE),
        ('multipart/related; type="application/octet-stream"', None),
        ('multipart/related; type="nonsense"', None),
        ("image/jpeg", None),
        ("application/dicom, multipart/related;q=0.5", SINGLE),
        ("application/dicom;q=0.5, multipart/related", MULTIPART),
        ("application/dicom;q=0, */*", MULTIPART),
        ("*/*;q=0", None),
        ("multipart/related;q=0, */*;q=0.1", SINGLE),
        ("text/html, application/xhtml+xml, */*;q=0.8", MULTIPART),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", MULTIPART),
        (', ,multipart/related; type="application/dicom",', MULTIPART),
        ("nonsense, application/dicom", SINGLE),
        ('application/dicom; note="a, b; c=\\"d\\""', SINGLE),
    ],
)
def test_accept_chooses_the_form_wanted_most(accept, form):
    assert choose(parse_accept(accept), (MULTIPART, SINGLE)) == form


def test_equally_wanted_forms_are_decided_by_the_server():
    both = parse_accept("application/json, application/dicom+json")

    assert choose(both, (DICOM_JSON, JSON)) == DICOM_JSON
    assert choose(both, (JSON, DICOM_JSON)) == JSON


@pytest.mark.parametrize(
    ("accept", "taken"),
    [
        ("*/*", {EXPLICIT, JPEG_2000}),
        ('multipart/related; type="application/dicom"', {EXPLICIT, JPEG_2000}),
        ('multipart/related; type="application/dicom"; transfer-syntax=*', {EXPLICIT, JPEG_2000}),
        ('multipart/related; type="application/dicom"; transfer-syntax="*"', {EXPLICIT, JPEG_2000}),
        (f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT}', {EXPLICIT}),
        (
            f"multipart/related; transfer-syntax={EXPLICIT};q=0.9, */*; transfer-syntax={JPEG_2000};q=0.1",
            {EXPLICIT, JPEG_2000},
        ),
        (f"*/*, multipart/related; transfer-syntax={JPEG_2000};q=0", {EXPLICIT}),
        ('multipart/related; type="application/dicom"; transfer-syntax=1.2.3', set()),
    ],
)
def test_transfer_syntax_parameters_add_up(accept, taken):
    syntaxes = accepted_syntaxes(parse_accept(accept), MULTIPART)

    assert {syntax for syntax in (EXPLICIT, JPEG_2000) if syntax in syntaxes} == taken


@pytest.mark.parametrize(
    "accept",
    [
        "nonsense",
        "a/b; q=2",
        "a/b;q=high",
        "*/dicom",
        "a/b; x",
        'a/b; x="',
        "x" * (MAX_HEADER_CHARS + 1),
        "a/b," * 65,
    ],
)
def test_accept_that_says_nothing_is_an_invalid_request(accept):
    with pytest.raises(InvalidRequest, match="Accept"):
        parse_accept(accept)


def test_media_type_is_read_with_quoted_parameters():
    media = parse_media_type('Multipart/Related; Boundary="a;b\\"c"; type=application/dicom;; ')

    assert media == MediaType("multipart", "related", (("boundary", 'a;b"c'), ("type", "application/dicom")))


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text):
    try:
        ranges = parse_accept(text)
    except InvalidRequest:
        return
    assert ranges
    assert choose(ranges, (MULTIPART, SINGLE, JSON)) in (MULTIPART, SINGLE, JSON, None)


@given(st.text(alphabet='a*/;,="\\ q01.', max_size=200))
def test_any_text_of_header_characters_is_read_or_refused(text):
    try:
        ranges = parse_accept(text)
    except InvalidRequest:
        return
    assert all(0 <= wanted.quality <= 1 for wanted in ranges)


_NAMES = st.text(alphabet="abcxyz-+.", min_size=1, max_size=8)
_VALUES = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
_MEDIA = st.builds(
    MediaType,
    _NAMES,
    _NAMES,
    st.lists(st.tuples(_NAMES.filter(lambda name: name != "q"), _VALUES), max_size=3).map(tuple),
)


def _quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.lists(st.tuples(_MEDIA, st.integers(0, 1000)), min_size=1, max_size=5))
def test_what_was_written_is_what_is_read(wanted):
    text = ", ".join(
        f"{media.essence}"
        + "".join(f"; {name}={_quoted(value)}" for name, value in media.parameters)
        + f";q={quality / 1000:.3f}"
        for media, quality in wanted
    )

    assert parse_accept(text) == tuple(MediaRange(media, quality / 1000) for media, quality in wanted)
