"""``kill -9`` at any moment of deleting, restoring and purging: all or nothing, and nothing that nobody tells of."""

import random
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from calotype.app.loading import load
from calotype.app.opening import open_stores
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.services.archive.recycled import State
from calotype.services.archive.verify import ProblemKind
from support import samples
from support.running import Running

KILLS = 6
STUDIES = 4
INSTANCES = 40

pytestmark = pytest.mark.durability


def settings_of(folder: Path):
    environment = {
        "CALOTYPE__STORAGE__PATH": str(folder / "data"),
        "CALOTYPE__STORAGE__DURABLE": "false",
        "CALOTYPE__STORAGE__MIN_FREE_MIB": "1",
    }
    return load(environ=environment, folder=folder).settings


def fill(http: httpx.Client, study: str, numbers: range) -> None:
    parts = []
    for number in numbers:
        uid = f"{study}.{number}"
        data = samples.ct(16, 16, seed=number, study_uid=study, series_uid=f"{study}.0", sop_uid=uid)
        parts.append(b"\r\n--x\r\nContent-Type: application/dicom\r\n\r\n" + samples.part10(data, sop_uid=uid))
    body = b"".join(parts) + b"\r\n--x--\r\n"
    kind = 'multipart/related; type="application/dicom"; boundary=x'
    http.post("/dicomweb/studies", content=body, headers={"Content-Type": kind}).raise_for_status()


def churn(url: str, study: str, chance: random.Random, answered: list[tuple[str, str]]) -> None:
    """Delete, restore, purge and store again until the server is gone; note what was answered with success."""
    try:
        with httpx.Client(base_url=url, timeout=60) as http:
            while True:
                deleted = http.delete(f"/dicomweb/studies/{study}")
                if deleted.status_code == 204:
                    answered.append((study, "deleted"))
                [number] = [each["id"] for each in http.get("/api/recycle-bin").json() if each["study"] == study][:1]
                if chance.random() < 0.5:
                    if http.post(f"/api/recycle-bin/{number}/restore").status_code == 200:
                        answered.append((study, "stored"))
                else:
                    http.post(f"/api/recycle-bin/{number}/purge")
                    fill(http, study, range(1, INSTANCES + 1))
                    answered.append((study, "stored"))
    except (httpx.HTTPError, ValueError):
        return


def all_had_two(answered: list[tuple[str, str]], studies: list[str]) -> bool:
    """Tell whether each study had two answers; on a busy machine one may come long after the others."""
    tally = Counter(study for study, _ in list(answered))
    return min(tally[study] for study in studies) >= 2


def test_killed_again_and_again_a_study_is_whole_or_gone_and_every_file_is_told_of(tmp_path: Path):
    chance = random.Random(9)
    studies = [samples.uid(5, number) for number in range(STUDIES)]
    last: dict[str, str] = {}
    for _ in range(KILLS):
        running = Running(tmp_path).start()
        url = running.url.removesuffix("/dicomweb")
        with httpx.Client(base_url=url, timeout=60) as http:
            for study in studies:
                fill(http, study, range(1, INSTANCES + 1))
        answered: list[tuple[str, str]] = []
        threads = [
            threading.Thread(target=churn, args=(url, study, random.Random(chance.random()), answered))
            for study in studies
        ]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 120
        while not all_had_two(answered, studies) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.1)
        running.kill()
        for thread in threads:
            thread.join(120)
        assert all_had_two(answered, studies), running.log()
        last = dict(answered)
    assert set(last) == set(studies)

    with open_stores(settings_of(tmp_path)) as stores:
        archive = stores.archive
        for study in studies:
            located = list(archive.retrieve.locate(Selection(Level.STUDY, (UID(study),))))
            # A STOW-RS request under way may have stored some of its objects; what deletes and restores does not.
            assert len(located) <= INSTANCES
        for item in archive.recycling.list((State.KEPT,), limit=1000):
            assert item.instances in range(1, INSTANCES + 1)
            assert len(list(stores.index.recycle_bin.objects(item.id))) == item.instances
        report = archive.curate.verify()
        # A crash between a file and its row leaves an orphan: that is what ingest promises, and nothing more.
        orphans = [problem for problem in report.problems if problem.kind is ProblemKind.ORPHAN]
        assert orphans == list(report.problems)
        assert len([orphan for orphan in orphans if orphan.ref is not None]) <= KILLS * STUDIES
        sequences = [change.sequence for change in _all_changes(archive)]
        assert sequences == list(range(1, len(sequences) + 1))
        counted = archive.search.statistics()
        assert counted.instances == sum(1 for _ in stores.index.records()) - counted.conflicts


def _all_changes(archive):
    since = 0
    while (page := archive.changes.page(since, 1000)).changes:
        yield from page.changes
        since = page.last
