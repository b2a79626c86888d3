"""SOP class extended negotiation of C-FIND with pynetdicom, both ways; and the character set of a node."""

import json
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

from calotype.app.settings import Node as NodeSection
from calotype.cli import calotype
from calotype.dicom.hierarchy import Level
from calotype.dicom.query.negotiated import BASELINE, Negotiated
from calotype.errors import Unsupported
from calotype.scu.query import find
from calotype.services.routing.nodes import Node
from support import dcmtk, samples
from support.bundled import CALLER, archive_of
from support.calling import associated

pytestmark = pytest.mark.interop

FIND = StudyRootQueryRetrieveInformationModelFind


def proposal(information):
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid = FIND
    item.service_class_application_information = information
    return [item]


# They ask us


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Our archive with a study of Shanghai, shortly after midnight there, and one of who knows where."""
    folder = tmp_path_factory.mktemp("files")
    for number, zone in enumerate(("+0800", None), 1):
        rows = [
            (0x00080016, "UI", samples.SECONDARY_CAPTURE),
            (0x00080018, "UI", samples.uid(71, number, 1, 1)),
            (0x00080020, "DA", "20240116"),
            (0x00080030, "TM", "010000"),
            (0x00080060, "CS", "OT"),
            *([(0x00080201, "SH", zone)] if zone else []),
            (0x00100010, "PN", "Zhang^San"),
            (0x00100020, "LO", f"P{number}"),
            (0x0020000D, "UI", samples.uid(71, number)),
            (0x0020000E, "UI", samples.uid(71, number, 1)),
        ]
        (folder / f"{number}.dcm").write_bytes(samples.part10(samples.encode(rows), samples.EXPLICIT))
    files = sorted(folder.iterdir())
    with archive_of(tmp_path_factory.mktemp("archive"), files, viewer_port=dcmtk.free_port()) as node:
        yield node


@pytest.fixture
def peer():
    ae = AE("PYNETDICOM")
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    ae.add_requested_context(FIND)
    return ae


@pytest.mark.parametrize(
    ("proposed", "answered"),
    [
        (b"\1\1\1\1\1\1\1", b"\1\1\1\1\0\1\1"),
        (b"\1\0\1", b"\1\0\1"),
        (b"\0", b"\0"),
    ],
)
def test_pynetdicom_is_told_what_we_agree_to(archive, peer, proposed, answered):
    with associated(peer, archive, ext_neg=proposal(proposed)) as association:
        assert association.acceptor.sop_class_extended == {FIND: answered}


@pytest.mark.parametrize(
    ("agreed", "day", "expected"),
    [
        (True, "20240115", [("P1", "20240115", "170000", "+0000")]),
        # A study that does not say its zone stands as it was written.
        (True, "20240116", [("P2", "20240116", "010000", "")]),
        (False, "20240115", []),
        # Without agreement days are compared, and answered, as they were written.
        (False, "20240116", [("P1", "20240116", "010000", "+0800"), ("P2", "20240116", "010000", "")]),
    ],
)
def test_pynetdicom_asks_by_the_clock_of_its_own_zone(archive, peer, agreed, day, expected):
    keys = Dataset()
    keys.QueryRetrieveLevel = "STUDY"
    keys.StudyDate, keys.StudyTime = day, ""
    keys.TimezoneOffsetFromUTC = "+0000"
    keys.PatientID = ""
    negotiation = proposal(b"\0\0\0\1") if agreed else []
    with associated(peer, archive, ext_neg=negotiation) as association:
        found = [each for _, each in association.send_c_find(keys, FIND) if each]
    assert [
        (each.PatientID, each.StudyDate, each.StudyTime, each.get("TimezoneOffsetFromUTC", "") or "")
        for each in found
    ] == expected


# We ask them


@contextmanager
def answering(answers, agree, **node):
    """A node of pynetdicom's; yields it, and a list of what was proposed and asked."""
    seen = []

    def negotiate(event):
        seen.extend(event.app_info.values())
        return {FIND: agree}

    def respond(event):
        seen.append(event.request.Identifier.getvalue())
        for each in answers:
            yield 0xFF00, each

    ae = AE("PACS")
    ae.add_supported_context(FIND)
    port = dcmtk.free_port()
    handlers = [(evt.EVT_SOP_EXTENDED, negotiate), (evt.EVT_C_FIND, respond)]
    server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    try:
        yield Node("PACS", "127.0.0.1", port, **node), seen
    finally:
        server.shutdown()


def answer_of(charset, name):
    answer = Dataset()
    answer.SpecificCharacterSet = charset
    answer.PatientName = name
    return answer


def test_we_ask_as_it_is_agreed():
    extensions = Negotiated(relational_queries=True, fuzzy_names=True)
    with answering([answer_of("ISO_IR 192", "张^三")], b"\1\0\1") as (node, seen):
        found = list(find(CALLER, node, Level.STUDY, {"PatientName": "张"}, extensions=extensions))
    assert [each["PatientName"] for each in found] == ["张^三"]
    assert seen[0] == extensions.to_bytes() == b"\1\0\1\0\0\0\0"


def test_the_command_asks_as_it_is_agreed(tmp_path):
    with answering([answer_of("ISO_IR 192", "张^三")], b"\0\0\1") as (node, seen):
        settings = ["--config", str(tmp_path / "none.toml")]
        (tmp_path / "none.toml").write_text("")
        asked = ["find", str(node), "-k", "PatientName=zhang", "-k", "PatientID=", "--json"]
        done = CliRunner().invoke(calotype, [*settings, *asked, "-x", "fuzzy-names"])
        assert (done.exit_code, json.loads(done.stdout)["PatientName"]) == (0, "张^三"), done.output
        assert seen[0] == b"\0\0\1\0\0\0\0"
        refused = CliRunner().invoke(calotype, [*settings, *asked, "-x", "relational-queries"])
        assert isinstance(refused.exception, Unsupported)
        assert "but not with relational queries: ask without" in str(refused.exception)


def test_we_do_not_ask_what_would_be_taken_otherwise():
    with answering([], b"\1\0\0") as (node, seen):
        with pytest.raises(Unsupported, match="but not with fuzzy names, timezone adjustment: ask without"):
            list(
                find(
                    CALLER,
                    node,
                    Level.STUDY,
                    {},
                    extensions=Negotiated(relational_queries=True, fuzzy_names=True, timezone_adjustment=True),
                )
            )
        assert len(seen) == 1


def test_we_propose_nothing_unless_it_is_wanted():
    with answering([], b"") as (node, seen):
        assert list(find(CALLER, node, Level.STUDY, {"PatientID": "1"}, extensions=BASELINE)) == []
    assert len(seen) == 1


@pytest.mark.parametrize(("charset", "codec"), [("GB18030", "gb18030"), ("ISO_IR 192", "utf-8"), ("", "utf-8")])
def test_a_node_is_spoken_to_in_its_character_set(charset, codec):
    with answering([answer_of(charset or "ISO_IR 192", "张^三丰")], b"", character_set=charset) as (node, seen):
        found = list(find(CALLER, node, Level.STUDY, {"PatientName": "张*"}))
    assert [each["PatientName"] for each in found] == ["张^三丰"]
    assert "张*".encode(codec) in seen[0]
    assert (charset or "ISO_IR 192").encode() in seen[0]


# What a node is known to speak


@pytest.mark.parametrize(
    ("title", "stated", "raw"),
    [
        ("SPEAKER", "GB18030", "张^三丰".encode("gb18030")),
        # Nothing is known of it: the default repertoire, which cannot carry the name.
        ("STRANGER", "ISO_IR 192", "张^三丰".encode()),
    ],
)
def test_a_caller_that_does_not_say_is_answered_in_the_character_set_of_its_node(tmp_path, title, stated, raw):
    rows = [
        (0x00080005, "CS", "ISO_IR 192"),
        (0x00080016, "UI", samples.SECONDARY_CAPTURE),
        (0x00080018, "UI", samples.uid(72, 1, 1, 1)),
        (0x00080060, "CS", "OT"),
        (0x00100010, "PN", "张^三丰"),
        (0x00100020, "LO", "P1"),
        (0x0020000D, "UI", samples.uid(72, 1)),
        (0x0020000E, "UI", samples.uid(72, 1, 1)),
    ]
    file = tmp_path / "object.dcm"
    file.write_bytes(samples.part10(samples.encode(rows), samples.EXPLICIT))
    known = NodeSection("SPEAKER", "127.0.0.1", 4006, character_set="GB18030")
    port = dcmtk.free_port()
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName", "-k", "StudyInstanceUID")
    with archive_of(tmp_path / "archive", [file], viewer_port=port, others=(known,)) as archive:
        where = ("-aet", title, "-aec", archive.ae_title, archive.host, archive.port)
        done = dcmtk.run("findscu", "-S", "-X", *keys, *where, folder=tmp_path)
    assert done.returncode == 0, done.stdout
    [answer] = [dcmread(path, force=True) for path in tmp_path.glob("rsp*.dcm")]
    assert answer.SpecificCharacterSet == stated
    assert answer.get_item("PatientName").value.rstrip(b" ") == raw
