"""The dictionary that pages name tags by."""


def test_every_attribute_has_its_keyword(client):
    response = client.get("/api/dictionary", headers={"Accept-Encoding": "identity"})
    names = response.json()
    assert response.headers["content-type"] == "application/json"
    assert names["00100020"] == "PatientID"
    assert names["60000010"] == "OverlayRows"
    assert len(names) > 4000


def test_it_is_packed_for_who_takes_that(client):
    response = client.get("/api/dictionary", headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert response.json()["00100010"] == "PatientName"
    assert response.headers["cache-control"] == "private, max-age=86400"
