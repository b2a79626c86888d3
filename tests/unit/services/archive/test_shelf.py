"""Forms that cost much: made once for everybody who asks, kept whole or not at all."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager

import pytest

from calotype.errors import DamagedPixels
from calotype.services.archive.shelf import Form, Shelf
from calotype.stores.cache import FolderCache

KEY = f"{7:040x}"
PIECES = [bytes([number]) * 1000 for number in range(1, 9)]


class Making:
    """Makes the same form each time it is called, and counts what was made and what is open."""

    def __init__(self, pieces=PIECES, *, damaged_at=None, size_bytes=8000):
        self.made = 0
        self.pieces_made = 0
        self.open = 0
        self.size_bytes = size_bytes
        self._pieces = pieces
        self._damaged_at = damaged_at

    @contextmanager
    def __call__(self):
        self.made += 1
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1

    def chunks(self):
        for number, piece in enumerate(self._pieces):
            if number == self._damaged_at:
                raise DamagedPixels("a frame is cut off")
            self.pieces_made += 1
            yield piece


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "transcoded"


@pytest.fixture
def shelf(folder):
    return Shelf(FolderCache(folder, 1_000_000))


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_was_made_once_is_not_made_again(shelf):
    making = Making()
    for _ in range(3):
        with shelf.form(KEY, making) as form:
            assert form.size_bytes == 8000
            assert b"".join(form.chunks()) == b"".join(PIECES)

    assert (making.made, making.pieces_made, making.open) == (1, 8, 0)


def test_a_length_that_only_the_end_tells_is_known_the_next_time(shelf):
    for expected in (None, 8000):
        with shelf.form(KEY, Making(size_bytes=None)) as form:
            assert form.size_bytes == expected
            assert b"".join(form.chunks()) == b"".join(PIECES)


def test_each_reading_begins_anew(shelf):
    with shelf.form(KEY, Making()) as form:
        first = form.chunks()
        next(first)
        assert b"".join(form.chunks()) == b"".join(PIECES)
        assert b"".join(first) == b"".join(PIECES[1:])


def test_who_asks_meanwhile_shares_and_is_not_held_up(shelf):
    making = Making()
    with shelf.form(KEY, making) as slow, shelf.form(KEY, making) as quick:
        slowly = slow.chunks()
        read = next(slowly)
        assert b"".join(quick.chunks()) == b"".join(PIECES)
        assert making.pieces_made == 8
        assert read + b"".join(slowly) == b"".join(PIECES)

    assert making.made == 1


def test_many_at_one_time_make_it_once(shelf):
    making = Making([bytes([number % 251]) * 377 for number in range(300)], size_bytes=None)
    start = threading.Barrier(6)
    answers = []

    def ask():
        start.wait(60)
        with shelf.form(KEY, making) as form:
            answers.append(b"".join(form.chunks()))

    askers = [threading.Thread(target=ask) for _ in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()

    assert (len(answers), len(set(answers)), making.made, making.open) == (6, 1, 1, 0)


def test_who_comes_first_may_leave_before_the_others(shelf):
    making = Making()
    with ExitStack() as first, shelf.form(KEY, making) as second:
        leaving = first.enter_context(shelf.form(KEY, making)).chunks()
        next(leaving)
        leaving.close()
        first.close()
        assert b"".join(second.chunks()) == b"".join(PIECES)

    assert (making.made, making.open) == (1, 0)


def test_what_nobody_wants_any_more_leaves_nothing(shelf, folder):
    making = Making()
    with shelf.form(KEY, making) as form:
        next(form.chunks())
        assert len(files(folder)) == 1

    assert (files(folder), making.open) == ([], 0)


def test_what_goes_wrong_is_told_to_all_and_nothing_is_kept(shelf, folder):
    making = Making(damaged_at=3)
    with shelf.form(KEY, making) as one, shelf.form(KEY, making) as other:
        for form in (one, other):
            with pytest.raises(DamagedPixels, match="cut off"):
                list(form.chunks())

    assert (files(folder), making.open) == ([], 0)
    with shelf.form(KEY, Making()) as form:
        assert b"".join(form.chunks()) == b"".join(PIECES)


def test_what_cannot_be_begun_is_told(shelf, folder):
    @contextmanager
    def refuse():
        raise DamagedPixels("the first frame is cut off")
        yield

    for _ in range(2):
        with pytest.raises(DamagedPixels), shelf.form(KEY, refuse):
            pass
    assert files(folder) == []


def test_where_nothing_can_be_kept_everybody_is_served(folder):
    folder.write_bytes(b"a file in the way")
    shelf, making = Shelf(FolderCache(folder, 1_000_000)), Making()
    with shelf.form(KEY, making) as one, shelf.form(KEY, making) as other:
        assert b"".join(one.chunks()) == b"".join(other.chunks()) == b"".join(PIECES)
    assert making.open == 0


class FullDisk:
    """A cache whose disk is full after some bytes."""

    largest_bytes = 1_000_000

    def __init__(self, folder, room_bytes):
        self._cache = FolderCache(folder, 1_000_000)
        self._room_bytes = room_bytes

    def open(self, key):
        return self._cache.open(key)

    def begin(self, key):
        file = self._cache.begin(key)
        append, room_bytes = file.write, self._room_bytes

        def write(data):
            nonlocal room_bytes
            room_bytes -= len(data)
            return room_bytes >= 0 and append(data)

        file.write = write
        return file


def test_a_disk_that_fills_up_costs_nobody_a_byte(folder):
    shelf, making = Shelf(FullDisk(folder, 2500)), Making()
    with shelf.form(KEY, making) as one, shelf.form(KEY, making) as other:
        ahead = one.chunks()
        begun = next(ahead)
        assert b"".join(other.chunks()) == begun + b"".join(ahead) == b"".join(PIECES)

    assert (files(folder), making.open) == ([], 0)


def test_a_kept_file_that_was_damaged_is_made_again(shelf, folder):
    making = Making()
    for _ in range(2):
        with shelf.form(KEY, making) as form:
            assert b"".join(form.chunks()) == b"".join(PIECES)
        (kept,) = files(folder)
        content = bytearray(kept.read_bytes())
        content[4000] ^= 1
        kept.write_bytes(content)

    assert making.made == 2


def test_a_form_of_what_only_changes_its_layout_is_no_work():
    making = Making()
    form = Form.of(making)
    assert (form.size_bytes, form.is_work, b"".join(form.chunks())) == (8000, False, b"".join(PIECES))
