"""The list worked off in the background: it goes on after every kind of end, and nothing stops it for good."""

import threading
from dataclasses import dataclass, field

import pytest

from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import JPEG_LS_LOSSLESS
from calotype.errors import Cancelled, OutOfResources, Unavailable
from calotype.services.archive.compression.compressor import Done
from calotype.services.archive.compression.ports import Result
from calotype.services.archive.compression.service import MAX_ATTEMPTS, Compression, CompressionSettings
from support.archives import NOON_US
from support.compressing import EVERYTHING, Press
from support.transcoding import PIXELS, data_set

LATER_US = NOON_US + 3_600_000_000


def listed(press, count):
    for number in range(1, count + 1):
        press.house.store(data_set(PIXELS["8 bits"], SOPInstanceUID=f"2.25.{number}", PixelData=bytes(20 * 24)))


@dataclass
class Scripted:
    """Does to each object what was said, and tells when."""

    outcomes: list = field(default_factory=list)
    done: list = field(default_factory=list)
    given_up: list = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    store: object = None

    def compress(self, task, rule, is_cancelled):
        outcome = self.outcomes.pop(0) if self.outcomes else Done(Result.COMPRESSED)
        if callable(outcome):
            outcome = outcome(is_cancelled)
        with self.changed:
            self.done.append((task.sop_instance, task.attempts, rule is not None))
            self.changed.notify_all()
        if isinstance(outcome, Exception):
            raise outcome
        self.store.end(task.sop_instance, outcome.result, outcome.sizes, at_us=0)
        return outcome

    def give_up(self, task, reason):
        with self.changed:
            self.given_up.append((task.sop_instance, reason))
            self.changed.notify_all()
        self.store.end(task.sop_instance, Result.KEPT, Done(Result.KEPT).sizes, reason=reason, at_us=0)

    def wait_for(self, what):
        with self.changed:
            assert self.changed.wait_for(lambda: what(self), 60)


def service(press, scripted, **settings):
    scripted.store = press.store
    how = {"rules": EVERYTHING, "enabled": True, "look_s": 0.01, "retry_s": 0.01} | settings
    return Compression(scripted, press.store, CompressionSettings(**how), lambda: LATER_US)


@pytest.fixture
def press():
    return Press()


def test_what_is_on_the_list_is_compressed_and_what_comes_later_too(press):
    listed(press, 2)
    compression = Compression(
        press.compressor,
        press.store,
        CompressionSettings(EVERYTHING, enabled=True, look_s=0.01),
        lambda: LATER_US,
    )
    compression.start()
    try:
        listed(press, 5)
        done = threading.Event()
        for _ in range(6000):
            if compression.standing().waiting == 0:
                break
            done.wait(0.01)
    finally:
        compression.stop(60)
    assert {stored.location.transfer_syntax for stored, _, _ in press.index.records()} == {JPEG_LS_LOSSLESS}
    [tally] = compression.standing().results
    assert (tally.result, tally.objects) == (Result.COMPRESSED, 5)
    assert compression.standing().saved_bytes == tally.before_bytes - tally.after_bytes > 0


def test_switched_off_nothing_is_done_and_the_list_stays(press):
    listed(press, 1)
    compression = service(press, Scripted(), enabled=False)
    compression.start()
    compression.stop(60)
    assert compression.standing().waiting == 1
    assert not compression.standing().enabled
    assert press.location().transfer_syntax == EXPLICIT


def test_an_object_rests_for_a_while_first(press):
    listed(press, 1)
    scripted = Scripted()
    compression = service(press, scripted, delay_s=3600.0 + 10)
    compression.start()
    compression.stop(60)
    assert scripted.done == []
    assert press.store.waiting() == 1


def test_a_full_disk_is_waited_for(press):
    listed(press, 1)
    scripted = Scripted([OutOfResources("full"), OutOfResources("full"), Done(Result.COMPRESSED)])
    compression = service(press, scripted)
    compression.start()
    scripted.wait_for(lambda s: len(s.done) == 3)
    compression.stop(60)
    assert scripted.done == [("2.25.1", 1, True)] * 3
    assert press.store.waiting() == 0


def test_an_object_that_cannot_be_read_does_not_keep_others_waiting(press):
    listed(press, 2)
    scripted = Scripted([Unavailable("its sectors are bad"), Done(Result.COMPRESSED), *[Unavailable("still")] * 9])
    compression = service(press, scripted)
    compression.start()
    scripted.wait_for(lambda s: s.given_up)
    compression.stop(60)
    assert [uid for uid, _, _ in scripted.done] == ["2.25.1", "2.25.2", "2.25.1", "2.25.1"]
    assert press.store.waiting() == 0


def test_a_mistake_over_one_object_does_not_end_the_work_on_others(press, caplog):
    listed(press, 2)
    scripted = Scripted([ZeroDivisionError("ours")])
    compression = service(press, scripted)
    compression.start()
    scripted.wait_for(lambda s: len(s.done) == 2)
    compression.stop(60)
    assert [left.reason for left in compression.left()] == ["a mistake of ours; the log tells more"]
    assert "ZeroDivisionError" in caplog.text


def test_what_was_left_in_the_midst_goes_on_at_the_next_start(press):
    listed(press, 3)
    assert len(press.store.claim(3, LATER_US)) == 3
    scripted = Scripted()
    compression = service(press, scripted)
    compression.start()
    scripted.wait_for(lambda s: len(s.done) == 3)
    compression.stop(60)
    assert [attempts for _, attempts, _ in scripted.done] == [2, 2, 2]


def test_an_object_that_ended_the_process_too_often_is_left_alone(press):
    listed(press, 1)
    for _ in range(MAX_ATTEMPTS):
        assert len(press.store.claim(1, LATER_US)) == 1
        press.store.recover()
    scripted = Scripted()
    compression = service(press, scripted)
    compression.start()
    scripted.wait_for(lambda s: s.given_up)
    compression.stop(60)
    assert scripted.done == []
    assert [left.reason for left in press.store.left(1)] == ["begun 3 times, and the archive or its file gave out"]


def test_stopping_puts_back_what_was_taken(press):
    listed(press, 4)
    began = threading.Event()

    def until_stopped(is_cancelled):
        began.set()
        while not is_cancelled():
            threading.Event().wait(0.001)
        return Cancelled("stopped")

    scripted = Scripted([until_stopped])
    compression = service(press, scripted)
    compression.start()
    assert began.wait(60)
    compression.stop(60)
    tasks = press.store.claim(9, LATER_US)
    assert [task.attempts for task in tasks] == [1, 1, 1, 1]


def test_an_object_that_is_gone_needs_no_rule(press):
    listed(press, 1)
    press.index.remove(press.index.instance("2.25.1").ref)
    scripted = Scripted([Done(Result.PASSED_OVER)])
    compression = service(press, scripted)
    compression.start()
    scripted.wait_for(lambda s: s.done)
    compression.stop(60)
    assert scripted.done == [("2.25.1", 1, False)]
