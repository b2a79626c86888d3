"""What every store of marks must do: one suite, run over each implementation."""

import pytest

from calotype.dicom.hierarchy import UID, Level
from calotype.errors import InvalidRequest, NotFound
from calotype.services.archive.events import Events, FeedGrown
from calotype.services.archive.feed import Action
from calotype.services.archive.marks import MAX_LABELS, Edit, Mark, Marks
from calotype.services.archive.search import Search
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.marks import SqliteMarks
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_marks import MemoryMarks
from calotype.stores.index.sqlite import SqliteIndex
from support.indexes import record

ONE, TWO, GONE = UID("1.1"), UID("1.2"), UID("1.9")


@pytest.fixture
def index(index):
    for study in (ONE, TWO):
        index.add(record(study))
    return index


@pytest.fixture
def store(index):
    return MemoryMarks(index) if isinstance(index, MemoryIndex) else SqliteMarks(index)


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def marks(index, store, events):
    return Marks(store, Search(index), events)


def test_labels_are_put_to_studies_and_taken_off(marks):
    done = marks.edit([ONE, TWO, ONE], Edit(add=("teaching", "Urgent")))
    assert done == {ONE: Mark(("Urgent", "teaching")), TWO: Mark(("Urgent", "teaching"))}
    assert marks.labels() == [("Urgent", 2), ("teaching", 2)]

    marks.edit([TWO], Edit(add=("教学",), remove=("URGENT",)))
    assert marks.of([ONE, TWO, GONE]) == {ONE: Mark(("Urgent", "teaching")), TWO: Mark(("teaching", "教学"))}
    assert marks.labels() == [("Urgent", 1), ("teaching", 2), ("教学", 1)]


def test_the_same_label_in_another_case_is_the_same(marks):
    marks.edit([ONE], Edit(add=("Urgent",)))
    assert marks.edit([ONE], Edit(add=("URGENT",)))[ONE].labels == ("Urgent",)
    assert marks.labelled(["uRgEnT"]) == (ONE,)


def test_studies_are_found_by_all_of_the_labels(marks):
    marks.edit([ONE, TWO], Edit(add=("a",)))
    marks.edit([TWO], Edit(add=("b",)))
    assert marks.labelled(["a"]) == (ONE, TWO)
    assert marks.labelled(["a", "b", "B"]) == (TWO,)
    assert marks.labelled(["c"]) == ()


def test_a_remark_is_kept_found_and_taken_back(marks):
    marks.edit([ONE], Edit(remark="  Second opinion: 肺结节\nask Dr Müller "))
    assert marks.of([ONE])[ONE].remark == "Second opinion: 肺结节\nask Dr Müller"
    assert marks.remarked("MULLER") == marks.remarked("肺结") == (ONE,)
    assert marks.remarked("100%_") == ()

    marks.edit([ONE], Edit(add=("x",)))
    assert marks.of([ONE])[ONE].remark.startswith("Second")
    marks.edit([ONE], Edit(remark=" "))
    assert marks.of([ONE]) == {ONE: Mark(("x",))}
    assert marks.remarked("opinion") == ()


def test_a_word_is_found_in_remarks_and_labels(marks):
    marks.edit([ONE], Edit(remark="for the board"))
    marks.edit([TWO], Edit(add=("Boarding",)))
    assert marks.mentioning("BOARD") == (ONE, TWO)


def test_only_studies_of_the_archive_are_marked(marks):
    with pytest.raises(NotFound, match=r"no study 1\.9"):
        marks.edit([ONE, GONE], Edit(add=("x",)))
    assert marks.of([ONE]) == {}


@pytest.mark.parametrize("label", ["", "  ", "x" * 33, "a\x00b", "a,b", "a\x9fb"])
def test_what_is_no_label_is_refused(marks, label):
    with pytest.raises(InvalidRequest, match="label"):
        marks.edit([ONE], Edit(add=(label,)))


def test_limits_are_told(marks):
    with pytest.raises(InvalidRequest, match="labels, at most"):
        marks.edit([ONE], Edit(add=tuple(map(str, range(MAX_LABELS + 1)))))
    with pytest.raises(InvalidRequest, match="remark has at most"):
        marks.edit([ONE], Edit(remark="x" * 2001))
    with pytest.raises(InvalidRequest, match="mark 1 to 1000 studies"):
        marks.edit([], Edit())


def test_a_rebuild_leaves_marks_alone(index, marks):
    marks.edit([ONE], Edit(add=("x",), remark="y"))
    rebuild = index.rebuild()
    rebuild.add(record(ONE))
    rebuild.swap()
    assert marks.of([ONE]) == {ONE: Mark(("x",), "y")}
    assert marks.labels() == [("x", 1)]


def told(index, since=0):
    return [(line.action, line.level, line.study) for line in index.feed.lines(since, 100)]


def test_changed_marks_are_told_of_after_what_was_stored_before(index, marks, events):
    with events.subscribe() as subscription:
        marks.edit([TWO], Edit(add=("x",)))
        assert subscription.get(0) == FeedGrown()
    assert told(index) == [
        (Action.CREATED, Level.SERIES, ONE),
        (Action.CREATED, Level.SERIES, TWO),
        (Action.MARKED, Level.STUDY, TWO),
    ]


def test_only_studies_whose_marks_are_others_than_before_are_told_of(index, marks):
    marks.edit([ONE], Edit(add=("x",), remark="y"))
    since = index.feed.extent().newest
    marks.edit([ONE], Edit(add=("X",), remove=("z",), remark=" y "))
    marks.edit([ONE], Edit())
    assert told(index, since) == []
    marks.edit([ONE, TWO], Edit(add=("x",)))
    marks.edit([ONE], Edit(remark=""))
    assert told(index, since) == [(Action.MARKED, Level.STUDY, TWO), (Action.MARKED, Level.STUDY, ONE)]


def test_a_study_that_is_marked_is_as_stable_as_before(index, marks):
    index.feed.tell(1)
    assert index.feed.settle(2, 2) is None
    marks.edit([ONE], Edit(add=("x",)))
    assert index.feed.settle(2**62, 3) is None
    assert [action for action, *_ in told(index)] == [*[Action.CREATED] * 2, *[Action.STABLE] * 2, Action.MARKED]


def test_labels_of_studies_that_are_gone_are_not_listed(index, marks):
    marks.edit([ONE], Edit(add=("x",)))
    index.remove(record(ONE).ref)
    assert marks.labels() == []


def test_marks_of_studies_that_are_gone_for_good_are_not_kept(tmp_path):
    index = SqliteIndex(SqliteSettings(tmp_path / "index.sqlite", durable=False))
    index.add(record(ONE))
    index.add(record(TWO))
    marks = Marks(SqliteMarks(index), Search(index), Events())
    marks.edit([ONE], Edit(add=("x",), remark="y"))
    index.remove(record(ONE).ref)
    marks.edit([TWO], Edit(remark="z"))
    assert marks.of([ONE, TWO]) == {TWO: Mark((), "z")}
    index.close()
