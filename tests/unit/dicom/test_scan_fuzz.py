"""Whatever the bytes: a scan answers, wants more, or refuses; a prefix never says other than the whole."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from calotype.dicom.part10 import NeedMore, scan
from calotype.dicom.uids import UID
from calotype.errors import InvalidRequest
from support import samples

SEEDS = [
    (samples.ct(4, 4), samples.EXPLICIT),
    (samples.ct(4, 4, syntax=samples.IMPLICIT), samples.IMPLICIT),
    (samples.ct(4, 4, syntax=samples.BIG_ENDIAN), samples.BIG_ENDIAN),
    (samples.ct(4, 4, syntax=samples.DEFLATED), samples.DEFLATED),
    (samples.cr(4, 4), samples.EXPLICIT),
    (samples.compressed(frames=3), samples.JPEG_BASELINE),
    (samples.structured_report(), samples.EXPLICIT),
    (samples.structured_report(syntax=samples.IMPLICIT), samples.IMPLICIT),
]
TELLING = [
    b"\xff\xff\xff\xff",
    b"\xfe\xff\x00\xe0",
    b"\xfe\xff\x0d\xe0\0\0\0\0",
    b"\xfe\xff\xdd\xe0\0\0\0\0",
    b"\0" * 8,
    b"SQ\0\0",
    b"UN\0\0",
    b"OB\0\0",
    b"??",
    b"\x1b$)A",
    b"\xff",
]
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 4000),
        st.integers(0, 12),
        st.one_of(st.sampled_from(TELLING), st.binary(max_size=6)),
    ),
    min_size=1,
    max_size=5,
)


def mutated(data, changes):
    """Cut out some bytes and put others in their place, several times."""
    for at, removed, inserted in changes:
        place = at % (len(data) + 1)
        data = data[:place] + inserted + data[place + removed :]
    return data


@settings(max_examples=400, deadline=None)
@given(seed=st.sampled_from(SEEDS), changes=CHANGES, cut=st.integers(0, 10_000))
def test_any_bytes_are_scanned_or_refused(seed, changes, cut):
    data, syntax = mutated(seed[0], changes), UID(seed[1])
    prefix = data[: cut % (len(data) + 1)]
    try:
        whole = scan(data, syntax, data_bytes=len(data))
    except InvalidRequest:
        whole = None
    try:
        head = scan(prefix, syntax, data_bytes=len(data))
    except (InvalidRequest, NeedMore):
        head = None
    if whole is not None:
        json.loads(whole.json())
        assert all(isinstance(value, str) and value for value in whole.attributes.values())
    if head is not None and whole is not None:
        assert (head.attributes, head.oddities, head.json()) == (whole.attributes, whole.oddities, whole.json())
    assert head is None or whole is not None


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300), syntax=st.sampled_from([syntax for _, syntax in SEEDS]))
def test_noise_is_scanned_or_refused(data, syntax):
    try:
        header = scan(data, UID(syntax), data_bytes=len(data))
    except InvalidRequest:
        return
    assert isinstance(json.loads(header.json()), dict)
