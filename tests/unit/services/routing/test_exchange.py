"""Sending and retrieving as jobs, with neighbours made of lists."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from calotype.dicom.commitment import Report as CommitmentReport
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.query.negotiated import BASELINE, Negotiated
from calotype.errors import Conflict, InvalidRequest, NotFound, OutOfResources, Refused, Unavailable
from calotype.scu.files import PartTenFiles
from calotype.scu.memory import MemoryCourier
from calotype.scu.query import Progress as Report
from calotype.services.jobs.jobs import Jobs
from calotype.services.jobs.model import ItemResult, State
from calotype.services.jobs.settings import JobSettings
from calotype.services.routing.commitment.requests import Requests
from calotype.services.routing.exchange import Exchange, ExchangeSettings, Method, check_hierarchy, selection
from calotype.services.routing.nodes import FixedAddressBook, Node, Role
from calotype.services.routing.ports import Answer, Result
from calotype.services.routing.send import Dispatch
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_commitments import MemoryCommitments
from calotype.stores.index.memory_jobs import MemoryJobs
from calotype.stores.objects.memory import MemoryObjectStore
from support import samples
from support.archives import Clock, House

LONG_S = 60
IMPLICIT = UID(samples.IMPLICIT)
STUDY, SERIES = samples.uid(2, 1), samples.uid(3, 1)
VIEWER = Node("VIEWER", "viewer.example", 104, transfer_syntaxes=(IMPLICIT,))
PACS = Node("PACS", "pacs.example", 104)
SILENT = Node("SILENT", "silent.example", 104, roles=frozenset({Role.STORE}))
CAMERA = Node("CAMERA", "camera.example", 104, roles=frozenset({Role.PRINT}))
QUICK = JobSettings(publish_s=0.01, save_s=0.02, look_s=0.05, max_attempts=2, retry_first_s=0.01, retry_max_s=0.01)
TEMPORARY = Answer(Result.FAILED, 0xA700, "A700 out of resources")


class Book(FixedAddressBook):
    """Remembers what was wished for."""

    def __init__(self, *nodes):
        super().__init__(nodes)
        self.wishes = []

    @contextmanager
    def wishing(self, ae_title, transfer_syntaxes):
        self.wishes.append((ae_title, tuple(transfer_syntaxes)))
        yield


def report(completed, failed=0, warning=0, remaining=0, *, is_final=False, status=0xFF00, failed_uids=()):
    return Report(
        remaining if not is_final else None, completed, failed, warning, is_final, status, tuple(failed_uids)
    )


@dataclass
class ScriptedInquirer:
    """A neighbour that reports, sends and answers as written down; an error in the script is raised."""

    reports: list = field(default_factory=list)
    objects: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    closed_early: int = 0

    def find(self, node, level, keys, limit=None, extensions=BASELINE):
        self.asked.append((node.title, level, dict(keys), limit, *extensions.names))
        return iter_of(self.answers[:limit])

    def worklist(self, node, keys, limit=None):
        self.asked.append((node.title, dict(keys), limit))
        return iter_of(self.answers[:limit])

    def move(self, node, destination, wanted):
        self.asked.append((node.title, destination, wanted))
        return self._play()

    def get(self, node, wanted, receiver, transfer_syntaxes=()):
        self.asked.append((node.title, wanted, tuple(transfer_syntaxes)))
        for sop_instance, data in self.objects:
            try:
                with receiver.begin(
                    UID(samples.CT), UID(sop_instance), UID(samples.EXPLICIT), node.title
                ) as incoming:
                    incoming.write((data,))
                    incoming.commit()
            except (Conflict, InvalidRequest):
                continue
        return self._play()

    def _play(self):
        try:
            for each in self.reports:
                if isinstance(each, Exception):
                    raise each
                yield each
        except GeneratorExit:
            self.closed_early += 1
            raise


def iter_of(answers):
    yield from answers


@dataclass
class ScriptedMessenger:
    """A neighbour that commits as written down: a report of a request, nothing yet, or an error."""

    script: list = field(default_factory=list)
    asked: list = field(default_factory=list)

    def ask(self, node, request):
        self.asked.append((node.title, [str(each.sop_instance) for each in request.references]))
        said = self.script.pop(0) if self.script else None
        if isinstance(said, Exception):
            raise said
        return said and said(request)


@dataclass
class Neighbourhood:
    """The exchange over an archive of three slices."""

    folder: Path
    courier: MemoryCourier = field(default_factory=MemoryCourier)
    inquirer: ScriptedInquirer = field(default_factory=ScriptedInquirer)
    messenger: ScriptedMessenger = field(default_factory=ScriptedMessenger)
    store: MemoryJobs = field(default_factory=MemoryJobs)

    def __post_init__(self):
        self.house = House(MemoryObjectStore(), MemoryIndex())
        for number in (1, 2, 3):
            self.house.store(samples.ct(8, 8, seed=number))
        self.book = Book(VIEWER, PACS, CAMERA, SILENT)
        self.jobs = Jobs(self.store, QUICK)
        archive = self.house.archive
        self.exchange = Exchange(
            self.jobs,
            self.book,
            dispatch=Dispatch(archive.retrieve, self.courier),
            inquirer=self.inquirer,
            files=PartTenFiles(),
            ingest=archive.ingest,
            requests=Requests(MemoryCommitments(), self.messenger, "US", Clock()),
            settings=ExchangeSettings("US", frozenset({"US", "STORESCP"}), (self.folder,)),
        )

    def ended(self, job):
        *_, last = self.jobs.watch(job.id)
        return last

    def outcomes(self, job):
        return {each.item: (each.result, each.comment) for each in self.jobs.outcomes(job.id)}


@pytest.fixture
def here(tmp_path):
    neighbourhood = Neighbourhood(tmp_path)
    neighbourhood.jobs.start()
    yield neighbourhood
    neighbourhood.jobs.stop(LONG_S)


def instance(number):
    return samples.uid(4, number)


# Sending


def test_a_selection_is_sent_as_the_node_likes_it(here):
    job = here.ended(here.exchange.send("VIEWER", selection(None, [STUDY], [], [])))
    assert (job.kind, job.title, job.state) == ("send", f"study {STUDY} to VIEWER", State.DONE)
    assert (job.progress.done, job.progress.total) == (3, 3)
    assert here.outcomes(job) == {instance(number): (ItemResult.OK, "") for number in (1, 2, 3)}
    assert len(here.courier.delivered) == 3


def test_a_selection_of_nothing_that_is_here_fails(here):
    job = here.ended(here.exchange.send("VIEWER", selection(None, ["1.2.3"], [], [])))
    assert (job.state, job.error) == (State.FAILED, "The archive holds nothing of what is to be sent.")


def test_a_job_that_does_not_say_whether_its_patient_may_be_told_sends_nothing(here):
    whole = here.ended(here.exchange.send("VIEWER", selection(None, [STUDY], [], [])))
    here.courier.delivered.clear()
    unsaid = {key: value for key, value in whole.arguments.items() if key != "deidentify"}

    job = here.ended(here.jobs.submit("send", "of another version", unsaid))

    assert job.state is State.FAILED
    assert "does not say whether to de-identify" in job.error
    assert not here.courier.delivered


def test_what_the_node_refuses_is_not_sent_again_and_the_rest_is_done(here):
    here.courier.judge = judged({instance(2): Answer(Result.FAILED, 0xC000, "C000 no")})
    job = here.ended(here.exchange.send("VIEWER", selection(None, [STUDY], [], [])))
    assert (job.state, job.progress.done, job.progress.failed, job.attempts) == (State.DONE, 2, 1, 1)
    assert here.outcomes(job)[instance(2)] == (ItemResult.FAILED, "C000 no")


def test_a_node_that_takes_nothing_fails_the_job(here):
    here.courier.judge = lambda _sop_instance: Answer(Result.FAILED, 0xC000, "C000 no")
    job = here.ended(here.exchange.send("VIEWER", selection(None, [STUDY], [], [])))
    assert (job.state, job.progress.failed) == (State.FAILED, 3)
    assert job.error == "VIEWER@viewer.example:104 took none of 3 objects: C000 no"


def test_what_the_node_had_no_room_for_is_tried_again_alone(here):
    attempts = []

    def judge(parcel):
        attempts.append(named(parcel))
        return TEMPORARY if attempts.count(instance(2)) == 1 and attempts[-1] == instance(2) else OK

    here.courier.judge = judge
    job = here.ended(here.exchange.send("VIEWER", selection(None, [STUDY], [], [])))
    assert (job.state, job.progress.done, job.progress.failed) == (State.DONE, 3, 0)
    assert sorted(attempts) == [instance(1), instance(2), instance(2), instance(3)]


def test_what_never_could_be_sent_is_given_up_with_an_outcome(here):
    here.courier.unreachable = frozenset({"VIEWER"})
    job = here.ended(here.exchange.send("VIEWER", selection(None, [STUDY], [], [])))
    assert (job.state, job.progress.failed, job.attempts) == (State.FAILED, 3, 2)
    assert job.error == (
        "given up after 2 attempts: 3 of 3 objects could not be handed to VIEWER@viewer.example:104:"
        " VIEWER@viewer.example:104 does not answer."
    )
    assert {result for result, _ in here.outcomes(job).values()} == {ItemResult.FAILED}
    here.courier.unreachable = frozenset()
    assert here.ended(here.jobs.retry(job.id)).progress.done == 3


# Storage commitment for what was sent


def all_but(*failed):
    def said(request):
        return CommitmentReport(
            request.transaction,
            tuple(each for each in request.references if each.sop_instance not in failed),
            tuple((each, 0x0112) for each in request.references if each.sop_instance in failed),
        )

    return said


PLEDGE = "storage commitment 1"


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (all_but(), (ItemResult.OK, "transaction 1: VIEWER commits to 3 of 3")),
        (all_but(samples.uid(4, 2)), (ItemResult.FAILED, "transaction 1: VIEWER commits to 2 of 3")),
        (None, (ItemResult.OK, "transaction 1: VIEWER was asked and will report")),
        (
            Refused("it may not"),
            (ItemResult.FAILED, "VIEWER@viewer.example:104 was not asked to commit: it may not"),
        ),
    ],
)
def test_who_was_sent_to_is_asked_to_commit(here, said, outcome):
    here.messenger.script = [said]
    job = here.ended(here.exchange.send("VIEWER", selection(None, [STUDY], [], []), commit=True))
    assert (job.state, job.progress.total, job.progress.finished) == (State.DONE, 4, 4)
    assert here.outcomes(job)[PLEDGE] == outcome
    [(title, instances)] = here.messenger.asked
    assert (title, sorted(instances)) == ("VIEWER", [instance(number) for number in (1, 2, 3)])


def test_nobody_is_asked_to_commit_unless_wanted(here):
    here.ended(here.exchange.send("VIEWER", selection(None, [STUDY], [], [])))
    assert here.messenger.asked == []


def test_a_node_that_is_away_is_asked_to_commit_later_and_sent_nothing_again(here):
    here.messenger.script = [Unavailable("it is away"), all_but()]
    job = here.ended(here.exchange.send("VIEWER", selection(None, [STUDY], [], []), commit=True))
    assert (job.state, job.attempts, job.progress.finished) == (State.DONE, 2, 4)
    assert here.outcomes(job)[PLEDGE] == (ItemResult.OK, "transaction 2: VIEWER commits to 3 of 3")
    assert len(here.courier.delivered) == 3


def test_files_are_committed_to_as_well(here):
    (here.folder / "a.dcm").write_bytes(samples.part10(samples.ct(8, 8, seed=1)))
    (here.folder / "b.dcm").write_bytes(samples.part10(samples.ct(8, 8, seed=1)))
    (here.folder / "notes.txt").write_text("no image")
    here.messenger.script = [all_but()]
    job = here.ended(here.exchange.send_files("VIEWER", [here.folder], commit=True))
    assert here.outcomes(job)[PLEDGE] == (ItemResult.OK, "transaction 1: VIEWER commits to 1 of 1")
    assert here.messenger.asked == [("VIEWER", [instance(1)])]


def test_a_node_that_does_not_commit_is_not_sent_to_for_that(here):
    with pytest.raises(InvalidRequest, match="does not have the role 'commitment'"):
        here.exchange.send("SILENT", selection(None, [STUDY], [], []), commit=True)


def test_a_cancel_stops_between_two_objects(here):
    def judge(_parcel):
        [job] = here.jobs.list()
        here.jobs.cancel(job.id)
        here.courier.judge = lambda _parcel: OK
        return OK

    here.courier.judge = judge
    job = here.ended(here.exchange.send("VIEWER", selection(None, [STUDY], [], [])))
    assert (job.state, job.progress.done) == (State.CANCELLED, 1)
    assert here.courier.open_deliveries == 0


def test_files_are_sent_and_what_is_no_object_is_left_aside(here, tmp_path):
    (tmp_path / "a.txt").write_text("no image")
    for number in (8, 9):
        (tmp_path / f"{number}.dcm").write_bytes(samples.part10(samples.ct(8, 8, seed=number)))
    job = here.ended(here.exchange.send_files("VIEWER", [tmp_path]))
    assert (job.kind, job.title) == ("send-files", f"{tmp_path} to VIEWER")
    assert (job.state, job.progress.done, job.progress.warned, job.progress.total) == (State.DONE, 2, 1, 3)
    result, comment = here.outcomes(job)[str(tmp_path / "a.txt")]
    assert result is ItemResult.WARNED
    assert comment.startswith("left aside: ")


def test_files_are_sent_from_allowed_folders_only(here, tmp_path):
    (tmp_path / "out").symlink_to("/etc")
    for path in ("/etc", tmp_path / ".." / "..", tmp_path / "out"):
        with pytest.raises(Refused, match=r"jobs\.folders"):
            here.exchange.send_files("VIEWER", [Path(path)])
    with pytest.raises(InvalidRequest, match="whole path"):
        here.exchange.send_files("VIEWER", [Path("images")])
    with pytest.raises(InvalidRequest, match="which files"):
        here.exchange.send_files("VIEWER", [])
    job = here.ended(here.exchange.send_files("VIEWER", [tmp_path / "nothing"]))
    assert (job.state, job.error) == (State.FAILED, f"{tmp_path / 'nothing'} does not exist.")


# Retrieving


def test_a_move_follows_the_counters_of_the_node(here):
    here.inquirer.reports = [
        report(0, remaining=5),
        report(3, failed=1, remaining=1),
        report(3, failed=1, warning=1, is_final=True, status=0xB000, failed_uids=["1.2.9"]),
    ]
    wanted = selection(None, [STUDY], [], [])
    job = here.ended(here.exchange.retrieve("PACS", wanted, transfer_syntaxes=[IMPLICIT]))
    assert (job.kind, job.title, job.state) == ("move", f"study {STUDY} from PACS", State.DONE)
    progress = job.progress
    assert (progress.done, progress.failed, progress.warned, progress.total) == (3, 1, 1, 5)
    assert here.outcomes(job)["1.2.9"][0] is ItemResult.FAILED
    assert here.inquirer.asked == [("PACS", "US", wanted)]
    assert here.book.wishes == [("PACS", (IMPLICIT,))]


def test_a_move_to_a_third_party_has_no_wish(here):
    here.inquirer.reports = [report(1, is_final=True, status=0)]
    wanted = selection("P0001", [], [], [])
    job = here.ended(here.exchange.retrieve("PACS", wanted, destination="VIEWER"))
    assert (job.title, job.state) == ("patient P0001 from PACS to VIEWER", State.DONE)
    assert here.book.wishes == []
    with pytest.raises(InvalidRequest, match="leave the transfer syntaxes out"):
        here.exchange.retrieve("PACS", wanted, destination="VIEWER", transfer_syntaxes=[IMPLICIT])
    with pytest.raises(InvalidRequest, match="leave the destination out"):
        here.exchange.retrieve("PACS", wanted, destination="VIEWER", method=Method.GET)


@pytest.mark.parametrize(
    ("reports", "error"),
    [
        ([NotFound("PACS answered C-MOVE with A801.")], "PACS answered C-MOVE with A801."),
        ([report(0, failed=2, is_final=True, status=0xA702)], "could send none of 2 objects"),
        ([report(1, is_final=True, status=0xFE00)], "stopped before it was done"),
        ([report(1, remaining=1), Unavailable("the line broke")], "given up after 2 attempts: the line broke"),
        ([OutOfResources("A701")], "given up after 2 attempts: A701"),
        ([report(1, remaining=1)], "given up after 2 attempts: the node ended without a final response"),
    ],
)
def test_a_move_fails_with_the_reason(here, reports, error):
    here.inquirer.reports = reports
    job = here.ended(here.exchange.retrieve("PACS", selection(None, [STUDY], [], [])))
    assert job.state is State.FAILED
    assert error in job.error


def test_a_cancelled_retrieve_tells_the_node(here):
    class Endless(list):
        def __iter__(self):
            while True:
                yield report(1, remaining=9)

    here.inquirer.reports = Endless()
    job = here.exchange.retrieve("PACS", selection(None, [STUDY], [], []))
    for seen in here.jobs.watch(job.id):
        if seen.progress.done:
            here.jobs.cancel(job.id)
            break
    assert here.ended(job).state is State.CANCELLED
    assert here.inquirer.closed_early == 1


def test_a_get_keeps_what_comes_with_an_outcome_for_each(here):
    here.inquirer.objects = [
        (instance(7), samples.ct(8, 8, seed=7)),
        (instance(8), samples.ct(8, 8, seed=9)),
    ]
    here.inquirer.reports = [
        report(1, remaining=2),
        report(1, failed=3, is_final=True, status=0xB000, failed_uids=[instance(8), "1.2.9"]),
    ]
    wanted = selection(None, [STUDY], [SERIES], [])
    job = here.exchange.retrieve("PACS", wanted, method=Method.GET, transfer_syntaxes=[IMPLICIT])
    job = here.ended(job)
    assert (job.kind, job.state, job.progress.done, job.progress.failed, job.progress.total) == (
        "get", State.DONE, 1, 3, 4,
    )  # fmt: skip
    outcomes = here.outcomes(job)
    assert {item: result for item, (result, _) in outcomes.items()} == {
        instance(7): ItemResult.OK,
        instance(8): ItemResult.FAILED,
        "1.2.9": ItemResult.FAILED,
    }
    assert "SOP Instance UID" in outcomes[instance(8)][1]
    assert here.inquirer.asked == [("PACS", wanted, (IMPLICIT,))]
    stored = here.house.index.instance(UID(instance(7)))
    assert stored is not None
    [origin] = [origin for found, origin, _ in here.house.index.records() if found == stored]
    assert (origin.calling_ae_title, origin.called_ae_title, origin.address) == ("PACS", "US", "pacs.example")


def test_what_contradicts_itself_is_refused_before_it_becomes_a_job(here):
    wanted = selection(None, [STUDY], [], [])
    with pytest.raises(NotFound):
        here.exchange.send("NOBODY", wanted)
    with pytest.raises(NotFound):
        here.exchange.retrieve("NOBODY", wanted)
    with pytest.raises(InvalidRequest, match="no transfer syntax"):
        here.exchange.retrieve("PACS", wanted, transfer_syntaxes=[UID("1.2.3")])
    with pytest.raises(InvalidRequest, match="More than 16"):
        here.exchange.retrieve("PACS", wanted, transfer_syntaxes=[IMPLICIT] * 17)
    with pytest.raises(InvalidRequest, match="longer than 16"):
        here.exchange.retrieve("PACS", wanted, destination="A" * 17)
    with pytest.raises(InvalidRequest, match="Say what"):
        selection(None, [], [], [])
    assert here.jobs.list() == []


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        (Selection(Level.SERIES, (), (UID(SERIES),)), "study"),
        (Selection(Level.SERIES, (UID("1"), UID("2")), (UID(SERIES),)), "study"),
        (Selection(Level.IMAGE, (UID("1"),), (), (UID("3"),)), "series"),
    ],
)
def test_a_retrieve_names_one_of_each_level_above(wanted, word):
    with pytest.raises(InvalidRequest, match=f"the one {word}"):
        check_hierarchy(wanted)


# Asking


def test_a_question_tells_whether_there_is_more(here):
    here.inquirer.answers = [{"PatientID": str(number)} for number in range(3)]
    answers = here.exchange.find("PACS", Level.STUDY, {"PatientID": ""}, limit=2)
    assert (answers.found, answers.is_complete) == ([{"PatientID": "0"}, {"PatientID": "1"}], False)
    assert here.exchange.find("PACS", Level.STUDY, {}, limit=3).is_complete
    assert here.inquirer.asked[0] == ("PACS", Level.STUDY, {"PatientID": ""}, 3)
    assert here.exchange.worklist("PACS", {"Modality": "CT"}, limit=9).is_complete
    assert here.inquirer.asked[-1] == ("PACS", {"Modality": "CT"}, 10)
    with pytest.raises(NotFound):
        here.exchange.find("NOBODY", Level.STUDY, {}, limit=3)


OK = Answer(Result.COMPLETED)


def named(parcel):
    """The SOP Instance UID of what a courier's judge is given."""
    return str(getattr(parcel, "sop_instance", parcel))


def judged(answers):
    return lambda parcel: answers.get(named(parcel), OK)


def test_a_node_is_asked_only_for_what_it_is_said_to_do(here):
    whole = selection(None, [STUDY], [], [])
    for ask, role in (
        (lambda: here.exchange.send("CAMERA", whole), "store"),
        (lambda: here.exchange.send_files("CAMERA", [here.folder]), "store"),
        (lambda: here.exchange.retrieve("CAMERA", whole), "query"),
        (lambda: here.exchange.find("CAMERA", Level.STUDY, {}, 10), "query"),
        (lambda: here.exchange.worklist("CAMERA", {}, 10), "worklist"),
    ):
        with pytest.raises(InvalidRequest, match=f"CAMERA does not have the role '{role}'"):
            ask()
    assert here.inquirer.asked == []


def test_a_question_is_asked_with_the_extensions_that_it_needs(here):
    here.exchange.find("PACS", Level.STUDY, {"PatientName": "zhang"}, 10, Negotiated(fuzzy_names=True))
    assert here.inquirer.asked == [("PACS", Level.STUDY, {"PatientName": "zhang"}, 11, "fuzzy_names")]
