"""``/api/jobs``: what runs, ran and will run; what came of each item; cancel, retry, delete; live progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Response

from calotype.services.jobs.jobs import Jobs
from calotype.services.jobs.model import FINAL, ItemResult, Job, Outcome, State
from calotype.web.events import FINAL_ID, EventStream
from calotype.web.offload import Offload
from calotype.web.wording import Said, said

MAX_UNFINISHED: Final = 1000
"""How many of the jobs that have not ended a stream begins with, the newest."""

MAX_STUDIES_TOLD: Final = 20
"""How many of its studies a job of a list names."""

_HIGHEST: Final = 2**63 - 1

JobId = Annotated[int, Path(ge=1, le=_HIGHEST, description="The number of the job.")]
Limit = Annotated[int, Query(ge=1, le=1000)]
States = Annotated[list[State], Query(alias="state", description="Only jobs in one of these states.")]
Kinds = Annotated[list[str], Query(alias="kind", max_length=20, description="Only jobs of these kinds.")]
Before = Annotated[int | None, Query(ge=1, le=_HIGHEST, description="Only jobs older than this one: the next page.")]
After = Annotated[int, Query(ge=0, le=_HIGHEST, description="Only outcomes after this number: the next page.")]
Results = Annotated[list[ItemResult], Query(alias="result", description="Only outcomes of these results.")]


@dataclass(frozen=True, slots=True)
class JobAbout:
    """What a job is about, as far as it says: for links to it. ``studies`` are the first of ``study_count``."""

    node: str
    destination: str
    patient_id: str
    studies: list[str]
    study_count: int
    series_count: int
    instance_count: int


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it stands now. Times are UTC, microseconds since 1970; ``total`` is null until it is known."""

    id: int
    kind: str
    title: str
    state: State
    done: int
    failed: int
    warned: int
    total: int | None
    attempts: int
    created_us: int
    not_before_us: int
    started_us: int | None
    ended_us: int | None
    error: str
    error_said: list[Said]
    is_cancelling: bool
    about: JobAbout


@dataclass(frozen=True, slots=True)
class JobDetail(JobView):
    """A job with what it was told."""

    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """What came of one item; ``comment`` is empty when all went well."""

    number: int
    item: str
    result: ItemResult
    comment: str
    comment_said: list[Said]
    at_us: int


@dataclass(frozen=True, slots=True)
class Removed:
    """How many jobs were deleted."""

    removed: int


def router(jobs: Jobs, offload: Offload, *, idle_s: float) -> APIRouter:
    """Return the routes; an event stream whose client takes nothing for ``idle_s`` is ended."""
    routes = APIRouter(prefix="/jobs", tags=["jobs"])
    # In this order: "/jobs/events" is no job's number.
    _streams(routes, jobs, offload, idle_s)
    _lists(routes, jobs, offload)
    _changes(routes, jobs, offload)
    return routes


def _lists(routes: APIRouter, jobs: Jobs, offload: Offload) -> None:
    def listed(states: Sequence[State], kinds: Sequence[str], before: int | None, limit: int) -> list[JobView]:
        return [view(job) for job in jobs.list(states=states, kinds=kinds, before=before, limit=limit)]

    def outcomes(job_id: int, results: Sequence[ItemResult], after: int, limit: int) -> list[OutcomeView]:
        return [_outcome(found) for found in jobs.outcomes(job_id, results=results, after=after, limit=limit)]

    @routes.get("")
    async def list_jobs(
        state: States = [],  # noqa: B006 - FastAPI copies defaults
        kind: Kinds = [],  # noqa: B006 - as above
        before: Before = None,
        limit: Limit = 100,
    ) -> list[JobView]:
        """List jobs, newest first; the last one's number as ``before`` gives the next page."""
        return await offload(listed, state, kind, before, limit)

    @routes.get("/{job_id}")
    async def show_job(job_id: JobId) -> JobDetail:
        """Return one job with what it was told."""
        return detail(await offload(jobs.get, job_id))

    @routes.get("/{job_id}/outcomes")
    async def list_outcomes(
        job_id: JobId,
        result: Results = [],  # noqa: B006 - as above
        after: After = 0,
        limit: Limit = 100,
    ) -> list[OutcomeView]:
        """List what came of a job's items, in order; the last one's number as ``after`` gives the next page."""
        return await offload(outcomes, job_id, result, after, limit)


def _changes(routes: APIRouter, jobs: Jobs, offload: Offload) -> None:
    @routes.delete("")
    async def delete_ended_jobs(state: States = []) -> Removed:  # noqa: B006 - as above
        """Delete all jobs that have ended, or those of them in these states, with their outcomes."""
        return Removed(await offload(jobs.remove_ended, state or FINAL))

    @routes.delete("/{job_id}", status_code=204)
    async def delete_job(job_id: JobId) -> None:
        """Delete a job that has ended, with its outcomes; 409 when it has not."""
        await offload(jobs.remove, job_id)

    @routes.post("/{job_id}/cancel")
    async def cancel_job(job_id: JobId) -> JobView:
        """End a job early: a waiting one at once, a running one as soon as it can; 409 when it has ended."""
        return view(await offload(jobs.cancel, job_id))

    @routes.post("/{job_id}/retry")
    async def retry_job(job_id: JobId) -> JobView:
        """Do again what failed or was not done; 409 when it is running or nothing is left to do."""
        return view(await offload(jobs.retry, job_id))


def _streams(routes: APIRouter, jobs: Jobs, offload: Offload, idle_s: float) -> None:
    answers: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}

    def unfinished() -> list[Job]:
        return list(jobs.list(states=set(State) - FINAL, limit=MAX_UNFINISHED))[::-1]

    @routes.get("/events", response_class=Response, responses=answers)
    async def watch_jobs() -> Response:
        """Stream every job's changes as events named ``job``: first those not ended, then whatever changes."""

        async def now() -> list[Job]:
            return await offload(unfinished)

        return EventStream(lambda wake: jobs.changes(wake=wake), now, view, ends_with_job=False, idle_s=idle_s)

    @routes.get("/{job_id}/events", response_class=Response, responses=answers)
    async def watch_job(job_id: JobId, last_event_id: Annotated[str, Header(max_length=64)] = "") -> Response:
        """Stream one job's changes as events named ``job``, up to its end; a client that has seen that gets 204."""
        job = await offload(jobs.get, job_id)
        if last_event_id == FINAL_ID and job.state.is_final:
            # WHATWG HTML 9.2.3: 204 tells a browser not to connect again.
            return Response(status_code=204)

        async def now() -> list[Job]:
            return [await offload(jobs.get, job_id)]

        return EventStream(lambda wake: jobs.changes(job_id, wake), now, view, ends_with_job=True, idle_s=idle_s)


def view(job: Job) -> JobView:
    """Return what a list shows of a job."""
    return JobView(**_fields(job))


def detail(job: Job) -> JobDetail:
    """Return all of a job."""
    return JobDetail(**_fields(job), arguments=dict(job.arguments))


def _fields(job: Job) -> dict[str, Any]:
    progress = job.progress
    return {
        "id": job.id,
        "kind": job.kind,
        "title": job.title,
        "state": job.state,
        "done": progress.done,
        "failed": progress.failed,
        "warned": progress.warned,
        "total": progress.total,
        "attempts": job.attempts,
        "created_us": job.created_us,
        "not_before_us": job.not_before_us,
        "started_us": job.started_us,
        "ended_us": job.ended_us,
        "error": job.error,
        "error_said": said(job.error),
        "is_cancelling": job.is_cancelling,
        "about": _about(job.arguments),
    }


def _about(arguments: Mapping[str, Any]) -> JobAbout:
    """Return what the arguments name. Those of an older version may lack anything."""
    selection = arguments.get("selection")
    names = selection if isinstance(selection, Mapping) else {}
    studies, series, instances = (_texts(names.get(level)) for level in ("studies", "series", "instances"))
    return JobAbout(
        node=str(arguments.get("node") or ""),
        destination=str(arguments.get("destination") or ""),
        patient_id=str(names.get("patient_id") or ""),
        studies=studies[:MAX_STUDIES_TOLD],
        study_count=len(studies),
        series_count=len(series),
        instance_count=len(instances),
    )


def _texts(names: object) -> list[str]:
    return [name for name in names if isinstance(name, str)] if isinstance(names, list | tuple) else []


def _outcome(outcome: Outcome) -> OutcomeView:
    comment = outcome.comment
    return OutcomeView(outcome.number, outcome.item, outcome.result, comment, said(comment), outcome.at_us)
