"""The tables of PS3.6 Annex A against pydicom's, and what the rows say of bytes."""

import pytest
from pydicom._uid_dict import UID_dictionary

from calotype.dicom import uids
from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import ServiceClass, transfer_syntax


def test_every_sop_class_of_the_standard_has_a_row():
    known = {uid for uid, row in UID_dictionary.items() if row[1] in {"SOP Class", "Meta SOP Class"}}
    assert set(uids.SOP_CLASSES) == known


def test_every_transfer_syntax_has_a_row_with_the_standards_name():
    theirs = {
        uid: (row[0], row[4], row[3] == "Retired")
        for uid, row in UID_dictionary.items()
        if row[1] == "Transfer Syntax"
    }
    ours = {uid: (row.name, row.keyword, row.retired) for uid, row in uids.TRANSFER_SYNTAXES.items()}
    newer = {  # PS3.6 2024: newer than pydicom's table
        "1.2.840.10008.1.2.4.110": ("JPEG XL Lossless", "JPEGXLLossless", False),
        "1.2.840.10008.1.2.4.111": ("JPEG XL JPEG Recompression", "JPEGXLJPEGRecompression", False),
        "1.2.840.10008.1.2.4.112": ("JPEG XL", "JPEGXL", False),
        "1.2.840.10008.1.2.8.1": ("Deflated Image Frame Compression", "DeflatedImageFrameCompression", False),
    }
    assert ours == theirs | newer


def test_everything_named_storage_is_a_storage_class_but_the_services_about_it():
    named = {uid for uid, row in uids.SOP_CLASSES.items() if "Storage" in row.name}
    about = {uids.MEDIA_STORAGE_DIRECTORY, uids.STORAGE_COMMITMENT_PUSH, "1.2.840.10008.1.20.2"}
    assert named - uids.STORAGE_CLASSES == about
    assert uids.STORAGE_CLASSES - named == set()


@pytest.mark.parametrize(
    ("service", "uid"),
    [
        (ServiceClass.VERIFICATION, uids.VERIFICATION),
        (ServiceClass.QUERY_RETRIEVE_FIND, uids.STUDY_ROOT_FIND),
        (ServiceClass.QUERY_RETRIEVE_MOVE, uids.PATIENT_ROOT_MOVE),
        (ServiceClass.QUERY_RETRIEVE_GET, UID("1.2.840.10008.5.1.4.1.2.4.3")),  # Composite Instance Root Retrieve
        (ServiceClass.WORKLIST, uids.MODALITY_WORKLIST_FIND),
        (ServiceClass.PERFORMED_STEP, uids.MODALITY_PERFORMED_PROCEDURE_STEP),
        (ServiceClass.STORAGE_COMMITMENT, uids.STORAGE_COMMITMENT_PUSH),
        (ServiceClass.PRINT, uids.BASIC_GRAYSCALE_PRINT_META),
        (ServiceClass.PRINT, uids.BASIC_FILM_SESSION),
        (ServiceClass.STORAGE, uids.CT_IMAGE_STORAGE),
    ],
)
def test_a_sop_class_belongs_to_its_service(service, uid):
    assert uids.SOP_CLASSES[uid].service is service


def test_retired_storage_classes_are_storage_classes():
    ultrasound = uids.SOP_CLASSES[uids.UID("1.2.840.10008.5.1.4.1.1.6")]
    assert (ultrasound.retired, ultrasound.uid in uids.STORAGE_CLASSES) == (True, True)


@pytest.mark.parametrize(
    ("uid", "explicit", "little", "encapsulated", "deflated"),
    [
        (uids.IMPLICIT_VR_LITTLE_ENDIAN, False, True, False, False),
        (uids.EXPLICIT_VR_LITTLE_ENDIAN, True, True, False, False),
        (uids.EXPLICIT_VR_BIG_ENDIAN, True, False, False, False),
        (uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, True, True, False, True),
        (uids.HTJ2K_LOSSLESS, True, True, True, False),
        (uids.UID("1.2.840.10008.1.2.1.98"), True, True, True, False),
        (uids.UID("1.2.840.10008.1.2.8.1"), True, True, True, False),
        (uids.UID("1.2.840.10008.1.2.4.95"), True, True, False, True),
        (uids.UID("1.2.3.4"), True, True, True, False),
    ],
)
def test_a_transfer_syntax_says_how_to_read(uid, explicit, little, encapsulated, deflated):
    row = transfer_syntax(uid)
    assert (row.explicit_vr, row.little_endian, row.encapsulated, row.deflated) == (
        explicit,
        little,
        encapsulated,
        deflated,
    )


def test_what_is_no_encoding_of_a_data_set_is_not_storable():
    left_out = set(uids.TRANSFER_SYNTAXES) - set(uids.STORABLE_TRANSFER_SYNTAXES)
    assert left_out == {f"1.2.840.10008.1.2.{rest}" for rest in ("6.1", "6.2", "7.1", "7.2", "7.3")}


@pytest.mark.parametrize("good", ["1.2", "0.0", "2.25.0", "1.2.840.10008.1.1", "1." + "9" * 62])
def test_a_valid_uid(good):
    assert uids.is_valid_uid(good)


@pytest.mark.parametrize(
    "bad", ["", "1", "1.", ".1", "1..2", "1.02", "1.2a", "1.2 ", "1.2\n", "1. 2", "1.\u0662", "1." + "9" * 63]
)
def test_an_invalid_uid(bad):
    assert not uids.is_valid_uid(bad)


def test_our_own_uid_is_valid():
    assert uids.is_valid_uid(uids.IMPLEMENTATION_CLASS_UID)
    assert len(uids.IMPLEMENTATION_VERSION_NAME) <= 16
