import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import read_file_meta
from calotype.dicom.uids import CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN
from calotype.errors import InvalidRequest, OutOfResources
from calotype.scu.folder import FolderReceiver, file_name


def begin(receiver, uid):
    return receiver.begin(CT_IMAGE_STORAGE, UID(uid), EXPLICIT_VR_LITTLE_ENDIAN, "PACS")


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_folder_keeps_the_data_set_bit_exact_behind_file_meta(tmp_path):
    with begin(FolderReceiver(tmp_path), "1.2.3") as incoming:
        incoming.write([memoryview(b"first "), b"second"])
        incoming.write([b" third"])
        incoming.commit()
    content = (tmp_path / "1.2.3.dcm").read_bytes()
    meta = read_file_meta(content)
    assert (meta.sop_class, meta.sop_instance, meta.transfer_syntax, meta.source_ae_title) == (
        CT_IMAGE_STORAGE,
        "1.2.3",
        EXPLICIT_VR_LITTLE_ENDIAN,
        "PACS",
    )
    assert content[meta.data_offset :] == b"first second third"
    assert names(tmp_path) == ["1.2.3.dcm"]


def test_folder_is_made_when_it_is_missing(tmp_path):
    FolderReceiver(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_folder_keeps_nothing_of_what_was_not_committed(tmp_path):
    with begin(FolderReceiver(tmp_path), "1.2.3") as incoming:
        incoming.write([b"half"])
    assert names(tmp_path) == []


def test_folder_writes_an_object_anew(tmp_path):
    receiver = FolderReceiver(tmp_path)
    for data in (b"old and long", b"new"):
        with begin(receiver, "1.2.3") as incoming:
            incoming.write([data])
            incoming.commit()
    assert (tmp_path / "1.2.3.dcm").read_bytes().endswith(b"new")
    assert names(tmp_path) == ["1.2.3.dcm"]


@pytest.mark.parametrize(
    "uid",
    ["../../etc/passwd", "/etc/passwd", "..", ".", "1.2.3/4", "CON", "1.2.3\0", "名", "1..2", "1." * 40, "1.02"],
)
def test_folder_makes_no_path_of_what_is_no_uid(tmp_path, uid):
    folder = tmp_path / "in" / "here"
    with begin(FolderReceiver(folder), uid) as incoming:
        incoming.write([b"data"])
        incoming.commit()
    [name] = names(folder)
    assert name == file_name(UID(uid))
    assert name.startswith("uid-")
    assert names(tmp_path) == ["in"]


def test_file_names_of_different_uids_differ():
    assert file_name(UID("../a")) != file_name(UID("../b"))


def test_folder_refuses_an_object_without_a_name(tmp_path):
    with pytest.raises(InvalidRequest, match="without a SOP Instance UID"):
        begin(FolderReceiver(tmp_path), "")


def test_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutOfResources, match=r"file/inside cannot be written: Not a directory\."):
        FolderReceiver(tmp_path / "file" / "inside")


def test_folder_that_went_away_says_so(tmp_path):
    receiver = FolderReceiver(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(OutOfResources, match=r"1\.2\.3\.dcm cannot be written: No such file or directory\."):
        begin(receiver, "1.2.3")
