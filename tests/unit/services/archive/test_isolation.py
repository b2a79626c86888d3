"""Decoding in other processes: real deaths of real children, and the archive goes on."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import codecs
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, JPEG_2000_LOSSLESS, JPEG_LOSSLESS_SV1
from calotype.errors import DamagedPixels, OutOfResources, Unavailable, Unsupported
from calotype.services.archive.archive import Archive
from calotype.services.archive.children import MIB
from calotype.services.archive.forms import Forms, Original
from calotype.services.archive.isolation import Isolation, IsolationSettings
from calotype.services.archive.pictures import PNG, Decoding, Pictures, Wish
from calotype.stores.index.memory_pixels import MemoryPixelNotes
from support import samples

IMAGE = PixelDescription(64, 48)
JPEG = JPEG_LOSSLESS_SV1
VALUES = np.arange(64 * 48, dtype="uint16").reshape(64, 48)


@pytest.fixture
def deadly(monkeypatch):
    """Make children whose decoder does what the frame says."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    made = []

    def make(**settings):
        isolation = Isolation(IsolationSettings(**{"processes": 1, **settings}), "support.deadly:decode")
        made.append(isolation)
        return isolation

    yield make
    for isolation in made:
        isolation.stop()


def who(isolation):
    """Return which process decodes."""
    return int(isolation.decode(b"who", IMAGE, JPEG)[0, 0])


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (b"crash", "SIGSEGV"),
        (b"abort", "SIGABRT"),
        (b"leave", "exit code 3"),
        (b"error", "exit code 1"),
        (b"loop", "more than 1 s of processor time"),
        (b"sleep", "longer than 3 s"),
        (b"shape", "nonsense"),
        (b"type", "nonsense"),
    ],
)
def test_a_child_that_fails_is_followed_by_another(deadly, frame, told):
    isolation = deadly(cpu_s=1, wall_s=3.0 if frame == b"sleep" else 60.0)
    first = who(isolation)

    with pytest.raises(DamagedPixels, match=told):
        isolation.decode(frame, IMAGE, JPEG)

    assert who(isolation) not in {first, os.getpid() % 60_000}


@pytest.mark.parametrize("frame", [b"bomb", b"many"])
def test_a_child_has_only_so_much_memory(deadly, frame):
    isolation = deadly(memory_bytes=512 * MIB)
    with pytest.raises(DamagedPixels, match="more than 512 MiB"):
        isolation.decode(frame, IMAGE, JPEG)
    assert who(isolation)


def test_a_child_that_the_system_ends_says_nothing_of_the_frame(deadly):
    isolation = deadly()
    with pytest.raises(OutOfResources, match="the system ended"):
        isolation.decode(b"killed", IMAGE, JPEG)
    assert who(isolation)


def test_a_child_that_refuses_lives_on(deadly):
    isolation = deadly()
    first = who(isolation)
    with pytest.raises(Unsupported, match="not this one"):
        isolation.decode(b"refuse", IMAGE, JPEG)
    assert who(isolation) == first


def test_a_child_that_died_meanwhile_is_replaced(deadly):
    isolation = deadly()
    first = who(isolation)
    (child,) = isolation._idle
    os.kill(child._child.pid, signal.SIGKILL)
    child._child.status()

    assert who(isolation) != first


def test_there_are_only_so_many_children(deadly):
    isolation = deadly(processes=2)
    seen = set()

    def ask():
        for _ in range(5):
            seen.add(who(isolation))

    askers = [threading.Thread(target=ask) for _ in range(5)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert 1 <= len(seen) <= 2


def test_nobody_waits_for_a_child_when_all_are_stopped(deadly):
    isolation = deadly()
    who(isolation)
    errors = []

    def ask():
        try:
            isolation.decode(b"sleep", IMAGE, JPEG)
        except Unavailable as error:
            errors.append(str(error))

    asker = threading.Thread(target=ask)
    asker.start()
    while isolation._idle:
        pass
    isolation.stop()
    asker.join()

    assert errors == ["the archive is being stopped"]
    with pytest.raises(Unavailable):
        who(isolation)
    isolation.stop()


def test_a_decoder_that_is_not_there_is_told():
    with (
        Isolation(decoder="calotype.nothing:decode") as isolation,
        pytest.raises(OutOfResources, match="did not start: 1"),
    ):
        isolation.decode(b"", IMAGE, JPEG)


def test_nothing_is_started_before_it_is_needed():
    with Isolation() as isolation:
        assert isolation._children == set()


@pytest.fixture(scope="module")
def isolation():
    with Isolation(IsolationSettings(processes=1)) as made:
        yield made


def test_frames_come_out_as_they_do_here(isolation):
    for syntax in (JPEG, JPEG_2000_LOSSLESS):
        frame = codecs.encode(VALUES, IMAGE, syntax).data
        np.testing.assert_array_equal(isolation.decode(frame, IMAGE, syntax), VALUES)


def test_a_frame_may_come_halved(isolation):
    frame = codecs.encode(VALUES, IMAGE, JPEG_2000_LOSSLESS).data
    expected = codecs.decode_reduced(frame, IMAGE, JPEG_2000_LOSSLESS, 2)
    np.testing.assert_array_equal(isolation.decode(frame, IMAGE, JPEG_2000_LOSSLESS, levels=2), expected)


def test_what_the_guard_refuses_is_tried_when_it_is_forced(isolation):
    frame = codecs.encode(VALUES, IMAGE, JPEG).data
    cut = frame[: len(frame) // 2]
    with pytest.raises(DamagedPixels, match="cut off"):
        isolation.decode(cut, IMAGE, JPEG)

    shown = isolation.decode(cut, IMAGE, JPEG, is_forced=True)

    np.testing.assert_array_equal(shown[:16], VALUES[:16])
    assert not np.array_equal(shown, VALUES)


def test_a_frame_that_says_other_things_than_its_object_is_refused_even_if_forced(isolation):
    frame = codecs.encode(VALUES, IMAGE, JPEG).data
    with pytest.raises(DamagedPixels, match="not of"):
        isolation.decode(frame, replace(IMAGE, rows=63), JPEG, is_forced=True)
    with pytest.raises(Unsupported, match="not known"):
        isolation.decode(frame, IMAGE, UID("1.2.3"), is_forced=True)


@pytest.fixture
def damaged(house):
    """Return an image of one frame in JPEG Lossless, cut off in its middle."""
    frame = codecs.encode(VALUES, IMAGE, JPEG).data
    changes = {
        0x00280010: ("US", 64),
        0x00280011: ("US", 48),
        0x00280100: ("US", 16),
        0x00280101: ("US", 16),
        0x00280102: ("US", 15),
        0x00280103: ("US", 0),
        0x7FE00010: ("OB", samples.Fragments([frame[: len(frame) // 4 * 2]])),
    }
    receipt = house.store(samples.small(changes=changes, syntax=samples.EXPLICIT), syntax=JPEG)
    return house.index.instance(receipt.ref.instance)


def test_what_is_left_of_a_damaged_frame_is_shown_to_who_asks_for_it_and_it_stays_marked(house, isolation, damaged):
    notes = MemoryPixelNotes(house.index)
    archive = Archive.over(house.objects, house.index, house.settings, house.clock, notes=notes)
    decoding = Decoding(forced=partial(isolation.decode, is_forced=True))
    pictures = Pictures(archive.retrieve, house.index, findings=archive.findings, decoding=decoding)
    with pytest.raises(Unsupported, match="damaged"):
        pictures.rendered(damaged, Wish(PNG))

    assert pictures.rendered(damaged, Wish(PNG, is_forced=True)).data.startswith(b"\x89PNG")

    assert [each.ref for each in archive.curate.damaged()] == [damaged.ref]
    always = Decoding(forced=decoding.forced, is_always_forced=True)
    pictures = Pictures(archive.retrieve, house.index, decoding=always)
    assert pictures.rendered(damaged, Wish(PNG)).data.startswith(b"\x89PNG")


def test_nobody_is_shown_damage_where_nothing_is_isolated(house, damaged):
    with pytest.raises(Unsupported, match="damaged"):
        Pictures(house.archive.retrieve, house.index).rendered(damaged, Wish(PNG, is_forced=True))


def test_an_archive_that_isolates_all_outlives_its_decoder(house, deadly):
    image = house.index.instance(
        house.store(samples.compressed(sop_uid="1.2.3"), syntax=samples.JPEG_BASELINE).ref.instance
    )
    isolation = deadly()

    def crash(_data, description, uid, /, *, levels=0):
        return isolation.decode(b"crash", description, uid, levels=levels)

    pictures = Pictures(house.archive.retrieve, house.index, decoding=Decoding(crash))
    with pytest.raises(Unsupported, match="SIGSEGV"):
        pictures.rendered(image, Wish(PNG))
    stored, reader = house.archive.retrieve.open_current(image)
    with (
        reader,
        pytest.raises(DamagedPixels, match="SIGSEGV"),
        Forms(decode=crash).converted(reader, Original.of(stored), EXPLICIT_VR_LITTLE_ENDIAN),
    ):
        pass
    assert house.served("1.2.3") == samples.compressed(sop_uid="1.2.3")
    assert who(isolation)
