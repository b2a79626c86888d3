"""Folders, zip files and media: one bad file never stops the rest, and no name leads anywhere."""

import os
import struct
import zipfile

import pytest

from calotype.errors import InvalidRequest, NotFound, OutOfResources, Unavailable
from calotype.services.archive.importing import Importer, ImportStatus
from calotype.services.archive.ingest import Outcome
from calotype.services.archive.ports import Channel
from calotype.services.archive.zips import ZipLimits
from calotype.stores.objects.memory import MemoryObjectStore
from support import samples

IMPORTED, SKIPPED, FAILED = ImportStatus.IMPORTED, ImportStatus.SKIPPED, ImportStatus.FAILED


@pytest.fixture
def importer(house):
    return Importer(house.archive.ingest)


def file_of(seed, **how):
    return samples.part10(samples.small(seed=seed, **how))


def short(outcomes, root):
    return [(outcome.source.removeprefix(f"{root}"), outcome.status) for outcome in outcomes]


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "cd"
    for name, content in {
        "b/2": file_of(2),
        "b/1.dcm": file_of(1),
        "a/notes.txt": b"not an object, although it is long enough to be looked at" * 10,
        "a/truncated.dcm": file_of(3)[:-5],
        "a/empty": b"",
        "c": samples.small(seed=4),
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


# -- folders ---------------------------------------------------------------------------------------------------------


def test_a_folder_is_imported_in_order_whatever_is_in_it(house, importer, folder):
    outcomes = list(importer.folder(folder))
    assert short(outcomes, folder) == [
        ("/a/empty", SKIPPED),
        ("/a/notes.txt", SKIPPED),
        ("/a/truncated.dcm", FAILED),
        ("/b/1.dcm", IMPORTED),
        ("/b/2", IMPORTED),
        ("/c", IMPORTED),
    ]
    reasons = [outcome.reason for outcome in outcomes]
    assert reasons[0] == "not a DICOM file: it ends after 0 bytes"
    assert reasons[1] == "not a DICOM file: no 'DICM' at byte 128"
    assert "truncated" in reasons[2]
    assert reasons[3:] == ["", "", ""]
    assert house.index.statistics().instances == 3
    assert {origin.channel for _, origin, _ in house.index.records()} == {Channel.IMPORT}


def test_importing_twice_changes_nothing(house, importer, folder):
    list(importer.folder(folder))
    again = [outcome.receipt.outcome for outcome in importer.folder(folder) if outcome.receipt]
    assert again == [Outcome.IDENTICAL] * 3
    assert len(house.files()) == 3


def test_progress_counts_files(importer, folder):
    told = []
    outcomes = list(importer.folder(folder, lambda *line: told.append(line)))
    assert told == [(done, 6, outcome.source) for done, outcome in enumerate(outcomes, start=1)]


def test_files_larger_than_a_chunk_are_imported(house, importer, tmp_path):
    data = samples.ct(1024, 1024)
    (tmp_path / "large").write_bytes(samples.part10(data))
    (outcome,) = importer.path(tmp_path / "large")
    assert outcome.status is IMPORTED
    assert house.served(samples.uid(4, 1)) == data


def test_links_and_special_files_do_not_trap(importer, folder):
    (folder / "b" / "loop").symlink_to(folder)
    (folder / "z-link").symlink_to(folder / "b" / "1.dcm")
    (folder / "z-broken").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "z-pipe")
    outcomes = short(importer.folder(folder), folder)
    assert outcomes[-2:] == [("/c", IMPORTED), ("/z-link", IMPORTED)]
    assert len(outcomes) == 7


def test_a_full_disk_ends_the_import(house_with, folder):
    house = house_with(objects=MemoryObjectStore(capacity_bytes=1000))
    with pytest.raises(OutOfResources):
        list(Importer(house.archive.ingest).folder(folder))


def test_a_path_that_is_nothing_is_not_found(importer, tmp_path):
    with pytest.raises(NotFound, match="neither a file nor a folder"):
        importer.path(tmp_path / "nothing")


def test_a_folder_that_cannot_be_read_is_one_clear_line(importer, tmp_path):
    with pytest.raises(Unavailable, match="cannot be read: No such file"):
        importer.folder(tmp_path / "nothing")


def test_names_are_shown_fit_for_a_terminal(importer, tmp_path):
    (tmp_path / "a\x1b[31m\n").write_bytes(b"")
    (outcome,) = importer.folder(tmp_path)
    assert outcome.source == f"{tmp_path}/a?[31m?"


# -- zip files -------------------------------------------------------------------------------------------------------


def zip_of(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_a_zip_file_is_imported_by_content_and_never_by_name(house, importer, tmp_path):
    (tmp_path / "in").mkdir()
    path = zip_of(
        tmp_path / "in" / "x.zip",
        [
            ("../../outside.dcm", file_of(1)),
            ("/etc/absolute", file_of(2)),
            ("folder/", b""),
            ("folder/readme.txt", b"hello " * 100),
            ("folder/3", file_of(3)),
            ("broken", file_of(4)[:-3]),
        ],
    )
    assert short(importer.path(path), f"{path}:") == [
        ("../../outside.dcm", IMPORTED),
        ("/etc/absolute", IMPORTED),
        ("broken", FAILED),
        ("folder/3", IMPORTED),
        ("folder/readme.txt", SKIPPED),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert house.index.statistics().instances == 3


def test_a_damaged_member_does_not_stop_the_rest(importer, tmp_path):
    path = zip_of(tmp_path / "x.zip", [("1", file_of(1)), ("2", file_of(2))], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.find(b"Calotype Works")] ^= 1
    path.write_bytes(content)
    first, second = importer.zip_file(path)
    assert (first.status, second.status) == (FAILED, IMPORTED)
    assert "damaged: Bad CRC" in first.reason


def test_an_encrypted_member_is_told(importer, tmp_path):
    path = zip_of(tmp_path / "x.zip", [("1", file_of(1))], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    for magic, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.find(magic) + at] |= 1
    path.write_bytes(content)
    (outcome,) = importer.zip_file(path)
    assert (outcome.status, outcome.reason[:15]) == (FAILED, "it is encrypted")


def test_a_member_beyond_its_limit_fails_and_the_rest_goes_on(house, tmp_path):
    importer = Importer(house.archive.ingest, zip_limits=ZipLimits(max_member_bytes=2 << 20))
    path = zip_of(tmp_path / "x.zip", [("1", samples.part10(samples.ct(1100, 1100))), ("2", file_of(2))])
    first, second = importer.zip_file(path)
    assert (first.status, second.status) == (FAILED, IMPORTED)
    assert "inflates to more than" in first.reason


def test_a_zip_beyond_its_limit_ends(house, tmp_path):
    importer = Importer(house.archive.ingest, zip_limits=ZipLimits(max_total_bytes=1 << 20))
    path = zip_of(tmp_path / "x.zip", [(str(seed), samples.part10(samples.ct(600, 600, seed))) for seed in (1, 2)])
    outcomes = importer.zip_file(path)
    assert next(outcomes).status is IMPORTED
    with pytest.raises(OutOfResources, match="the zip file inflates to more"):
        next(outcomes)


def test_a_bomb_of_another_method_is_recognised(house, importer, tmp_path):
    black = samples.part10(samples.small(changes={0x7FE00010: ("OW", bytes(20 << 20))}))
    path = zip_of(tmp_path / "x.zip", [("1", black)], zipfile.ZIP_BZIP2)
    (outcome,) = importer.zip_file(path)
    assert (outcome.status, outcome.reason[-8:]) == (FAILED, "zip bomb")
    assert house.files() == {}


def test_black_images_are_no_bomb(importer, tmp_path):
    black = samples.part10(samples.small(changes={0x7FE00010: ("OW", bytes(20 << 20))}))
    (outcome,) = importer.zip_file(zip_of(tmp_path / "x.zip", [("1", black)]))
    assert outcome.status is IMPORTED


@pytest.mark.parametrize("zip64", [False, True])
def test_an_endless_list_of_members_is_refused_before_it_is_read(importer, tmp_path, zip64):
    claimed = 1 << 31
    if zip64:
        record = b"PK\6\6" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 1, 1, claimed, 0)
        content = record + b"PK\6\7" + struct.pack("<LQL", 0, 0, 1)
        content += b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    else:
        content = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, claimed, 0, 0)
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(InvalidRequest, match="lists more members than fit"):
        list(importer.zip_file(tmp_path / "x.zip"))


@pytest.mark.parametrize(
    "content", [b"", b"PK\3\4 no end", b"PK\5\6" + bytes(10), bytes(100) + b"PK\5\6" + b"\xff" * 18]
)
def test_what_is_no_zip_file_is_refused(importer, tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(InvalidRequest):
        list(importer.zip_file(tmp_path / "x.zip"))


def test_what_is_wrong_with_a_whole_file_is_told_of_that_file(importer, tmp_path):
    """Others are imported after it, and a message without a name would help nobody."""
    for name, content in (("bad.zip", b"PK\3\4 no end"), ("DICOMDIR", b"no directory")):
        (tmp_path / name).write_bytes(content)
        (outcome,) = importer.path(tmp_path / name)
        assert outcome.source == str(tmp_path / name)
        assert (outcome.status is IMPORTED, bool(outcome.reason)) == (False, True)


def test_a_zip_file_is_recognised_by_its_content(importer, tmp_path):
    path = zip_of(tmp_path / "export.dat", [("1", file_of(1))])
    assert [outcome.status for outcome in importer.path(path)] == [IMPORTED]


def test_an_empty_zip_file_holds_nothing(importer, tmp_path):
    assert list(importer.path(zip_of(tmp_path / "x.zip", []))) == []


# -- media with a DICOMDIR -------------------------------------------------------------------------------------------


def dicomdir(*file_ids, in_use=0xFFFF):
    records = [
        [(0x00041400, "UL", 0), (0x00041410, "US", in_use), (0x00041430, "CS", "PATIENT")],
        *(
            [(0x00041410, "US", in_use), (0x00041430, "CS", "IMAGE"), (0x00041500, "CS", file_id)]
            for file_id in file_ids
        ),
    ]
    data = samples.encode([(0x00041130, "CS", "TEST"), (0x00041220, "SQ", records)])
    return samples.part10(data, sop_class="1.2.840.10008.1.3.10", sop_uid="1.2.3")


@pytest.fixture
def medium(tmp_path):
    root = tmp_path / "medium"
    for name, content in {
        "DICOM/IM1": file_of(1),
        "dicom2/im2;1": file_of(2),
        "DICOM/IM3.": file_of(3),
        "DICOM/UNLISTED": file_of(4),
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "secret").write_bytes(file_of(5))
    return root


def test_only_what_a_dicomdir_refers_to_is_imported(importer, medium):
    ids = ["DICOM\\IM1", "DICOM2\\IM2", "DICOM\\IM3", "DICOM\\IM1", "DICOM\\MISSING"]
    (medium / "DICOMDIR").write_bytes(dicomdir(*ids))
    told = []
    outcomes = list(importer.path(medium / "DICOMDIR", lambda *line: told.append(line)))
    assert short(outcomes, "") == [
        ("DICOM/IM1", IMPORTED),
        ("DICOM2/IM2", IMPORTED),
        ("DICOM/IM3", IMPORTED),
        ("DICOM/MISSING", FAILED),
    ]
    assert outcomes[-1].reason == "the DICOMDIR refers to DICOM/MISSING, which is not there"
    assert told[-1] == (4, 4, "DICOM/MISSING")


@pytest.mark.parametrize(
    "file_id", ["..\\secret", "DICOM\\..\\..\\secret", "/secret", "DICOM\\\\IM1", ".\\DICOM\\IM1"]
)
def test_a_dicomdir_never_leads_out(importer, medium, file_id):
    (medium / "DICOMDIR").write_bytes(dicomdir(file_id))
    (outcome,) = importer.dicomdir(medium / "DICOMDIR")
    assert (outcome.status, outcome.reason[-10:]) == (FAILED, "is not one")


def test_a_link_never_leads_out_either(importer, medium):
    (medium / "OUT").symlink_to(medium.parent)
    (medium / "DICOMDIR").write_bytes(dicomdir("OUT\\secret"))
    (outcome,) = importer.dicomdir(medium / "DICOMDIR")
    assert (outcome.status, outcome.reason[-23:]) == (FAILED, "leads out of the medium")


def test_records_that_are_not_in_use_are_passed_over(importer, medium):
    (medium / "DICOMDIR").write_bytes(dicomdir("DICOM\\IM1", in_use=0))
    assert list(importer.dicomdir(medium / "DICOMDIR")) == []


def test_a_dicomdir_in_a_folder_is_skipped(importer, medium):
    (medium / "DICOMDIR").write_bytes(dicomdir("DICOM\\IM1"))
    outcomes = list(importer.folder(medium))
    assert [outcome.status for outcome in outcomes] == [IMPORTED, IMPORTED, IMPORTED, SKIPPED, IMPORTED]
    assert outcomes[3].reason == "a DICOMDIR: it lists objects and is none"


@pytest.mark.parametrize("content", [file_of(1), b"", b"junk" * 100])
def test_what_is_no_dicomdir_is_refused(importer, medium, content):
    (medium / "DICOMDIR").write_bytes(content)
    with pytest.raises(InvalidRequest):
        list(importer.dicomdir(medium / "DICOMDIR"))


def test_a_dicomdir_that_is_not_there_is_one_clear_line(importer, medium):
    with pytest.raises(Unavailable, match="cannot be read"):
        list(importer.dicomdir(medium / "DICOMDIR"))


def test_an_oversized_dicomdir_is_refused_unread(importer, medium):
    with (medium / "DICOMDIR").open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(InvalidRequest, match="larger than any DICOMDIR"):
        list(importer.dicomdir(medium / "DICOMDIR"))
