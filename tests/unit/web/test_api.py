"""The nouns of /api, and what every answer has in common."""

from __future__ import annotations

import logging

import pytest

from calotype import __version__
from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.errors import CalotypeError, Reason, Unavailable
from calotype.services.archive.ports import ConflictRecord, DamageRecord, Flag
from calotype.web import problems


def test_health_asks_nothing_of_the_archive(client, archive):
    archive.statistics = None

    response = client.get("/api/health")

    assert response.json() == {"status": "ok", "version": __version__}
    assert response.headers["cache-control"] == "private, no-cache"


def test_statistics_are_the_counters(client):
    assert client.get("/api/statistics").json() == {
        "patients": 1,
        "studies": 2,
        "series": 3,
        "instances": 4,
        "conflicts": 5,
        "stored_bytes": 6,
    }


def test_rejections_are_listed_newest_first_and_counted(client, rejections):
    for detail in ("first", "second"):
        rejections.add(
            listener="all",
            peer_address="192.0.2.1",
            calling_ae_title="MODALITY",
            called_ae_title="WRONG",
            words=("rejected permanently", "service user", "called AE title not recognized"),
            detail=detail,
        )

    page = client.get("/api/rejections", params={"limit": 1}).json()

    assert page["counts"] == {"called AE title not recognized": 2}
    assert [rejection["detail"] for rejection in page["recent"]] == ["second"]
    assert page["recent"][0]["calling_ae_title"] == "MODALITY"


def test_damaged_objects_are_listed(client, archive):
    ref = InstanceRef(UID("1.1"), UID("1.2"), UID("1.3"))
    archive.damage = [DamageRecord(ref, "the JPEG is cut off", 7)] * 3

    assert client.get("/api/damaged", params={"limit": 1}).json() == [
        {
            "flag": "pixels-damaged",
            "study": "1.1",
            "series": "1.2",
            "instance": "1.3",
            "detail": "the JPEG is cut off",
            "noticed_us": 7,
        }
    ]


def test_conflicts_are_listed(client, archive):
    ref = InstanceRef(UID("1.1"), UID("1.2"), UID("1.3"))
    archive.open_conflicts = [ConflictRecord(Flag.VERSION_CONFLICT, ref, "two contents", None, 7)] * 3

    assert client.get("/api/conflicts", params={"limit": 1}).json() == [
        {
            "flag": "version-conflict",
            "study": "1.1",
            "series": "1.2",
            "instance": "1.3",
            "detail": "two contents",
            "received_us": 7,
        }
    ]


@pytest.mark.parametrize("limit", ["0", "1001", "many", "-1"])
def test_a_limit_out_of_bounds_is_a_problem_document(client, limit):
    response = client.get("/api/rejections", params={"limit": limit})

    assert response.status_code == 400
    assert response.json()["detail"].startswith("query.limit: ")


def test_an_index_that_is_away_is_503_with_a_time_to_come_back(client, archive):
    def away():
        raise Unavailable("the index does not answer")

    archive.statistics = away

    response = client.get("/api/statistics")

    assert response.status_code == 503
    assert response.headers["retry-after"] == "10"
    assert response.json() == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "the index does not answer",
        "reason": "unavailable",
        "said": [{"text": "the index does not answer", "code": "unavailable", "values": {}, "cause": []}],
    }


def test_our_bug_is_500_and_tells_nothing_of_us(client, archive, caplog):
    def broken():
        raise RuntimeError("/secret/path")

    archive.statistics = broken

    with caplog.at_level(logging.ERROR):
        response = client.get("/api/statistics")

    assert response.status_code == 500
    assert "/secret/path" not in response.text
    assert response.json()["reason"] == "internal"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_every_reason_has_a_status():
    def error_for(reason):
        return type("Example", (CalotypeError,), {"reason": reason})("example")

    assert {reason: problems.status_of(error_for(reason)) for reason in Reason} == {
        Reason.INVALID_REQUEST: 400,
        Reason.NOT_FOUND: 404,
        Reason.CONFLICT: 409,
        Reason.REFUSED: 403,
        Reason.UNSUPPORTED: 406,
        Reason.OUT_OF_RESOURCES: 503,
        Reason.UNAVAILABLE: 503,
        Reason.CANCELLED: 499,
        Reason.INTERNAL: 500,
    }
    assert problems.status_of(problems.UnsupportedMediaType("")) == 415
    assert problems.status_of(problems.RequestTimeout("")) == 408


def test_details_are_bounded_and_on_one_line():
    body = problems.problem(400, "a\r\nb\ud800" + "x" * 5000).body

    assert len(body) < 2400
    assert body.count(b"a b?xxx") == 2


def test_a_problem_without_words_of_its_own_has_those_of_its_status(client):
    (told,) = client.get("/api/nothing").json()["said"]

    assert (told["text"], told["code"]) == ("Not Found", "not-found")


def test_the_description_lists_the_interface_and_no_page_loads_foreign_scripts(client):
    paths = client.get("/api/openapi.json").json()["paths"]

    assert sorted(path for path in paths if path.startswith("/api/")) == [
        "/api/conflicts",
        "/api/damaged",
        "/api/dictionary",
        "/api/health",
        "/api/launch",
        "/api/launch/weasis/{name}",
        "/api/rejections",
        "/api/sample",
        "/api/session",
        "/api/session/password",
        "/api/session/preferences",
        "/api/statistics",
        "/api/studies",
        "/api/studies/count",
        "/api/studies/{study}/text",
        "/api/texts",
    ]
    assert client.get("/docs").headers["location"] == "/ui/docs"
    assert client.get("/redoc").status_code == 404
