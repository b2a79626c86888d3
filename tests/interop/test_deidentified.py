"""De-identified objects before foreign judges: dciodvfy finds no new error, DCMTK and pydicom no patient."""

import re

import pydicom
import pytest

from calotype.dicom.deidentify.deidentify import Policy, deidentify
from calotype.dicom.deidentify.options import Option, Wishes
from calotype.dicom.deidentify.pseudonyms import Pseudonyms
from calotype.dicom.deidentify.suspects import Regions
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import write_file_meta
from support import dcmtk
from support.bundled import named
from support.identities import KEY, ct, part_10

pytestmark = pytest.mark.interop

# Every kind is declared to be without text: what is judged here are attributes.
POLICY = Policy(empties_documents=True, regions=(Regions(()),))
NAMES = (
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_bigendian.dcm",
    "JPEG2000.dcm",
    "examples_rgb_color.dcm",
    "examples_palette.dcm",
    "reportsi.dcm",
    "test-SR.dcm",
    "rtplan.dcm",
    "rtdose.dcm",
    "liver_1frame.dcm",
    "waveform_ecg.dcm",
)
MIXTURES = (
    frozenset(),
    frozenset({Option.RETAIN_MODIFIED_DATES, Option.CLEAN_DESCRIPTORS, Option.RETAIN_PATIENT_CHARACTERISTICS}),
    frozenset({Option.RETAIN_UIDS, Option.CLEAN_STRUCTURED_CONTENT, Option.CLEAN_GRAPHICS}),
)


def written(path, data, syntax, options=frozenset()):
    with deidentify(data, UID(syntax), Wishes(options), POLICY, Pseudonyms(KEY)) as new:
        meta = write_file_meta(new.sop_class, new.ref.instance, new.transfer_syntax)
        path.write_bytes(meta + b"".join(new.chunks()))
    return path


def complaints(path, folder):
    """Return what dciodvfy holds against a file, without the values that it names."""
    done = dcmtk.run("dciodvfy", path, folder=folder)
    lines = done.stdout.splitlines()
    return {re.sub(r"<[^>]*>|=? *'[^']*'|\[[^\]]*\]", "", line).strip() for line in lines if line.startswith("Error")}


@pytest.mark.parametrize("name", NAMES)
def test_dciodvfy_finds_no_new_error(name, tmp_path):
    original = named(name)
    before = tmp_path / "before.dcm"
    meta = write_file_meta(UID(original.sop_class), UID(original.sop_instance), UID(original.transfer_syntax))
    before.write_bytes(meta + original.data_set)
    known = complaints(before, tmp_path)
    for number, options in enumerate(MIXTURES):
        after = written(tmp_path / f"{number}.dcm", original.data_set, original.transfer_syntax, options)
        assert complaints(after, tmp_path) - known == set(), sorted(options)


def test_dcmtk_and_pydicom_read_no_patient(tmp_path):
    path = written(tmp_path / "new.dcm", _data(ct()), "1.2.840.10008.1.2.1")
    dumped = dcmtk.run("dcmdump", "+L", path, folder=tmp_path)
    assert dumped.returncode == 0
    assert "Anonymous^ANON-" in dumped.stdout
    shown = dumped.stdout + str(pydicom.dcmread(path))
    secrets = ("Doppelganger", "Erika", "PID-4711", "Swithin", "20240131", "3680043.9")
    assert [secret for secret in secrets if secret in shown] == []


def _data(made):
    file = part_10(made)
    return file[file.index(b"\x08\0\x05\0CS") :]
