"""``calotype jobs`` over a data folder, as a server beside it would leave it."""

import json

import pytest
from click.testing import CliRunner

from calotype.app.opening import open_stores
from calotype.app.settings import Settings, Storage
from calotype.app.working import jobs_over
from calotype.cli import calotype
from calotype.errors import Conflict, NotFound
from calotype.services.jobs.model import ItemResult

LONG_S = 60


def work(run):
    run.total = 2
    run.outcome("1.1", ItemResult.OK)
    run.outcome("1.2", ItemResult.FAILED, "A700 \x1b[2J no room")


@pytest.fixture
def data(tmp_path):
    """A folder with a job that is done, and one that waits."""
    settings = Settings(storage=Storage(path=tmp_path / "data", durable=False, min_free_mib=0))
    with open_stores(settings) as stores:
        jobs = jobs_over(stores, settings)
        jobs.register("send", work)
        done = jobs.submit("send", "study 1 to VIEWER", {"node": "VIEWER"})
        jobs.start()
        *_, _last = jobs.watch(done.id)
        jobs.stop(LONG_S)
        jobs.submit("send", "张三 to VIEWER", {})
    return settings.storage.path


def run(data, *arguments, code=0):
    flags = ("-s", f"storage.path={data}", "-s", "storage.durable=false", "-s", "storage.min_free_mib=0")
    done = CliRunner().invoke(calotype, [*flags, "jobs", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def test_jobs_are_listed_newest_first(data):
    newest, oldest = run(data, "list").splitlines()
    assert newest == "     2  waiting    send        张三 to VIEWER  (0 done)"
    assert oldest == "     1  done       send        study 1 to VIEWER  (1/2 done, 1 failed)"
    assert run(data, "list", "--limit", 1).splitlines() == [newest]
    assert run(data, "list", "--state", "done", "--kind", "send").splitlines() == [oldest]
    assert run(data, "list", "--state", "running") == "no jobs\n"
    listed = [json.loads(line) for line in run(data, "list", "--json").splitlines()]
    assert [(job["id"], job["state"], job["failed"]) for job in listed] == [(2, "waiting", 0), (1, "done", 1)]


def test_a_job_is_shown_with_what_failed(data):
    shown = run(data, "show", 1, code=1)
    assert "attempts 1" in shown
    assert "  failed 1.2: A700 ?[2J no room" in shown
    assert "1.1" not in shown
    assert "  ok     1.1" in run(data, "show", 1, "--all", code=1)
    job, failed = [json.loads(line) for line in run(data, "show", 1, "--json", code=1).splitlines()]
    assert (job["arguments"], failed["item"], failed["result"]) == ({"node": "VIEWER"}, "1.2", "failed")
    assert "started  -" in run(data, "show", 2)


def test_a_job_is_cancelled_and_tried_again(data):
    assert "cancelled" in run(data, "cancel", 2)
    with pytest.raises(Conflict, match="ended already"):
        run(data, "cancel", 2)
    assert json.loads(run(data, "retry", 2, "--json"))["state"] == "waiting"
    with pytest.raises(NotFound, match="no job 4711"):
        run(data, "retry", 4711)
