"""One object and what becomes of it: identity, dates, sequences, private elements, and what it says of itself."""

from datetime import date

import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from calotype.dicom.deidentify.options import Option, Wishes, options_of
from calotype.dicom.deidentify.verify import IdentityLeft
from calotype.dicom.part10 import read_file_meta
from calotype.errors import InvalidRequest, Refused
from support.identities import EMPTYING, ct, data_set, deidentified, item, part_10, read, without_patient

SYNTAXES = [
    "1.2.840.10008.1.2.1", ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian,
]  # fmt: skip
SECRETS = (
    b"Doppelganger",
    b"Erika",
    b"PID-4711",
    b"Quackenbush",
    b"Swithin",
    b"ACC-7788",
    b"Elm Street",
    b"3680043.9.1",
)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=["explicit", "implicit", "big-endian", "deflated"])
def test_nothing_of_the_patient_is_left_in_any_layout(syntax):
    made = ct()
    if syntax == DeflatedExplicitVRLittleEndian:
        file = part_10(made, syntax=syntax)
        data = file[read_file_meta(file).data_offset :]
    else:
        data = data_set(made, syntax=syntax)
    out, now = deidentified(data, syntax=syntax)
    found = read(out, now)
    shown = str(found).encode()
    assert now == syntax
    assert not [secret for secret in SECRETS if secret in shown]
    assert found.PixelData == made.PixelData
    assert (found.Rows, found.KVP, found.Manufacturer, found.Modality) == (4, 120, "ACME Imaging", "CT")
    assert found.StudyDate == ""
    assert "SeriesDate" not in found


def test_result_says_how_it_was_made():
    found = without_patient(ct(), "retain-modified-dates", "clean-descriptors")
    assert found.PatientIdentityRemoved == "YES"
    assert found.LongitudinalTemporalInformationModified == "MODIFIED"
    assert found.DeidentificationMethod == [
        "calotype: PS3.15 Basic Profile", "clean-descriptors", "retain-modified-dates",
    ]  # fmt: skip
    codes = [each.CodeValue for each in found.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105", "113107"]
    assert without_patient(ct()).LongitudinalTemporalInformationModified == "REMOVED"
    assert without_patient(ct(), "retain-full-dates").LongitudinalTemporalInformationModified == "UNMODIFIED"


def test_same_original_becomes_the_same_each_time_and_another_by_another_key():
    one, again = without_patient(ct()), without_patient(ct())
    other = without_patient(ct(), key=b"x" * 32)
    assert one == again
    assert one.StudyInstanceUID.startswith("2.25.")
    assert one.StudyInstanceUID != other.StudyInstanceUID
    assert one.PatientID != other.PatientID


def test_references_between_objects_stay_together():
    other = ct(SOPInstanceUID="1.2.826.0.1.3680043.9.1.9")
    series = item(
        SeriesInstanceUID="1.2.826.0.1.3680043.9.1.2",
        ReferencedInstanceSequence=Sequence([item(ReferencedSOPInstanceUID="1.2.826.0.1.3680043.9.1.9")]),
    )
    found = without_patient(ct(ReferencedSeriesSequence=Sequence([series])))
    referred = found.ReferencedSeriesSequence[0]
    assert referred.SeriesInstanceUID == found.SeriesInstanceUID
    instance = referred.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID
    assert without_patient(other).SOPInstanceUID == instance
    assert without_patient(other).StudyInstanceUID == found.StudyInstanceUID


def test_audiences_cannot_put_their_halves_together():
    one = without_patient(ct(), patient_id="TRIAL-A-1", patient_name="Subject^One")
    other = without_patient(ct(), patient_id="TRIAL-B-7")
    assert (one.PatientID, str(one.PatientName)) == ("TRIAL-A-1", "Subject^One")
    assert str(other.PatientName) == "Anonymous^TRIAL-B-7"
    assert one.StudyInstanceUID != other.StudyInstanceUID


def test_dates_of_a_patient_move_together_by_whole_days():
    first = without_patient(ct(AcquisitionDateTime="20240131101112.5"), "retain-modified-dates")
    later = without_patient(
        ct(StudyDate="20240210", StudyInstanceUID="1.2.826.0.1.3680043.9.2"), "retain-modified-dates"
    )
    somebody = without_patient(ct(PatientID="SOMEBODY-ELSE"), "retain-modified-dates")
    moved = first.StudyDate
    assert moved < "20230131"
    assert first.SeriesDate == first.ContentDate == moved
    assert first.AcquisitionDateTime == moved + "101112.5"
    assert first.StudyTime == "101112"
    between = date.fromisoformat(later.StudyDate) - date.fromisoformat(moved)
    assert between.days == 10
    assert somebody.StudyDate != moved


def test_dates_stay_where_wished_and_a_newborn_may_leave():
    found = without_patient(ct(PatientBirthDate="20240131"), "retain-full-dates")
    assert (found.StudyDate, found.PatientBirthDate) == ("20240131", "")


def test_items_are_looked_into_at_any_depth():
    deepest = item(PatientName="Doppelganger^Erika", InstitutionName="St. Swithin Hospital", Rows=7)
    made = ct(
        SharedFunctionalGroupsSequence=Sequence([item(DerivationImageSequence=Sequence([deepest]))]),
        OtherPatientIDsSequence=Sequence([item(PatientID="PID-OTHER-12")]),
    )
    out, _ = deidentified(data_set(made))
    found = read(out)
    inner = found.SharedFunctionalGroupsSequence[0].DerivationImageSequence[0]
    assert inner.Rows == 7
    assert b"Swithin" not in out
    assert b"PID-OTHER" not in out
    assert "OtherPatientIDsSequence" not in found


def test_sequence_in_which_nothing_changes_keeps_its_bytes():
    made = ct()
    made.add(DataElement(0x00540016, "SQ", Sequence([item(RadionuclideTotalDose="1000000")])))
    before = data_set(made)
    out, _ = deidentified(before)
    at = before.index(b"\x54\x00\x16\x00SQ")
    length = int.from_bytes(before[at + 8 : at + 12], "little")
    assert before[at : at + 12 + length] in out


def private(group, creator, elements):
    block = [DataElement(group << 16 | 0x0010, "LO", creator)]
    return block + [DataElement(group << 16 | 0x1000 | low, vr, value) for low, vr, value in elements]


def test_private_elements_go_unless_they_are_safe():
    made = ct()
    header = private(0x0019, "SIEMENS MR HEADER", [(0x0C, "IS", "1000"), (0x08, "CS", "IMAGE NUM 4")])
    own = private(0x0029, "OURS", [(0x01, "LO", "nice"), (0x02, "PN", "Doppelganger^Erika")])
    for element in header + own:
        made.add(element)
    assert not [each for each in without_patient(made) if each.tag.is_private]
    kept = [int(each.tag) for each in without_patient(made, "retain-safe-private") if each.tag.is_private]
    assert kept == [0x00190010, 0x0019100C]
    declared = item(
        PrivateGroupReference=0x0029,
        PrivateCreatorReference="OURS",
        BlockIdentifyingInformationStatus="MIXED",
        NonidentifyingPrivateElements=[1],
    )
    made.add(DataElement(0x00080300, "SQ", Sequence([declared])))
    kept = [int(each.tag) for each in without_patient(made, "retain-safe-private") if each.tag.is_private]
    assert kept == [0x00190010, 0x0019100C, 0x00290010, 0x00291001]


def test_private_element_that_only_claims_to_be_safe_is_found_out():
    made = ct()
    for element in private(0x0019, "SIEMENS MR HEADER", [(0x0D, "CS", "DOPPELGANGER")]):
        made.add(element)
    with pytest.raises(IdentityLeft, match=r"\(0019,100D\)"):
        without_patient(made, "retain-safe-private")


def test_overlays_and_curves_go_with_all_of_their_group():
    made = ct()
    for low, vr, value in (
        (0x10, "US", 4),
        (0x11, "US", 4),
        (0x40, "CS", "G"),
        (0x50, "SS", [1, 1]),
        (0x3000, "OW", b"\xff\xff"),
    ):
        made.add(DataElement(0x60000000 | low, vr, value))
        made.add(DataElement(0x60020000 | low, vr, "R" if low == 0x40 else value))
    made.add(DataElement(0x50003000, "OW", b"\1\2"))
    assert not [each for each in without_patient(made) if each.tag.group >> 8 in {0x50, 0x60}]
    kept = {each.tag.group for each in without_patient(made, "clean-graphics") if each.tag.group >> 8 in {0x50, 0x60}}
    assert kept == {0x6002}


def test_descriptors_are_freed_of_what_identifies():
    made = ct(
        SeriesDescription="T1 AX Doppelganger 20240131 Dr. Nobody brain", StudyDescription="Head for PID-4711-88"
    )
    found = without_patient(made, "clean-descriptors")
    assert found.SeriesDescription == "T1 AX brain"
    assert found.StudyDescription == "Head for"
    assert "SeriesDescription" not in without_patient(made)


def test_unknown_elements_and_group_lengths_go():
    made = ct()
    made.add(DataElement(0x00080001 + 0xFF0, "UN", b"what is this"))
    made.add(DataElement(0x00080000, "UL", 4))
    found = without_patient(made)
    assert 0x00080FF1 not in found
    assert 0x00080000 not in found


def test_chinese_names_are_found_whatever_the_character_set():
    for charset, name in (("GB18030", "张^三丰=张^三丰"), ("ISO_IR 192", "Zhang^Sanfeng=张^三丰")):
        made = ct(SpecificCharacterSet=charset, PatientName=name, PatientID="PID-88-99")
        found = without_patient(made)
        assert str(found.PatientName).startswith("Anonymous^")
        for left in ("张三丰", "检查 张三丰 的头部", "for Zhang Sanfeng", "SANFENG ZHANG"):
            leaking = ct(SpecificCharacterSet=charset, PatientName=name, PatientID="PID-88-99")
            # An attribute that the profile keeps, and that nobody should write a name into.
            leaking.SequenceVariant = None
            leaking.add(DataElement(0x00181250, "SH", left[:16]))
            with pytest.raises(IdentityLeft):
                without_patient(leaking)


def test_names_in_another_set_than_the_declared_one_are_found_in_bytes():
    made = ct(SpecificCharacterSet="GB18030", PatientName="李^小龙", PatientID="PID-88-99")
    made.add(DataElement(0x00660006, "UN", b"..." + "李小龙".encode() + b"..."))
    made.add(DataElement(0x00282000, "OB", b"profile of " + "李".encode("gb18030") + "^小龙".encode("gb18030")))
    with pytest.raises(IdentityLeft):
        without_patient(made)


@pytest.mark.parametrize(
    "left",
    [
        "ERIKA MARIA",
        "doppelganger",
        "Maria",
        "pid 4711 88",
        "PID471188",
        "31.01.2024",
        "2024-01-31",
        "ACC-778899",
    ],
)
def test_what_is_left_in_kept_text_is_found(left):
    with pytest.raises(IdentityLeft, match="ReceiveCoilName"):
        without_patient(ct(ReceiveCoilName=left))


def test_words_of_the_standard_are_no_find():
    made = ct(PatientName="Head^Max", BodyPartExamined="HEAD", ManufacturerModelName="SOMATOM Max")
    assert without_patient(made).BodyPartExamined == "HEAD"


def test_numbers_are_no_find():
    assert without_patient(ct(PatientID="1000", SliceThickness="1000")).SliceThickness == 1000


@pytest.mark.parametrize(
    ("attributes", "policy"),
    [
        ({"BurnedInAnnotation": "YES"}, EMPTYING),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, EMPTYING),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1", "Modality": "US"}, EMPTYING),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, EMPTYING),
        ({"ConversionType": "WSD"}, EMPTYING),
        ({"SOPClassUID": "1.2.826.0.1.3680043.9.9.9"}, EMPTYING),
    ],
)
def test_pictures_that_may_bear_text_do_not_leave(attributes, policy):
    with pytest.raises(Refused, match="burned into"):
        without_patient(ct(**attributes), policy=policy)
    assert without_patient(ct(**attributes | {"BurnedInAnnotation": "NO"}), policy=policy)


def test_faces_cannot_be_removed():
    with pytest.raises(Refused, match="recognizable visual features"):
        without_patient(ct(), "clean-visual-features")
    found = without_patient(ct(RecognizableVisualFeatures="NO"), "clean-visual-features")
    assert "113102" in [each.CodeValue for each in found.DeidentificationMethodCodeSequence]


def test_clean_pixels_are_promised_only_where_somebody_knows():
    with pytest.raises(Refused, match="burned into"):
        without_patient(ct(), "clean-pixel-data")
    assert without_patient(ct(BurnedInAnnotation="NO"), "clean-pixel-data")


def test_uids_stay_where_wished():
    found = without_patient(ct(), "retain-uids")
    assert found.StudyInstanceUID == "1.2.826.0.1.3680043.9.1.1"
    assert found.FrameOfReferenceUID == "1.2.826.0.1.3680043.9.1.4"


def test_uids_of_the_standard_name_nobody():
    atlas = "1.2.840.10008.1.4.1.1"
    assert without_patient(ct(FrameOfReferenceUID=atlas)).FrameOfReferenceUID == atlas


def test_patient_without_id_is_known_by_name_and_birth_date():
    one, same = (
        without_patient(ct(PatientID="")),
        without_patient(ct(PatientID="", StudyInstanceUID="1.2.3.4.5.6.7.8")),
    )
    other = without_patient(ct(PatientID="", PatientBirthDate="19710203"))
    assert one.PatientID == same.PatientID
    assert one.PatientID != other.PatientID


def test_what_is_anonymous_already_may_leave_again():
    once, syntax = deidentified(data_set(ct()))
    assert read(*deidentified(once, syntax=syntax)).PatientIdentityRemoved == "YES"


def test_contradicting_options_are_refused():
    with pytest.raises(InvalidRequest, match="exclude each other"):
        Wishes(frozenset({Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES}))
    with pytest.raises(InvalidRequest, match="no option"):
        options_of("retain-everything")
    assert options_of("retain-uids, Clean_Graphics") == {Option.RETAIN_UIDS, Option.CLEAN_GRAPHICS}


def test_truncated_data_set_is_refused():
    with pytest.raises(InvalidRequest, match="truncated"):
        deidentified(data_set(ct())[:-20])


def test_name_that_the_character_set_has_not_is_refused():
    with pytest.raises(InvalidRequest, match="character set"):
        without_patient(ct(), patient_name="王^芳")
    chinese = ct(SpecificCharacterSet="ISO_IR 192")
    assert str(without_patient(chinese, patient_name="王^芳").PatientName) == "王^芳"


def test_mislabelled_data_set_leaves_with_its_true_label():
    out, now = deidentified(data_set(ct(), syntax=ImplicitVRLittleEndian), syntax="1.2.840.10008.1.2.1")
    assert now == ImplicitVRLittleEndian
    assert read(out, now).PatientIdentityRemoved == "YES"


def test_empty_data_set_becomes_one_that_says_so():
    assert isinstance(without_patient(Dataset()), Dataset)


SR = "1.2.840.10008.5.1.4.1.1.88.11"
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"


def content():
    return Sequence(
        [
            item(RelationshipType="CONTAINS", ValueType="TEXT", TextValue="Erika has a cold"),
            item(RelationshipType="HAS OBS CONTEXT", ValueType="PNAME", PersonName="Quackenbush^Hugo"),
            item(
                RelationshipType="CONTAINS",
                ValueType="IMAGE",
                ReferencedSOPSequence=Sequence([item(ReferencedSOPInstanceUID="1.2.826.0.1.3680043.9.1.3")]),
            ),
        ]
    )


def without_pixels(**attributes):
    made = ct(**attributes)
    del made.PixelData
    return made


def test_reports_do_not_leave_unless_emptied_or_cleaned():
    made = without_pixels(SOPClassUID=SR, Modality="SR", ContentSequence=content(), CompletionFlag="COMPLETE")
    with pytest.raises(Refused, match="text of a report"):
        without_patient(made)
    emptied = without_patient(made, policy=EMPTYING)
    assert [each.TextValue for each in emptied.ContentSequence] == ["Removed by de-identification"]
    cleaned = without_patient(made, "clean-structured-content").ContentSequence
    assert [each.ValueType for each in cleaned] == ["TEXT", "PNAME", "IMAGE"]
    assert (cleaned[0].TextValue, cleaned[1].PersonName) == ("ANONYMIZED", "Anonymous")
    assert cleaned[2].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == emptied.SOPInstanceUID


def test_selection_of_objects_keeps_what_it_refers_to():
    found = without_patient(without_pixels(SOPClassUID=KEY_OBJECTS, Modality="KO", ContentSequence=content()))
    assert [each.ValueType for each in found.ContentSequence] == ["IMAGE"]


def test_documents_do_not_leave_unless_emptied():
    made = without_pixels(
        SOPClassUID=PDF,
        Modality="DOC",
        MIMETypeOfEncapsulatedDocument="application/pdf",
        EncapsulatedDocument=b"%PDF-1.4",
    )
    with pytest.raises(Refused, match="encapsulated document"):
        without_patient(made)
    assert without_patient(made, policy=EMPTYING).EncapsulatedDocument.startswith(b"%PDF-1.4\n1 0 obj")
    made.MIMETypeOfEncapsulatedDocument = "text/XML"
    with pytest.raises(Refused, match="only a PDF"):
        without_patient(made, policy=EMPTYING)


def test_annotations_do_not_leave_unless_emptied_or_cleaned():
    annotation = item(
        GraphicLayer="ONE",
        TextObjectSequence=Sequence([item(UnformattedTextValue="Erika", AnchorPoint=[1.0, 2.0])]),
        GraphicObjectSequence=Sequence([item(GraphicType="POINT", GraphicData=[1.0, 2.0])]),
    )
    drawn = item(
        GraphicLayer="TWO", GraphicObjectSequence=Sequence([item(GraphicType="POINT", GraphicData=[1.0, 2.0])])
    )
    state = "1.2.840.10008.5.1.4.1.1.11.1"
    made = without_pixels(SOPClassUID=state, Modality="PR", GraphicAnnotationSequence=Sequence([annotation, drawn]))
    with pytest.raises(Refused, match="annotations"):
        without_patient(made)
    (emptied,) = without_patient(made, policy=EMPTYING).GraphicAnnotationSequence
    assert "GraphicObjectSequence" not in emptied
    assert emptied.TextObjectSequence[0].UnformattedTextValue == "ANONYMIZED"
    cleaned = without_patient(made, "clean-graphics").GraphicAnnotationSequence
    assert [list(each.GraphicObjectSequence[0].GraphicData) for each in cleaned] == [[1.0, 2.0], [1.0, 2.0]]
    assert cleaned[0].TextObjectSequence[0].UnformattedTextValue == "ANONYMIZED"


def test_speech_does_not_leave():
    with pytest.raises(Refused, match="speech"):
        without_patient(without_pixels(SOPClassUID="1.2.840.10008.5.1.4.1.1.9.4.1"), policy=EMPTYING)


@pytest.mark.parametrize(("label", "is_found"), [("Lead II", False), ("Doppelganger", True)])
def test_bulk_in_items_is_looked_over_with_its_sequence(label, is_found):
    wave = item(WaveformBitsAllocated=8, WaveformSampleInterpretation="SB", MultiplexGroupLabel=label)
    wave.add(DataElement(0x54001010, "OW", bytes(range(256)) * 400))
    wave.add(DataElement(0x00081070, "PN", "Quackenbush^Hugo"))
    made = without_pixels(SOPClassUID="1.2.840.10008.5.1.4.1.1.9.1.1", WaveformSequence=Sequence([wave]))
    if is_found:
        with pytest.raises(IdentityLeft, match="WaveformSequence"):
            without_patient(made)
        return
    (left,) = without_patient(made).WaveformSequence
    assert left.WaveformData == bytes(range(256)) * 400
    assert left.MultiplexGroupLabel == label


def test_similar_ids_are_different_patients():
    assert without_patient(ct(PatientID="A-1234")).PatientID != without_patient(ct(PatientID="A 1234")).PatientID


@pytest.mark.parametrize("given", ["A\\B", "x" * 65, "a\nb"])
def test_absurd_names_are_refused(given):
    with pytest.raises(InvalidRequest, match="no name and no ID"):
        Wishes(patient_id=given)
