"""What every store of annotations must do: one suite, run over each implementation."""

from contextlib import closing

import pytest

from calotype.dicom.hierarchy import UID
from calotype.errors import InvalidRequest, NotFound, OutOfResources
from calotype.services.access.model import Role, User
from calotype.services.archive.annotations import MAX_BYTES, MAX_CHANGES, MAX_OF_STUDY, MAX_OF_USER, Annotations
from calotype.services.archive.search import Search
from calotype.stores.index.annotations import SqliteAnnotations, check_room
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_annotations import MemoryAnnotations
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.index.users import SqliteUsers
from support.indexes import record

ONE, TWO, GONE = UID("1.1"), UID("1.2"), UID("1.9")


@pytest.fixture
def index(index):
    for study in (ONE, TWO):
        index.add(record(study))
    return index


@pytest.fixture
def annotations(index):
    store = MemoryAnnotations() if isinstance(index, MemoryIndex) else SqliteAnnotations(index)
    return Annotations(store, Search(index))


def test_each_is_kept_for_itself_by_user_and_study(annotations):
    annotations.change("li", ONE, {"a": {"length": 1.5}, "b": {"text": "骨折"}})
    annotations.change("li", ONE, {"b": None, "c": {"x": [1, 2]}, "nothing": None})
    annotations.change("li", TWO, {"a": {}})
    annotations.change("zhang", ONE, {"a": {"length": 2}})
    assert annotations.of("li", ONE) == {"a": {"length": 1.5}, "c": {"x": [1, 2]}}
    assert annotations.of("li", TWO) == {"a": {}}
    assert annotations.of("zhang", ONE) == {"a": {"length": 2}}
    assert annotations.of("zhang", GONE) == {}


def test_the_later_wins(annotations):
    annotations.change("li", ONE, {"a": {"length": 1}})
    annotations.change("li", ONE, {"a": {"length": 2}})
    assert annotations.of("li", ONE) == {"a": {"length": 2}}


def test_what_the_archive_does_not_hold_is_not_annotated(annotations):
    with pytest.raises(NotFound):
        annotations.change("li", GONE, {"a": {}})


@pytest.mark.parametrize(
    "changes",
    [
        {"": {}},
        {"a b": {}},
        {"-a": {}},
        {"a\n": {}},
        {"a" * 129: {}},
        {"é": {}},
        {"a": {"x": "y" * MAX_BYTES}},
        {"a": {"x": object()}},
        {str(number): {} for number in range(MAX_CHANGES + 1)},
    ],
    ids=["empty", "blank", "sign", "line", "long", "letter", "large", "no-json", "many"],
)
def test_what_is_no_annotation_is_refused_and_nothing_is_kept(annotations, changes):
    with pytest.raises(InvalidRequest):
        annotations.change("li", ONE, {"good": {}, **changes})
    assert annotations.of("li", ONE) == {}


def test_a_study_holds_so_many_and_room_is_made_by_removing(annotations):
    for start in range(0, MAX_OF_STUDY, MAX_CHANGES):
        annotations.change("li", ONE, {str(number): {} for number in range(start, start + MAX_CHANGES)})
    with pytest.raises(OutOfResources):
        annotations.change("li", ONE, {"0": None, "more": {}, "yet-more": {}})
    annotations.change("li", ONE, {"0": None, "more": {}})
    assert len(annotations.of("li", ONE)) == MAX_OF_STUDY
    annotations.change("zhang", ONE, {"a": {}})


def test_a_user_has_so_many():
    with pytest.raises(OutOfResources):
        check_room({"a"}, MAX_OF_USER, {"b": "{}"})
    check_room({"a"}, MAX_OF_USER, {"a": "{}"})
    check_room({"a"}, MAX_OF_USER, {"a": None, "b": "{}"})
    # Whoever has too many already, by an older rule, may still change and remove them.
    check_room({"a"}, MAX_OF_USER + 9, {"a": None})


def test_they_outlive_a_rebuild_and_go_with_user_and_study(tmp_path):
    settings = SqliteSettings(tmp_path / "index.sqlite", durable=False)
    with closing(SqliteIndex(settings)) as index:
        index.add(record(ONE))
        index.add(record(TWO))
        SqliteUsers(index).add(User("li", Role.VIEWER, "$argon2id$", 1))
        store = SqliteAnnotations(index)
        store.annotate("li", ONE, {"a": "{}"})
        store.annotate("li", TWO, {"a": "{}"})
        rebuild = index.rebuild()
        rebuild.add(record(ONE))
        rebuild.swap()
        assert store.annotations("li", TWO) == {"a": "{}"}
        store.annotate("li", ONE, {"b": "{}"})
        assert store.annotations("li", TWO) == {}
        assert store.annotations("li", ONE) == {"a": "{}", "b": "{}"}
        SqliteUsers(index).change("li", lambda _user, _others: None)
        assert store.annotations("li", ONE) == {}
