"""Studies made anew without their patient, as jobs: kept in the archive beside the originals, or in a zip file.

What is done to an object is for ``archive.anonymise``; one that cannot be de-identified is a failed item and stays
out, the others go on. Zip files wait in a folder until they are removed, or have waited for too long.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Final

from calotype.dicom.deidentify.options import Option, Wishes
from calotype.dicom.hierarchy import Selection
from calotype.errors import CalotypeError, Conflict, NotFound, OutOfResources, Unavailable
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.archive.anonymous import AnonymousRetrieve
from calotype.services.archive.ingest import Ingest
from calotype.services.archive.inspection import read_through
from calotype.services.archive.ports import Channel, Origin, StoredInstance
from calotype.services.archive.retrieve import Retrieve
from calotype.services.archive.rounds import Rounds
from calotype.services.archive.zip_writing import ZipWriter
from calotype.services.jobs.jobs import Jobs
from calotype.services.jobs.model import FINAL, ItemResult, Job
from calotype.services.jobs.run import JobRun
from calotype.services.routing.deidentifying import wishes_from_json, wishes_to_json
from calotype.services.routing.sending import arguments_of, selection_of

ANONYMISE: Final = "anonymise"

DAY_S: Final = 86_400
_ROUND_S: Final = 3600.0

_log = logging.getLogger(__name__)


class Target(StrEnum):
    """Where the new studies go."""

    ARCHIVE = "archive"
    ZIP = "zip"


class Anonymising:
    """Starts such jobs, and hands out what they packed. Thread-safe.

    ``folder`` is made when it is needed. What is packed into it stays there for ``keep_days``, 0: until it is
    removed; between :meth:`start` and :meth:`stop` that is seen to.
    """

    def __init__(
        self,
        jobs: Jobs,
        retrieve: Retrieve,
        ingest: Ingest,
        anonymiser: Anonymiser,
        folder: Path,
        *,
        keep_days: float = 0,
    ) -> None:
        self._jobs = jobs
        self._retrieve = retrieve
        self._ingest = ingest
        self._anonymiser = anonymiser
        self._folder = folder
        self._keep_s = keep_days * DAY_S
        self._rounds = Rounds(self._round, name="calotype-zips", what="removing old zip files")
        jobs.register(ANONYMISE, self._run)

    def wishes(self, options: frozenset[Option] | None, patient_id: str = "", patient_name: str = "") -> Wishes:
        """Return wishes with ``options``, those of the settings when ``None``. InvalidRequest for a contradiction."""
        return self._anonymiser.wishes(options, patient_id, patient_name)

    def submit(self, selection: Selection, wishes: Wishes | None, to: Target) -> Job:
        """Make what is selected anew, as a job. NotFound when the archive holds nothing of it."""
        if next(iter(self._retrieve.locate(selection)), None) is None:
            raise NotFound("the archive holds nothing of what is to be de-identified")
        named = selection.studies or selection.series or selection.instances or (selection.patient_id or "",)
        arguments = {"selection": arguments_of(selection), "wishes": wishes_to_json(wishes), "to": to.value}
        return self._jobs.submit(ANONYMISE, f"{', '.join(named)[:120]} without the patient", arguments)

    def zip_of(self, job_id: int) -> Path:
        """Return the zip file that a job has packed. NotFound when it has packed none, Conflict while it does."""
        job = self._jobs.get(job_id)
        if job.kind != ANONYMISE or job.arguments["to"] != Target.ZIP:
            raise NotFound(f"job {job_id} packs no zip file")
        path = self._path(job_id)
        if not path.is_file():
            if job.state not in FINAL:
                raise Conflict(f"job {job_id} has not packed its zip file yet")
            raise NotFound(f"the zip file of job {job_id} is not there (any more)")
        return path

    def remove_zip(self, job_id: int) -> None:
        """Remove the zip file that a job has packed; raises what :meth:`zip_of` does."""
        path = self.zip_of(job_id)
        try:
            path.unlink()
        except OSError as error:
            raise Unavailable(f"the zip file of job {job_id} cannot be removed: {error.strerror}") from error

    def start(self) -> None:
        """Begin to remove zip files that have waited for too long."""
        self._rounds.start()

    def stop(self, wait_s: float) -> None:
        """Stop, waiting at most ``wait_s``. Idempotent."""
        self._rounds.stop(wait_s)

    def _round(self) -> float:
        self.expire(time.time())
        return _ROUND_S

    def expire(self, now_s: float) -> None:
        """Remove the zip files that have waited for too long at ``now_s``. Unavailable when one cannot be removed."""
        if not self._keep_s or not self._folder.is_dir():
            return
        for path in self._folder.glob("*.zip"):
            try:
                if path.stat().st_mtime < now_s - self._keep_s:
                    path.unlink()
                    _log.info("%s has waited long enough, and is removed", path.name)
            except FileNotFoundError:
                # Whoever fetched it has removed it meanwhile.
                continue
            except OSError as error:
                raise Unavailable(f"{path} cannot be removed: {error.strerror}") from error

    def _path(self, job_id: int) -> Path:
        return self._folder / f"{job_id}.zip"

    def _run(self, run: JobRun) -> None:
        located = list(self._retrieve.locate(selection_of(run.arguments["selection"])))
        if not located:
            raise NotFound("the archive holds nothing of what is to be de-identified")
        without = AnonymousRetrieve(self._retrieve, self._anonymiser, wishes_from_json(run.arguments["wishes"]))
        if run.arguments["to"] == Target.ZIP:
            self._pack(run, located, without)
            return
        run.total = len(located)
        for stored in located:
            if stored.ref.instance in run.finished_items:
                continue
            run.check()
            try:
                told = self._keep(stored, without)
            except (Unavailable, OutOfResources):
                # Not this object's fault: the next would fail the same way.
                raise
            except CalotypeError as error:
                run.outcome(stored.ref.instance, ItemResult.FAILED, str(error))
                continue
            run.outcome(stored.ref.instance, ItemResult.OK, told)

    def _keep(self, stored: StoredInstance, without: AnonymousRetrieve) -> str:
        _, reader = without.open_current(stored)
        with reader, self._ingest.begin_part10(Origin(Channel.IMPORT)) as incoming:
            for chunk in read_through(reader, 0, reader.size_bytes):
                incoming.write((chunk,))
            receipt = incoming.commit()
        return f"{receipt.outcome} as {receipt.ref.instance}"

    def _pack(self, run: JobRun, located: list[StoredInstance], without: AnonymousRetrieve) -> None:
        run.start_over()
        run.total = len(located)
        path = self._path(run.job.id)
        part = path.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with part.open("wb") as out:
                for block in _packed(run, located, without):
                    out.write(block)
            part.replace(path)
        except OSError as error:
            raise OutOfResources(f"the zip file cannot be written: {error.strerror}") from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _packed(run: JobRun, located: list[StoredInstance], without: AnonymousRetrieve) -> Iterator[bytes]:
    writer = ZipWriter()
    for number, stored in enumerate(located, 1):
        run.check()
        try:
            current, reader = without.open_current(stored)
        except (Unavailable, OutOfResources):
            raise
        except CalotypeError as error:
            run.outcome(stored.ref.instance, ItemResult.FAILED, str(error))
            continue
        with reader:
            name = f"{current.ref.study}/{current.ref.series}/{number:08d}.dcm"
            yield from writer.streamed(name, read_through(reader, 0, reader.size_bytes))
        run.outcome(stored.ref.instance, ItemResult.OK, f"packed as {current.ref.instance}")
    yield from writer.end()
