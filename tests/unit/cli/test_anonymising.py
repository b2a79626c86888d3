"""``calotype anonymise``: files, folders, zip archives and studies in, objects without their patient out."""

import zipfile

import pytest
from click.testing import CliRunner
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from calotype.cli import calotype
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import write_file_meta
from calotype.dicom.pixels.transcode import convert
from calotype.errors import InvalidRequest, NotFound
from calotype.services.archive.isolation import Isolation
from support.identities import ct, data_set, part_10


@pytest.fixture
def run(tmp_path):
    def call(*arguments):
        flags = ("-s", f"storage.path={tmp_path / 'data'}", "-s", "storage.min_free_mib=0")
        return CliRunner().invoke(calotype, [*flags, *map(str, arguments)])

    return call


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "in"
    made.mkdir()
    (made / "one.dcm").write_bytes(part_10(ct()))
    (made / "two.dcm").write_bytes(part_10(ct(SOPInstanceUID="1.2.826.0.1.3680043.9.1.8")))
    return made


def written(folder):
    return sorted(folder.rglob("*.dcm"))


def test_files_of_a_folder_are_written_under_their_new_uids(run, folder, tmp_path):
    out = tmp_path / "out"
    done = run("anonymise", folder, out)
    assert (done.exit_code, done.stdout) == (0, "2 written, 0 not\n")
    found = [dcmread(path) for path in written(out)]
    assert {path.stem for path in written(out)} == {each.SOPInstanceUID for each in found}
    assert {each.PatientIdentityRemoved for each in found} == {"YES"}
    assert (tmp_path / "data" / "secrets" / "anonymise.key").stat().st_mode & 0o777 == 0o600


def test_frames_that_are_masked_are_decoded_in_a_process_of_their_own_when_all_are(run, tmp_path, monkeypatch):
    decoded = []
    decode = Isolation.decode

    def counted(self, *frame, **how):
        decoded.append(frame)
        return decode(self, *frame, **how)

    monkeypatch.setattr(Isolation, "decode", counted)
    ultrasound = ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.6.1", Modality="US")
    compressed = tmp_path / "us.dcm"
    with convert(data_set(ultrasound), UID(ExplicitVRLittleEndian), UID(RLELossless)) as new:
        meta = write_file_meta(UID(ultrasound.SOPClassUID), UID(ultrasound.SOPInstanceUID), UID(RLELossless))
        compressed.write_bytes(meta + b"".join(new.chunks()))
    settings = tmp_path / "calotype.toml"
    settings.write_text('pixels.isolation = "all"\n[[anonymise.regions]]\nmodality = "US"\nareas = ["0,0,4,1"]\n')

    done = run("--config", settings, "anonymise", compressed, tmp_path / "out")

    assert (done.exit_code, done.stdout) == (0, "1 written, 0 not\n"), done.output
    (path,) = written(tmp_path / "out")
    assert dcmread(path).pixel_array.tobytes() == bytes(8) + ultrasound.PixelData[8:]
    assert decoded


def test_same_key_makes_the_same_from_a_zip_and_from_the_archive(run, folder, tmp_path):
    pack = tmp_path / "pack.zip"
    with zipfile.ZipFile(pack, "w") as file:
        for path in folder.iterdir():
            file.write(path, path.name)
        file.writestr("readme.txt", "no image")
    assert run("anonymise", folder, tmp_path / "a").exit_code == 0
    unpacked = run("anonymise", pack, tmp_path / "b")
    assert (unpacked.exit_code, unpacked.stdout.splitlines()[-1]) == (1, "2 written, 1 not")
    assert run("import", folder).exit_code == 0
    assert run("anonymise", "--study", "1.2.826.0.1.3680043.9.1.1", tmp_path / "c").exit_code == 0
    a, b, c = ([path.read_bytes() for path in written(tmp_path / name)] for name in "abc")
    assert a == b == c


def test_options_and_who_the_patient_becomes(run, folder, tmp_path):
    out = tmp_path / "out"
    options = ("-o", "retain-uids", "-o", "retain-full-dates", "--patient-id", "T-1", "--patient-name", "Test^Case")
    assert run("anonymise", *options, folder / "one.dcm", out).exit_code == 0
    found = dcmread(out / "1.2.826.0.1.3680043.9.1.1" / "1.2.826.0.1.3680043.9.1.2" / "1.2.826.0.1.3680043.9.1.3.dcm")
    assert (found.PatientID, str(found.PatientName), found.StudyDate) == ("T-1", "Test^Case", "20240131")


def test_what_is_there_stays_unless_forced(run, folder, tmp_path):
    out = tmp_path / "out"
    run("anonymise", folder, out)
    again = run("anonymise", folder, out)
    assert again.exit_code == 1
    assert "--force" in again.stderr
    assert run("anonymise", "--force", folder, out).exit_code == 0


def test_what_may_not_leave_is_told_and_the_rest_goes_on(run, folder, tmp_path):
    (folder / "screen.dcm").write_bytes(part_10(ct(BurnedInAnnotation="YES")))
    done = run("anonymise", folder, tmp_path / "out")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (1, "2 written, 1 not")
    assert "burned into" in done.stderr
    assert len(written(tmp_path / "out")) == 2


def test_unknown_options_files_and_studies_are_refused(run, folder, tmp_path):
    assert isinstance(run("anonymise", "-o", "retain-all", folder, tmp_path / "o").exception, InvalidRequest)
    assert isinstance(run("anonymise", tmp_path / "none", tmp_path / "o").exception, NotFound)
    assert isinstance(run("anonymise", "--study", "1.2.3", tmp_path / "o").exception, NotFound)
