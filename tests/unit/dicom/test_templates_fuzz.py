"""Whatever the headers of a series, and in whatever order: with templates a scan says what it says without them."""

from pathlib import Path

import pydicom.data
from hypothesis import given, settings
from hypothesis import strategies as st

from calotype.dicom.part10 import NeedMore, read_file_meta, scan
from calotype.dicom.templates import Templates
from calotype.dicom.uids import UID
from calotype.errors import InvalidRequest
from support import samples

SERIES = samples.uid(3, 9)
GROUP_LENGTHS = {0x00080000: ("UL", 300), 0x00280000: ("UL", 90)}
NO_CHARSET = {0x00080005: None, 0x00081030: None, 0x00080080: ("LO", b"\xb5\xda\xd2\xbb")}
BLOCKS = {0x00431020: ("OB", b"x" * 1500), 0x00431021: ("UN", b"y" * 9), 0x00102000: ("UN", b"LO")}
DELIMITED = {
    0x00081115: ("SQ", samples.Undefined([[(0x0020000E, "UI", SERIES)], [(0x00280103, "US", 1)]])),
    0x00400275: ("SQ", samples.Undefined([[(0x00080005, "CS", "GB18030"), (0x00400007, "LO", "CT")]])),
}
KINDS = [
    (samples.EXPLICIT, {}),
    (samples.IMPLICIT, {}),
    (samples.EXPLICIT, GROUP_LENGTHS | BLOCKS),
    (samples.IMPLICIT, GROUP_LENGTHS | BLOCKS | DELIMITED),
    (samples.EXPLICIT, NO_CHARSET | DELIMITED),
    (samples.IMPLICIT, NO_CHARSET),
    (samples.DEFLATED, {}),
    (samples.BIG_ENDIAN, {}),
    (samples.RLE, {0x7FE00010: ("OB", samples.Fragments([b"ab", b"cdef"]))}),
    (samples.EXPLICIT, {0x7FE00010: None}),
]

VALUES = st.one_of(
    st.tuples(
        st.just("LO"), st.sampled_from([b"", b"A\\B ", "王".encode(), b"\x1b$)A\xcd\xf5", b"\xff\xfe", b'"\\\0'])
    ),
    st.tuples(st.just("CS"), st.sampled_from(["ISO_IR 192", "ISO_IR 100", "\\ISO 2022 IR 58", "GB18030", "?"])),
    st.tuples(st.just("UI"), st.sampled_from(["1.2.3", "1.02", SERIES, "x"])),
    st.tuples(st.just("DS"), st.sampled_from(["1.5", "1\\2", "nan", "1e5", " -.5 "])),
    st.tuples(st.just("US"), st.sampled_from([b"\0\0", b"\1\0", b"\xff\xff\1\0", b"\1", b""])),
    st.tuples(st.just("OB"), st.binary(max_size=8) | st.just(b"z" * 3000)),
    st.tuples(st.just("UN"), st.binary(max_size=8)),
    st.tuples(st.just("SQ"), st.sampled_from([[], [[]], [[(0x00080005, "CS", "GBK"), (0x00100010, "PN", "A")]]])),
    st.tuples(
        st.just("SQ"), st.sampled_from([samples.Undefined([]), samples.Undefined([[(0x00080100, "SH", "1")]])])
    ),
)
TAGS = st.sampled_from(
    [
        *(0x00080000, 0x00080005, 0x00080008, 0x00080018, 0x00081140, 0x00100010, 0x00100020, 0x0020000E, 0x00200013),
        *(0x00280010, 0x00280103, 0x00280120, 0x00281050, 0x00400275, 0x00431020, 0x0099FFFF, 0x7FE00010, 0xFFFCFFFC),
        *(0x00020010, 0x00000000),
    ]
)
CHANGED = st.dictionaries(TAGS, VALUES | st.none(), max_size=2)
TELLING = [b"\xff\xff\xff\xff", b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0\0\0\0\0", b"\0" * 8, b"SQ\0\0", b"UN", b"??"]
EDITS = st.lists(
    st.tuples(
        st.integers(0, 4000), st.integers(0, 12), st.sampled_from(TELLING) | st.binary(max_size=6), st.booleans()
    ),
    max_size=2,
)
OBJECTS = st.tuples(
    st.integers(0, len(KINDS) - 1), st.integers(0, 99), CHANGED, EDITS, st.integers(0, 5000) | st.none()
)


def encoded(kind, number, changes=None):
    syntax, fixed = KINDS[kind]
    return samples.ct(4, 4, seed=number, syntax=syntax, series_uid=SERIES, changes=fixed | (changes or {}))


def edited(data, edits):
    """Put bytes in the place of others, or of as many (so that nothing behind them moves)."""
    for at, removed, inserted, same_size in edits:
        place = at % (len(data) + 1)
        data = data[:place] + inserted + data[place + (len(inserted) if same_size else removed) :]
    return data


def said(data, syntax, total, templates):
    try:
        header = scan(data, UID(syntax), data_bytes=total, templates=templates)
    except (InvalidRequest, NeedMore) as error:
        return type(error), str(error)
    return header.attributes, header.oddities, header.pixel_data_offset, header.json()


@settings(max_examples=300, deadline=None)
@given(varied=CHANGED, objects=st.lists(OBJECTS, min_size=1, max_size=8))
def test_templates_change_nothing(varied, objects):
    templates = Templates()
    for kind in {kind for kind, *_ in objects}:
        # The second one in other words: so more of what changes below is what varies in the template.
        for number, changes in ((1, {}), (2, varied)):
            data = encoded(kind, number, changes)
            said(data, KINDS[kind][0], len(data), templates)
    for kind, number, changes, edits, cut in objects:
        syntax = KINDS[kind][0]
        whole = edited(encoded(kind, number, changes), edits)
        shown = whole if cut is None else whole[: cut % (len(whole) + 1)]
        for total in {len(shown), len(whole)}:
            expected = said(shown, syntax, total, None)
            # Twice: what the first one taught must not tell otherwise than a walk either.
            assert said(shown, syntax, total, templates) == expected
            assert said(shown, syntax, total, templates) == expected


@settings(max_examples=300, deadline=None)
@given(kind=st.integers(0, 5), number=st.integers(0, 99), edits=EDITS, cut=st.integers(0, 5000))
def test_a_template_that_half_matches_changes_nothing(kind, number, edits, cut):
    templates, syntax = Templates(), KINDS[kind][0]
    for taught in (1, 2):
        data = encoded(kind, taught)
        scan(data, UID(syntax), data_bytes=len(data), templates=templates)
    whole = edited(encoded(kind, number), edits)
    shown = whole[: cut % (len(whole) + 1)]
    for data, total in ((whole, len(whole)), (shown, len(shown)), (shown, len(whole))):
        assert said(data, syntax, total, templates) == said(data, syntax, total, None)


def test_real_files_say_the_same_every_time():
    templates = Templates()
    root = Path(pydicom.data.__file__).parent
    files = []
    for path in sorted((*root.glob("test_files/**/*.dcm"), *root.glob("charset_files/*.dcm"))):
        raw = path.read_bytes()
        try:
            meta = read_file_meta(raw)
        except InvalidRequest:
            continue
        files.append((raw[meta.data_offset :], meta.transfer_syntax))
    assert len(files) > 90
    for data, syntax in files:
        expected = said(data, syntax, len(data), None)
        # What names its instance is made to differ, so that there is something to vary.
        changed = data.replace(b"\x20\0\x13\0IS\2\x001 ", b"\x20\0\x13\0IS\2\x007 ")
        for other in (data, changed, data):
            assert said(other, syntax, len(other), templates) == said(other, syntax, len(other), None)
        assert said(data, syntax, len(data), templates) == expected
