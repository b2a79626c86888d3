"""What is promised on which evidence, and how it is delivered until it was heard."""

import threading
from dataclasses import dataclass, field, replace

import pytest

from calotype.dicom.commitment import FailureReason, Reference, Report, Request
from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import STUDY_ROOT_FIND
from calotype.errors import InvalidRequest, NotFound, Unavailable
from calotype.services.archive.custody import Condition
from calotype.services.routing.commitment.model import Direction, Parties, State
from calotype.services.routing.commitment.promises import FIRST_RETRY_S, GIVE_UP_AFTER_S, LAST_RETRY_S, back_off_s
from calotype.services.routing.commitment.service import Commitments
from calotype.services.routing.nodes import FixedAddressBook, Node
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_commitments import MemoryCommitments
from calotype.stores.objects.memory import MemoryObjectStore
from support import samples
from support.archives import Clock, House

MODALITY = Node("MODALITY", "192.0.2.7", 104)
PARTIES = Parties("MODALITY", "CALOTYPE", "192.0.2.7")
TRANSACTION = UID("1.2.9")
CT = UID(samples.CT)


@dataclass
class Messenger:
    """A neighbour: what it is told, and what it says."""

    reports: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    answer: object = lambda _request: None
    heard: threading.Event = field(default_factory=threading.Event)

    def ask(self, node, request):
        return self.answer(request)

    def report(self, node, our_ae_title, report):
        if self.errors:
            raise self.errors.pop(0)
        self.reports.append((node.ae_title, our_ae_title, report))
        self.heard.set()


class Bench:
    """Commitments over an archive in memory."""

    def __init__(self):
        self.house = House(MemoryObjectStore(), MemoryIndex())
        self.store, self.messenger, self.clock = MemoryCommitments(), Messenger(), Clock()
        self.commitments = self.build()

    def build(self, nodes=(MODALITY,)):
        return Commitments.over(
            self.store,
            self.house.archive.custody,
            FixedAddressBook(nodes),
            self.messenger,
            our_ae_title="CALOTYPE",
            clock_us=self.clock,
        )

    def keep(self, seed=1):
        data = samples.ct(seed=seed)
        self.house.store(data)
        return Reference(CT, UID(samples.value_of(data, 0x00080018)))

    def ask(self, *references, transaction=TRANSACTION, parties=PARTIES):
        return self.commitments.promises.accept(Request(transaction, references), parties)


@pytest.fixture
def bench():
    return Bench()


def always():
    return True


def never():
    return False


def test_what_is_here_is_committed_to(bench):
    kept = bench.keep(1), bench.keep(2)
    with bench.ask(*kept) as promise:
        assert promise.outcome(never) == Report(TRANSACTION, kept)
        promise.delivered()
    [done] = bench.commitments.recent(9)
    assert (done.state, done.committed, done.failed) == (State.DONE, 2, 0)


def test_every_failure_has_its_reason(bench):
    kept, damaged, lost = bench.keep(1), bench.keep(2), bench.keep(3)
    objects = bench.house.objects
    stored = {r: bench.house.index.instance(r.sop_instance).location.key for r in (damaged, lost)}
    objects.delete(stored[lost])
    with objects.open(stored[damaged]) as reader:
        content = bytearray(reader.read_at(0, reader.size_bytes))
    content[-1] ^= 1
    objects.delete(stored[damaged])
    spool = objects.spool()
    spool.write([content])
    assert objects.put(spool, stored[damaged]) == stored[damaged]
    unknown = Reference(CT, UID("1.2.3"))
    wrong_class = replace(kept, sop_class=UID(samples.MR))
    no_storage = Reference(STUDY_ROOT_FIND, UID("1.2.4"))
    with bench.ask(kept, damaged, lost, unknown, wrong_class, no_storage) as promise:
        report = promise.outcome(never)
    assert report.committed == (kept,)
    assert report.failed == (
        (damaged, FailureReason.PROCESSING_FAILURE),
        (lost, FailureReason.NO_SUCH_OBJECT_INSTANCE),
        (unknown, FailureReason.NO_SUCH_OBJECT_INSTANCE),
        (wrong_class, FailureReason.CLASS_INSTANCE_CONFLICT),
        (no_storage, FailureReason.REFERENCED_SOP_CLASS_NOT_SUPPORTED),
    )


def test_every_version_must_be_whole(bench):
    kept = bench.keep(1)
    bench.house.store(samples.ct(8, 8, seed=1))
    custody = bench.house.archive.custody
    assert custody.examine(kept.sop_instance).condition is Condition.SAFE
    [version] = bench.house.index.versions(kept.sop_instance)
    bench.house.objects.delete(version.key)
    assert custody.examine(kept.sop_instance).condition is Condition.ABSENT


def test_an_interrupted_examination_is_finished_by_the_worker(bench):
    kept = bench.keep()
    with bench.ask(kept) as promise:
        assert promise.outcome(always) is None
    run_until_heard(bench)
    assert bench.messenger.reports == [("MODALITY", "CALOTYPE", Report(TRANSACTION, (kept,)))]


def run_until_heard(bench, commitments=None):
    promises = (commitments or bench.commitments).promises
    promises.start()
    try:
        assert bench.messenger.heard.wait(30)
    finally:
        promises.stop(30)


def test_what_was_not_delivered_survives_a_restart(bench):
    kept = bench.keep()
    with bench.ask(kept) as promise:
        assert promise.outcome(never) is not None
    bench.commitments = bench.build()
    run_until_heard(bench)
    [done] = bench.commitments.recent(9)
    assert (done.state, done.attempts, done.error) == (State.DONE, 1, "")


def test_the_worker_leaves_alone_what_an_association_holds(bench):
    held, free = bench.keep(1), bench.keep(2)
    with bench.ask(held, transaction=UID("1.2.8")):
        with bench.ask(free):
            pass
        run_until_heard(bench)
        assert [report.transaction for _, _, report in bench.messenger.reports] == [TRANSACTION]


def test_a_node_that_does_not_answer_is_tried_again_later(bench):
    with bench.ask(bench.keep()):
        pass
    promises = bench.commitments.promises
    bench.messenger.errors = [Unavailable("nobody listens")]
    assert promises._work() == pytest.approx(FIRST_RETRY_S, abs=5)
    [waiting] = bench.commitments.recent(9)
    assert (waiting.state, waiting.attempts, waiting.error) == (State.REPORTING, 1, "nobody listens")
    assert promises._work() <= FIRST_RETRY_S
    assert bench.messenger.reports == []
    bench.clock.now_us += FIRST_RETRY_S * 1_000_000
    promises._work()
    assert len(bench.messenger.reports) == 1
    assert bench.commitments.recent(9)[0].state is State.DONE


def test_a_peer_that_is_in_no_address_book_waits_until_it_is(bench):
    with bench.ask(bench.keep(), parties=replace(PARTIES, peer="STRANGER")):
        pass
    bench.commitments.promises._work()
    [waiting] = bench.commitments.recent(9)
    assert "STRANGER" in waiting.error
    bench.commitments = bench.build([Node("STRANGER", "192.0.2.8", 104)])
    assert bench.commitments.promises.retry(waiting.id).due_us <= bench.clock.now_us
    run_until_heard(bench)


def test_after_days_it_is_given_up(bench):
    with bench.ask(bench.keep()):
        pass
    bench.messenger.errors = [Unavailable("nobody listens")] * 2
    bench.clock.now_us += (GIVE_UP_AFTER_S + 1) * 1_000_000
    bench.commitments.promises._work()
    [given_up] = bench.commitments.recent(9)
    assert given_up.state is State.FAILED
    assert bench.commitments.promises.retry(given_up.id).state is State.REPORTING


def test_waiting_gets_longer_up_to_an_hour():
    assert [back_off_s(n) for n in (1, 2, 3, 7, 8, 9, 1000)] == [30, 60, 120, 1920, LAST_RETRY_S, LAST_RETRY_S, 3600]


def test_the_same_question_again_gets_an_answer_again(bench):
    kept = bench.keep()
    for _ in range(2):
        with bench.ask(kept) as promise:
            assert promise.outcome(never) == Report(TRANSACTION, (kept,))


def test_a_transaction_uid_in_use_fails_every_instance(bench):
    first, second = bench.keep(1), bench.keep(2)
    with bench.ask(first), bench.ask(second) as promise:
        assert promise.outcome(never).failed == ((second, FailureReason.DUPLICATE_TRANSACTION_UID),)
    with bench.ask(first, parties=replace(PARTIES, peer="OTHER")) as promise:
        assert promise.outcome(never).failed == ((first, FailureReason.DUPLICATE_TRANSACTION_UID),)


def test_an_answer_at_once_is_written_down(bench):
    kept, refused = Reference(CT, UID("1.2.3")), Reference(CT, UID("1.2.4"))
    bench.messenger.answer = lambda request: Report(request.transaction, (kept,), ((refused, 0x0112),))
    done = bench.commitments.requests.ask(MODALITY, [kept, refused])
    assert (done.direction, done.state, done.committed, done.failed) == (Direction.ASKED, State.DONE, 1, 1)
    assert [item.outcome for item in bench.commitments.one(done.id)[1]] == [0, 0x0112]


def test_an_answer_may_come_later(bench):
    kept = Reference(CT, UID("1.2.3"))
    waiting = bench.commitments.requests.ask(MODALITY, [kept])
    assert waiting.state is State.WAITING
    done = bench.commitments.requests.answered(Report(waiting.transaction, (kept,)))
    assert (done.id, done.state, done.committed) == (waiting.id, State.DONE, 1)


def test_instances_that_a_report_leaves_out_stay_unknown(bench):
    waiting = bench.commitments.requests.ask(MODALITY, [Reference(CT, UID("1.2.3"))])
    done = bench.commitments.requests.answered(Report(waiting.transaction, ()))
    assert (done.committed, done.failed, done.error) == (0, 0, "1 instances are missing in the report")


def test_a_node_that_cannot_be_asked_is_written_down_and_told(bench):
    def refuse(_request):
        raise Unavailable("nobody listens")

    bench.messenger.answer = refuse
    with pytest.raises(Unavailable):
        bench.commitments.requests.ask(MODALITY, [Reference(CT, UID("1.2.3"))])
    [failed] = bench.commitments.recent(9)
    assert (failed.state, failed.error) == (State.FAILED, "nobody listens")


def test_what_nobody_asked_is_not_found(bench):
    with pytest.raises(NotFound):
        bench.commitments.requests.answered(Report(TRANSACTION, ()))
    with pytest.raises(InvalidRequest):
        bench.commitments.requests.ask(MODALITY, [])
    with pytest.raises(NotFound):
        bench.commitments.one(7)
