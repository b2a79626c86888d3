"""A subject as bytes, and back; whatever was done to the bytes meanwhile."""

from __future__ import annotations

import random

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.kept import subject_from_bytes, subject_to_bytes
from calotype.dicom.pixels.subject import read_subject
from calotype.errors import InvalidRequest, NotFound
from support import samples

OBJECTS = {
    "an image": (samples.ct(), samples.EXPLICIT),
    "implicit": (samples.ct(syntax=samples.IMPLICIT), samples.IMPLICIT),
    "big endian": (samples.ct(syntax=samples.BIG_ENDIAN), samples.BIG_ENDIAN),
    "frames": (samples.multi_frame(frames=7), samples.EXPLICIT),
    "fragments": (samples.compressed(frames=5), samples.JPEG_BASELINE),
    "a document": (samples.pdf(), samples.EXPLICIT),
    "a report": (samples.structured_report(), samples.EXPLICIT),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_it_comes_back_as_it_was(name):
    data, syntax = OBJECTS[name]
    subject, read_at = read_subject(memoryview(data), UID(syntax))

    back = subject_from_bytes(subject_to_bytes(subject))

    for field in ("layout", "codec", "description", "frames", "group_items", "document", "cost_bytes"):
        assert getattr(back, field) == getattr(subject, field), field
    assert list(back.group_places) == list(subject.group_places)
    assert list(back.attributes.elements()) == list(subject.attributes.elements())
    for number in range(1, subject.number_of_frames + 1):
        assert back.frames.frame(number) == subject.frames.frame(number)
        before, after = (each.frame_attributes(number, read_at) for each in (subject, back))
        assert [list(each.elements()) for each in before.groups] == [list(each.elements()) for each in after.groups]
    if subject.frames is not None:
        with pytest.raises(NotFound):
            back.frames.frame(subject.number_of_frames + 1)


def test_what_was_damaged_is_not_read():
    subject, _ = read_subject(memoryview(OBJECTS["fragments"][0]), UID(samples.JPEG_BASELINE))
    kept = subject_to_bytes(subject)
    chance = random.Random(4)
    for cut in range(0, len(kept), 7):
        with pytest.raises(InvalidRequest):
            subject_from_bytes(kept[:cut])
    for _ in range(2000):
        mutant = bytearray(kept)
        for _ in range(chance.randint(1, 3)):
            mutant[chance.randrange(len(mutant))] ^= 1 << chance.randrange(8)
        try:
            read = subject_from_bytes(bytes(mutant))
        except InvalidRequest:
            continue
        # What zlib's checksum lets pass says the same.
        assert read.description == subject.description
