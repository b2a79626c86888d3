"""WADO-URI over real services and a store in memory: every parameter, every refusal."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image

from calotype.dicom.pixels.versions import has_current_codecs
from calotype.network.rejections import Rejections
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.archive.pictures import Pictures
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.settings import WebSettings
from support import samples
from support.archives import House

J2K = "1.2.840.10008.1.2.4.90"
STUDY, SERIES = samples.uid(1), samples.uid(1, 1)
DICOM = "application/dicom"
STATE = "1.2.840.10008.5.1.4.1.1.11.1"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture
def house():
    return House(MemoryObjectStore(), MemoryIndex())


@pytest.fixture
def app(house):
    pictures = Pictures(house.archive.retrieve, house.index)
    rooms = Rooms(house.archive, Rejections(), pictures=pictures, anonymiser=Anonymiser(lambda: bytes(range(32))))
    return create_app(rooms, WebSettings(chunk_bytes=1000))


def in_study(number, *, series=SERIES, **how):
    return {"study_uid": STUDY, "series_uid": series, "sop_uid": f"{series}.{number}", **how}


@pytest.fixture
def ask(client):
    def ask(number, *, accept="*/*", path="/wado", headers=None, **parameters):
        found = {"requestType": "WADO", "studyUID": STUDY, "seriesUID": SERIES, "objectUID": f"{SERIES}.{number}"}
        found |= parameters
        given = {name: value for name, value in found.items() if value is not None}
        return client.get(path, params=given, headers={"Accept": accept, **(headers or {})})

    return ask


@pytest.fixture
def image(house):
    """A CT of 64 by 64."""
    house.store(samples.ct(**in_study(1)))


@pytest.fixture
def clip(house):
    """Three frames of 16 by 16."""
    house.store(samples.multi_frame(frames=3, **in_study(2)))


def picture(response):
    assert response.status_code == 200, response.text
    return Image.open(io.BytesIO(response.content))


def data_set(response):
    assert (response.status_code, response.headers["content-type"].split(";")[0]) == (200, DICOM), response.text
    return pydicom.dcmread(io.BytesIO(response.content))


def refused(response, status, word):
    assert response.status_code == status, response.content[:200]
    assert response.headers["content-type"] == "application/problem+json"
    assert word in response.json()["detail"]


@pytest.mark.parametrize("name", ["requestType", "studyUID", "seriesUID", "objectUID"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_required_is_required(ask, image, name, value):
    refused(ask(1, **{name: value}), 400, name)


@pytest.mark.parametrize("name", ["studyUID", "seriesUID", "objectUID"])
def test_an_object_is_of_its_study_and_series_only(ask, image, name):
    refused(ask(1, **{name: samples.uid(9)}), 404, "no object")
    assert ask(1).status_code == 200


@pytest.mark.parametrize("value", ["1.2*", "../../etc/passwd ", "1\\2", "\x00", "1\r\nX: y", "é", "1" * 300])
def test_what_is_no_uid_is_refused(ask, image, value):
    refused(ask(1, objectUID=value), 400, "objectUID")


def test_other_requests_than_wado_are_refused(ask, image):
    refused(ask(1, requestType="WADOX"), 400, "requestType")
    assert ask(1, requestType="wado").status_code == 200


def test_names_come_in_any_case(client, image):
    query = f"requesttype=WADO&studyuid={STUDY}&SERIESUID={SERIES}&objectuid={SERIES}.1&contenttype=image/png"

    assert picture(client.get(f"/wado?{query}")).format == "PNG"
    refused(client.get(f"/wado?{query}&ContentType=image/gif"), 400, "contentType")


@pytest.mark.parametrize("path", ["/wado", "/dicomweb/wado", "/dicom-web/wado"])
def test_an_image_is_a_jpeg_unless_told_otherwise(ask, image, path):
    response = ask(1, path=path)

    assert response.headers["content-type"] == "image/jpeg"
    assert (picture(response).format, picture(response).size) == ("JPEG", (64, 64))
    assert response.headers["content-disposition"] == f'inline; filename="{SERIES}.1.jpg"'
    assert response.headers["content-location"].endswith(f"/instances/{SERIES}.1/rendered")


@pytest.mark.parametrize(
    ("content_type", "accept", "answered"),
    [
        (None, "*/*", "image/jpeg"),
        (None, "image/png", "image/png"),
        (None, "image/*", "image/jpeg"),
        (None, BROWSER, "image/jpeg"),
        (None, DICOM, DICOM),
        ("image/png", "*/*", "image/png"),
        ("image/gif", "image/*", "image/gif"),
        ("image/jp2", "*/*", "image/jp2"),
        (DICOM, "*/*", DICOM),
        (DICOM, DICOM, DICOM),
        ("image/png,image/jpeg", "*/*", "image/png"),
        ("image/png;q=0.1,image/jpeg", "*/*", "image/jpeg"),
        ("image/png, image/jpeg", "image/jpeg", "image/jpeg"),
        ("text/html, image/webp, image/gif", "*/*", "image/gif"),
        ("IMAGE/PNG", "*/*", "image/png"),
    ],
)
def test_content_type_decides_where_accept_allows(ask, image, content_type, accept, answered):
    response = ask(1, contentType=content_type, accept=accept)

    assert response.status_code == 200, response.text
    assert response.headers["content-type"].split(";")[0] == answered


@pytest.mark.parametrize(
    ("content_type", "accept"),
    [
        ("image/png", "image/jpeg"), (DICOM, "image/jpeg"), ("text/html", "*/*"), ("image/webp", "*/*"),
        (None, "text/html"), ("application/pdf", "*/*"), ("image/png;q=0", "*/*"), ("video/mp4", "*/*"),
        ("image/png", "image/png;q=0, */*"), ("application/dicom+json", "*/*"),
    ],
)  # fmt: skip
def test_what_fits_not_both_is_not_acceptable(ask, image, content_type, accept):
    refused(ask(1, contentType=content_type, accept=accept), 406, "comes as")


@pytest.mark.parametrize(
    "content_type", ["", "x", "image/jpeg,application/dicom", "application/dicom;transfer-syntax=1.2.840.10008.1.2.1",
                     "image/jpeg;charset=utf-8", "<script>", "image/"],
)  # fmt: skip
def test_a_content_type_is_dicom_or_rendered_types_without_parameters(ask, image, content_type):
    refused(ask(1, contentType=content_type), 400, "contentType")


def test_several_frames_come_as_the_object_and_one_of_them_as_a_picture(ask, clip):
    assert data_set(ask(2)).NumberOfFrames == 3
    first, third = (np.asarray(picture(ask(2, frameNumber=number, contentType="image/png"))) for number in (1, 3))
    assert ask(2, frameNumber=3).headers["content-type"] == "image/jpeg"
    assert not np.array_equal(first, third)
    assert np.array_equal(np.asarray(picture(ask(2, contentType="image/png"))), first)
    assert picture(ask(2, contentType="image/gif")).n_frames == 3
    # What an <img> asks for.
    assert ask(2, accept="image/avif,image/webp,image/*,*/*;q=0.8").headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize("number", ["0", "-1", "4", "99999999999", "x", "", "1.5", "1,2", "1_0", "\x00"])
def test_a_frame_is_one_that_is_there(ask, clip, number):
    refused(ask(2, frameNumber=number), 400, "frameNumber")


def test_what_has_no_frames_has_none_to_choose(ask, house, image):
    house.store(samples.structured_report(**in_study(3)))
    house.store(samples.pdf(**in_study(4)))

    assert ask(1, frameNumber=1).status_code == 200
    refused(ask(1, frameNumber=2), 400, "frameNumber")
    refused(ask(3, frameNumber=1), 400, "frameNumber")
    refused(ask(4, frameNumber=1, contentType="application/pdf"), 400, "frameNumber")


def test_reports_are_text(ask, house):
    house.store(samples.structured_report(**in_study(3)))

    assert ask(3).headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox" in ask(3).headers["content-security-policy"]
    assert "两肺" in ask(3, contentType="text/plain").text
    gb = ask(3, contentType="text/plain", charset="gb18030")
    assert (gb.headers["content-type"], "两肺" in gb.content.decode("gb18030")) == (
        "text/plain; charset=gb18030",
        True,
    )
    assert data_set(ask(3, contentType=DICOM)).Modality == "SR"
    refused(ask(3, contentType="image/jpeg"), 406, "text/html")
    refused(ask(3, charset="klingon"), 400, "charset")


def test_documents_come_out(ask, house):
    house.store(samples.pdf(**in_study(4)))

    assert ask(4).headers["content-type"] == "application/pdf"
    assert ask(4, contentType="application/pdf").content.startswith(b"%PDF")
    assert data_set(ask(4, contentType=DICOM)).Modality == "DOC"


def test_what_can_only_be_had_as_it_is_is_had_so(ask, house):
    house.store(samples.small(**in_study(5)))
    house.store(samples.compressed(**in_study(6), syntax=samples.MPEG4), syntax=samples.MPEG4)

    assert data_set(ask(5)).SOPInstanceUID == f"{SERIES}.5"
    assert ask(6).headers["content-type"] == f"{DICOM}; transfer-syntax={samples.MPEG4}"
    refused(ask(6, contentType="image/jpeg"), 406, DICOM)


def test_an_object_leaves_as_it_is_stored(ask, house):
    data = samples.ct(**in_study(7), syntax=samples.IMPLICIT)
    house.store(data, syntax=samples.IMPLICIT)

    for syntax in (None, "*", samples.IMPLICIT):
        response = ask(7, contentType=DICOM, transferSyntax=syntax)
        assert response.content.endswith(data)
        assert int(response.headers["content-length"]) == len(response.content)
        assert response.headers["content-type"] == f"{DICOM}; transfer-syntax={samples.IMPLICIT}"
    assert response.headers["content-disposition"] == f'inline; filename="{SERIES}.7.dcm"'
    assert response.headers["content-location"].endswith(f"/instances/{SERIES}.7")


OF_CURRENT_CODECS = {"4.80", "4.81", "4.201", "4.202", "4.203"}
"""What older codecs cannot safely write of 12 bits in 16."""
EXACT = ["1", "1.99", "5", "4.57", "4.70", "4.80", "4.90", "4.201", "4.202", "8.1"]
LOSSY = ["4.81", "4.91", "4.203"]
MAY_LOSE = {0x00280120: None, 0x00280103: ("US", 0)}
"""Padding is told by exact values, and signed pixels would wrap."""


@pytest.mark.parametrize("last", EXACT)
def test_an_object_leaves_in_every_syntax_that_we_write(ask, image, last):
    syntax = f"1.2.840.10008.1.2.{last}"

    response = ask(1, contentType=DICOM, transferSyntax=syntax)

    if last in OF_CURRENT_CODECS and not has_current_codecs():
        refused(response, 406, "")
        return

    assert response.headers["content-type"] == f"{DICOM}; transfer-syntax={syntax}"
    found = data_set(response)
    assert found.file_meta.TransferSyntaxUID == syntax
    assert found.SOPInstanceUID == f"{SERIES}.1"


@pytest.mark.parametrize("last", LOSSY)
def test_a_lossy_syntax_asked_for_by_name_makes_another_object(ask, house, last):
    house.store(samples.ct(changes=MAY_LOSE, **in_study(1)))

    response = ask(1, contentType=DICOM, transferSyntax=f"1.2.840.10008.1.2.{last}")

    if last in OF_CURRENT_CODECS and not has_current_codecs():
        refused(response, 406, "")
        return
    found = data_set(response)
    assert found.file_meta.TransferSyntaxUID == f"1.2.840.10008.1.2.{last}"
    assert found.LossyImageCompression == "01"
    assert found.SOPInstanceUID != f"{SERIES}.1"
    assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID


def test_quality_is_that_of_a_lossy_object_too(ask, house):
    changes = {
        0x00280002: ("US", 1), 0x00280004: ("CS", "MONOCHROME2"), 0x00280010: ("US", 64), 0x00280011: ("US", 64),
        0x00280100: ("US", 8), 0x00280101: ("US", 8), 0x00280102: ("US", 7), 0x00280103: ("US", 0),
        0x7FE00010: ("OW", samples.pixels(64 * 64, 1)),
    }  # fmt: skip
    house.store(samples.small(changes=changes, **in_study(8)))

    rough, fine = (
        ask(8, contentType=DICOM, transferSyntax=samples.JPEG_BASELINE, imageQuality=quality) for quality in (5, 95)
    )

    assert len(rough.content) < len(fine.content)


@pytest.mark.parametrize(
    "syntax", ["1.2.3", "1.2.840.10008.1.2.4.100", samples.BIG_ENDIAN, "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.1"]
)
def test_a_syntax_that_cannot_be_made_of_it_is_not_acceptable(ask, image, syntax):
    response = ask(1, contentType=DICOM, transferSyntax=syntax)

    assert response.status_code == 406 or response.headers["content-type"].endswith(f"={samples.BIG_ENDIAN}")


@pytest.mark.parametrize("syntax", ["", "x", "1..2", "1.2.", "1" * 65, "1.2\0", "\u0661"])
def test_a_syntax_is_a_uid(ask, image, syntax):
    refused(ask(1, transferSyntax=syntax), 400, "transferSyntax")


def test_viewport_region_and_window_shape_the_picture(ask, image):
    def seen(**how):
        return np.asarray(picture(ask(1, contentType="image/png", **how)))

    whole = seen(windowCenter=0, windowWidth=4000)
    assert seen(rows=32, columns=100).shape == (32, 32)
    assert seen(rows=16).shape == (16, 16)
    assert seen(columns=20).shape == (20, 20)
    part = seen(region="0.25,0.5,0.75,1.0", windowCenter=0, windowWidth=4000)
    assert np.array_equal(part, whole[32:64, 16:48])
    assert seen(region="0.25,0.5,0.75,1.0", columns=16, rows=99).shape == (16, 16)
    assert seen(windowCenter=100_000, windowWidth=1).max() == 0


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"rows": "0"}, "rows"), ({"rows": "x"}, "rows"), ({"columns": "1.5"}, "columns"),
        ({"columns": ""}, "columns"),
        ({"rows": "99999", "columns": "5"}, "viewport"), ({"region": "0,0,1"}, "region"),
        ({"region": "0,0,1,1.1"}, "region"), ({"region": "-0.1,0,1,1"}, "region"),
        ({"region": "0.5,0,0.5,1"}, "region"),
        ({"region": "0,0,x,1"}, "region"), ({"region": ""}, "region"), ({"region": "nan,0,1,1"}, "region"),
        ({"windowCenter": "1"}, "windowCenter"), ({"windowWidth": "1"}, "windowCenter"),
        ({"windowCenter": "x", "windowWidth": "1"}, "windowCenter"),
        ({"windowCenter": "1", "windowWidth": "0"}, "window"),
        ({"windowCenter": "1", "windowWidth": "inf"}, "windowWidth"),
        ({"windowCenter": "1", "windowWidth": "9", "contentType": DICOM}, "windowCenter"),
        ({"imageQuality": "0"}, "imageQuality"), ({"imageQuality": "101"}, "imageQuality"),
        ({"imageQuality": ""}, "imageQuality"), ({"annotation": ""}, "annotation"),
        ({"imageAnnotation": "<b>"}, "imageAnnotation"), ({"anonymize": "perhaps"}, "anonymize"),
        ({"damaged": "yes"}, "damaged"),
        ({"anonymize": "retain-uids"}, "anonymize"), ({"presentationUID": "1.2"}, "presentation"),
        ({"presentationSeriesUID": "1.2"}, "presentation"),
        ({"presentationSeriesUID": "1.2", "presentationUID": ""}, "presentation"),
        ({"presentationSeriesUID": "1.2", "presentationUID": "1.3"}, "presentationUID"),
        ({"presentationSeriesUID": SERIES, "presentationUID": f"{SERIES}.1"}, "presentationUID"),
        (
            {"presentationSeriesUID": "1", "presentationUID": "2", "windowCenter": "1", "windowWidth": "2"},
            "presentation state",
        ),
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_named_and_refused(ask, image, parameters, word):
    refused(ask(1, **parameters), 400, word)


def test_a_parameter_given_twice_is_refused(client, image):
    query = f"requestType=WADO&studyUID={STUDY}&seriesUID={SERIES}&objectUID={SERIES}.1"

    refused(client.get(f"/wado?{query}&objectUID=1"), 400, "objectUID")
    refused(client.get(f"/wado?{query}&rows=1&rows=1"), 400, "rows")
    assert client.get(f"/wado?{query}&other=1&other=2").status_code == 200


def test_quality_makes_smaller_files(ask, image):
    assert len(ask(1, imageQuality=5).content) < len(ask(1, imageQuality=100).content)


@pytest.mark.parametrize("name", ["annotation", "imageAnnotation"])
def test_annotation_writes_into_the_corner(ask, house, name):
    house.store(samples.ct(256, 256, **in_study(1)))
    dark = {"contentType": "image/png", "windowCenter": 90_000, "windowWidth": 1}

    burned = ask(1, **dark, **{name: "patient,technique,weather"})

    assert np.asarray(picture(ask(1, **dark))).max() == 0
    assert np.asarray(picture(burned))[:60].max() > 200
    assert burned.headers["warning"].endswith('are not supported: weather"')


def test_a_picture_comes_once_only(ask, image):
    tag = ask(1).headers["etag"]

    assert ask(1, headers={"If-None-Match": tag}).status_code == 304
    assert ask(1, imageQuality=3).headers["etag"] != tag


@pytest.fixture
def state(house, image):
    """A presentation state that shows the upper left quarter of the image, upside down."""
    area = [(0x00700052, "SL", (1, 1)), (0x00700053, "SL", (32, 32)), (0x00700100, "CS", "SCALE TO FIT")]
    changes = {
        0x00081115: ("SQ", [[
            (0x00081140, "SQ", [[(0x00081150, "UI", samples.CT), (0x00081155, "UI", f"{SERIES}.1")]]),
            (0x0020000E, "UI", SERIES),
        ]]),
        0x00700041: ("CS", "N"),
        0x00700042: ("US", 180),
        0x0070005A: ("SQ", [area]),
    }  # fmt: skip
    series = samples.uid(1, 2)
    house.store(samples.small(STATE, "PR", changes=changes, **in_study(1, series=series)))
    return {"presentationSeriesUID": series, "presentationUID": f"{series}.1"}


def test_a_presentation_state_is_applied_and_then_the_region(ask, state):
    plain, shown, part = (
        np.asarray(picture(ask(1, contentType="image/png", **how)))
        for how in ({}, state, {**state, "region": "0.5,0,1,0.25"})
    )

    assert shown.shape == (32, 32)
    assert not np.array_equal(shown, plain[:32, :32])
    # 9.5.2.4: the region is one of what the state shows, as it shows it.
    assert np.array_equal(part, shown[:8, 16:])
    assert ask(1, **state, annotation="patient", rows=16, columns=16, imageQuality=50).status_code == 200


@pytest.mark.parametrize("how", [{"frameNumber": 1}, {"region": "0,0,1,1"}, {"windowCenter": 1, "windowWidth": 2}])
def test_a_presentation_state_itself_is_shown_as_it_says(ask, state, how):
    asked = {"seriesUID": state["presentationSeriesUID"], "objectUID": state["presentationUID"]}

    assert picture(ask(1, **asked, contentType="image/png")).size == (32, 32)
    assert ask(1, **asked, **how).status_code == 400


class TestAnonymous:
    NAMES = ("Wang", "王", "XiaoDong", "PAT")

    def test_an_object_leaves_without_its_patient(self, ask, image):
        before = data_set(ask(1, contentType=DICOM))

        response = ask(1, contentType=DICOM, anonymize="yes")

        after = data_set(response)
        assert after.PatientIdentityRemoved == "YES"
        assert after.SOPInstanceUID != before.SOPInstanceUID == f"{SERIES}.1"
        assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
        assert str(before.PatientName) not in str(after)
        assert after.PixelData == before.PixelData
        assert f"{SERIES}.1" not in str(response.headers)

    @pytest.mark.parametrize(("word", "is_removed"), [("true", True), ("", True), ("no", False), ("false", False)])
    def test_yes_and_no_are_read_as_everywhere(self, ask, image, word, is_removed):
        found = data_set(ask(1, contentType=DICOM, anonymize=word))
        assert ("PatientIdentityRemoved" in found) is is_removed

    def test_and_in_another_syntax(self, ask, house):
        house.store(samples.ct(changes=MAY_LOSE, **in_study(1)))
        before = data_set(ask(1, contentType=DICOM))

        after = data_set(ask(1, contentType=DICOM, anonymize="yes", transferSyntax=J2K))
        lossy = data_set(ask(1, contentType=DICOM, anonymize="yes", transferSyntax=samples.JPEG_2000))

        assert after.file_meta.TransferSyntaxUID == J2K
        assert np.array_equal(
            imagecodecs.jpeg2k_decode(pydicom.encaps.get_frame(after.PixelData, 0)),
            np.frombuffer(before.PixelData, "<u2").reshape(64, 64) & ((1 << before.BitsStored) - 1),
        )
        assert (after.PatientIdentityRemoved, lossy.PatientIdentityRemoved) == ("YES", "YES")

    def test_a_picture_names_nobody(self, ask, house):
        house.store(samples.ct(256, 256, **in_study(1)))
        dark = {"contentType": "image/png", "windowCenter": 90_000, "windowWidth": 1, "annotation": "patient"}

        named, unnamed = (np.asarray(picture(ask(1, **dark, **more))) for more in ({}, {"anonymize": "yes"}))

        assert not np.array_equal(named, unnamed)
        assert "content-location" not in ask(1, **dark, anonymize="yes").headers
        assert SERIES not in str(ask(1, **dark, anonymize="yes").headers)

    def test_the_pixels_are_the_same(self, ask, image):
        plain, hidden = (picture(ask(1, contentType="image/png", **more)) for more in ({}, {"anonymize": "yes"}))

        assert np.array_equal(np.asarray(plain), np.asarray(hidden))

    def test_over_wado_rs_too(self, client, ask, image):
        path = f"/dicomweb/studies/{STUDY}/series/{SERIES}"
        plain = client.get(f"{path}/instances/{SERIES}.1/rendered", headers={"Accept": "image/png"})

        hidden = client.get(f"{path}/instances/{SERIES}.1/rendered?anonymize=yes", headers={"Accept": "image/png"})
        parts = client.get(f"{path}/rendered?anonymize=yes")
        small = client.get(f"{path}/thumbnail?anonymize=yes")

        assert hidden.content == plain.content
        assert hidden.headers["etag"] != plain.headers["etag"]
        assert (parts.status_code, b"Content-Location" in parts.content, SERIES in str(parts.headers)) == (
            200,
            False,
            False,
        )
        assert small.status_code == 200

    @pytest.mark.parametrize("rest", ["/rendered", "/thumbnail"])
    def test_wado_rs_refuses_suspects_as_well(self, client, house, rest):
        house.store(samples.ct(changes={0x00280301: ("CS", "YES")}, **in_study(1)))
        path = f"/dicomweb/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1{rest}"

        assert client.get(path).status_code == 200
        assert client.get(f"{path}?anonymize=yes").status_code == 403

    @pytest.mark.parametrize("content_type", [DICOM, "image/jpeg", "image/png"])
    def test_what_may_show_an_identity_is_refused(self, ask, house, content_type):
        house.store(samples.ct(changes={0x00280301: ("CS", "YES")}, **in_study(1)))

        assert ask(1, contentType=content_type).status_code == 200
        assert ask(1, contentType=content_type, anonymize="yes").status_code == 403

    @pytest.mark.parametrize("content_type", [None, DICOM, "text/html", "text/plain"])
    def test_reports_are_refused(self, ask, house, content_type):
        house.store(samples.structured_report(**in_study(3)))

        assert ask(3, contentType=content_type, anonymize="yes").status_code == 403

    def test_documents_are_refused(self, ask, house):
        house.store(samples.pdf(**in_study(4)))

        assert ask(4, anonymize="yes").status_code == 403

    def test_a_deflated_object_is_another_one_too(self, ask, house):
        house.store(samples.ct(syntax=samples.DEFLATED, **in_study(1)), syntax=samples.DEFLATED)

        assert data_set(ask(1, contentType=DICOM, anonymize="yes")).PatientIdentityRemoved == "YES"
        assert picture(ask(1, contentType="image/png", anonymize="yes")).size == (64, 64)
        exact = data_set(ask(1, contentType=DICOM, anonymize="yes", transferSyntax=samples.EXPLICIT))
        assert exact.PatientIdentityRemoved == "YES"

    def test_a_presentation_state_loses_its_words_and_keeps_its_view(self, ask, state):
        shown, hidden = (
            picture(ask(1, contentType="image/png", **state, **more)) for more in ({}, {"anonymize": "yes"})
        )

        assert np.array_equal(np.asarray(shown), np.asarray(hidden))


def test_without_an_anonymiser_nothing_leaves_by_that_name(house, portal_client):
    house.store(samples.ct(**in_study(1)))
    client = portal_client(create_app(Rooms(house.archive, Rejections()), WebSettings()))
    query = f"/wado?requestType=WADO&studyUID={STUDY}&seriesUID={SERIES}&objectUID={SERIES}.1"

    assert client.get(f"{query}&contentType={DICOM}&anonymize=yes").status_code == 406
    assert client.get(f"{query}&contentType={DICOM}").status_code == 200
    assert client.get(query).headers["content-type"].startswith(DICOM)
    assert client.get(f"{query}&contentType=image/jpeg").status_code == 406


def test_other_methods_are_refused(client, image):
    assert client.post("/wado").status_code == 405
