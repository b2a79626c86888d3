"""Studies made anew, and sent, without their patient: as jobs, kept, packed, carried to a neighbour."""

import os
import time
import zipfile
from dataclasses import replace

import pydicom
import pytest

from calotype.dicom.deidentify.options import Option, Wishes
from calotype.dicom.hierarchy import UID, InstanceRef, Level, Selection
from calotype.errors import Conflict, InvalidRequest, NotFound, Refused
from calotype.scu.files import gather, send_files
from calotype.scu.memory import MemoryCourier
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.jobs.jobs import Jobs
from calotype.services.jobs.model import ItemResult, State
from calotype.services.jobs.settings import JobSettings
from calotype.services.routing.anonymising import DAY_S, Anonymising, Target
from calotype.services.routing.deidentifying import wishes_from_json, wishes_to_json
from calotype.services.routing.nodes import Node
from calotype.services.routing.send import Dispatch, carry
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_jobs import MemoryJobs
from calotype.stores.objects.memory import MemoryObjectStore
from support.archives import House
from support.identities import KEY, anonymous, ct, data_set, part_10

STUDY = UID("1.2.826.0.1.3680043.9.1.1")
WHOLE = Selection(Level.STUDY, (STUDY,))
ANONYMISER = Anonymiser(lambda: KEY)


def uid(number):
    return f"1.2.826.0.1.3680043.9.1.{number}"


class Here:
    """An archive with a study of two images and one that may not leave."""

    def __init__(self, folder):
        self.house = House(MemoryObjectStore(), MemoryIndex())
        self.house.store(data_set(ct(SOPInstanceUID=uid(31), InstanceNumber="1")))
        self.house.store(data_set(ct(SOPInstanceUID=uid(32), InstanceNumber="2")))
        self.house.store(data_set(ct(SOPInstanceUID=uid(33), InstanceNumber="3", BurnedInAnnotation="YES")))
        self.jobs = Jobs(MemoryJobs(), JobSettings(retry_first_s=0.01, retry_max_s=0.01))
        archive = self.house.archive
        self.anonymising = Anonymising(self.jobs, archive.retrieve, archive.ingest, ANONYMISER, folder / "anonymised")

    def ended(self, job):
        *_, last = self.jobs.watch(job.id)
        return last

    def results(self, job):
        return {each.item: each.result for each in self.jobs.outcomes(job.id)}


@pytest.fixture
def here(tmp_path):
    made = Here(tmp_path)
    made.jobs.start()
    yield made
    made.jobs.stop(10)


EXPECTED = {uid(31): ItemResult.OK, uid(32): ItemResult.OK, uid(33): ItemResult.FAILED}


def test_new_study_is_kept_beside_the_old_one(here):
    job = here.ended(here.anonymising.submit(WHOLE, None, Target.ARCHIVE))
    assert (job.kind, job.state, job.progress.total) == ("anonymise", State.DONE, 3)
    assert here.results(job) == EXPECTED
    new = anonymous(InstanceRef(STUDY, UID(uid(2)), UID(uid(31))))
    kept = list(here.house.archive.retrieve.locate(Selection(Level.STUDY, (new.study,))))
    assert len(kept) == 2
    assert new in {each.ref for each in kept}
    assert len(list(here.house.archive.retrieve.locate(WHOLE))) == 3


def test_made_again_it_is_the_same(here):
    here.ended(here.anonymising.submit(WHOLE, None, Target.ARCHIVE))
    again = here.ended(here.anonymising.submit(WHOLE, None, Target.ARCHIVE))
    comments = {each.comment.split(" ")[0] for each in here.jobs.outcomes(again.id) if each.result is ItemResult.OK}
    assert comments == {"identical"}


def test_new_study_is_packed(here):
    wishes = Wishes(frozenset({Option.RETAIN_MODIFIED_DATES}), "TRIAL-1", "Subject^One")
    job = here.ended(here.anonymising.submit(WHOLE, wishes, Target.ZIP))
    assert here.results(job) == EXPECTED
    path = here.anonymising.zip_of(job.id)
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        found = [pydicom.dcmread(packed.open(name)) for name in packed.namelist()]
    assert [each.PatientID for each in found] == ["TRIAL-1", "TRIAL-1"]
    assert {each.LongitudinalTemporalInformationModified for each in found} == {"MODIFIED"}
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    here.anonymising.remove_zip(job.id)
    with pytest.raises(NotFound, match="any more"):
        here.anonymising.zip_of(job.id)


def test_a_zip_that_nobody_fetches_goes_by_itself(tmp_path):
    here = Here(tmp_path)
    folder = tmp_path / "anonymised"
    jobs, archive = Jobs(MemoryJobs(), JobSettings()), here.house.archive
    anonymising = Anonymising(jobs, archive.retrieve, archive.ingest, ANONYMISER, folder, keep_days=2)
    anonymising.expire(0)
    folder.mkdir()
    for name in ("1.zip", "2.zip", "3.part"):
        (folder / name).write_bytes(b"PK")
    now = (folder / "1.zip").stat().st_mtime
    os.utime(folder / "1.zip", (now, now - 3 * DAY_S))
    os.utime(folder / "3.part", (now, now - 3 * DAY_S))
    anonymising.expire(now)
    assert {each.name for each in folder.iterdir()} == {"2.zip", "3.part"}
    here.anonymising.expire(now + 1000 * DAY_S)
    assert {each.name for each in folder.iterdir()} == {"2.zip", "3.part"}
    os.utime(folder / "2.zip", (0, 0))
    anonymising.start()
    deadline = time.monotonic() + 60
    while (folder / "2.zip").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    anonymising.stop(30)
    assert {each.name for each in folder.iterdir()} == {"3.part"}


def test_only_zip_jobs_have_a_zip(here):
    job = here.ended(here.anonymising.submit(WHOLE, None, Target.ARCHIVE))
    with pytest.raises(NotFound, match="packs no zip"):
        here.anonymising.zip_of(job.id)


def test_zip_is_not_there_before_it_is_whole(tmp_path):
    idle = Here(tmp_path)
    job = idle.anonymising.submit(WHOLE, None, Target.ZIP)
    with pytest.raises(Conflict, match="not packed"):
        idle.anonymising.zip_of(job.id)


def test_nothing_selected_is_told_at_once(here):
    with pytest.raises(NotFound, match="nothing"):
        here.anonymising.submit(Selection(Level.STUDY, (UID("1.2.3"),)), None, Target.ARCHIVE)


def test_wishes_outlive_their_process():
    wishes = Wishes(frozenset({Option.RETAIN_UIDS, Option.CLEAN_GRAPHICS}), "A", "B^C")
    assert wishes_from_json(wishes_to_json(wishes)) == wishes
    assert wishes_to_json(None) is None
    assert wishes_from_json(None) is None


VIEWER = Node("VIEWER", "viewer.example", 104)


def sent(here, node=VIEWER, **how):
    courier = MemoryCourier()
    dispatch = Dispatch(here.house.archive.retrieve, courier, None, ANONYMISER)
    handovers = list(dispatch.send(dispatch.locate(WHOLE), node, **how))
    return courier, handovers


def test_node_that_wants_it_so_gets_no_patient(here):
    courier, handovers = sent(here, replace(VIEWER, anonymise=True))
    assert [each.sop_instance for each in handovers] == [uid(31), uid(32), uid(33)]
    assert [each.answer.result.name for each in handovers] == ["COMPLETED", "COMPLETED", "FAILED"]
    assert "burned into" in handovers[2].answer.comment
    new = anonymous(InstanceRef(STUDY, UID(uid(2)), UID(uid(31)))).instance
    assert len(courier.delivered) == 2
    assert new in str(courier.delivered)
    assert b"Doppelganger" not in b"".join(bytes(each.data) for each in courier.delivered)


def test_sender_may_want_it_so(here):
    courier, _ = sent(here, deidentify=Wishes(patient_id="TRIAL-9"))
    assert all(b"TRIAL-9" in bytes(each.data) for each in courier.delivered)
    courier, _ = sent(here)
    assert all(b"Doppelganger" in bytes(each.data) for each in courier.delivered)


def test_process_that_cannot_sends_nothing(here):
    dispatch = Dispatch(here.house.archive.retrieve, MemoryCourier())
    with pytest.raises(Refused, match="cannot"):
        dispatch.send(dispatch.locate(WHOLE), replace(VIEWER, anonymise=True))
    with pytest.raises(Refused, match="cannot"):
        dispatch.wishes(None, "", "")


def test_contradicting_wishes_are_refused_before_a_job_begins(here):
    both = frozenset({Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES})
    with pytest.raises(InvalidRequest):
        here.anonymising.wishes(both)


def test_nothing_reaches_such_a_node_as_it_is_by_any_way(here):
    cargo = Dispatch(here.house.archive.retrieve, MemoryCourier()).locate(WHOLE)
    with pytest.raises(Refused, match="know no patients"):
        next(carry(cargo, MemoryCourier(), replace(VIEWER, anonymise=True)))


def test_files_reach_such_a_node_without_their_patient(tmp_path):
    (tmp_path / "one.dcm").write_bytes(part_10(ct()))
    node, courier = replace(VIEWER, anonymise=True), MemoryCourier()
    with pytest.raises(Refused):
        list(send_files(courier, node, gather([tmp_path])))
    (sent_file,) = send_files(courier, node, gather([tmp_path]), ANONYMISER)
    assert sent_file.answer.result.name == "COMPLETED"
    assert b"Doppelganger" not in bytes(courier.delivered[0].data)
