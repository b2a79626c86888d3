"""``/api/jobs`` and the exchange's routes, over jobs in memory and an exchange that remembers."""

from __future__ import annotations

import json
import threading

import anyio
import pytest
from anyio.from_thread import start_blocking_portal

from calotype.dicom.hierarchy import Level, Selection
from calotype.errors import NotFound, Refused, Unavailable
from calotype.services.jobs.jobs import Jobs
from calotype.services.jobs.model import ItemResult
from calotype.services.jobs.settings import JobSettings
from calotype.services.routing.exchange import Answers, Method
from calotype.stores.index.memory_jobs import MemoryJobs
from calotype.web.app import create_app
from calotype.web.events import EventStream
from calotype.web.rooms import Rooms

LONG_S = 60
STUDY = "1.2.826.0.1.3680043.10.1839.2.1"


ABOUT_NOTHING = {
    "node": "",
    "destination": "",
    "patient_id": "",
    "studies": [],
    "study_count": 0,
    "series_count": 0,
    "instance_count": 0,
}


def work(run):
    run.total = 3
    run.outcome("1.1", ItemResult.OK)
    run.outcome("1.2", ItemResult.FAILED, "the node said no")
    run.outcome("1.3", ItemResult.WARNED, "coerced")
    if run.arguments.get("bad"):
        raise Refused("no")


@pytest.fixture
def jobs():
    made = Jobs(MemoryJobs(), JobSettings(publish_s=0.01))
    made.register("work", work)
    yield made
    made.stop(LONG_S)


class FakeExchange:
    """Makes jobs of nothing and remembers what was asked."""

    def __init__(self, jobs):
        self._jobs = jobs
        self.asked = []
        self.error = None

    def _job(self, *asked):
        self.asked.append(asked)
        if self.error is not None:
            raise self.error
        return self._jobs.submit("work", "asked for", {})

    def send(self, ae_title, selection, *, commit, deidentify):
        return self._job("send", ae_title, selection, commit, *([] if deidentify is None else [deidentify]))

    def wishes(self, options, patient_id, patient_name):
        return options, patient_id, patient_name

    def send_files(self, ae_title, paths, *, commit):
        return self._job("send-files", ae_title, [str(path) for path in paths], commit)

    def retrieve(self, ae_title, wanted, *, method, destination, transfer_syntaxes):
        return self._job("retrieve", ae_title, wanted, method, destination, transfer_syntaxes)

    def find(self, ae_title, level, keys, limit, _extensions):
        self._job("find", ae_title, level, keys, limit)
        return Answers([{"PatientName": "王^小东"}], is_complete=False)

    def worklist(self, ae_title, keys, limit):
        self._job("worklist", ae_title, keys, limit)
        return Answers([], is_complete=True)


@pytest.fixture
def exchange(jobs):
    return FakeExchange(jobs)


@pytest.fixture
def app(archive, settings, rejections, jobs, exchange):
    return create_app(Rooms(archive, rejections, jobs=jobs, exchange=exchange), settings)


def ended(jobs, job):
    *_, last = jobs.watch(job.id)
    return last


# Jobs


def test_jobs_are_listed_newest_first_filtered_and_paged(client, jobs):
    first = jobs.submit("work", "张三", {})
    second = jobs.submit("work", "second", {})
    jobs.cancel(second.id)
    listed = client.get("/api/jobs").json()
    assert [(job["id"], job["state"], job["title"]) for job in listed] == [
        (second.id, "cancelled", "second"),
        (first.id, "waiting", "张三"),
    ]
    assert "arguments" not in listed[0]
    assert [job["id"] for job in client.get(f"/api/jobs?before={second.id}").json()] == [first.id]
    assert [job["id"] for job in client.get("/api/jobs?state=waiting&state=running").json()] == [first.id]
    assert client.get("/api/jobs?kind=other").json() == []
    assert len(client.get("/api/jobs?limit=1").json()) == 1


@pytest.mark.parametrize("query", ["state=odd", "limit=0", "limit=1001", "before=0", f"before={10**30}"])
def test_odd_parameters_are_told(client, query):
    answer = client.get(f"/api/jobs?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid-request")


def test_a_job_is_shown_with_what_it_was_told(client, jobs):
    job = jobs.submit("work", "some work", {"studies": ["1.2"]}, total=7)
    shown = client.get(f"/api/jobs/{job.id}").json()
    assert shown == {
        "id": job.id,
        "kind": "work",
        "title": "some work",
        "state": "waiting",
        "done": 0,
        "failed": 0,
        "warned": 0,
        "total": 7,
        "attempts": 0,
        "created_us": job.created_us,
        "not_before_us": job.created_us,
        "started_us": None,
        "ended_us": None,
        "error": "",
        "error_said": [],
        "is_cancelling": False,
        "about": ABOUT_NOTHING,
        "arguments": {"studies": ["1.2"]},
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/jobs/4711"),
        ("DELETE", "/api/jobs/4711"),
        ("GET", "/api/jobs/4711/outcomes"),
        ("GET", "/api/jobs/4711/events"),
        ("POST", "/api/jobs/4711/cancel"),
        ("POST", "/api/jobs/4711/retry"),
    ],
)
def test_an_unknown_job_is_not_found(client, method, path):
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no job 4711.")


def test_outcomes_are_listed_filtered_and_paged(client, jobs):
    jobs.start()
    job = ended(jobs, jobs.submit("work", "", {}))
    outcomes = client.get(f"/api/jobs/{job.id}/outcomes").json()
    assert [(each["item"], each["result"], each["comment"]) for each in outcomes] == [
        ("1.1", "ok", ""),
        ("1.2", "failed", "the node said no"),
        ("1.3", "warned", "coerced"),
    ]
    [last] = client.get(f"/api/jobs/{job.id}/outcomes?after={outcomes[1]['number']}&limit=5").json()
    assert last["item"] == "1.3"
    failed = client.get(f"/api/jobs/{job.id}/outcomes?result=failed&result=warned").json()
    assert [each["item"] for each in failed] == ["1.2", "1.3"]


def test_a_job_is_cancelled_and_tried_again(client, jobs):
    job = jobs.submit("work", "", {})
    assert client.post(f"/api/jobs/{job.id}/cancel").json()["state"] == "cancelled"
    again = client.post(f"/api/jobs/{job.id}/cancel")
    assert (again.status_code, again.json()["reason"]) == (409, "conflict")
    assert client.post(f"/api/jobs/{job.id}/retry").json()["state"] == "waiting"


def test_ended_jobs_are_deleted_one_by_one_or_together(client, jobs):
    jobs.start()
    done, failed, other = (jobs.submit("work", "", {"bad": bad}) for bad in (False, True, False))
    for job in (done, failed, other):
        ended(jobs, job)
    assert client.request("DELETE", f"/api/jobs/{done.id}").status_code == 204
    assert client.get(f"/api/jobs/{done.id}").status_code == 404
    assert client.request("DELETE", "/api/jobs?state=failed").json() == {"removed": 1}
    assert [job["id"] for job in client.get("/api/jobs").json()] == [other.id]
    assert client.request("DELETE", "/api/jobs").json() == {"removed": 1}


def test_a_job_that_has_not_ended_is_not_deleted(client, jobs):
    job = jobs.submit("work", "", {})
    answer = client.request("DELETE", f"/api/jobs/{job.id}")
    assert answer.status_code == 409
    assert answer.json()["detail"] == f"Job {job.id} is waiting: cancel it before you delete it."
    assert client.request("DELETE", "/api/jobs").json() == {"removed": 0}


# Events


def events_in(body):
    return [
        dict(line.split(": ", 1) for line in block.splitlines())
        for block in body.split("\n\n")
        if block.startswith("event:")
    ]


def start_when_watched(jobs):
    waiting = threading.Event()
    while not jobs._watches._open:
        waiting.wait(0.01)
    jobs.start()


def test_the_events_of_a_job_end_with_it(client, jobs):
    job = jobs.submit("work", "", {})
    watching = threading.Thread(target=start_when_watched, args=(jobs,))
    watching.start()
    answer = client.get(f"/api/jobs/{job.id}/events")
    watching.join()
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.text.startswith("retry: 2000\n\n")
    seen = events_in(answer.text)
    assert {event["event"] for event in seen} == {"job"}
    assert json.loads(seen[0]["data"])["id"] == job.id
    assert json.loads(seen[-1]["data"])["state"] == "done"
    assert seen[-1]["id"] == "final"
    assert not any("id" in event for event in seen[:-1])
    again = client.get(f"/api/jobs/{job.id}/events", headers={"Last-Event-ID": "final"})
    assert (again.status_code, again.content) == (204, b"")


class Line:
    """An ASGI client of an event stream, in the same loop."""

    def __init__(self, *, begun_after=1, leaves_after=None, stalls=False):
        self.chunks = []
        self.is_complete = False
        self.got = anyio.Event()
        self._left = anyio.Event()
        self._begun_after = begun_after
        self._leaves_after = leaves_after
        self._stalls = stalls

    async def receive(self):
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if message["type"] != "http.response.body":
            return
        if self._stalls:
            await anyio.sleep_forever()
        if message["body"]:
            self.chunks.append(message["body"].decode())
        self.is_complete = not message.get("more_body")
        if len(self.chunks) >= self._begun_after:
            self.got.set()
        if self._leaves_after is not None and len(self.chunks) >= self._leaves_after:
            self._left.set()


def streamed(jobs, line, meanwhile, *, now=(), **how):
    """Run a stream of all jobs to its end, and ``meanwhile`` beside it in a thread once it has begun."""

    async def given():
        return list(now)

    async def run():
        stream = EventStream(
            lambda wake: jobs.changes(wake=wake),
            given,
            lambda job: {"id": job.id, "state": job.state},
            ends_with_job=False,
            **{"idle_s": LONG_S} | how,
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stream, {"type": "http", "path": "/e"}, line.receive, line.send)
            if meanwhile is not None:
                await line.got.wait()
                await anyio.to_thread.run_sync(meanwhile)

    with start_blocking_portal() as portal:
        portal.call(run)


def test_a_stream_of_all_jobs_begins_with_those_given_and_goes_on_with_changes(jobs):
    line = Line(begun_after=2, leaves_after=4)
    known = jobs.submit("work", "", {})

    def change():
        jobs.submit("work", "", {})
        jobs.cancel(known.id)

    # "retry" is the first chunk, the known job the second; of the first job's changes only the newest may be seen.
    streamed(jobs, line, change, now=[known])
    seen = [json.loads(chunk.split("data: ")[1]) for chunk in line.chunks[1:4]]
    assert seen[0] == {"id": known.id, "state": "waiting"}
    assert {event["id"] for event in seen[1:]} == {known.id, known.id + 1}
    assert not line.is_complete


def test_a_client_that_leaves_is_forgotten(jobs):
    streamed(jobs, Line(leaves_after=1), None)
    assert jobs._watches._open == ()


def test_a_stream_ends_when_the_house_closes(jobs):
    line = Line()
    streamed(jobs, line, lambda: jobs.stop(LONG_S))
    assert line.is_complete
    assert jobs._watches._open == ()


def test_a_quiet_stream_says_that_it_is_there(jobs):
    line = Line(leaves_after=3)
    streamed(jobs, line, None, keep_alive_s=0.01)
    assert line.chunks[1:3] == [": still here\n\n"] * 2


def test_a_client_that_takes_nothing_is_given_up(jobs):
    streamed(jobs, Line(stalls=True), None, idle_s=0.01)
    assert jobs._watches._open == ()


# The exchange


def post(client, path, body):
    return client.post(f"/api/nodes/PACS/{path}", json=body)


def test_a_selection_is_sent(client, exchange, jobs):
    answer = post(client, "send", {"studies": [STUDY, "1.2"], "patient_id": "P 1"})
    [job] = jobs.list()
    assert (answer.status_code, answer.json()["id"]) == (202, job.id)
    assert answer.headers["location"] == f"/api/jobs/{job.id}"
    assert exchange.asked == [("send", "PACS", Selection(Level.STUDY, (STUDY, "1.2"), patient_id="P 1"), False)]


def test_files_are_sent(client, exchange):
    assert post(client, "send", {"paths": ["/images/a", "/images/b"], "commit": True}).status_code == 202
    assert exchange.asked == [("send-files", "PACS", ["/images/a", "/images/b"], True)]
    both = post(client, "send", {"paths": ["/images/a"], "studies": [STUDY]})
    assert (both.status_code, "not both" in both.json()["detail"]) == (400, True)


def test_a_retrieve_says_how_and_where_to(client, exchange):
    body = {"studies": ["1"], "series": ["2"], "method": "get", "transfer_syntaxes": ["1.2.840.10008.1.2"]}
    assert post(client, "retrieve", body).status_code == 202
    assert post(client, "retrieve", {"patient_id": "P1", "destination": "VIEWER"}).status_code == 202
    assert exchange.asked == [
        ("retrieve", "PACS", Selection(Level.SERIES, ("1",), ("2",)), Method.GET, "", ["1.2.840.10008.1.2"]),
        ("retrieve", "PACS", Selection(Level.PATIENT, patient_id="P1"), Method.MOVE, "VIEWER", []),
    ]


def test_a_node_is_asked(client, exchange):
    answer = post(client, "find", {"level": "SERIES", "keys": {"StudyInstanceUID": STUDY}, "limit": 3})
    assert answer.json() == {"answers": [{"PatientName": "王^小东"}], "is_complete": False}
    keys = {"ScheduledProcedureStepSequence": [{"Modality": "CT"}]}
    assert post(client, "worklist", {"keys": keys}).json() == {"answers": [], "is_complete": True}
    assert exchange.asked == [
        ("find", "PACS", Level.SERIES, {"StudyInstanceUID": STUDY}, 3),
        ("worklist", "PACS", keys, 500),
    ]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("send", {}),
        ("send", {"study": STUDY}),
        ("send", {"studies": "1.2"}),
        ("send", {"studies": ["1.2*"]}),
        ("send", {"studies": ["1.2\\1.3"]}),
        ("send", {"studies": [""]}),
        ("send", {"studies": ["1" * 65]}),
        ("send", {"paths": ["/a\0b"]}),
        ("retrieve", {"studies": ["1.2"], "method": "fetch"}),
        ("retrieve", {"studies": ["1.2"], "destination": "A" * 17}),
        ("find", {"level": "PATIENTS"}),
        ("find", {"limit": 10_001}),
        ("find", {"keys": {"PatientID": 7}}),
        ("worklist", {"keys": []}),
    ],
)
def test_what_makes_no_sense_is_refused(client, exchange, path, body):
    answer = post(client, path, body)
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid-request")
    assert exchange.asked == []


@pytest.mark.parametrize(("error", "status"), [(NotFound("no node"), 404), (Unavailable("down"), 503)])
def test_errors_of_the_exchange_are_problem_documents(client, exchange, error, status):
    exchange.error = error
    answer = post(client, "find", {})
    assert (answer.status_code, answer.json()["detail"]) == (status, str(error))


def test_without_jobs_there_are_no_such_routes(archive, settings, rejections):
    app = create_app(Rooms(archive, rejections), settings)
    assert not [path for path in app.openapi()["paths"] if path.startswith(("/api/jobs", "/api/nodes"))]


def test_the_api_document_names_the_routes(app):
    paths = app.openapi()["paths"]
    assert {"/api/jobs", "/api/jobs/{job_id}/events", "/api/nodes/{ae_title}/send"} <= set(paths)
    assert paths["/api/jobs/events"]["get"]["responses"]["200"]["content"] == {"text/event-stream": {}}


def test_a_job_says_what_it_is_about(client, jobs):
    selection = {"level": "SERIES", "studies": [STUDY], "series": ["1.1", "1.2"], "instances": [], "patient_id": None}
    job = jobs.submit("work", "two series", {"node": "CT1", "selection": selection, "destination": "WS1"})
    assert client.get(f"/api/jobs/{job.id}").json()["about"] == {
        **ABOUT_NOTHING,
        "node": "CT1",
        "destination": "WS1",
        "studies": [STUDY],
        "study_count": 1,
        "series_count": 2,
    }


def test_a_job_of_many_studies_names_the_first_of_them(client, jobs):
    names = [f"1.{number}" for number in range(30)]
    job = jobs.submit("work", "many", {"selection": {"studies": names}})
    about = client.get(f"/api/jobs/{job.id}").json()["about"]
    assert (about["studies"], about["study_count"]) == (names[:20], 30)
