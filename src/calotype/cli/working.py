"""``calotype jobs``: look at durable jobs and steer them, with or without a server running beside.

Only a server runs jobs; what is asked for here stands in the index, where it notices within seconds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click

from calotype.app.opening import open_stores
from calotype.app.working import jobs_over
from calotype.cli.failures import SOME_FAILED
from calotype.cli.session import Session
from calotype.services.jobs.jobs import Jobs
from calotype.services.jobs.model import ItemResult, Job, State

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
number_argument = click.argument("number", type=click.IntRange(1, 2**63 - 1))

_OUTCOMES_AT_ONCE = 1000


@click.group("jobs")
def jobs_command() -> None:
    """Show durable jobs (sending, retrieving), cancel them, or try them again."""


@jobs_command.command("list")
@click.option("--state", "states", type=click.Choice([state.value for state in State]), multiple=True)
@click.option("--kind", "kinds", metavar="KIND", multiple=True, help="send | send-files | move | get")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@json_option
@click.pass_obj
def list_command(
    session: Session, *, states: tuple[str, ...], kinds: tuple[str, ...], limit: int, as_json: bool
) -> None:
    """List jobs, newest first."""
    with _jobs(session) as jobs:
        found = jobs.list(states=[State(state) for state in states], kinds=kinds, limit=limit)
    for job in found:
        click.echo(json.dumps(_fields(job), ensure_ascii=False) if as_json else _line(job))
    if not found and not as_json:
        click.echo("no jobs")


@jobs_command.command("show")
@number_argument
@click.option("--all", "everything", is_flag=True, help="Every item, not only those that failed or warned.")
@json_option
@click.pass_obj
def show_command(session: Session, *, number: int, everything: bool, as_json: bool) -> None:
    """Show a job and what came of its items. Exits with 1 when it or some of them failed."""
    results = frozenset(ItemResult) if everything else frozenset({ItemResult.FAILED, ItemResult.WARNED})
    with _jobs(session) as jobs:
        job = jobs.get(number)
        if as_json:
            click.echo(json.dumps(_fields(job) | {"arguments": dict(job.arguments)}, ensure_ascii=False))
        else:
            click.echo(_line(job))
            for name, time_us in (("created", job.created_us), ("started", job.started_us), ("ended", job.ended_us)):
                click.echo(f"  {name:8} {_time(time_us)}")
            click.echo(f"  attempts {job.attempts}")
        after = 0
        while outcomes := jobs.outcomes(number, results=results, after=after, limit=_OUTCOMES_AT_ONCE):
            after = outcomes[-1].number
            for outcome in outcomes:
                if as_json:
                    told = {"item": outcome.item, "result": outcome.result.value, "comment": outcome.comment}
                    click.echo(json.dumps(told, ensure_ascii=False))
                else:
                    comment = f": {_printable(outcome.comment)}" if outcome.comment else ""
                    click.echo(f"  {outcome.result.value:6} {_printable(outcome.item)}{comment}")
    if job.state is State.FAILED or job.progress.failed:
        sys.exit(SOME_FAILED)


@jobs_command.command("cancel")
@number_argument
@json_option
@click.pass_obj
def cancel_command(session: Session, *, number: int, as_json: bool) -> None:
    """End a job early: a waiting one at once, a running one as soon as the server notices."""
    with _jobs(session) as jobs:
        _tell(jobs.cancel(number), as_json=as_json)


@jobs_command.command("retry")
@number_argument
@json_option
@click.pass_obj
def retry_command(session: Session, *, number: int, as_json: bool) -> None:
    """Do again what failed or was not done, as soon as the server notices."""
    with _jobs(session) as jobs:
        _tell(jobs.retry(number), as_json=as_json)


@contextmanager
def _jobs(session: Session) -> Iterator[Jobs]:
    settings = session.loaded.settings
    with open_stores(settings) as stores:
        yield jobs_over(stores, settings)


def _tell(job: Job, *, as_json: bool) -> None:
    click.echo(json.dumps(_fields(job), ensure_ascii=False) if as_json else _line(job))


def _line(job: Job) -> str:
    progress = job.progress
    total = "" if progress.total is None else f"/{progress.total}"
    counts = f"{progress.done}{total} done"
    counts += f", {progress.failed} failed" if progress.failed else ""
    counts += f", {progress.warned} warned" if progress.warned else ""
    state = "cancelling" if job.is_cancelling else job.state.value
    error = f": {_printable(job.error)}" if job.error else ""
    return f"{job.id:>6}  {state:9}  {job.kind:10}  {_printable(job.title)}  ({counts}){error}"


def _fields(job: Job) -> dict[str, Any]:
    progress = job.progress
    counts = {"done": progress.done, "failed": progress.failed, "warned": progress.warned, "total": progress.total}
    times = {"created_us": job.created_us, "started_us": job.started_us, "ended_us": job.ended_us}
    named = {"id": job.id, "kind": job.kind, "title": job.title, "state": job.state.value}
    rest = {"attempts": job.attempts, "error": job.error, "is_cancelling": job.is_cancelling}
    return named | counts | times | rest


def _time(time_us: int | None) -> str:
    return "-" if time_us is None else datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _printable(text: str) -> str:
    """Keep a stranger's text from moving the terminal's cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)
