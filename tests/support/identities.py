"""Objects with a patient in them, made by pydicom, and the same without: what tests of de-identification share."""

from __future__ import annotations

from io import BytesIO

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from calotype.dicom.deidentify.deidentify import Policy, deidentify
from calotype.dicom.deidentify.options import Option, Wishes
from calotype.dicom.deidentify.pseudonyms import Pseudonyms
from calotype.dicom.hierarchy import UID, InstanceRef

KEY = b"0123456789abcdef0123456789abcdef"
CT = "1.2.840.10008.5.1.4.1.1.2"
STRICT = Policy()
EMPTYING = Policy(empties_documents=True)


def anonymous(ref):
    """Return under which UIDs an object leaves, by :data:`KEY`."""
    uid = Pseudonyms(KEY).uid
    return InstanceRef(uid(ref.study), uid(ref.series), uid(ref.instance))


def item(**attributes):
    """Return an item."""
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def ct(**attributes):
    """Return a CT image of a patient, with what scanners write about them."""
    made = item(
        SpecificCharacterSet="ISO_IR 100",
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        SOPClassUID=CT,
        SOPInstanceUID="1.2.826.0.1.3680043.9.1.3",
        StudyDate="20240131",
        SeriesDate="20240131",
        AcquisitionDate="20240131",
        ContentDate="20240131",
        StudyTime="101112",
        AccessionNumber="ACC-778899",
        Modality="CT",
        Manufacturer="ACME Imaging",
        InstitutionName="St. Swithin Hospital",
        InstitutionAddress="1 Abbey Road, Winchester",
        ReferringPhysicianName="Quackenbush^Hugo^Z",
        StationName="CTROOM7",
        SeriesDescription="CT head for Doppelganger",
        PatientName="Doppelganger^Erika^Maria",
        PatientID="PID-4711-88",
        PatientBirthDate="19700203",
        PatientSex="F",
        PatientAge="053Y",
        PatientWeight="61",
        PatientAddress="12 Elm Street, Winchester",
        DeviceSerialNumber="SN-99887",
        KVP="120",
        ProtocolName="Head routine",
        StudyInstanceUID="1.2.826.0.1.3680043.9.1.1",
        SeriesInstanceUID="1.2.826.0.1.3680043.9.1.2",
        FrameOfReferenceUID="1.2.826.0.1.3680043.9.1.4",
        StudyID="ST4711",
        SeriesNumber="2",
        InstanceNumber="1",
        ReferencedImageSequence=Sequence(
            [item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID="1.2.826.0.1.3680043.9.1.9")]
        ),
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=4,
        Columns=4,
        BitsAllocated=16,
        BitsStored=12,
        HighBit=11,
        PixelRepresentation=0,
        PixelData=bytes(byte % 16 for byte in range(32)),
    )
    made["PixelData"].VR = "OW"
    for keyword, value in attributes.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    return made


def data_set(made, *, syntax=ExplicitVRLittleEndian):
    """Return a data set's bytes without file meta."""
    out = BytesIO()
    pydicom.dcmwrite(
        out,
        made,
        implicit_vr=pydicom.uid.UID(syntax).is_implicit_VR,
        little_endian=pydicom.uid.UID(syntax).is_little_endian,
    )
    return out.getvalue()


def part_10(made, *, syntax=ExplicitVRLittleEndian):
    """Return a Part 10 file."""
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    out = BytesIO()
    pydicom.dcmwrite(out, made, enforce_file_format=True)
    return out.getvalue()


def deidentified(data, *options, syntax=ExplicitVRLittleEndian, policy=STRICT, key=KEY, **given):
    """Return what becomes of a data set's bytes, in bytes, and the syntax that it is in."""
    wishes = Wishes(frozenset(map(Option, options)), **given)
    with deidentify(data, UID(syntax), wishes, policy, Pseudonyms(key, wishes.patient_id)) as new:
        out = b"".join(new.chunks())
        assert new.size_bytes in {None, len(out)}
        return out, new.transfer_syntax


def read(data, syntax=ExplicitVRLittleEndian):
    """Return what pydicom reads in a data set's bytes."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = str(syntax)
    meta.MediaStorageSOPClassUID = CT
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    out = BytesIO()
    out.write(bytes(128) + b"DICM")
    pydicom.filewriter.write_file_meta_info(out, meta, enforce_standard=False)
    out.write(data)
    out.seek(0)
    found = pydicom.dcmread(out)
    found.decode()
    return found


def without_patient(made, *options, syntax=ExplicitVRLittleEndian, **how):
    """Return what pydicom reads in what becomes of a data set."""
    return read(*deidentified(data_set(made, syntax=syntax), *options, syntax=syntax, **how))
