"""File meta information, and what a scan says of a data set: attributes, oddities, truncation."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

from calotype.dicom import part10
from calotype.dicom.part10 import FileMeta, NeedMore, Oddity, read_file_meta, scan, write_file_meta
from calotype.dicom.uids import IMPLEMENTATION_CLASS_UID, UID
from calotype.dicom.walk import Walk
from calotype.errors import InvalidRequest
from support import samples

SYNTAXES = [samples.EXPLICIT, samples.IMPLICIT, samples.BIG_ENDIAN, samples.DEFLATED]


def scan_all(data, syntax=samples.EXPLICIT):
    return scan(data, UID(syntax), data_bytes=len(data))


# File meta information


def test_file_meta_is_written_as_pydicom_reads_it():
    meta = write_file_meta(UID(samples.CT), UID("1.2.3"), UID(samples.EXPLICIT), source_ae_title="CT1")
    theirs = dcmread(io.BytesIO(meta + samples.ct(4, 4))).file_meta
    assert theirs.FileMetaInformationGroupLength == len(meta) - 128 - 4 - 12
    assert (theirs.MediaStorageSOPClassUID, theirs.MediaStorageSOPInstanceUID) == (samples.CT, "1.2.3")
    assert (theirs.TransferSyntaxUID, theirs.SourceApplicationEntityTitle) == (samples.EXPLICIT, "CT1")
    assert theirs.ImplementationClassUID == IMPLEMENTATION_CLASS_UID


def test_a_uid_that_no_element_holds_is_refused():
    with pytest.raises(InvalidRequest, match="a SOP Instance UID of 70000 characters fits no file"):
        write_file_meta(UID(samples.CT), UID("1" * 70_000), UID(samples.EXPLICIT))


def test_file_meta_that_was_written_is_read():
    raw = write_file_meta(UID(samples.CT), UID("1.2.30"), UID(samples.JPEG_2000), source_ae_title="AB")
    expected = FileMeta(UID(samples.CT), UID("1.2.30"), UID(samples.JPEG_2000), "AB", len(raw))
    assert read_file_meta(raw + b"\x08\0\x05\0CS\0\0") == expected


def test_file_meta_from_a_prefix_is_none_until_it_is_whole():
    file = samples.part10(samples.ct(4, 4))
    meta = read_file_meta(file)
    # Eight bytes of the data set show that group 0002 is over.
    needed = meta.data_offset + 8
    assert [read_file_meta(file[:size]) for size in range(needed)] == [None] * needed
    assert read_file_meta(memoryview(file)[:needed]) == meta


def test_what_is_no_part_10_file_is_refused():
    with pytest.raises(InvalidRequest, match="no DICM after the first 128 bytes"):
        read_file_meta(b"\x89PNG" + b"\0" * 200)
    with pytest.raises(InvalidRequest, match="no file meta information after DICM"):
        read_file_meta(b"\0" * 128 + b"DICM" + samples.ct(4, 4))


def test_a_group_length_that_lies_is_not_believed():
    file = bytearray(samples.part10(samples.ct(4, 4)))
    expected = read_file_meta(bytes(file))
    file[140:144] = struct.pack("<L", 9999)
    assert read_file_meta(bytes(file)) == expected


def test_a_file_without_preamble_is_read():
    file = samples.part10(samples.ct(4, 4))
    expected = read_file_meta(file)
    assert read_file_meta(file[132:]).data_offset == expected.data_offset - 132
    assert read_file_meta(file[128:]).data_offset == expected.data_offset - 128


def test_file_meta_in_implicit_vr_is_read():
    rows = [(0x00020002, "UI", samples.CT), (0x00020003, "UI", "1.2.3"), (0x00020010, "UI", samples.IMPLICIT)]
    file = b"\0" * 128 + b"DICM" + samples.encode(rows, samples.IMPLICIT) + samples.ct(4, 4, syntax=samples.IMPLICIT)
    meta = read_file_meta(file)
    assert (meta.sop_class, meta.sop_instance, meta.transfer_syntax) == (samples.CT, "1.2.3", samples.IMPLICIT)


@pytest.mark.parametrize("syntax", [samples.EXPLICIT, samples.IMPLICIT, samples.BIG_ENDIAN])
def test_a_missing_transfer_syntax_is_read_off_the_data_set(syntax):
    rows = [(0x00020002, "UI", samples.CT), (0x00020003, "UI", "1.2.3")]
    file = b"\0" * 128 + b"DICM" + samples.encode(rows) + samples.ct(4, 4, syntax=syntax)
    assert read_file_meta(file).transfer_syntax == syntax


def test_a_hostile_length_in_file_meta_is_refused():
    head = b"\0" * 128 + b"DICM" + b"\x02\0\x02\x01OB\0\0" + struct.pack("<L", 2**31) + b"\0" * 20
    with pytest.raises(InvalidRequest, match="claims 2147483648 bytes"):
        read_file_meta(head)


def test_endless_file_meta_is_refused():
    element = b"\x02\0\x02\x01OB\0\0" + struct.pack("<L", 500_000) + b"\0" * 500_000
    with pytest.raises(InvalidRequest, match="more than 1048576 bytes"):
        read_file_meta(b"\0" * 128 + b"DICM" + element * 3)


@given(st.binary(max_size=300))
def test_any_file_meta_is_read_waited_for_or_refused(tail):
    try:
        meta = read_file_meta(b"\0" * 128 + b"DICM\x02\0" + tail)
    except InvalidRequest:
        return
    assert meta is None or isinstance(meta, FileMeta)


# Attributes


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_indexed_attributes_come_out_as_text(syntax):
    header = scan_all(samples.ct(16, 8, seed=7, syntax=syntax), syntax)
    assert header.attributes["PatientName"] == "Wang^XiaoDong=王^小东"
    assert header.attributes["InstitutionName"] == "第一人民医院"
    assert header.attributes["StudyInstanceUID"] == samples.uid(2, 1)
    assert header.attributes["SOPInstanceUID"] == samples.uid(4, 7)
    assert header.attributes["ImageType"] == "ORIGINAL\\PRIMARY\\AXIAL"
    assert (header.attributes["Rows"], header.attributes["Columns"]) == ("16", "8")
    assert (header.attributes["InstanceNumber"], header.attributes["StudyTime"]) == ("7", "101500")
    assert header.oddities == frozenset()


def test_attributes_without_a_value_are_left_out():
    header = scan_all(samples.ct(4, 4, changes={0x00080050: ("SH", ""), 0x00081030: ("LO", "  ")}))
    assert {"AccessionNumber", "StudyDescription", "OtherPatientIDs"} & set(header.attributes) == set()


def test_several_values_are_trimmed_one_by_one():
    header = scan_all(samples.ct(4, 4, changes={0x00101000: ("LO", " A1 \\ B2")}))
    assert header.attributes["OtherPatientIDs"] == "A1\\B2"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Doe^John^^^", "Doe^John"),
        ("Doe^John^=", "Doe^John"),
        ("=王^小东=", "=王^小东"),
        ("^^=", None),
        ("A^\\B^", "A\\B"),
    ],
)
def test_delimiters_that_nothing_follows_go(name, expected):
    assert scan_all(samples.ct(4, 4, patient_name=name)).attributes.get("PatientName") == expected


def test_names_in_gb18030():
    header = scan_all(samples.cr(4, 4, patient_name="Ouyang^Xiu=欧阳^修", changes={0x00081030: ("LO", "正位 镕")}))
    assert header.attributes["PatientName"] == "Ouyang^Xiu=欧阳^修"
    assert header.attributes["StudyDescription"] == "正位 镕"


def test_where_pixel_data_starts():
    data = samples.ct(4, 4, seed=3)
    header = scan_all(data)
    assert data[header.pixel_data_offset :] == samples.pixels(32, 3)
    assert scan_all(samples.structured_report()).pixel_data_offset is None
    assert scan_all(samples.ct(4, 4, syntax=samples.DEFLATED), samples.DEFLATED).pixel_data_offset is None


@pytest.mark.parametrize(
    ("changes", "oddity", "keyword", "value"),
    [
        ({0x00100020: None}, Oddity.NO_PATIENT_ID, "PatientID", None),
        ({0x00100020: ("LO", " ")}, Oddity.NO_PATIENT_ID, "PatientID", None),
        ({0x00080020: ("DA", "2024.01.15")}, Oddity.BAD_DATE, "StudyDate", "20240115"),
        ({0x00080020: ("DA", "20240230")}, Oddity.BAD_DATE, "StudyDate", "20240230"),
        ({0x00080020: ("DA", "last week")}, Oddity.BAD_DATE, "StudyDate", "last week"),
        ({0x00080030: ("TM", "10:15:30.5")}, Oddity.BAD_TIME, "StudyTime", "101530.5"),
        ({0x00080030: ("TM", "256161")}, Oddity.BAD_TIME, "StudyTime", "256161"),
        ({0x0020000D: ("UI", "1.02.3")}, Oddity.BAD_UID, "StudyInstanceUID", "1.02.3"),
        ({0x00080018: ("UI", "not a uid")}, Oddity.BAD_UID, "SOPInstanceUID", "not a uid"),
        ({0x00200013: ("IS", "1A")}, Oddity.BAD_NUMBER, "InstanceNumber", "1A"),
        ({0x00101030: ("DS", "heavy")}, Oddity.BAD_NUMBER, "PatientWeight", "heavy"),
        ({0x00280010: ("UL", b"\1\0")}, Oddity.BAD_NUMBER, "Rows", None),
        ({0x00100020: ("LO", b"\xff\xfe\xfd")}, Oddity.BAD_TEXT, "PatientID", "\ufffd\ufffd\ufffd"),
        ({0x00100020: ("LO", b"AB\0CD ")}, Oddity.BAD_TEXT, "PatientID", "ABCD"),
        ({0x00080005: ("CS", "Klingon"), 0x00100010: ("PN", "A")}, Oddity.BAD_TEXT, "PatientName", "A"),
        ({0x00080005: None, 0x00100010: ("PN", b"Jos\xe9 ")}, Oddity.BAD_TEXT, "PatientName", "José"),
        ({0x00100020: ("OB", b"ID")}, Oddity.HEADER_DAMAGED, "PatientID", "ID"),
        ({0x00100020: ("SQ", [])}, Oddity.HEADER_DAMAGED, "PatientID", None),
        ({0x00280010: ("OB", b"\x10\0")}, Oddity.HEADER_DAMAGED, "Rows", "16"),
    ],
)
def test_what_is_odd_is_told_and_read_as_far_as_can_be(changes, oddity, keyword, value):
    header = scan_all(samples.ct(4, 4, changes=changes))
    assert oddity in header.oddities
    assert header.attributes.get(keyword) == value


def test_un_is_read_by_the_dictionary():
    header = scan_all(samples.ct(4, 4, changes={0x00100020: ("UN", b"ID1 "), 0x00280010: ("UN", b"\4\0")}))
    assert (header.attributes["PatientID"], header.attributes["Rows"]) == ("ID1", "4")
    assert header.oddities == frozenset()


def test_a_value_that_nobody_searches_for_is_cut():
    header = scan_all(samples.ct(4, 4, changes={0x00104000: ("UT", "x" * 100_000)}))
    assert (len(header.attributes["PatientComments"]), header.oddities) == (65_536, frozenset({Oddity.BAD_TEXT}))


def test_an_odd_length_is_told():
    odd = b"\x10\0\x20\0LO\3\0ABC"
    header = scan_all(odd)
    assert (header.attributes, header.oddities) == ({"PatientID": "ABC"}, frozenset({Oddity.ODD_LENGTH}))


def test_an_empty_data_set_has_no_attributes():
    assert scan_all(b"").attributes == {}


# Prefixes


@pytest.mark.parametrize("syntax", SYNTAXES[:3])
def test_a_prefix_up_to_pixel_data_is_enough(syntax):
    data = samples.ct(64, 64, syntax=syntax)
    whole = scan_all(data, syntax)
    head = scan(data[: whole.pixel_data_offset], UID(syntax), data_bytes=len(data))
    assert (head.attributes, head.json()) == (whole.attributes, whole.json())
    assert head.pixel_data_offset == whole.pixel_data_offset


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_shorter_prefix_needs_more(syntax):
    data = samples.ct(64, 64, syntax=syntax)
    for size in (0, 7, 100, 1000):
        with pytest.raises(NeedMore):
            scan(data[:size], UID(syntax), data_bytes=len(data))


def test_fragments_must_be_seen():
    data = samples.compressed(frames=3)
    with pytest.raises(NeedMore):
        scan(data[:-1], UID(samples.JPEG_BASELINE), data_bytes=len(data))
    assert scan_all(data, samples.JPEG_BASELINE).attributes["NumberOfFrames"] == "3"


def test_elements_behind_pixel_data_must_be_seen():
    data = samples.ct(64, 64, changes={0xFFFCFFFC: ("OB", b"\0" * 10)})
    with pytest.raises(NeedMore):
        scan(data[:5000], UID(samples.EXPLICIT), data_bytes=len(data))
    assert scan_all(data).oddities == frozenset()


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda raw: memoryview(bytearray(raw))])
def test_any_buffer_is_scanned(kind, monkeypatch):
    data = samples.ct(16, 16, seed=5)
    expected = scan_all(data)
    for copied_bytes in (0, 1_000_000):
        monkeypatch.setattr(part10, "_COPIED_BYTES", copied_bytes)
        header = scan_all(kind(data))
        assert (header.attributes, header.json()) == (expected.attributes, expected.json())


# Truncation


def test_native_pixel_data_cut_short_is_refused_with_byte_counts():
    data = samples.ct(16, 16)
    with pytest.raises(InvalidRequest) as refused:
        scan_all(data[:-100])
    assert str(refused.value) == "truncated: element (7FE0,0010) PixelData needs 512 bytes, 412 are left"


def test_truncation_is_seen_in_the_prefix_already():
    data = samples.ct(64, 64)
    with pytest.raises(InvalidRequest, match="needs 8192 bytes, 8092 are left"):
        scan(data[:5000], UID(samples.EXPLICIT), data_bytes=len(data) - 100)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("cut", [3, 40, 200])
def test_a_data_set_cut_anywhere_in_a_value_is_refused(syntax, cut):
    data = samples.ct(16, 16, syntax=syntax)
    with pytest.raises(InvalidRequest, match="truncated"):
        scan_all(data[:-cut], syntax)


def test_every_cut_of_a_data_set_is_refused_or_falls_between_elements():
    items = samples.Undefined([[(0x00400007, "LO", "CT")], [(0x00400007, "LO", "MR")]])
    data = samples.small(changes={0x00400275: ("SQ", items)})
    ends = {token[4] for token in Walk(data, len(data), explicit=True, little=True).top()} | {0}
    # After each whole item only the delimiter of the sequence is missing: 8 bytes at the end, 26 for an item.
    after_items = {len(data) - 8, len(data) - 8 - 26}
    assert {size for size in range(len(data) + 1) if _is_read(data[:size])} == ends | after_items


def _is_read(data):
    try:
        scan_all(data)
    except InvalidRequest:
        return False
    return True


def test_fragments_without_an_end_are_refused():
    data = samples.compressed(frames=2)
    with pytest.raises(InvalidRequest, match="truncated: a fragment of an image needs 208 bytes, 108 are left"):
        scan_all(data[:-108], samples.JPEG_BASELINE)
    with pytest.raises(InvalidRequest, match="truncated: the fragments of an image end without"):
        scan_all(data[:-224], samples.JPEG_BASELINE)


def test_only_the_last_delimiter_may_be_missing_when_every_frame_is_there():
    data = samples.compressed(frames=2)
    header = scan_all(data[:-8], samples.JPEG_BASELINE)
    assert header.oddities == frozenset({Oddity.HEADER_DAMAGED})
    rle = samples.small(changes={0x7FE00010: ("OB", samples.Fragments([b"\1" * 100], delimited=False))})
    with pytest.raises(InvalidRequest, match="without a sequence delimiter"):
        scan_all(rle, samples.RLE)


def test_dicm_in_a_value_is_no_file():
    data = samples.encode([(0x00080070, "LO", "x" * 120 + "DICM\x02")])
    assert data[128:133] == b"DICM\x02"
    assert scan_all(data).attributes["Manufacturer"].startswith("xxx")


def test_a_whole_file_in_the_place_of_a_data_set_is_refused():
    with pytest.raises(InvalidRequest, match="a Part 10 file stands where a data set should"):
        scan_all(samples.part10(samples.ct(4, 4)))


# Deflated


def test_a_deflated_data_set_with_a_zlib_header_is_read_and_told():
    data = zlib.compress(samples.ct(8, 8))
    header = scan_all(data, samples.DEFLATED)
    assert (header.attributes["PatientID"], header.oddities) == ("P0001", frozenset({Oddity.HEADER_DAMAGED}))


def test_a_data_set_that_only_claims_to_be_deflated_is_read_and_told():
    header = scan_all(samples.ct(8, 8), samples.DEFLATED)
    assert (header.attributes["PatientID"], header.oddities) == ("P0001", frozenset({Oddity.HEADER_DAMAGED}))


def test_what_is_not_deflated_at_all_is_refused():
    with pytest.raises(InvalidRequest, match="not deflated as its transfer syntax says"):
        scan_all(b"\xff" * 100, samples.DEFLATED)


def test_a_deflated_data_set_that_fills_chunks_exactly_is_read(monkeypatch):
    data = samples.ct(8, 8, syntax=samples.DEFLATED)
    expected = scan_all(data, samples.DEFLATED).json()
    for inflated_bytes in (1, 7, 64, 1000):
        monkeypatch.setattr(part10, "_INFLATED_CHUNK_BYTES", inflated_bytes)
        monkeypatch.setattr(part10, "_DEFLATED_CHUNK_BYTES", 100)
        assert scan_all(data, samples.DEFLATED).json() == expected


def test_a_cut_deflated_data_set_is_refused():
    data = samples.ct(8, 8, syntax=samples.DEFLATED)
    with pytest.raises(InvalidRequest, match="truncated: the deflated data set of"):
        scan_all(data[: len(data) // 2], samples.DEFLATED)


def test_inflation_is_bounded(monkeypatch):
    monkeypatch.setattr(part10, "MAX_INFLATED_BYTES", 1_000_000)
    bomb = samples.encode([(0x7FE00010, "OB", b"\0" * 2_000_000)], samples.DEFLATED)
    assert len(bomb) < 3000
    with pytest.raises(InvalidRequest, match="inflates to more than 1000000 bytes"):
        scan_all(bomb, samples.DEFLATED)


def test_a_deflated_header_longer_than_the_first_try_is_read(monkeypatch):
    monkeypatch.setattr(part10, "_INFLATED_PREFIXES_BYTES", (100, 100_000))
    data = samples.ct(8, 8, syntax=samples.DEFLATED)
    assert scan_all(data, samples.DEFLATED).json() == scan_all(samples.ct(8, 8)).json()
    monkeypatch.setattr(part10, "_INFLATED_PREFIXES_BYTES", (100, 200))
    with pytest.raises(InvalidRequest, match="takes more than 200 bytes"):
        scan_all(data, samples.DEFLATED)
