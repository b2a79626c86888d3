"""What is read of an object to look at it: functional groups, time, profiles, whatever the layout."""

from __future__ import annotations

import numpy as np
import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.luts import Rescale, Window, voi_of
from calotype.dicom.pixels.subject import read_subject
from calotype.errors import InvalidRequest, NotFound, Unsupported
from support import samples

FRAMES = 3


def groups(*, undefined=False):
    items = [
        [(0x00289132, "SQ", [[(0x00281050, "DS", str(number)), (0x00281051, "DS", "10")]])]
        for number in range(1, FRAMES + 1)
    ]
    return ("SQ", samples.Undefined(items) if undefined else items)


def subject_of(changes, *, syntax=samples.EXPLICIT):
    data = samples.multi_frame(frames=FRAMES, syntax=syntax, changes=changes)
    return read_subject(memoryview(data), UID(syntax))


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", [samples.EXPLICIT, samples.IMPLICIT, samples.BIG_ENDIAN, samples.DEFLATED])
def test_each_frame_has_its_own_functional_groups(syntax, undefined):
    subject, read_at = subject_of({0x52009230: groups(undefined=undefined)}, syntax=syntax)

    windows = [voi_of(subject.frame_attributes(number, read_at), Rescale()) for number in (1, 2, 3)]

    assert windows == [Window(1, 10), Window(2, 10), Window(3, 10)]


def test_frames_beyond_their_groups_have_those_of_all():
    shared = ("SQ", [[(0x00289132, "SQ", [[(0x00281050, "DS", "9"), (0x00281051, "DS", "10")]])]])
    subject, read_at = subject_of({0x52009229: shared})

    assert voi_of(subject.frame_attributes(2, read_at), Rescale()) == Window(9, 10)


@pytest.mark.parametrize("syntax", [samples.EXPLICIT, samples.IMPLICIT, samples.BIG_ENDIAN, samples.DEFLATED])
def test_frames_are_the_same_in_every_layout(syntax):
    subject, read_at = subject_of({}, syntax=syntax)
    stored = np.frombuffer(samples.pixels(16 * 16 * FRAMES, 1), np.uint8).reshape(FRAMES, 16, 16)

    for number in range(1, FRAMES + 1):
        assert np.array_equal(subject.frame(number, read_at).values, stored[number - 1])
    with pytest.raises(NotFound):
        subject.frame(FRAMES + 1, read_at)


@pytest.mark.parametrize(
    ("changes", "durations"),
    [
        ({}, [100] * 3),
        ({0x00181063: ("DS", "40")}, [40] * 3),
        ({0x00181065: ("DS", "0\\30\\50")}, [30, 50, 50]),
        ({0x00181065: ("DS", "0\\30")}, [100] * 3),
        ({0x00180040: ("IS", "25")}, [40] * 3),
        ({0x00082144: ("IS", "50"), 0x00180040: ("IS", "25")}, [20] * 3),
        ({0x00181063: ("DS", "-5")}, [100] * 3),
        ({0x00181063: ("DS", "1e9")}, [10_000] * 3),
        ({0x00181063: ("DS", "fast")}, [100] * 3),
    ],
)
def test_frames_are_shown_for_as_long_as_the_object_says(changes, durations):
    assert subject_of(changes)[0].durations_ms() == durations


def test_a_profile_is_found_at_the_top_and_in_an_optical_path():
    path = ("SQ", [[(0x00282000, "OB", b"of the path!")]])

    assert subject_of({0x00282000: ("OB", b"of the image")})[0].icc_profile == b"of the image"
    assert subject_of({0x00480105: path})[0].icc_profile == b"of the path!"
    assert subject_of({})[0].icc_profile == b""


def test_what_has_no_pixels_has_no_frames():
    subject, _ = read_subject(memoryview(samples.structured_report()), UID(samples.EXPLICIT))

    assert (subject.number_of_frames, subject.frames, subject.sop_class) == (0, None, samples.BASIC_TEXT_SR)
    with pytest.raises(Unsupported, match="no pixels"):
        subject.checked()


@pytest.mark.parametrize(("told", "length"), [(None, 512), (511, 512 - 1), (9, 512), (10**6, 512)])
def test_a_document_comes_without_its_padding(told, length):
    changes = {} if told is None else {0x00420015: ("UL", told)}
    subject, read_at = read_subject(memoryview(samples.pdf(size_bytes=502, changes=changes)), UID(samples.EXPLICIT))

    assert len(subject.read_document(read_at)) == length


def test_what_is_cut_off_is_refused():
    data = samples.multi_frame()

    with pytest.raises(InvalidRequest, match="truncated"):
        read_subject(memoryview(data)[:-10], UID(samples.EXPLICIT))


def test_a_subject_holds_no_bytes_of_the_object():
    data = bytearray(samples.multi_frame(changes={0x52009230: groups()}))
    with memoryview(data) as view:
        subject, _ = read_subject(view, UID(samples.EXPLICIT))

    data.clear()

    assert subject.number_of_frames == 4
