import pytest

from calotype.dicom.uids import CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN
from calotype.dicom.wire.messages import CStoreRQ
from calotype.errors import NotFound
from calotype.scu.files import gather, read_parcel, send_files
from calotype.scu.sender import DimseCourier
from support import samples
from support.peers import CALLER, STORAGE, Sink, serving


@pytest.fixture
def folder(tmp_path):
    for number in range(3):
        (tmp_path / "b").mkdir(exist_ok=True)
        (tmp_path / "b" / f"{number}.dcm").write_bytes(samples.part10(samples.ct(16, 16, seed=number)))
    (tmp_path / "a.dcm").write_bytes(samples.part10(samples.ct(8, 8, seed=9)))
    (tmp_path / "readme.txt").write_text("no image")
    (tmp_path / "empty").write_bytes(b"")
    return tmp_path


def test_gather_finds_the_dicom_files_of_a_folder_in_order(folder):
    seen = []
    files = gather([folder], seen.append)
    assert [path.relative_to(folder).as_posix() for path in files.paths] == ["a.dcm", "b/0.dcm", "b/1.dcm", "b/2.dcm"]
    assert sorted(skipped.path.name for skipped in files.skipped) == ["empty", "readme.txt"]
    assert len(seen) == 6


def test_gather_takes_files_named_one_by_one(folder):
    files = gather([folder / "b" / "1.dcm", folder / "a.dcm"])
    assert [path.name for path in files.paths] == ["1.dcm", "a.dcm"]


def test_gather_says_what_does_not_exist(folder):
    with pytest.raises(NotFound, match=r"missing\.dcm does not exist\."):
        gather([folder / "missing.dcm"])


def test_a_parcel_is_read_from_file_meta(folder):
    data = samples.ct(8, 8, seed=9)
    parcel = read_parcel(folder / "a.dcm")
    assert (parcel.kind.sop_class, parcel.kind.transfer_syntax) == (CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN)
    assert parcel.data_bytes == len(data)
    assert (folder / "a.dcm").read_bytes()[parcel.data_offset :] == data


def test_a_parcel_goes_by_the_data_set_where_file_meta_contradicts_it(tmp_path):
    (tmp_path / "edited.dcm").write_bytes(samples.part10(samples.ct(8, 8, sop_uid="1.2.3.4"), sop_uid="1.2.3.5"))
    assert read_parcel(tmp_path / "edited.dcm").sop_instance == "1.2.3.4"


def test_a_parcel_of_a_damaged_data_set_goes_by_file_meta(tmp_path):
    whole = samples.part10(samples.ct(8, 8, sop_uid="1.2.3.4"))
    (tmp_path / "damaged.dcm").write_bytes(whole[:-1000])
    assert read_parcel(tmp_path / "damaged.dcm").sop_instance == "1.2.3.4"


@pytest.mark.parametrize(
    "syntax", [samples.EXPLICIT, samples.IMPLICIT, samples.BIG_ENDIAN, samples.DEFLATED, samples.JPEG_2000]
)
def test_a_parcel_is_read_in_every_encoding(tmp_path, syntax):
    data = samples.ct(64, 64, syntax=syntax, sop_uid="1.2.3.4")
    (tmp_path / "a.dcm").write_bytes(samples.part10(data, syntax))
    parcel = read_parcel(tmp_path / "a.dcm")
    assert (parcel.kind.transfer_syntax, parcel.sop_instance, parcel.data_bytes) == (syntax, "1.2.3.4", len(data))


def test_a_dicomdir_is_left_aside(tmp_path):
    file = samples.part10(samples.ct(8, 8, sop_class="1.2.840.10008.1.3.10"))
    (tmp_path / "DICOMDIR").write_bytes(file)
    [skipped] = gather([tmp_path]).skipped
    assert skipped.why.endswith("is a DICOMDIR, no object to be sent.")


def test_files_arrive_bit_exact(folder):
    sink, files = Sink(), gather([folder])
    with serving({CStoreRQ: sink}, STORAGE) as node:
        sent = list(send_files(DimseCourier(CALLER), node, files))
    assert [(each.path, each.answer.result.name) for each in sent] == [(path, "COMPLETED") for path in files.paths]
    assert [data for _, _, data in sink.received] == [
        samples.ct(8, 8, seed=9),
        *(samples.ct(16, 16, seed=number) for number in range(3)),
    ]


def test_a_file_that_went_away_fails_alone(folder):
    sink, files = Sink(), gather([folder])
    (folder / "b" / "1.dcm").unlink()
    with serving({CStoreRQ: sink}, STORAGE) as node:
        sent = list(send_files(DimseCourier(CALLER), node, files))
    assert [each.answer.result.name for each in sent] == ["COMPLETED", "COMPLETED", "FAILED", "COMPLETED"]
    assert sent[2].answer.comment.endswith("1.dcm cannot be read: No such file or directory.")
