"""What is found out about pixels: kept where it was much work, marked where it is damage."""

from __future__ import annotations

import pytest

from calotype.dicom.hierarchy import UID
from calotype.errors import DamagedPixels, Unavailable, Unsupported
from calotype.services.archive.archive import Archive
from calotype.services.archive.findings import WORTH_STEPS, Findings
from calotype.services.archive.looking import Looking
from calotype.services.archive.pictures import PNG, Pictures, Wish
from calotype.services.archive.verify import ProblemKind
from calotype.stores.index.memory_pixels import MemoryPixelNotes
from support import samples

DAMAGED = samples.compressed(sop_uid="1.2.3", study_uid="1", series_uid="1.2")
"""Its fragments are no JPEG."""


class CountingNotes(MemoryPixelNotes):
    """Counts what is kept."""

    kept = 0

    def keep_layout(self, *what):
        self.kept += 1
        super().keep_layout(*what)


@pytest.fixture
def notes(house):
    return CountingNotes(house.index)


@pytest.fixture
def findings(notes, house):
    return Findings(notes, house.clock)


@pytest.fixture
def archive(house, notes):
    """The same archive, with notes."""
    return Archive.over(house.objects, house.index, house.settings, house.clock, notes=notes)


def stored(house, data, syntax=samples.EXPLICIT):
    return house.index.instance(house.store(data, syntax=syntax).ref.instance)


def test_what_was_much_work_is_read_by_the_next_process(house, findings, notes, monkeypatch):
    image = stored(house, samples.compressed(frames=WORTH_STEPS), samples.JPEG_BASELINE)
    with Looking(house.archive.retrieve, findings).open(image) as first:
        frame = first.subject.frames.frame(WORTH_STEPS)
    monkeypatch.setattr("calotype.services.archive.looking.read_subject", None)

    with Looking(house.archive.retrieve, findings).open(image) as again:
        assert again.subject.frames.frame(WORTH_STEPS) == frame
        assert again.read_at(*frame[0]) == first.read_at(*frame[0])
    assert notes.kept == 1


def test_what_was_little_work_is_not_kept(house, findings, notes):
    image = stored(house, samples.ct())
    with Looking(house.archive.retrieve, findings).open(image):
        assert notes.kept == 0


def test_what_was_kept_and_is_damaged_is_found_out_again(house, findings, notes, caplog):
    image = stored(house, samples.compressed(frames=WORTH_STEPS), samples.JPEG_BASELINE)
    notes.keep_layout(image.ref.instance, image.location.digest, b"\1no layout")

    with Looking(house.archive.retrieve, findings).open(image) as opened:
        assert opened.subject.number_of_frames == WORTH_STEPS
    assert "damaged, or of another version" in caplog.text


class FailingNotes:
    """An index that does not answer."""

    def __getattr__(self, _name):
        def fail(*_):
            raise Unavailable("the index does not answer")

        return fail


def test_notes_that_cannot_be_kept_fail_nobody(house, caplog):
    findings = Findings(FailingNotes(), house.clock)
    image = stored(house, samples.compressed(frames=WORTH_STEPS), samples.JPEG_BASELINE)

    with Looking(house.archive.retrieve, findings).open(image) as opened:
        assert opened.subject.number_of_frames == WORTH_STEPS
    findings.note_damage(image.ref.instance, image.location.digest, DamagedPixels("cut off"))
    assert caplog.text.count("does not answer") == 3


def test_without_notes_nothing_is_remembered(house):
    findings = Findings(None, house.clock)
    findings.note_damage(UID("1.2.3"), bytes(32), DamagedPixels("cut off"))
    findings.note_sound(UID("1.2.3"))
    assert list(findings.damaged()) == []


@pytest.mark.parametrize("look", ["rendered", "thumbnail", "decoded_frame"])
def test_an_object_that_cannot_be_decoded_is_marked_and_served_as_it_came(house, archive, look):
    image = stored(house, DAMAGED, samples.JPEG_BASELINE)
    pictures = Pictures(archive.retrieve, house.index, findings=archive.findings)
    for _ in range(2):
        if look == "rendered":
            with pytest.raises(Unsupported, match="damaged"):
                pictures.rendered(image, Wish(PNG))
        elif look == "thumbnail":
            assert pictures.thumbnail(image, Wish(PNG)).data
        else:
            with pytest.raises(Unsupported, match="damaged"), pictures.open(image) as opened:
                pictures.decoded_frame(opened, 1)

    (damaged,) = archive.curate.damaged()
    assert (damaged.ref, "JPEG" in damaged.detail) == (image.ref, True)
    assert house.served("1.2.3") == DAMAGED


def test_verify_decodes_everything_and_marks_what_it_cannot(house, archive):
    stored(house, DAMAGED, samples.JPEG_BASELINE)
    for data in (samples.ct(), samples.multi_frame(), samples.pdf(), samples.structured_report()):
        stored(house, data)
    assert archive.curate.verify().problems == ()

    (problem,) = archive.curate.verify(pixels=True).problems

    assert (problem.kind, problem.ref.instance) == (ProblemKind.DAMAGED_PIXELS, "1.2.3")
    assert [each.ref.instance for each in archive.curate.damaged()] == ["1.2.3"]


def test_verify_takes_the_mark_from_what_can_be_decoded(house, archive, findings):
    image = stored(house, samples.ct())
    findings.note_damage(image.ref.instance, image.location.digest, DamagedPixels("of another version"))
    assert len(list(archive.curate.damaged())) == 1

    assert archive.curate.verify(pixels=True).problems == ()

    assert list(archive.curate.damaged()) == []


def test_verify_counts_the_frames(house, archive):
    claimed = samples.multi_frame(frames=4, changes={0x00280008: ("IS", "9")})
    image = stored(house, claimed)

    (problem,) = archive.curate.verify(pixels=True).problems

    assert problem.ref == image.ref
    assert problem.detail == "Number of Frames is 9; 4 are there"
