"""What users prefer: known things alone, each for itself, and small."""

import pytest

from calotype.errors import InvalidRequest
from calotype.services.access.model import Role
from calotype.services.access.preferences import MAX_COLUMNS, Language, Likings, Preferences, Scheme
from calotype.stores.index.memory_users import MemoryPreferences
from support.people import PASSWORD, People


@pytest.fixture
def likings():
    people = People()
    people.users.add("reader", PASSWORD, Role.VIEWER)
    return people.likings


def test_nothing_is_chosen_at_first(likings):
    assert likings.of("reader") == Preferences()


def test_what_is_chosen_stays_until_it_is_chosen_no_longer(likings):
    likings.change("reader", {"language": "zh-CN", "study_columns": ["PatientID", "labels", "PatientID"]})
    likings.change("reader", {"scheme": "dark", "first_steps_done": True})
    chosen = Preferences(Language.CHINESE, Scheme.DARK, ("PatientID", "labels"), first_steps_done=True)
    assert likings.of("reader") == chosen
    assert likings.change("reader", {"language": None}) == Preferences(
        None, Scheme.DARK, ("PatientID", "labels"), first_steps_done=True
    )
    assert likings.change("reader", {"study_columns": []}).study_columns == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("language", "tlh"),
        ("language", 7),
        ("scheme", "sepia"),
        ("study_columns", "PatientID"),
        ("study_columns", ["Patient ID"]),
        ("study_columns", ["é"]),
        ("study_columns", [True]),
        ("study_columns", ["PatientID\n"]),
        ("study_columns", ["A" * 65]),
        ("study_columns", [f"c{number}" for number in range(MAX_COLUMNS + 1)]),
        ("first_steps_done", 1),
        ("password", "x"),
    ],
)
def test_what_is_no_preference_is_refused_and_nothing_is_kept(likings, name, value):
    with pytest.raises(InvalidRequest):
        likings.change("reader", {"scheme": "light", name: value})
    assert likings.of("reader") == Preferences()


def test_what_a_later_version_kept_is_passed_over():
    people = People()
    people.users.add("reader", PASSWORD, Role.VIEWER)
    store = MemoryPreferences(people.kept)
    kept = {"language": '"tlh"', "font": '"large"', "scheme": "no JSON", "study_columns": '["labels"]'}
    store.prefer("reader", kept)
    assert Likings(store).of("reader") == Preferences(study_columns=("labels",))
