"""From settings to what leaves without its patient."""

import pytest

from calotype.app.anonymising import anonymiser_of
from calotype.app.settings import Anonymise, Regions, Settings, Storage
from calotype.dicom.deidentify.options import Option
from calotype.dicom.deidentify.suspects import Rectangle
from calotype.errors import InvalidRequest


def of(tmp_path, **section):
    return anonymiser_of(Settings(storage=Storage(path=tmp_path), anonymise=Anonymise(**section)))


def test_settings_become_policy_and_wishes(tmp_path):
    regions = Regions(areas=("0,0,640,40",), modality="US", manufacturer="ACME", rows=480, columns=640)
    settings = of(
        tmp_path,
        options=("retain-uids",),
        documents="empty",
        safe_private=("SIEMENS MR HEADER | 0019 | 0c",),
        regions=(regions,),
    ).settings
    assert settings.wishes.options == {Option.RETAIN_UIDS}
    assert settings.policy.empties_documents
    assert settings.policy.safe_private == {("SIEMENS MR HEADER", 0x0019, 0x0C)}
    (declared,) = settings.policy.regions
    assert (declared.areas, declared.modality, declared.rows) == ((Rectangle(0, 0, 640, 40),), "US", 480)


def test_key_is_made_where_settings_say(tmp_path):
    anonymiser = of(tmp_path, key_file=tmp_path / "elsewhere.key")
    assert list(tmp_path.iterdir()) == []
    anonymiser.deidentified(b"", "1.2.840.10008.1.2.1")
    assert [each.name for each in tmp_path.iterdir()] == ["elsewhere.key"]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"options": ("retain-full-dates", "retain-modified-dates")}, "anonymise.options"),
        ({"regions": (Regions(areas=("1,2",)),)}, r"anonymise.regions.0"),
        ({"safe_private": ("X|0018|0C",)}, "names no private attribute"),
        ({"safe_private": ("X|0019",)}, "names no private attribute"),
        ({"safe_private": ("X|0019|100",)}, "names no private attribute"),
    ],
)
def test_wrong_settings_are_named(tmp_path, section, told):
    with pytest.raises(InvalidRequest, match=told):
        of(tmp_path, **section)
