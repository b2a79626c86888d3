"""The data sets of storage commitment, and what is read of those that are wrong."""

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from calotype.dicom.commitment import (
    ALL_COMMITTED,
    SOME_FAILED,
    Reference,
    Report,
    Request,
    decode_report,
    decode_request,
    encode_report,
    encode_request,
)
from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from calotype.errors import InvalidRequest

CT = UID("1.2.840.10008.5.1.4.1.1.2")
CT_1, CT_2 = Reference(CT, UID("1.2.3.1")), Reference(CT, UID("1.2.3.22"))
SYNTAXES = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN)


def written(**elements):
    """Implicit VR little endian, by pydicom."""
    data_set, out = Dataset(), DicomBytesIO()
    for keyword, value in elements.items():
        setattr(data_set, keyword, value)
    out.is_little_endian, out.is_implicit_VR = True, True
    write_dataset(out, data_set)
    return out.getvalue()


def item(**elements):
    data_set = Dataset()
    for keyword, value in elements.items():
        setattr(data_set, keyword, value)
    return data_set


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_request_comes_back_as_it_was(syntax):
    request = Request(UID("1.2.9"), (CT_1, CT_2))
    assert decode_request(encode_request(request, syntax), syntax) == request


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("report", "event_type"),
    [
        (Report(UID("1.2.9"), (CT_1, CT_2)), ALL_COMMITTED),
        (Report(UID("1.2.9"), (CT_1,), ((CT_2, 0x0112),)), SOME_FAILED),
        (Report(UID("1.2.9"), (), ((CT_2, 0x0110), (CT_1, 0x0131))), SOME_FAILED),
    ],
)
def test_a_report_comes_back_as_it_was(report, event_type, syntax):
    assert decode_report(encode_report(report, syntax), syntax) == report
    assert report.event_type == event_type


def test_a_foreign_request_is_read():
    references = [item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID="1.2.3.1")]
    data = written(TransactionUID="1.2.9", StorageMediaFileSetID="MEDIA", ReferencedSOPSequence=references)
    assert decode_request(data, IMPLICIT_VR_LITTLE_ENDIAN) == Request(UID("1.2.9"), (CT_1,))


def test_a_failure_without_a_reason_is_a_failure():
    failed = [item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID="1.2.3.1")]
    report = decode_report(written(TransactionUID="1.2.9", FailedSOPSequence=failed), IMPLICIT_VR_LITTLE_ENDIAN)
    assert report.failed == ((CT_1, 0x0110),)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (written(ReferencedSOPSequence=[]), r"Transaction UID \(0008,1195\) is missing"),
        (written(TransactionUID="1.2.9"), r"needs items in Referenced SOP Sequence"),
        (
            written(TransactionUID="1.2.9", ReferencedSOPSequence=[item(ReferencedSOPClassUID=CT)]),
            r"Referenced SOP Instance UID \(0008,1155\) is missing",
        ),
        (b"\x08\x00\x95\x11\xff\xff\x00\x001.2", "truncated"),
        (b"\x08\x00\x95\x11\x46\x00\x00\x00" + b"1." * 35, "is no UID"),
    ],
)
def test_what_is_wrong_is_said(data, message):
    with pytest.raises(InvalidRequest, match=message):
        decode_request(data, IMPLICIT_VR_LITTLE_ENDIAN)
