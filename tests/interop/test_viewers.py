"""Retrieval as viewers ask for it, query by query and header by header, from a running server behind a proxy.

The forms are those of Cornerstone's loaders (OHIF), of Weasis, of dicomweb-client (3D Slicer) and of pages that show
an ``<img>``. What they search for is in ``test_qido``.
"""

from __future__ import annotations

import io

import httpx
import numpy as np
import pydicom
import pytest
from dicomweb_client import DICOMwebClient
from PIL import Image

from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import Http, HttpAccess, Settings, Storage
from calotype.services.archive.ports import Channel, Origin
from support import bundled, samples

pytestmark = pytest.mark.interop

FILES = ("CT_small.dcm", "examples_ybr_color.dcm", "JPEG2000.dcm", "reportsi.dcm")
VIEWER = "https://viewer.example"
BROWSER_IMG = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
OHIF = {"Origin": VIEWER, "Accept-Language": "en", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site"}
WEASIS = {"User-Agent": "Weasis/4.6.0 (Windows 11; 10.0; amd64)", "Connection": "keep-alive"}
JAVA = {"Accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}
"""What Java's HTTP client accepts when nobody says otherwise."""
PROXY = {
    "Host": "inner:8000", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "pacs.example", "X-Forwarded-Prefix": "/radiology",
}  # fmt: skip
CORNERSTONE = "multipart/related; type=application/octet-stream; transfer-syntax=*"
"""Without quotes, as OHIF writes it where ``omitQuotationForMultipartRequest`` is set."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A whole house; the proxy before it is this machine, and its viewers come from another origin."""
    chosen = Settings(
        storage=Storage(path=tmp_path_factory.mktemp("archive"), durable=False, min_free_mib=1),
        listeners=(),
        http=Http(port=0, trusted_proxies=("127.0.0.1",), cors_origins=(VIEWER,), access=HttpAccess(login="off")),
    )
    with open_stores(chosen) as stores:
        for name in FILES:
            with stores.archive.ingest.begin_part10(Origin(Channel.STOW)) as incoming:
                incoming.write((bundled.named(name).path.read_bytes(),))
                incoming.commit()
        with House(chosen, stores) as house:
            yield house.web.url


@pytest.fixture(scope="module")
def http(server):
    with httpx.Client(base_url=server, timeout=60) as client:
        yield client


def path_of(name):
    found = bundled.named(name)
    return f"/studies/{found.study}/series/{found.series}/instances/{found.sop_instance}"


def wado(name, **more):
    found = bundled.named(name)
    query = {"studyUID": found.study, "seriesUID": found.series, "objectUID": found.sop_instance}
    return "/wado?requestType=WADO&" + "&".join(f"{key}={value}" for key, value in (query | more).items())


def ok(response):
    assert response.status_code == 200, response.text[:300]
    return response


def picture(response):
    return Image.open(io.BytesIO(ok(response).content))


class TestOhif:
    def test_metadata_of_a_series_comes_with_what_a_page_may_read(self, http):
        found = bundled.named("CT_small.dcm")

        answer = ok(
            http.get(
                f"/dicomweb/studies/{found.study}/series/{found.series}/metadata",
                headers=OHIF | {"Accept": "application/dicom+json"},
            )
        )

        assert answer.headers["access-control-allow-origin"] == VIEWER
        assert answer.json()[0]["00280010"]["Value"] == [128]

    def test_a_preflight_for_a_token_is_answered(self, http):
        answer = http.options(
            f"/dicomweb{path_of('CT_small.dcm')}/frames/1",
            headers={
                "Origin": VIEWER,
                "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": "accept,authorization",
            },
        )

        assert (ok(answer).headers["access-control-allow-origin"], "authorization" in
                answer.headers["access-control-allow-headers"].lower()) == (VIEWER, True)  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "number"), [("CT_small.dcm", 1), ("JPEG2000.dcm", 1), ("examples_ybr_color.dcm", 30)]
    )
    def test_frames_come_as_they_are_stored(self, http, name, number):
        stored = bundled.named(name)

        answer = ok(http.get(f"/dicomweb{path_of(name)}/frames/{number}", headers=OHIF | {"Accept": CORNERSTONE}))

        assert answer.headers["content-type"].startswith("multipart/related")
        assert f"transfer-syntax={stored.transfer_syntax}".encode() in answer.content[:400]

    def test_thumbnails_and_pictures(self, http):
        path = path_of("CT_small.dcm")

        rendered = http.get(f"/dicomweb{path}/rendered", headers=OHIF | {"Accept": "image/jpeg"})
        thumbnail = http.get(f"/dicomweb{path}/thumbnail?accept=image/jpeg", headers=OHIF | {"Accept": "*/*"})

        assert picture(rendered).size == (128, 128)
        assert picture(thumbnail).format == "JPEG"

    def test_downloads_by_wado_uri(self, http):
        answer = http.get(wado("CT_small.dcm", contentType="application%2Fdicom", transferSyntax="*"))

        assert ok(answer).content.endswith(bundled.named("CT_small.dcm").data_set)


class TestWeasis:
    def test_an_object_by_wado_uri(self, http):
        answer = http.get(
            wado("JPEG2000.dcm", contentType="application/dicom", transferSyntax="1.2.840.10008.1.2.1"),
            headers=WEASIS | JAVA,
        )

        found = pydicom.dcmread(io.BytesIO(ok(answer).content))
        assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
        assert found.pixel_array.shape == (found.Rows, found.Columns)

    def test_thumbnails_by_wado_uri(self, http):
        answer = http.get(
            wado("CT_small.dcm", contentType="image/jpeg", imageQuality=70, rows=256, columns=256),
            headers=WEASIS | JAVA,
        )

        assert picture(answer).size == (256, 256)

    def test_thumbnails_by_wado_rs(self, http):
        found = bundled.named("examples_ybr_color.dcm")
        series = f"/dicomweb/studies/{found.study}/series/{found.series}"

        answer = http.get(f"{series}/thumbnail?viewport=256%2C256", headers=WEASIS | {"Accept": "image/jpeg"})

        assert max(picture(answer).size) == 256

    def test_objects_by_wado_rs(self, http):
        answer = http.get(
            f"/dicomweb{path_of('CT_small.dcm')}",
            headers=WEASIS
            | {"Accept": "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1, "
                         "multipart/related; type=application/dicom; transfer-syntax=*"},
        )  # fmt: skip

        assert bundled.named("CT_small.dcm").data_set in ok(answer).content

    def test_a_clip_by_wado_uri_is_the_object(self, http):
        answer = http.get(wado("examples_ybr_color.dcm"), headers=WEASIS)

        assert ok(answer).headers["content-type"].startswith("application/dicom")


class TestSlicer:
    @pytest.fixture
    def client(self, server):
        return DICOMwebClient(f"{server}/dicomweb")

    def test_a_series_object_by_object(self, client):
        found = bundled.named("CT_small.dcm")

        [listed] = client.search_for_instances(found.study, found.series)
        uid = listed["00080018"]["Value"][0]
        got = client.retrieve_instance(found.study, found.series, uid)

        assert (uid, got.PixelData) == (found.sop_instance, pydicom.dcmread(found.path).PixelData)

    def test_a_whole_series_at_once(self, client):
        found = bundled.named("CT_small.dcm")

        assert len(client.retrieve_series(found.study, found.series)) == 1

    def test_pictures(self, client):
        found = bundled.named("CT_small.dcm")
        ref = (found.study, found.series, found.sop_instance)

        png = client.retrieve_instance_rendered(
            *ref, media_types=("image/png",), params={"viewport": "64,64", "window": "40,400,linear", "quality": "90"}
        )
        jpeg = client.retrieve_instance_frames_rendered(*ref, [1], media_types=("image/jpeg",))

        assert Image.open(io.BytesIO(png)).size == (64, 64)
        assert Image.open(io.BytesIO(jpeg)).format == "JPEG"

    def test_frames(self, client):
        found = bundled.named("CT_small.dcm")

        [frame] = client.retrieve_instance_frames(found.study, found.series, found.sop_instance, [1])

        assert np.array_equal(np.frombuffer(frame, "<i2"), pydicom.dcmread(found.path).pixel_array.ravel())


class TestPages:
    def test_an_img_shows_a_frame_of_a_clip_and_a_report_is_a_page(self, http):
        clip = http.get(wado("examples_ybr_color.dcm"), headers={"Accept": BROWSER_IMG})
        page = http.get(
            wado("reportsi.dcm"),
            headers={"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
        )

        assert picture(clip).format == "JPEG"
        assert ok(page).headers["content-type"] == "text/html; charset=utf-8"

    @pytest.mark.parametrize("query", ["size=100", "viewport=100,80", ""])
    def test_dicomscp_s_thumbnail_of_a_series(self, http, query):
        found = bundled.named("CT_small.dcm")

        for path in (f"/studies/{found.study}/series/{found.series}", f"/series/{found.series}"):
            assert picture(http.get(f"/dicomweb{path}/thumbnail?{query}")).format == "JPEG"


class TestBehindAProxy:
    OUTSIDE = "https://pacs.example/radiology/dicomweb"

    def test_every_address_is_the_one_outside(self, http):
        found = bundled.named("CT_small.dcm")
        json = PROXY | {"Accept": "application/dicom+json"}

        study = ok(http.get(f"/dicomweb/studies?StudyInstanceUID={found.study}", headers=json)).json()[0]
        metadata = ok(http.get(f"/dicomweb{path_of('CT_small.dcm')}/metadata", headers=json)).json()[0]
        object_ = ok(http.get(wado("CT_small.dcm"), headers=PROXY))

        assert study["00081190"]["Value"] == [f"{self.OUTSIDE}/studies/{found.study}"]
        assert metadata["7FE00010"]["BulkDataURI"].startswith(f"{self.OUTSIDE}{path_of('CT_small.dcm')}/")
        assert object_.headers["content-location"].startswith(f"{self.OUTSIDE}/studies/")

    def test_a_path_that_was_not_cut_off_is_found_too(self, http):
        assert ok(http.get(f"/radiology{wado('CT_small.dcm')}", headers=PROXY))

    def test_stored_objects_are_told_their_address_outside(self, http):
        file = samples.part10(samples.ct(seed=9))
        message = b"\r\n--x\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n--x--\r\n"

        answer = http.post(
            "/dicomweb/studies",
            content=message,
            headers=PROXY | {"Content-Type": 'multipart/related; type="application/dicom"; boundary=x'},
        )

        [stored] = ok(answer).json()["00081199"]["Value"]
        assert stored["00081190"]["Value"][0].startswith(f"{self.OUTSIDE}/studies/")
