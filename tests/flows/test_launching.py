"""Studies opened in programs of the reader: links over real HTTP, tokens that open what they were made for."""

from urllib.parse import parse_qs, quote_plus, unquote_plus, urlsplit
from xml.etree import ElementTree as ET

import httpx
import pytest

from calotype.app.settings import Http, HttpAccess, Settings, Storage
from support import samples
from support.houses import house_with

PASSWORD = "salted paper in the dark"
MINE, OTHER = samples.uid(1), samples.uid(2)
SPACE = "{http://www.weasis.org/xsd/2.5}"


@pytest.fixture(scope="module", params=["required", "off"])
def site(tmp_path_factory, request):
    chosen = Settings(
        storage=Storage(path=tmp_path_factory.mktemp("archive"), durable=False, min_free_mib=1),
        listeners=(),
        http=Http(
            port=0,
            access=HttpAccess(admin_password=PASSWORD, login=request.param),
            viewers=("slicer", "Mine=mine://open?u={study_uid}&p={patient_id}"),
        ),
    )
    with house_with(chosen, MINE, OTHER) as house:
        yield house.web.url, request.param == "required"


@pytest.fixture
def reader(site):
    url, has_login = site
    with httpx.Client(base_url=url, timeout=60, auth=("admin", PASSWORD) if has_login else None) as client:
        yield client


@pytest.fixture
def program(site):
    """What runs on the reader's machine: it knows an address, and nothing else."""
    with httpx.Client(timeout=60) as client:
        yield client


def launch(reader, viewer, *studies):
    return reader.post("/api/launch", json={"viewer": viewer, "studies": list(studies)})


def manifest_of(address):
    return unquote_plus(address.removeprefix("weasis://?")).split('"')[1]


def test_the_viewers_are_weasis_and_those_of_the_settings(reader):
    titles = [each["title"] for each in reader.get("/api/launch").json()]
    assert titles == ["Weasis", "3D Slicer", "Mine"]


def test_weasis_fetches_what_its_link_opens(reader, program, site):
    url = manifest_of(launch(reader, "weasis", MINE).json()["uri"])
    answer = program.get(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/xml"
    query = ET.fromstring(answer.content)[0]
    assert [each.get("StudyInstanceUID") for each in query.iter(f"{SPACE}Study")] == [MINE]
    [instance] = query.iter(f"{SPACE}Instance")
    [series] = query.iter(f"{SPACE}Series")
    tag = query.find(f"{SPACE}httpTag")
    assert (tag is not None) is site[1]
    headers = {} if tag is None else {tag.get("key"): tag.get("value")}
    fetched = program.get(
        query.get("baseUrl"),
        params={
            "requestType": "WADO",
            "studyUID": MINE,
            "seriesUID": series.get("SeriesInstanceUID"),
            "objectUID": instance.get("SOPInstanceUID"),
            "contentType": "application/dicom",
        },
        headers=headers,
    )
    assert fetched.content[128:132] == b"DICM"


def test_a_link_opens_its_own_studies_alone(reader, program, site):
    url, has_login = site
    if not has_login:
        # Whoever is at this machine may read everything: no token is made.
        assert "launch_" not in launch(reader, "weasis", MINE).json()["uri"]
        return
    manifest = manifest_of(launch(reader, "weasis", MINE).json()["uri"])
    secret = manifest.rpartition("/")[2].removesuffix(".xml")
    bearer = {"Authorization": f"Bearer {secret}"}
    refused = [
        f"/api/launch/weasis/studies.xml?studyUID={OTHER}",
        f"/dicomweb/studies/{OTHER}/metadata",
        "/api/studies",
        "/api/launch",
        f"/weasis?studyUID={OTHER}",
    ]
    assert [program.get(url + path, headers=bearer).status_code for path in refused] == [403] * len(refused)
    assert program.get(url + f"/dicomweb/studies/{MINE}/metadata", headers=bearer).status_code == 200
    assert (
        program.post(url + "/api/launch", json={"viewer": "weasis", "studies": [OTHER]}, headers=bearer).status_code
        == 403
    )
    assert program.get(manifest.replace(secret, secret[:-2] + "xx")).status_code == 401


def test_slicer_gets_a_token_and_our_dicomweb(reader, program, site):
    asked = parse_qs(urlsplit(launch(reader, "slicer", MINE).json()["uri"]).query)
    assert asked["studyUID"] == [MINE]
    [dicomweb] = asked["dicomweb_endpoint"]
    headers = {"Authorization": f"Bearer {asked['access_token'][0]}"} if site[1] else {}
    found = program.get(f"{dicomweb}/studies", headers=headers).json()
    uids = {each["0020000D"]["Value"][0] for each in found}
    assert uids == ({MINE} if site[1] else {MINE, OTHER})


def test_a_template_of_ones_own_is_filled(reader):
    uri = launch(reader, "own-1", MINE).json()["uri"]
    assert uri.startswith(f"mine://open?u={MINE}&p=")


@pytest.mark.parametrize(
    ("viewer", "studies", "status"),
    [
        ("weasis", ["9.9.9"], 404),
        ("none", [MINE], 404),
        ("slicer", [MINE, OTHER], 400),
        ("weasis", [], 400),
        ("weasis", ["*"], 400),
        ("weasis", [f"9.{number}" for number in range(21)], 400),
    ],
)
def test_what_cannot_be_opened_is_told(reader, viewer, studies, status):
    assert launch(reader, viewer, *studies).status_code == status


def test_the_addresses_that_other_systems_know(reader):
    assert manifest_of(reader.get("/weasis", params={"studyUID": f"{MINE},{OTHER}"}).headers["location"])
    image = "/IHEInvokeImageDisplay"
    study = reader.get(image, params={"requestType": "STUDY", "studyUID": f"{MINE},{OTHER}"})
    assert study.headers["location"] == f"/ui/viewer/{MINE}?compare={OTHER}"
    [found] = reader.get("/dicomweb/studies", params={"StudyInstanceUID": MINE}).json()
    patient = found["00100020"]["Value"][0]
    newest = reader.get(f"{image}?requestType=PATIENT&patientID={quote_plus(patient)}&mostRecentResults=1")
    assert newest.headers["location"] in {f"/ui/viewer/{MINE}", f"/ui/viewer/{OTHER}"}
    statuses = [
        reader.get(image, params=params).status_code
        for params in (
            {},
            {"requestType": "STUDY"},
            {"requestType": "PATIENT", "patientID": "*"},
            {"requestType": "PATIENT", "patientID": "nobody"},
        )
    ]
    assert statuses == [400, 400, 400, 404]
