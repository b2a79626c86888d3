"""The worklist with foreign peers: DCMTK and pynetdicom ask ours, ours asks wlmscpfs, and both worklists agree."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

import pydicom
import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset, FileMetaDataset
from pynetdicom import AE
from pynetdicom.sop_class import (
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepRetrieve,
    ModalityWorklistInformationFind,
)

from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import Http, Listener, Settings, Storage
from calotype.app.settings import Worklist as WorklistSection
from calotype.dicom import keywords
from calotype.dicom.datasets import Element, encode
from calotype.dicom.part10 import write_file_meta
from calotype.dicom.query.worklist import STEPS
from calotype.dicom.text import encode as encode_text
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, MODALITY_WORKLIST_FIND
from calotype.dicom.wire.messages import CFindRQ
from calotype.scp.worklist import WorklistScp
from calotype.scu.worklist import find_worklist
from calotype.services.routing.nodes import Node
from calotype.services.worklist.importing import import_document
from calotype.services.worklist.performed_rules import INSIDE, SCHEDULED_STEPS
from calotype.services.worklist.performed_rules import STEP as RULES
from calotype.stores.index.memory_worklist import MemoryWorklist
from support import dcmtk
from support.bundled import OPEN_TO_ALL
from support.calling import associated
from support.peers import CALLER, NATIVE, serving
from support.worklists import Endless, given

pytestmark = pytest.mark.interop

ITEMS = (
    given(1, PatientName="Doe^John", ScheduledProcedureStepStartTime="080000"),
    given(2, PatientName="Doe^Jane", ScheduledStationAETitle="MR1", Modality="MR", PatientSex="F"),
    given(
        3,
        PatientName="Smith^Adam",
        ScheduledProcedureStepStartDate="20240201",
        ScheduledProcedureStepStartTime="140000",
    ),
    given(
        4,
        PatientName="Miller^Ann",
        ScheduledStationAETitle="CR1",
        Modality="CR",
        ScheduledProcedureStepStartDate="20240202",
    ),
    given(5, PatientName="Zhang^San=张^三", ScheduledProcedureStepStartTime="110000"),
    given(6, PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう"),
    given(7, PatientName="Hong^Gildong=洪^吉洞=홍^길동"),
    given(8, PatientName="Müller^Jörg", ScheduledPerformingPhysicianName="Wang^Wu"),
    given(9, PatientName="Иванов^Пётр"),
)


def wl_file(keys, charset="ISO_IR 192"):
    """Write an item as information systems do for wlmscpfs."""
    elements = list(keywords.to_elements(keys, lambda value, vr: encode_text(value, (charset,), vr)))
    elements.append(Element(keywords.SPECIFIC_CHARACTER_SET, "CS", charset.encode()))
    head = write_file_meta("1.2.276.0.7230010.3.1.0.1", f"1.2.3.{keys['PatientID'][1:]}", EXPLICIT_VR_LITTLE_ENDIAN)
    return head + encode(elements, EXPLICIT_VR_LITTLE_ENDIAN)


@dataclass
class Running:
    """Our worklist, and what is behind its door."""

    node: Node
    house: House


@contextmanager
def running(folder, **worklist):
    settings = Settings(
        storage=Storage(path=folder, durable=False, min_free_mib=1),
        listeners=(
            Listener(
                name="worklist", bind="127.0.0.1", port=0, ae_titles=("WORKLISTSCP",), services=("worklist", "mpps")
            ),
        ),
        http=Http(enabled=False),
        access=OPEN_TO_ALL,
        worklist=WorklistSection(**worklist),
    )
    with open_stores(settings) as opened, House(settings, opened) as house:
        yield house


def node_of(house):
    return Node("WORKLISTSCP", "127.0.0.1", house.listeners[0].port)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    with running(tmp_path_factory.mktemp("archive")) as house:
        taken = [each for keys in ITEMS for each in import_document(house.worklist, "a.wl", wl_file(keys))]
        assert [each.problem for each in taken if each.problem] == []
        yield Running(node_of(house), house)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """DCMTK's worklist server over files of the items in plain letters, which it compares byte by byte."""
    folder = tmp_path_factory.mktemp("wlm")
    (folder / "WLM").mkdir()
    (folder / "WLM" / "lockfile").touch()
    for keys in ITEMS[:4]:
        (folder / "WLM" / f"{keys['PatientID']}.wl").write_bytes(wl_file(keys, "ISO_IR 100"))
    port = dcmtk.free_port()
    with dcmtk.serving("wlmscpfs", port, "-dfp", folder, "-s", port, folder=folder):
        yield Node("WLM", "127.0.0.1", port)


@pytest.fixture
def modality():
    ae = AE("CT1")
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    for sop_class in (
        ModalityWorklistInformationFind,
        ModalityPerformedProcedureStep,
        ModalityPerformedProcedureStepRetrieve,
    ):
        ae.add_requested_context(sop_class)
    return ae


def findscu(node, folder, *keys):
    """Ask by findscu; return the patient IDs of its answers."""
    options = [option for key in ("PatientID", *keys) for option in ("-k", key)]
    done = dcmtk.run("findscu", "-W", "-X", *options, "-aec", node.ae_title, node.host, node.port, folder=folder)
    assert done.returncode == 0, done.stdout
    return sorted(str(pydicom.dcmread(path, force=True).PatientID) for path in sorted(folder.glob("rsp*.dcm")))


STEP = f"{STEPS}[0]."
QUESTIONS = [
    ([], ["P1", "P2", "P3", "P4"]),
    (["PatientID=P1"], ["P1"]),
    (["PatientID=P9999"], []),
    (["PatientName=Doe*"], ["P1", "P2"]),
    (["PatientName=Doe^J?hn"], ["P1"]),
    (["PatientName=Smith^Adam"], ["P3"]),
    (["PatientSex=F"], ["P2"]),
    (["AccessionNumber=A3"], ["P3"]),
    (["AdmissionID=ADM4"], ["P4"]),
    (["RequestedProcedureID=R2"], ["P2"]),
    ([STEP + "ScheduledStationAETitle=CT1"], ["P1", "P3"]),
    ([STEP + "Modality=MR"], ["P2"]),
    ([STEP + "ScheduledProcedureStepStartDate=20240131"], ["P1", "P2"]),
    ([STEP + "ScheduledProcedureStepStartDate=20240131-20240201"], ["P1", "P2", "P3"]),
    ([STEP + "ScheduledProcedureStepStartDate=20240201-"], ["P3", "P4"]),
    ([STEP + "ScheduledProcedureStepStartDate=-20240131"], ["P1", "P2"]),
    ([STEP + "ScheduledProcedureStepStartTime=0830-1500"], ["P2", "P3", "P4"]),
    ([STEP + "ScheduledProcedureStepStartDate=20240131", STEP + "Modality=CT"], ["P1"]),
    ([STEP + "ScheduledStationAETitle=CT1", STEP + "Modality=MR"], []),
    ([STEP + "ScheduledPerformingPhysicianName=House*", "PatientName=Miller*"], ["P4"]),
    ([STEP + "ScheduledStationAETitle=CR1", STEP + "ScheduledProcedureStepStartDate=20240202"], ["P4"]),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "found"), QUESTIONS)
def test_findscu_gets_the_same_from_ours_as_from_wlmscpfs(ours, theirs, tmp_path, keys, found):
    for name, node, others in (("ours", ours.node, {"P5", "P6", "P7", "P8", "P9"}), ("theirs", theirs, set())):
        folder = tmp_path / name
        folder.mkdir()
        assert [each for each in findscu(node, folder, *keys) if each not in others] == found, name


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (["PatientName=zhang*"], ["P5"]),
        (["PatientName=MULLER*"], ["P8"]),
        ([STEP + "ScheduledPerformingPhysicianName=wang^wu"], ["P8"]),
        ([STEP + "ScheduledProcedureStepID=S7"], ["P7"]),
        ([STEP + "ScheduledStationName=Room ?", STEP + "ScheduledProcedureStepStartTime=1030-1130"], ["P5"]),
        ([STEP + "ScheduledProtocolCodeSequence[0].CodeValue=P1", "PatientID=P6"], ["P6"]),
        ([f"StudyInstanceUID={given(3)['StudyInstanceUID']}\\{given(9)['StudyInstanceUID']}"], ["P3", "P9"]),
        # two ranges are one period, from the first day's time to the last day's
        (
            [
                STEP + "ScheduledProcedureStepStartDate=20240131-20240201",
                STEP + "ScheduledProcedureStepStartTime=1030-1400",
            ],
            ["P3", "P5"],
        ),
        ([STEP + "ScheduledProcedureStepStatus=STARTED"], []),
    ],
)
def test_findscu_asks_ours_for_what_wlmscpfs_does_not_know(ours, tmp_path, keys, found):
    assert findscu(ours.node, tmp_path, *keys) == found


def test_a_question_that_is_wrong_is_refused_to_findscu(ours, tmp_path):
    keys = ("-k", STEP + "ScheduledProcedureStepStartDate=tomorrow")
    done = dcmtk.run(
        "findscu", "-v", "-W", *keys, "-aec", ours.node.ae_title, ours.node.host, ours.node.port, folder=tmp_path
    )
    assert "Error: DataSetDoesNotMatchSOPClass" in done.stdout


def question(charset, **keys):
    asked = Dataset()
    if charset:
        asked.SpecificCharacterSet = charset.split("\\")
    asked.PatientName = keys.pop("PatientName", "")
    asked.PatientID = keys.pop("PatientID", "")
    asked.RequestedProcedureDescription = ""
    step = Dataset()
    step.Modality = ""
    step.ScheduledProcedureStepDescription = ""
    for keyword, value in keys.items():
        setattr(step, keyword, value)
    asked.ScheduledProcedureStepSequence = [step]
    return asked


def ask(ours, modality, asked):
    with associated(modality, ours.node) as association:
        answers = list(association.send_c_find(asked, ModalityWorklistInformationFind))
    assert answers[-1][0].Status == 0x0000
    return [found for status, found in answers if status.Status == 0xFF00]


@pytest.mark.parametrize(
    ("charset", "key", "patient_id", "name"),
    [
        ("ISO_IR 192", "*三", "P5", "Zhang^San=张^三"),
        ("GB18030", "张*", "P5", "Zhang^San=张^三"),
        ("", "zhang*", "P5", "Zhang^San"),
        ("ISO_IR 100", "zhang*", "P5", "Zhang^San"),
        ("\\ISO 2022 IR 87", "山田*", "P6", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("", "yamada*", "P6", "Yamada^Tarou"),
        ("\\ISO 2022 IR 149", "*洪*", "P7", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("ISO_IR 100", "müller*", "P8", "Müller^Jörg"),
        ("ISO_IR 144", "Иванов*", "P9", "Иванов^Пётр"),
        ("ISO_IR 192", "иванов*", "P9", "Иванов^Пётр"),
    ],
)
def test_pynetdicom_is_answered_in_its_own_character_set(ours, modality, charset, key, patient_id, name):  # noqa: PLR0917 - one row of the table
    [found] = ask(ours, modality, question(charset, PatientName=key))
    assert (found.PatientID, str(found.PatientName)) == (patient_id, name)
    said = found.get("SpecificCharacterSet", "")
    assert ("\\".join(said) if not isinstance(said, str) else said) == charset


# As DCMTK reads them: to UTF-8, through iconv, which has no ISO 2022 IR 87.
@pytest.mark.parametrize(
    ("charset", "patient_id", "name"),
    [
        ("\\ISO 2022 IR 58", "P5", "Zhang^San=张^三"),
        ("GB18030", "P5", "Zhang^San=张^三"),
        ("GBK", "P5", "Zhang^San=张^三"),
        ("\\ISO 2022 IR 149", "P7", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("ISO_IR 100", "P8", "Müller^Jörg"),
        ("ISO_IR 144", "P9", "Иванов^Пётр"),
    ],
)
def test_dcmtk_reads_the_character_set_that_it_asked_for(ours, tmp_path, charset, patient_id, name):
    keys = ("-k", f"SpecificCharacterSet={charset}", "-k", f"PatientID={patient_id}", "-k", "PatientName")
    where = (ours.node.ae_title, ours.node.host, ours.node.port)
    done = dcmtk.run("findscu", "-W", "-X", *keys, "-aec", *where, folder=tmp_path)
    assert done.returncode == 0, done.stdout
    [answer] = tmp_path.glob("rsp*.dcm")
    assert pydicom.dcmread(answer, force=True).get("SpecificCharacterSet") == (
        charset.split("\\") if "\\" in charset else charset
    )
    done = dcmtk.run("dcmconv", "+U8", answer, tmp_path / "utf8.dcm", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    read = pydicom.dcmread(tmp_path / "utf8.dcm", force=True)
    assert (read.SpecificCharacterSet, str(read.PatientName)) == ("ISO_IR 192", name)


def test_pynetdicom_cancels(modality):
    store = MemoryWorklist()
    Endless(store).schedule(given())
    handlers = {CFindRQ: WorklistScp(Endless(store))}
    with (
        serving(handlers, {MODALITY_WORKLIST_FIND: NATIVE}) as node,
        associated(modality, node) as association,
    ):
        answers = association.send_c_find(question(""), ModalityWorklistInformationFind, msg_id=7)
        statuses = [next(answers)[0].Status]
        association.send_c_cancel(7, None, ModalityWorklistInformationFind)
        statuses += [status.Status for status, _ in answers]
    assert (set(statuses[:-1]), statuses[-1]) == ({0xFF00}, 0xFE00)


def test_pynetdicom_gets_what_it_asked_for_and_nothing_else(ours, modality):
    [found] = ask(ours, modality, question("", PatientID="P1"))
    assert {each.keyword for each in found} == {
        "PatientName", "PatientID", "RequestedProcedureDescription", "ScheduledProcedureStepSequence",
    }  # fmt: skip
    [step] = found.ScheduledProcedureStepSequence
    assert {each.keyword: each.value for each in step} == {
        "Modality": "CT",
        "ScheduledProcedureStepDescription": "CT Thorax",
    }


def begun(number):
    step = Dataset()
    step.ScheduledStepAttributesSequence = [Dataset()]
    named = step.ScheduledStepAttributesSequence[0]
    named.StudyInstanceUID = given(number)["StudyInstanceUID"]
    named.AccessionNumber = f"A{number}"
    named.RequestedProcedureID = f"R{number}"
    named.ScheduledProcedureStepID = f"S{number}"
    step.PatientName = "张^三"
    step.SpecificCharacterSet = "ISO_IR 192"
    step.PerformedProcedureStepID = f"PPS{number}"
    step.PerformedStationAETitle = "CT1"
    step.PerformedProcedureStepStartDate = "20240131"
    step.PerformedProcedureStepStartTime = "090500"
    step.PerformedProcedureStepStatus = "IN PROGRESS"
    step.Modality = "CT"
    step.PerformedSeriesSequence = []
    return step


@pytest.mark.parametrize(("state", "status"), [("COMPLETED", "completed"), ("DISCONTINUED", "discontinued")])
def test_pynetdicom_performs_a_step(ours, modality, state, status):
    number = {"COMPLETED": 101, "DISCONTINUED": 102}[state]
    uid = f"1.2.826.0.1.3680043.10.1839.8.{number}"
    item = ours.house.worklist.schedule(given(number))

    def now():
        return ours.house.worklist.item(item.item_id).steps[0].status.value

    def change(**keys):
        changed = Dataset()
        for keyword, value in keys.items():
            setattr(changed, keyword, value)
        return association.send_n_set(changed, ModalityPerformedProcedureStep, uid)[0]

    asked = question("", PatientID=f"P{number}")
    assert len(ask(ours, modality, asked)) == 1
    with associated(modality, ours.node) as association:
        incomplete = begun(number)
        del incomplete.Modality
        missing, _ = association.send_n_create(incomplete, ModalityPerformedProcedureStep, uid)
        assert (missing.Status, now()) == (0x0120, "scheduled")
        created, _ = association.send_n_create(begun(number), ModalityPerformedProcedureStep, uid)
        assert (created.Status, now()) == (0x0000, "started")
        again, _ = association.send_n_create(begun(number), ModalityPerformedProcedureStep, uid)
        assert again.Status == 0x0111
        assert change(PerformedProcedureStepDescription="half way").Status == 0x0000
        assert change(PerformedProcedureStepStatus=state, PerformedProcedureStepEndDate="20240131").Status == 0x0000
        assert now() == status
        closed = change(PerformedProcedureStepStatus="IN PROGRESS")
        assert (closed.Status, closed.ErrorID) == (0x0110, 0xA710)
        unknown, _ = association.send_n_set(begun(number), ModalityPerformedProcedureStep, uid + ".9")
        assert unknown.Status == 0x0112
        got, kept = association.send_n_get(
            [(0x0040, 0x0252), (0x0040, 0x0254)], ModalityPerformedProcedureStepRetrieve, uid
        )
        assert (got.Status, kept.PerformedProcedureStepStatus) == (0x0000, state)
        assert kept.PerformedProcedureStepDescription == "half way"
    assert ask(ours, modality, asked) == []
    assert ours.house.performed.one(uid).attributes["PatientName"] == "张^三"


def test_pynetdicom_is_held_to_the_whole_table_by_setting(tmp_path, modality):
    uid = "1.2.826.0.1.3680043.10.1839.8.103"
    with running(tmp_path, performed_steps="strict") as house, associated(modality, node_of(house)) as association:
        refused, _ = association.send_n_create(begun(103), ModalityPerformedProcedureStep, uid)
        assert refused.Status == 0x0120
        whole = begun(103)
        [named] = whole.ScheduledStepAttributesSequence
        for data_set, rules in ((whole, RULES), (named, INSIDE[SCHEDULED_STEPS])):
            for rule in rules:
                if rule.create == 2 and rule.tag not in data_set:
                    data_set.add_new(rule.tag, dictionary_VR(rule.tag), [] if dictionary_VR(rule.tag) == "SQ" else "")
        created, _ = association.send_n_create(whole, ModalityPerformedProcedureStep, uid)
        assert created.Status == 0x0000
        ended = Dataset()
        ended.PerformedProcedureStepStatus = "COMPLETED"
        refused, _ = association.send_n_set(ended, ModalityPerformedProcedureStep, uid)
        assert refused.Status == 0x0121
        assert house.performed.one(uid).state == "IN PROGRESS"


def test_we_ask_wlmscpfs_and_ours_alike(ours, theirs):
    keys = {"PatientID": "", "PatientName": "Doe*", STEPS: [{"Modality": "MR"}]}
    [from_ours], [from_theirs] = (list(find_worklist(CALLER, node, keys)) for node in (ours.node, theirs))
    # Only ours knows how far a step has come.
    [step] = from_ours[STEPS]
    assert step.pop("ScheduledProcedureStepStatus") == "SCHEDULED"
    filled = [_filled(each) for each in (from_ours, from_theirs)]
    assert filled[0]["PatientName"] == "Doe^Jane"
    assert filled[0] == filled[1]


def _filled(answer):
    """Leave out what has no value: peers differ in which empty attributes they return."""
    return {
        keyword: [_filled(item) for item in value] if isinstance(value, list) else value
        for keyword, value in answer.items()
        if value and keyword != "SpecificCharacterSet"
    }


def test_a_file_of_pydicom_is_imported(ours, tmp_path):
    item = Dataset()
    item.SpecificCharacterSet = "GB18030"
    item.PatientName, item.PatientID = "欧阳^修", "PYDICOM"
    step = Dataset()
    step.ScheduledStationAETitle, step.Modality = "DX1", "DX"
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = "20240301", "0900"
    item.ScheduledProcedureStepSequence = [step]
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = EXPLICIT_VR_LITTLE_ENDIAN
    item.save_as(tmp_path / "a.wl")
    [taken] = import_document(ours.house.worklist, "a.wl", (tmp_path / "a.wl").read_bytes())
    assert taken.problem == ""
    assert ours.house.worklist.item(taken.item_id).attributes["PatientName"] == "欧阳^修"
    ours.house.worklist.remove(taken.item_id)
