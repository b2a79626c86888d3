"""Schemathesis asks everything that the OpenAPI document tells of, sensibly and not; nothing of it is our fault."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation.modes import GenerationMode

from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import Http, HttpAccess, Settings, Storage
from calotype.services.archive.ports import Channel, Origin
from support import samples

pytestmark = pytest.mark.interop

EXAMPLES = 6
"""Of each operation and way of generating: a regression, not a campaign."""
BUDGET_S = 30.0
IDENTIFIERS = {
    "study": samples.uid(1), "series": samples.uid(1, 1), "instance": samples.uid(1, 1, 1), "frames": "1",
    "studyUID": samples.uid(1), "seriesUID": samples.uid(1, 1), "objectUID": samples.uid(1, 1, 1),
}  # fmt: skip


@schemathesis.serializer("multipart/related", "application/dicom")
def _as_it_is(_context, value):
    """Bodies of these are bytes; what else is generated for them is sent as text."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A whole house over one image, as it is served."""
    chosen = Settings(
        storage=Storage(path=tmp_path_factory.mktemp("archive"), durable=False, min_free_mib=1),
        listeners=(),
        http=Http(port=0, access=HttpAccess(login="off")),
    )
    with open_stores(chosen) as stores:
        file = samples.part10(
            samples.ct(study_uid=samples.uid(1), series_uid=samples.uid(1, 1), sop_uid=samples.uid(1, 1, 1))
        )
        with stores.archive.ingest.begin_part10(Origin(Channel.STOW)) as incoming:
            incoming.write((file,))
            incoming.commit()
        with House(chosen, stores) as house:
            yield house.web.url


@pytest.fixture(scope="module")
def session():
    with requests.Session() as session:
        yield session


def asked(session, case, url):
    """The status of what a case asks; ``None`` for what no client could send."""
    how = case.as_transport_kwargs(base_url=url)
    try:
        with session.request(**how, timeout=60, stream=True, allow_redirects=False) as response:
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                assert response.content is not None
            return response.status_code
    except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeEncodeError):
        return None


def cases_of(operation, mode, ask):
    """Give ``ask`` some cases of an operation; none when there is nothing in it to get wrong."""

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case):
        ask(case)

    with suppress(Unsatisfiable, schemathesis.errors.SchemathesisError):
        each()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_nothing_that_can_be_asked_is_an_error_of_ours(url, session, mode):
    document = session.get(f"{url}/api/openapi.json", timeout=60).json()
    until_s = time.monotonic() + BUDGET_S
    failed, answered, known = [], set(), set()

    def ask(case):
        if case.operation.label in answered and time.monotonic() > until_s:
            return
        if mode is GenerationMode.POSITIVE:
            # About something that is there, or most answers would be that nothing is.
            for container in (case.path_parameters, case.query):
                if container:
                    container.update({name: uid for name, uid in IDENTIFIERS.items() if name in container})
        status = asked(session, case, url)
        answered.add(case.operation.label)
        # 503 is no error of ours: a neighbour that does not answer, for one.
        if status is not None and status >= 500 and status != 503:
            failed.append((case.operation.label, status, case.as_curl_command()[:600]))

    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        known.add(operation.label)
        cases_of(operation, mode, ask)

    assert failed == []
    if mode is GenerationMode.POSITIVE:
        assert known - answered == set()
    else:
        assert {"GET /wado", "GET /dicomweb/studies"} <= answered
