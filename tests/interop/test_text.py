"""Names of many scripts, declared rightly and wrongly: stored by storescu, found by findscu and by QIDO."""

import json
import urllib.request
from urllib.parse import quote

import pydicom
import pytest

from calotype.dicom import charsets, text
from support import dcmtk, samples
from support.running import Running

pytestmark = pytest.mark.interop

PEOPLE = {
    # Patient ID: what is declared, the name's bytes, the name that is meant
    "GB18030": ("GB18030", "张^三丰".encode("gb18030"), "张^三丰"),
    "UTF8": ("ISO_IR 192", "欧阳^娜娜".encode(), "欧阳^娜娜"),
    "IR58": ("\\ISO 2022 IR 58", b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab", "Zhang^XiaoDong=张^小东"),
    "JAPAN": (
        "\\ISO 2022 IR 87",
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    "KOREA": (
        "\\ISO 2022 IR 149",
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    "ARAB": ("ISO_IR 127", b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار"),
    "LATIN": ("ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
    "WRONG1": ("ISO_IR 100", "王^伟国".encode("gbk"), "王^伟国"),
    "WRONG2": ("", "李^娜".encode(), "李^娜"),
    "WRONG3": ("ISO_IR 192", "陈^静".encode("gb18030"), "陈^静"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    files = tmp_path_factory.mktemp("files")
    for number, (patient, (declared, name, _)) in enumerate(PEOPLE.items(), 1):
        rows = [
            (0x00080005, "CS", declared),
            (0x00080016, "UI", samples.SECONDARY_CAPTURE),
            (0x00080018, "UI", samples.uid(70, number, 1, 1)),
            (0x00080020, "DA", "20240115"),
            (0x00080060, "CS", "OT"),
            (0x00100010, "PN", name),
            (0x00100020, "LO", patient),
            (0x0020000D, "UI", samples.uid(70, number)),
            (0x0020000E, "UI", samples.uid(70, number, 1)),
        ]
        (files / f"{patient}.dcm").write_bytes(samples.part10(samples.encode(rows), samples.EXPLICIT))
    with Running(folder) as running:
        sent = dcmtk.run("storescu", "-R", "-aec", "CALOTYPE", "+sd", "127.0.0.1", running.port, files, folder=files)
        assert sent.returncode == 0, sent.stdout
        yield running


def found_by(server, folder, asked, patient):
    keys = ["QueryRetrieveLevel=STUDY", f"PatientID={patient}", "PatientName", "StudyInstanceUID"]
    if asked:
        keys.append(f"SpecificCharacterSet={asked}")
    options = [option for key in keys for option in ("-k", key)]
    done = dcmtk.run("findscu", "-S", "-X", *options, "-aec", "CALOTYPE", "127.0.0.1", server.port, folder=folder)
    assert done.returncode == 0, done.stdout
    (answer,) = [pydicom.dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]
    stated = answer.get("SpecificCharacterSet", "")
    # The name as it stands in the answer, before pydicom reads it.
    raw = answer.get_item("PatientName").value
    return stated if isinstance(stated, str) else "\\".join(stated), raw.rstrip(b" ")


@pytest.mark.parametrize("patient", sorted(PEOPLE))
@pytest.mark.parametrize("asked", ["", "ISO_IR 192", "GB18030", "\\ISO 2022 IR 58", "ISO_IR 100"])
def test_findscu_hears_in_the_set_it_asks_in_or_in_utf_8(server, tmp_path, asked, patient):
    name = PEOPLE[patient][2]
    stated, raw = found_by(server, tmp_path, asked, patient)
    wanted = charsets.terms(asked)[0]
    if text.can_encode(name, wanted):
        assert (stated, raw) == (asked, text.encode(name, wanted, "PN"))
    else:
        assert (stated, raw) == ("ISO_IR 192", name.encode())


@pytest.mark.parametrize(
    ("patient", "asked"),
    [
        ("JAPAN", "\\ISO 2022 IR 87"),
        ("KOREA", "\\ISO 2022 IR 149"),
        ("ARAB", "ISO_IR 127"),
        ("IR58", "\\ISO 2022 IR 58"),
        ("LATIN", "ISO_IR 100"),
        ("GB18030", "GB18030"),
    ],
)
def test_findscu_hears_the_very_bytes_that_were_stored(server, tmp_path, patient, asked):
    assert found_by(server, tmp_path, asked, patient) == (asked, PEOPLE[patient][1])


@pytest.mark.parametrize(("asked", "codec"), [("GB18030", "gb18030"), ("ISO_IR 192", "utf-8")])
@pytest.mark.parametrize("patient", ["WRONG1", "WRONG2", "WRONG3"])
def test_misdeclared_names_come_out_right(server, tmp_path, patient, asked, codec):
    assert found_by(server, tmp_path, asked, patient) == (asked, PEOPLE[patient][2].encode(codec))


@pytest.mark.parametrize("patient", sorted(PEOPLE))
def test_qido_tells_names_in_utf_8(server, patient):
    address = f"http://127.0.0.1:{server.http_port}/dicomweb/studies?PatientName={quote(PEOPLE[patient][2])}"
    with urllib.request.urlopen(address, timeout=30) as answer:
        found = json.loads(answer.read().decode("utf-8"))
    labels = ("Alphabetic", "Ideographic", "Phonetic")
    groups = dict(zip(labels, PEOPLE[patient][2].split("="), strict=False))
    assert [each["00100010"]["Value"] for each in found if each["00100020"]["Value"] == [patient]] == [[groups]]


# Asked for by name


KINDS = {
    "single value": lambda name: name,
    "beginning": lambda name: name[:3] + "*",
    "end": lambda name: f"*{name[-3:]}*",
    "one character": lambda name: f"{name[0]}?{name[2:]}",
}
LEVELS = {"PATIENT": "-P", "STUDY": "-S", "SERIES": "-S", "IMAGE": "-S"}


def unique_keys(level, patient):
    """What has to be named above a level."""
    number = list(PEOPLE).index(patient) + 1
    study, series = samples.uid(70, number), samples.uid(70, number, 1)
    return {
        "PATIENT": [],
        "STUDY": [],
        "SERIES": [f"StudyInstanceUID={study}"],
        "IMAGE": [f"StudyInstanceUID={study}", f"SeriesInstanceUID={series}"],
    }[level]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", LEVELS)
def test_findscu_asks_for_names_of_every_script_at_every_level(server, tmp_path, level, kind):
    for patient, (_, _, name) in PEOPLE.items():
        folder = tmp_path / patient
        folder.mkdir()
        keys = [f"QueryRetrieveLevel={level}", "SpecificCharacterSet=ISO_IR 192", "PatientID"]
        keys += [f"PatientName={KINDS[kind](name)}", *unique_keys(level, patient)]
        options = [option for key in keys for option in ("-k", key)]
        where = ("-aec", "CALOTYPE", "127.0.0.1", server.port)
        done = dcmtk.run("findscu", LEVELS[level], "-X", *options, *where, folder=folder)
        assert done.returncode == 0, done.stdout
        found = [pydicom.dcmread(path, force=True).PatientID for path in sorted(folder.glob("rsp*.dcm"))]
        assert found == [patient], name


@pytest.mark.parametrize("level", LEVELS)
def test_findscu_does_not_find_misdeclared_names_by_their_wrong_reading(server, tmp_path, level):
    # What the bytes would say as they are declared: nobody is called so.
    name = PEOPLE["WRONG1"][1].decode("latin-1")
    keys = [f"QueryRetrieveLevel={level}", "SpecificCharacterSet=ISO_IR 192", "PatientID", f"PatientName={name}"]
    keys += unique_keys(level, "WRONG1")
    options = [option for key in keys for option in ("-k", key)]
    where = ("-aec", "CALOTYPE", "127.0.0.1", server.port)
    done = dcmtk.run("findscu", LEVELS[level], "-X", *options, *where, folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert list(tmp_path.glob("rsp*.dcm")) == []
