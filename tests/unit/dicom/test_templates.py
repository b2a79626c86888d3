"""What a template knows comes out as a walk would tell it; what it does not know is walked over; nothing grows."""

import struct
import threading

import pytest

from calotype.dicom import templates as room
from calotype.dicom.part10 import NeedMore, Oddity, scan
from calotype.dicom.templates import Templates
from calotype.dicom.uids import UID
from calotype.errors import InvalidRequest
from support import samples

RELATED = 0x00081140
SYNTAXES = [samples.EXPLICIT, samples.IMPLICIT]


def slice_of(number, syntax=samples.EXPLICIT, **more):
    return samples.ct(4, 4, seed=number, syntax=syntax, **more)


def taught(*headers, syntax=samples.EXPLICIT):
    templates = Templates()
    for data in headers:
        scan(data, UID(syntax), data_bytes=len(data), templates=templates)
    return templates


def recalled(templates, data, syntax=samples.EXPLICIT):
    """Tell whether a template matches, having checked that it says what a walk does."""
    found = templates.recall(data, len(data), explicit=syntax != samples.IMPLICIT)
    assert said(data, syntax, templates) == said(data, syntax, None)
    return found is not None


def said(data, syntax, templates, total=None):
    try:
        header = scan(data, UID(syntax), data_bytes=total or len(data), templates=templates)
    except (InvalidRequest, NeedMore) as error:
        return type(error), str(error)
    return header.attributes, header.oddities, header.pixel_data_offset, header.json()


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_third_slice_is_recalled(syntax):
    templates = taught(slice_of(1, syntax), syntax=syntax)
    assert not recalled(templates, slice_of(2, syntax), syntax)
    assert recalled(templates, slice_of(3, syntax), syntax)
    assert recalled(templates, slice_of(2000, syntax), syntax)


def test_a_slice_of_another_series_or_syntax_is_walked_over():
    templates = taught(slice_of(1), slice_of(2))
    assert not recalled(templates, slice_of(3, series_uid=samples.uid(3, 2)))
    assert not recalled(templates, slice_of(3, samples.IMPLICIT), samples.IMPLICIT)
    assert not recalled(templates, slice_of(3, samples.BIG_ENDIAN), samples.BIG_ENDIAN)


def first_of(series, syntax=samples.EXPLICIT):
    changes = {0x0020000D: ("UI", samples.uid(2, series)), 0x00100020: ("LO", f"P{series}")}
    return slice_of(series, syntax, series_uid=samples.uid(3, series), changes=changes)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_first_slice_of_a_third_series_is_recalled(syntax):
    templates = taught(first_of(1, syntax), first_of(2, syntax), syntax=syntax)
    assert recalled(templates, first_of(3, syntax), syntax)
    assert recalled(templates, first_of(4000, syntax), syntax)


def test_a_series_that_was_recalled_by_what_others_said_gets_a_template_of_its_own():
    templates = taught(first_of(1), first_of(2))
    series = {"series_uid": samples.uid(3, 3)}
    assert recalled(templates, slice_of(1, **series))
    assert not recalled(templates, slice_of(2, **series))
    assert recalled(templates, slice_of(3, **series))


def test_first_slices_of_many_kinds_are_kept_up_to_a_limit():
    templates = Templates()
    for number in range(2 * room.MAX_SHAPES_OF_ANY_SERIES):
        data = slice_of(1, series_uid=samples.uid(3, number), changes={0x00990010 + number: ("LO", "x")})
        scan(data, UID(samples.EXPLICIT), data_bytes=len(data), templates=templates)
    [kept] = [known for key, known in templates._by_series.items() if not key[1]]
    assert len(kept) == room.MAX_SHAPES_OF_ANY_SERIES


def test_what_differs_later_is_learned_too():
    templates = taught(slice_of(1), slice_of(2))
    assert not recalled(templates, slice_of(2, changes={0x00281050: ("DS", "45")}))
    assert recalled(templates, slice_of(4, changes={0x00281050: ("DS", "50.5")}))


def test_sequences_and_long_values_may_vary():
    def varied(number, size):
        item = [(0x00081155, "UI", samples.uid(8, number))]
        changes = {RELATED: ("SQ", [item] * number), 0x00081115: ("SQ", samples.Undefined([item, item]))}
        return slice_of(
            number, changes={**changes, 0x00431020: ("OB", b"x" * size), 0x00431021: ("UN", b"ab" * size)}
        )

    templates = taught(varied(1, 10), varied(2, 20))
    assert recalled(templates, varied(3, 2000))
    assert recalled(templates, varied(4, 0))


def test_two_kinds_of_header_in_a_series_have_a_template_each():
    contrast = {0x00180010: ("LO", "Iohexol")}
    templates = taught(slice_of(1), slice_of(2, changes=contrast), slice_of(3), slice_of(4, changes=contrast))
    assert recalled(templates, slice_of(5))
    assert recalled(templates, slice_of(6, changes=contrast))


@pytest.mark.parametrize("charset", ["ISO_IR 100", "Klingon", ""])
def test_another_character_set_is_no_match(charset):
    templates = taught(slice_of(1), slice_of(2))
    other = slice_of(3, changes={0x00080005: ("CS", charset)})
    assert not recalled(templates, other)
    assert not recalled(templates, slice_of(4, changes={0x00080005: None}))
    assert not recalled(templates, slice_of(5, changes={0x00080005: ("CS", charset)}))


def test_values_whose_sign_another_element_tells_are_no_match():
    def signed(number, sign):
        changes = {0x00280103: ("US", sign), 0x00280120: ("US", 0xFFFF)}
        return slice_of(number, samples.IMPLICIT, changes=changes)

    templates = taught(signed(1, 0), signed(2, 0), syntax=samples.IMPLICIT)
    assert recalled(templates, signed(3, 0), samples.IMPLICIT)
    assert not recalled(templates, signed(4, 1), samples.IMPLICIT)


def test_without_a_character_set_the_document_names_its_own():
    def bare(number, comment):
        changes = {0x00080005: None, 0x00204000: ("LT", comment), **dict.fromkeys((0x00080080, 0x00080090), None)}
        changes |= dict.fromkeys((0x00081030, 0x00081050, 0x00081070, 0x00181030, 0x00400275), None)
        return slice_of(number, patient_name="Doe^John", changes=changes)

    templates = taught(bare(1, "one"), bare(2, "two"))
    assert recalled(templates, bare(3, "three"))
    assert recalled(templates, bare(4, "四"))
    assert b'"00080005":{"vr":"CS","Value":["ISO_IR 192"]}' in said(bare(5, "五"), samples.EXPLICIT, templates)[3]


def test_oddities_of_what_varies_and_of_what_does_not_are_told():
    def odd(number, patient_id):
        date = ("DA", "2024.01.15")
        return slice_of(number, changes={0x00080020: date, 0x00100020: ("LO", patient_id), 0x00200013: ("IS", "1A")})

    templates = taught(odd(1, "A"), odd(2, "B"))
    assert recalled(templates, odd(3, ""))
    assert recalled(templates, odd(3, "C"))
    header = scan(odd(3, ""), UID(samples.EXPLICIT), data_bytes=len(odd(3, "")), templates=templates)
    assert header.oddities == frozenset({Oddity.BAD_DATE, Oddity.NO_PATIENT_ID, Oddity.BAD_NUMBER})


def element(tag, vr, value):
    """An element in explicit VR, short form, of any length and any VR."""
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def with_element(data, raw, *, before=0x7FE00010):
    """A data set with bytes put in before an element."""
    at = data.index(struct.pack("<HH", before >> 16, before & 0xFFFF))
    return data[:at] + raw + data[at:]


@pytest.mark.parametrize(
    "raw",
    [
        element(0x00991001, b"LO", b"odd"),
        element(0x00991001, b"??", b"ab"),
        element(0x00080070, b"LO", b"once more "),
        struct.pack("<HH2sHL", 0x0099, 0x1001, b"SQ", 0, 4) + b"abcd",
    ],
    ids=["odd length", "no VR", "order", "damaged sequence"],
)
def test_headers_that_are_not_in_order_are_neither_learned_nor_recalled(raw):
    odd = [with_element(slice_of(number), raw) for number in (1, 2, 3)]
    assert not recalled(taught(*odd[:2]), odd[2])
    assert not recalled(taught(slice_of(1), slice_of(2)), odd[2])


def test_what_is_odd_behind_the_template_is_no_match():
    templates = taught(slice_of(1), slice_of(2))
    assert not recalled(templates, slice_of(3) + struct.pack("<HH2sHL", 0xFFFC, 0xFFFC, b"OB", 0, 3) + b"abc")
    assert not recalled(templates, slice_of(3) + b"\0" * 6)


def test_an_odd_length_of_what_varies_is_no_match():
    templates = taught(slice_of(1), slice_of(2))
    data = slice_of(3)
    number = element(0x00200013, b"IS", b"3 ")
    assert number in data
    assert not recalled(templates, data.replace(number, element(0x00200013, b"IS", b"345")))


def test_another_element_in_the_place_of_a_sequence_is_no_match():
    def related(number):
        return slice_of(number, changes={RELATED: ("SQ", [[(0x00081155, "UI", samples.uid(8, number))]])})

    templates = taught(related(1), related(2))
    assert recalled(templates, related(3))
    assert not recalled(templates, related(4).replace(b"\x08\0\x40\x11SQ", b"\x08\0\x41\x11SQ"))
    assert not recalled(templates, related(4).replace(b"\x08\0\x40\x11SQ", b"\x08\0\x40\x11OB"))


def test_a_sequence_that_is_damaged_is_no_match():
    def related(number, item_bytes):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, item_bytes) + element(0x00081155, b"UI", b"1.2.%d\0" % number)
        sequence = struct.pack("<HH2sHL", 0x0099, 0x1001, b"SQ", 0, len(item)) + item
        return with_element(slice_of(number), sequence)

    templates = taught(related(1, 14), related(2, 14))
    assert recalled(templates, related(3, 14))
    assert not recalled(templates, related(4, 16))


def test_a_first_element_whose_length_reads_as_a_vr_is_no_match():
    def first(number, size):
        # 21316 bytes: in implicit VR, the letters DS.
        return slice_of(number, samples.IMPLICIT, changes={0x00080005: None, 0x00080001: ("UN", b"x" * size)})

    templates = taught(first(1, 4), first(2, 6), syntax=samples.IMPLICIT)
    assert not recalled(templates, first(3, 21316), samples.IMPLICIT)


def test_more_bytes_than_there_should_be_are_for_a_walk_to_judge():
    templates = taught(slice_of(1), slice_of(2))
    data = slice_of(3)
    for total in (len(data) - 32, len(data) - 33, 500):
        assert said(data, samples.EXPLICIT, templates, total) == said(data, samples.EXPLICIT, None, total)


def test_a_sign_told_behind_the_template_is_no_match(monkeypatch):
    def signed(number, sign):
        changes = {0x00280103: ("US", sign), 0x00280120: ("US", 0xFFFF)}
        return slice_of(number, samples.IMPLICIT, changes=changes)

    monkeypatch.setattr(room, "MAX_ELEMENTS", 60)
    templates = taught(signed(1, 0), signed(2, 0), syntax=samples.IMPLICIT)
    assert not recalled(templates, signed(3, 1), samples.IMPLICIT)
    assert not recalled(templates, signed(4, 0), samples.IMPLICIT)


def test_elements_behind_pixel_data_are_walked_over():
    padded = [slice_of(number, changes={0xFFFCFFFC: ("OB", b"\0" * number)}) for number in (2, 4, 6)]
    templates = taught(*padded[:2])
    assert recalled(templates, padded[2])
    assert recalled(templates, slice_of(7))


def test_every_cut_of_a_recalled_header_says_the_same():
    templates = taught(slice_of(1), slice_of(2))
    data = slice_of(3)
    for size in range(len(data)):
        assert said(data[:size], samples.EXPLICIT, templates) == said(data[:size], samples.EXPLICIT, None)
        expected = said(data[:size], samples.EXPLICIT, None, len(data))
        assert said(data[:size], samples.EXPLICIT, templates, len(data)) == expected


def test_a_view_is_recalled_like_bytes():
    templates = taught(slice_of(1), slice_of(2))
    assert recalled(templates, memoryview(slice_of(3)))


def test_attributes_belong_to_whoever_asked():
    templates = taught(slice_of(1), slice_of(2))
    scan(slice_of(3), UID(samples.EXPLICIT), data_bytes=len(slice_of(3)), templates=templates).attributes.clear()
    assert recalled(templates, slice_of(3))


# Bounds


def test_a_header_is_covered_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(room, "MAX_ELEMENTS", 113)
    templates = taught(slice_of(1), slice_of(2))
    assert recalled(templates, slice_of(3))
    assert {len(kept.tokens) for known in templates._by_series.values() for kept in known} == {113}
    monkeypatch.setattr(room, "MAX_BYTES", 2000)
    templates = taught(slice_of(1), slice_of(2))
    assert recalled(templates, slice_of(3))
    assert all(len(kept.sample) <= 2000 for known in templates._by_series.values() for kept in known)


def test_shapes_series_and_bytes_are_bounded(monkeypatch):
    templates = Templates()
    for number in range(3 * room.MAX_SERIES):
        for private in range(room.MAX_SHAPES + 2):
            changes = {0x00990010 + private: ("LO", "x")}
            data = slice_of(number, series_uid=samples.uid(3, number), changes=changes)
            scan(data, UID(samples.EXPLICIT), data_bytes=len(data), templates=templates)
    assert len(templates._by_series) == room.MAX_SERIES
    of_series = [known for key, known in templates._by_series.items() if key[1]]
    assert {len(known) for known in of_series} == {room.MAX_SHAPES}
    kept = [template for known in templates._by_series.values() for template in known]
    assert templates._used_bytes == sum(template.cost_bytes for template in kept)
    monkeypatch.setattr(room, "BUDGET_BYTES", 300_000)
    data = slice_of(1)
    scan(data, UID(samples.EXPLICIT), data_bytes=len(data), templates=templates)
    assert 0 < templates._used_bytes <= 300_000


def test_a_header_in_which_all_varies_is_given_up():
    def other(number):
        rows = [(0x0020000E, "UI", samples.uid(3, 1))]
        rows += [(0x00210000 + at, "LO", f"{number}-{at}") for at in range(0x10, 0x40)]
        return samples.encode(rows)

    templates = taught(other(1), other(2))
    assert not recalled(templates, other(3))
    assert not recalled(templates, other(4))


def test_a_rest_of_many_elements_is_walked_over():
    templates = taught(slice_of(1), slice_of(2))
    filler = b"".join(struct.pack("<HH2sH", 0xFFF1, number, b"LO", 0) for number in range(room.MAX_REST_ELEMENTS))
    assert not recalled(templates, slice_of(3) + filler)


def test_threads_share_templates():
    templates = Templates()
    failed = []

    def run(series):
        for number in range(60):
            changes = {0x00281050: ("DS", str(number))} if number % 7 == 0 else {}
            data = slice_of(number, SYNTAXES[series % 2], series_uid=samples.uid(3, series // 2), changes=changes)
            if said(data, SYNTAXES[series % 2], templates) != said(data, SYNTAXES[series % 2], None):
                failed.append((series, number))

    threads = [threading.Thread(target=run, args=(series,)) for series in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
