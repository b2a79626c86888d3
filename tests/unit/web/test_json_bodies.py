"""Bodies that are JSON: what no store and no answer could hold is refused before a route sees it."""

import anyio
import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from fastapi import APIRouter, FastAPI

from calotype.web import problems
from calotype.web.json_bodies import MAX_BODY_BYTES, MAX_SMALL_BODY_BYTES, JsonRoute, SmallJsonRoute


class HastyRoute(JsonRoute):
    """A route that waits for nobody."""

    body_s = 0.0


@pytest.fixture
def route_class():
    return JsonRoute


@pytest.fixture
def post(route_class):
    app, routes = FastAPI(), APIRouter(route_class=route_class)

    @routes.post("/")
    async def echo(body: dict[str, str]) -> dict[str, str]:
        return body

    problems.install(app)
    app.include_router(routes)

    async def send(body):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.post("/", content=body, headers={"Content-Type": "application/json"})

    with start_blocking_portal() as portal:
        yield lambda body: portal.call(send, body)


def test_an_object_reaches_the_route(post):
    answer = post('{"PatientName": "张^三"}'.encode())
    assert (answer.status_code, answer.json()) == (200, {"PatientName": "张^三"})


@pytest.mark.parametrize(
    "body", [b'{"a": "\\ud800"}', b'{"\\ud800": "a"}', b'{"a": NaN}', b"[" * 100_000, b'{"a": "\xff"}', b"{"]
)
def test_what_is_no_strict_json_is_told(post, body):
    answer = post(body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "JSON" in answer.json()["detail"]


def test_a_body_has_an_end(post):
    answer = post(b'{"a": "' + b"x" * MAX_BODY_BYTES + b'"}')
    assert (answer.status_code, "at most 16777216 bytes" in answer.json()["detail"]) == (413, True)


@pytest.mark.parametrize("route_class", [SmallJsonRoute])
def test_what_people_type_is_short(post):
    answer = post(b'{"a": "' + b"x" * MAX_SMALL_BODY_BYTES + b'"}')
    assert (answer.status_code, "at most 65536 bytes" in answer.json()["detail"]) == (413, True)
    assert post(b'{"a": "' + b"x" * (MAX_SMALL_BODY_BYTES - 100) + b'"}').status_code == 200


@pytest.mark.parametrize("route_class", [HastyRoute])
def test_a_body_that_does_not_come_is_not_waited_for(post):
    async def begun():
        yield b'{"a": '
        await anyio.sleep_forever()

    answer = post(begun())
    assert (answer.status_code, answer.headers["connection"]) == (408, "close")
    assert "did not come within 0 s" in answer.json()["detail"]
