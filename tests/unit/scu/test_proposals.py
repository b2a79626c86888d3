import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import (
    CT_IMAGE_STORAGE,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    STORABLE_TRANSFER_SYNTAXES,
    STORAGE_CLASSES,
)
from calotype.scu.proposals import (
    COMMON_STORAGE_CLASSES,
    MAX_STORAGE_CONTEXTS,
    MAX_SYNTAXES_PER_CONTEXT,
    SYNTAXES,
    proposals,
)


def test_every_storable_syntax_is_proposed_for_once():
    assert sorted(SYNTAXES) == sorted(STORABLE_TRANSFER_SYNTAXES)


def test_one_class_gets_a_context_for_each_syntax():
    assert proposals([CT_IMAGE_STORAGE]) == [(CT_IMAGE_STORAGE, (syntax,)) for syntax in SYNTAXES]


def test_several_classes_share_the_contexts_the_usual_syntaxes_first():
    classes = [UID(f"1.2.{i}") for i in range(40)]
    contexts = proposals(classes)
    assert len(contexts) == 120
    assert contexts[:3] == [
        ("1.2.0", (EXPLICIT_VR_LITTLE_ENDIAN,)),
        ("1.2.0", (IMPLICIT_VR_LITTLE_ENDIAN,)),
        ("1.2.0", SYNTAXES[2:42]),
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 31, 63, 64, 127, 128, 500])
def test_there_are_never_more_contexts_or_syntaxes_than_fit(count):
    classes = [UID(f"1.2.{i}") for i in range(count)]
    contexts = proposals(classes)
    assert len(contexts) <= MAX_STORAGE_CONTEXTS
    assert max(len(syntaxes) for _, syntaxes in contexts) <= MAX_SYNTAXES_PER_CONTEXT
    for sop_class in classes[:MAX_STORAGE_CONTEXTS]:
        offered = [syntax for each, syntaxes in contexts if each == sop_class for syntax in syntaxes]
        assert offered == list(SYNTAXES[: len(offered)])
        assert len(offered) >= MAX_SYNTAXES_PER_CONTEXT


def test_no_class_needs_no_context():
    assert proposals([]) == []


def test_the_common_classes_are_storage_classes_and_get_four_contexts_each():
    assert set(COMMON_STORAGE_CLASSES) <= STORAGE_CLASSES
    assert len(proposals(COMMON_STORAGE_CLASSES)) == 4 * len(COMMON_STORAGE_CLASSES) == 124


def test_only_the_syntaxes_wished_for_are_proposed_in_their_order():
    wish = [IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN]
    assert proposals([CT_IMAGE_STORAGE], syntaxes=wish) == [
        (CT_IMAGE_STORAGE, (IMPLICIT_VR_LITTLE_ENDIAN,)),
        (CT_IMAGE_STORAGE, (EXPLICIT_VR_LITTLE_ENDIAN,)),
    ]
    classes = [UID(f"1.2.{i}") for i in range(100)]
    assert proposals(classes, syntaxes=wish)[0] == ("1.2.0", (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN))
