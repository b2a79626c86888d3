"""Whole objects converted in other processes: real children, real deaths, and the same bytes as made here."""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.transcode import convert
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import JPEG_2000_LOSSLESS, RLE_LOSSLESS
from calotype.errors import DamagedPixels, OutOfResources, Unavailable, Unsupported
from calotype.services.archive.children import MIB
from calotype.services.archive.converter import KEPT_SPOOLS, SPOOL_BYTES, Order
from calotype.services.archive.errands import MAX_RESULT_BYTES, NotHere, Vessel, new_spool
from calotype.services.archive.fleet import LARGEST_BYTES, Fleet, FleetSettings
from calotype.services.archive.forms import Forms, Original
from calotype.services.archive.shelf import Shelf
from calotype.stores.cache import FolderCache
from support import samples


@pytest.fixture
def file_of(tmp_path, request):
    """Return what opens a file of some bytes."""

    def open_(data):
        path = tmp_path / f"object-{len(list(tmp_path.iterdir()))}"
        path.write_bytes(data)
        file = path.open("rb")
        request.addfinalizer(file.close)
        return file

    return open_


@pytest.fixture
def deadly(monkeypatch, request):
    """Make a fleet whose children do what the object says."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]), prepend=os.pathsep)

    def make(**settings):
        fleet = Fleet(FleetSettings(**{"processes": 1, **settings}), "support.deadly:convert")
        request.addfinalizer(fleet.stop)
        assert fleet.warm()
        return fleet

    return make


def order(size_bytes, to=EXPLICIT, stored=RLE_LOSSLESS):
    return Order(0, size_bytes, stored, to, MAX_RESULT_BYTES)


@pytest.fixture
def asked(file_of):
    """Give a fleet an object that says what is to happen."""

    def ask(fleet, what):
        data = what.encode()
        errand = fleet.begin(order(len(data)), file_of(data).fileno())
        assert errand is not None
        return errand

    return ask


@pytest.fixture
def who(asked):
    def ask(fleet):
        with asked(fleet, "who") as errand:
            return int(b"".join(errand.chunks()))

    return ask


def test_objects_are_converted_by_two_processes_and_come_out_as_they_do_here(file_of):
    data = [samples.ct(128, 128, seed=seed) for seed in range(8)]
    with Fleet(FleetSettings(processes=2)) as fleet:
        assert fleet.warm()
        processes: set[int] = set()
        # The second child is started once the first has more than enough to do.
        while len(processes) < 2:
            with ExitStack() as stack:
                files = [file_of(each) for each in data]
                errands = [
                    stack.enter_context(fleet.begin(order(len(each), RLE_LOSSLESS, EXPLICIT), file.fileno()))
                    for each, file in zip(data, files, strict=True)
                ]
                made = [b"".join(errand.chunks()) for errand in errands]
                processes |= {errand.pid for errand in errands}

    assert os.getpid() not in processes
    for one, each in zip(made, data, strict=True):
        with convert(each, EXPLICIT, RLE_LOSSLESS) as new:
            assert one == b"".join(new.chunks())


def test_what_stands_around_the_data_set_is_left_alone(file_of):
    data = samples.ct()
    file = file_of(bytes(100) + data + b"after")
    with Fleet(FleetSettings(processes=1)) as fleet, convert(data, EXPLICIT, RLE_LOSSLESS) as expected:
        assert fleet.warm()
        wanted = Order(100, 100 + len(data), EXPLICIT, RLE_LOSSLESS, MAX_RESULT_BYTES)
        with fleet.begin(wanted, file.fileno()) as errand:
            file.close()
            assert b"".join(errand.chunks()) == b"".join(expected.chunks())


def test_what_is_refused_here_is_refused_there(deadly, asked, who):
    fleet = deadly()
    first = who(fleet)
    with asked(fleet, "refuse") as errand, pytest.raises(Unsupported, match="not this one"):
        errand.wait()
    assert who(fleet) == first


def test_a_result_comes_in_pieces_and_may_be_read_again(deadly, asked):
    with asked(deadly(), "pieces") as errand:
        pieces = list(errand.chunks())
        assert max(map(len, pieces)) == 1 << 20
        assert b"".join(pieces) == b"".join(bytes([number]) * 700_000 for number in range(4))
        assert b"".join(errand.chunks()) == b"".join(pieces)


def test_an_object_whose_child_is_killed_is_converted_by_another(deadly, asked, who, tmp_path):
    fleet = deadly()
    first = who(fleet)
    with asked(fleet, f"killed-once:{tmp_path / 'mark'}") as errand:
        second = int(b"".join(errand.chunks()))
    assert second not in {first, os.getpid()}
    assert who(fleet) == second


def test_kill_9_from_outside_in_the_midst_of_the_work_costs_the_others_nothing(deadly, asked, tmp_path):
    fleet = deadly()
    mark = tmp_path / "mark"
    with asked(fleet, f"sleep:{mark}") as sleeping, asked(fleet, "who") as behind:

        def kill():
            seen = set()
            # The object is tried twice; what waits behind it is not blamed.
            while len(seen) < 2:
                if mark.exists() and (pid := mark.read_text()) and pid not in seen:
                    seen.add(pid)
                    os.kill(int(pid), signal.SIGKILL)
                time.sleep(0.01)

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(OutOfResources, match="the system ended"):
            sleeping.wait()
        killer.join()
        assert int(b"".join(behind.chunks())) == behind.pid


def test_only_the_object_that_children_die_of_is_blamed_of_those_that_they_have_in_hand(deadly, asked, who):
    fleet = deadly()
    # Until it is known that each is short they come one after the other.
    for _ in range(15):
        who(fleet)
    with ExitStack() as stack:
        errands = [stack.enter_context(asked(fleet, what)) for what in ("who", "who", "who", "crash", "who", "who")]
        for what, errand in enumerate(errands):
            if what == 3:
                with pytest.raises(DamagedPixels, match="SIGSEGV"):
                    errand.wait()
            else:
                assert int(b"".join(errand.chunks())) == errand.pid
                assert errand.deaths == 0
    assert (fleet._under_way, fleet._held_bytes) == (0, 0)


def test_no_object_is_blamed_for_children_that_were_gone_before_it_came(deadly, asked, who):
    fleet = deadly(processes=2)
    with fleet._changed:
        fleet._grow()
    fleet._wait(lambda: len(fleet._vessels) == 2 and all(vessel.is_ready for vessel in fleet._vessels))
    gone = fleet.pids
    for vessel in fleet._vessels:
        os.kill(vessel.child.pid, signal.SIGKILL)
        vessel.child.status()

    with asked(fleet, "who") as errand:
        assert int(b"".join(errand.chunks())) == errand.pid
        assert errand.deaths == 0
    assert len(gone) == 2
    assert errand.pid not in gone
    assert (fleet._under_way, fleet._held_bytes) == (0, 0)


def test_an_object_that_no_child_lives_to_begin_is_for_threads(deadly, asked, monkeypatch):
    def broken(vessel, errands):
        vessel.errands.extend(errands)
        raise BrokenPipeError

    fleet = deadly()
    monkeypatch.setattr(Vessel, "give", broken)
    with asked(fleet, "who") as errand, pytest.raises(NotHere, match="ended before"):
        errand.wait()
    assert (fleet._under_way, fleet._held_bytes) == (0, 0)


def test_many_results_may_wait_to_be_read(deadly, asked):
    fleet = deadly()
    with ExitStack() as stack:
        errands = [stack.enter_context(asked(fleet, "who")) for _ in range(2 * KEPT_SPOOLS)]
        for errand in errands:
            errand.wait()
        assert {int(b"".join(errand.chunks())) for errand in errands} == fleet.pids


@pytest.mark.parametrize("what", ["pieces", "huge", "refuse"])
def test_long_results_and_what_failed_take_no_room_afterwards(deadly, asked, who, what):
    fleet = deadly()
    (vessel,) = fleet._vessels
    for _ in range(2 * KEPT_SPOOLS):
        with asked(fleet, what) as errand:
            if what == "pieces":
                assert errand.wait() > SPOOL_BYTES
            else:
                with pytest.raises((NotHere, Unsupported)):
                    errand.wait()
        assert vessel.spools._free == []
    assert who(fleet) == vessel.child.pid
    assert len(vessel.spools._free) == 1


def test_an_object_for_whose_result_there_is_no_file_is_for_threads(deadly, asked, who, monkeypatch):
    def none_left():
        raise OSError(errno.EMFILE, "too many open files")

    fleet = deadly()
    with monkeypatch.context() as patched:
        patched.setattr("calotype.services.archive.errands.new_spool", none_left)
        with asked(fleet, "who") as errand, pytest.raises(NotHere, match="too many open files"):
            errand.wait()
    assert {who(fleet)} == fleet.pids


def test_what_is_mapped_cannot_be_made_shorter_by_who_writes_to_it():
    spool = new_spool()
    try:
        with pytest.raises(OSError, match="not permitted"):
            os.truncate(spool.descriptor, 0)
    finally:
        spool.close()


@pytest.mark.parametrize(
    ("what", "failure"),
    [
        ("crash", (DamagedPixels, "SIGSEGV")),
        ("leave", (DamagedPixels, "exit code 3")),
        ("killed", (OutOfResources, "the system ended")),
        ("loop", (OutOfResources, "more than 1 s of processor time")),
        ("sleep", (OutOfResources, "longer than 3 s")),
        ("bomb", (OutOfResources, "more than 512 MiB")),
        ("huge", (NotHere, "longer than 64 MiB")),
    ],
)
def test_an_object_that_children_cannot_do_is_told_of_and_the_fleet_goes_on(deadly, asked, tmp_path, what, failure):
    error, told = failure
    fleet = deadly(cpu_s=1, memory_bytes=512 * MIB)
    patient = fleet._settings
    if what == "sleep":
        # Only now: on a busy machine a child takes longer to start.
        fleet._settings = replace(patient, wall_s=3.0)
    with asked(fleet, f"{what}:{tmp_path / 'mark'}") as errand, pytest.raises(error, match=told):
        errand.wait()
    fleet._settings = patient
    # Where the last child died of it, the next one is not there at once.
    assert fleet.warm()
    with asked(fleet, "who") as errand:
        assert int(b"".join(errand.chunks())) == errand.pid


def test_who_waits_is_told_when_all_are_stopped(deadly, asked, tmp_path):
    fleet = deadly()
    mark = tmp_path / "mark"
    errors = []
    with asked(fleet, f"sleep:{mark}") as first, asked(fleet, "who") as second:

        def wait(errand):
            try:
                errand.wait()
            except Unavailable as error:
                errors.append(str(error))

        waiting = [threading.Thread(target=wait, args=(errand,)) for errand in (first, second)]
        for each in waiting:
            each.start()
        while not mark.exists():
            time.sleep(0.01)
        fleet.stop()
        for each in waiting:
            each.join()
    assert errors == ["the archive is being stopped"] * 2
    assert fleet.begin(order(3), 0) is None
    assert not fleet.warm()


def test_errands_may_be_left_before_they_are_done(deadly, asked, who, tmp_path):
    fleet = deadly()
    for _ in range(3):
        errands = [asked(fleet, "who") for _ in range(6)]
        for errand in errands:
            errand.close()
            errand.close()
    assert who(fleet)
    assert (fleet._under_way, fleet._held_bytes) == (0, 0)


def test_nothing_is_started_for_one_object_and_for_the_second_meanwhile_something_is(file_of):
    with Fleet() as fleet:
        file = file_of(b"data")
        assert fleet.begin(order(4), file.fileno()) is None
        assert fleet._vessels == set()

        with fleet.elsewhere():
            assert fleet.begin(order(4), file.fileno()) is None
        assert len(fleet._vessels) == 1


def test_large_objects_and_a_fleet_of_none_are_for_threads(deadly, file_of):
    assert deadly().begin(order(LARGEST_BYTES + 1), file_of(b"").fileno()) is None
    with Fleet(FleetSettings(processes=0)) as none, none.elsewhere():
        assert none.begin(order(4), file_of(b"data").fileno()) is None
        assert not none.warm()


def test_children_with_nothing_to_do_are_ended(deadly, who):
    fleet = deadly(idle_s=3600.0)
    first = who(fleet)
    sweeper = fleet._sweeper
    fleet._settings = FleetSettings(processes=1, idle_s=0.0)
    with fleet._ended:
        fleet._ended.notify_all()
    sweeper.join()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)

    fleet._settings = FleetSettings(processes=1)
    assert fleet.warm()
    assert who(fleet) != first


def test_a_program_that_is_not_there_leaves_all_to_threads(file_of):
    with Fleet(convert="calotype.nothing:convert") as fleet:
        assert not fleet.warm()
        with fleet.elsewhere():
            assert fleet.begin(order(4), file_of(b"data").fileno()) is None
        assert fleet._vessels == set()


def made_by(forms, file, data, *, ahead):
    """Return an object in RLE, and that whoever makes it is waited for."""
    original = Original(UID("1.2.3"), EXPLICIT, slice(0, len(data)))
    with forms.converted(file, original, RLE_LOSSLESS, ahead=ahead) as form:
        size_bytes = form.begin()
        made = b"".join(form.chunks())
        assert size_bytes in {None, len(made)}
        return made, form.is_work


def not_here(_work, _items, /):
    """Do what must not be done in this process."""
    raise AssertionError


@pytest.mark.parametrize("ahead", [False, True])
def test_forms_come_by_way_of_a_fleet_as_they_do_without(file_of, ahead):
    data = samples.ct()
    with Fleet(FleetSettings(processes=1)) as fleet:
        assert fleet.warm()
        made = made_by(Forms(not_here, fleet=fleet), file_of(data), data, ahead=ahead)
        assert (fleet._under_way, fleet._held_bytes) == (0, 0)
    assert made == made_by(Forms(), file_of(data), data, ahead=ahead)


def test_of_what_is_kept_too_several_are_asked_for_before_the_first_is_waited_for(file_of, deadly, tmp_path):
    fleet = deadly()
    forms = Forms(not_here, fleet=fleet, shelf=Shelf(FolderCache(tmp_path / "kept", 1_000_000)))
    data = f"sleep:{tmp_path / 'mark'}".encode()
    with ExitStack() as stack:
        for digest in (b"one", b"other"):
            original = Original(UID("1.2.3"), EXPLICIT, slice(0, len(data)), digest)
            stack.enter_context(forms.converted(file_of(data), original, JPEG_2000_LOSSLESS, ahead=True))
        assert fleet._under_way == 2


@pytest.mark.parametrize("ahead", [False, True])
def test_what_children_may_not_make_is_made_here(file_of, ahead, monkeypatch):
    data = samples.ct()
    with Fleet(FleetSettings(processes=1)) as fleet:
        assert fleet.warm()
        monkeypatch.setattr("calotype.services.archive.forms.MAX_RESULT_BYTES", 100)
        made = made_by(Forms(fleet=fleet), file_of(data), data, ahead=ahead)
    assert made == made_by(Forms(), file_of(data), data, ahead=ahead)


def test_an_object_that_children_die_of_is_noted_and_stays_as_it_is(file_of, deadly):
    noted = []
    file, data = file_of(b"crash"), b"crash"
    forms = Forms(not_here, fleet=deadly(), note_damage=lambda original, error: noted.append(str(error)))
    with pytest.raises(DamagedPixels, match="SIGSEGV"):
        made_by(forms, file, data, ahead=True)
    assert noted == ["a codec died of it: SIGSEGV"]
    assert file.read() == data


def test_what_still_waits_when_all_are_stopped_is_told(deadly, asked, tmp_path):
    fleet = deadly()
    with ExitStack() as stack:
        errands = [stack.enter_context(asked(fleet, f"sleep:{tmp_path / 'mark'}")) for _ in range(4)]
        fleet.stop()
        for errand in errands:
            with pytest.raises(Unavailable):
                errand.wait()


@pytest.mark.parametrize("answer", [b"[1]", b"nonsense", b'{"error": "KeyError", "detail": "x"}', b'{"error": []}'])
def test_what_makes_no_sense_is_no_result(deadly, asked, tmp_path, answer):
    fleet = deadly()
    errand = asked(fleet, f"sleep:{tmp_path / 'mark'}")
    (vessel,) = fleet._vessels
    with fleet._changed:
        fleet._done(vessel.errands.popleft(), 5, answer)
    with errand, pytest.raises(DamagedPixels):
        errand.wait()
