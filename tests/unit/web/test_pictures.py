"""Frames, rendered resources and thumbnails over real services and a store in memory."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from calotype.network.rejections import Rejections
from calotype.services.archive.pictures import Pictures
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.settings import WebSettings
from support import multiparts, samples
from support.archives import House

J2K, HTJ2K = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201"
STUDY, SERIES = samples.uid(1), samples.uid(1, 1)


@pytest.fixture
def house():
    return House(MemoryObjectStore(), MemoryIndex())


@pytest.fixture
def app(house):
    pictures = Pictures(house.archive.retrieve, house.index)
    return create_app(Rooms(house.archive, Rejections(), pictures=pictures), WebSettings(chunk_bytes=1000))


def in_study(number, *, series=SERIES, **how):
    return {"study_uid": STUDY, "series_uid": series, "sop_uid": f"{series}.{number}", **how}


def url(number, rest="", *, series=SERIES):
    return f"/dicomweb/studies/{STUDY}/series/{series}/instances/{series}.{number}{rest}"


@pytest.fixture
def clip(house):
    """Three frames of 16 by 16, uncompressed."""
    house.store(samples.multi_frame(frames=3, **in_study(1)))
    return samples.pixels(16 * 16 * 3, 1)


@pytest.fixture
def compressed(house):
    """Two frames of 64 by 64 as JPEG 2000."""
    frames = [np.full((64, 64), grey, np.uint8) for grey in (40, 200)]
    codes = [imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k") for frame in frames]
    changes = {
        0x00280002: ("US", 1), 0x00280004: ("CS", "MONOCHROME2"), 0x00280006: None, 0x00280008: ("IS", "2"),
        0x00280010: ("US", 64), 0x00280011: ("US", 64), 0x00280100: ("US", 8), 0x00280101: ("US", 8),
        0x00280102: ("US", 7), 0x00280103: ("US", 0), 0x7FE00010: ("OB", samples.Fragments(codes)),
    }  # fmt: skip
    house.store(samples.small(syntax=J2K, changes=changes, **in_study(2)), syntax=J2K)
    return frames, codes


def parts_of(response):
    assert response.status_code == 200, response.text
    return [(headers["content-type"], content) for headers, content in multiparts.parts_of(response)]


def picture(response):
    assert response.status_code == 200, response.text
    return Image.open(io.BytesIO(response.content))


def related(media_type, syntax=""):
    return {"Accept": f'multipart/related; type="{media_type}"' + (f"; transfer-syntax={syntax}" if syntax else "")}


OCTETS = "application/octet-stream"
NATIVE = f"{OCTETS}; transfer-syntax={samples.EXPLICIT}"


def test_native_frames_are_their_bytes(client, clip):
    response = client.get(url(1, "/frames/3,1"), headers=related(OCTETS, "*"))

    assert parts_of(response) == [(NATIVE, clip[512:768]), (NATIVE, clip[:256])]


def test_one_frame_comes_alone_when_asked_so(client, clip):
    response = client.get(url(1, "/frames/2"), headers={"Accept": OCTETS})

    assert response.headers["content-type"] == NATIVE
    assert response.content == clip[256:512]


def test_several_frames_do_not_come_alone(client, clip):
    assert client.get(url(1, "/frames/1,2"), headers={"Accept": OCTETS}).status_code == 406


def test_encapsulated_frames_are_their_fragments(client, compressed):
    _, codes = compressed
    padded = [code + b"\0" * (len(code) % 2) for code in codes]

    as_stored = client.get(url(2, "/frames/1,2"), headers=related(OCTETS, "*"))
    by_name = client.get(url(2, "/frames/2"), headers=related("image/jp2"))

    assert parts_of(as_stored) == [(f"{OCTETS}; transfer-syntax={J2K}", code) for code in padded]
    assert parts_of(by_name) == [(f"image/jp2; transfer-syntax={J2K}", padded[1])]


@pytest.mark.parametrize("syntax", ["", samples.EXPLICIT])
def test_octets_are_uncompressed_unless_another_syntax_is_named(client, compressed, syntax):
    frames, _ = compressed

    response = client.get(url(2, "/frames/1,2"), headers=related(OCTETS, syntax))

    assert parts_of(response) == [(NATIVE, frame.tobytes()) for frame in frames]


@pytest.mark.parametrize(
    ("frames", "accept", "status"),
    [
        ("4", "*/*", 404), ("1,4", "*/*", 404), ("0", "*/*", 400), ("-1", "*/*", 400), ("1,,2", "*/*", 400),
        ("a", "*/*", 400), ("99999999999999", "*/*", 400), ("1", "video/mp4", 406), ("1", "text/html", 406),
        ("1", f'multipart/related; type="{OCTETS}"; transfer-syntax=1.2.840.10008.1.2.4.81', 406),
        ("1", f'multipart/related; type="{OCTETS}"; transfer-syntax=1.2.3', 406), ("1" * 60_000, "*/*", 400),
        (",".join(["1"] * 10_001), "*/*", 400), ("%00", "*/*", 400), ("\uff11", "*/*", 400),
    ],
)  # fmt: skip
def test_frames_that_cannot_be_had_are_refused(client, clip, frames, accept, status):
    assert client.get(url(1, f"/frames/{frames}"), headers={"Accept": accept}).status_code == status


@pytest.mark.parametrize(
    ("accept", "media_type", "syntax"),
    [
        ("image/jp2", "image/jp2", J2K),
        ("image/jls", "image/jls", "1.2.840.10008.1.2.4.80"),
        (f"{OCTETS}; transfer-syntax={HTJ2K}", OCTETS, HTJ2K),
        (f"image/jls; q=0.3, {OCTETS}; transfer-syntax={HTJ2K}; q=0.9", OCTETS, HTJ2K),
        (f"image/jls; q=0.9, {OCTETS}; transfer-syntax={HTJ2K}; q=0.3", "image/jls", "1.2.840.10008.1.2.4.80"),
    ],
)
def test_frames_are_transcoded_to_what_is_asked_for(client, clip, accept, media_type, syntax):
    answer = client.get(url(1, "/frames/2"), headers={"Accept": accept})
    assert answer.headers["content-type"] == f"{media_type}; transfer-syntax={syntax}", answer.text
    decode = imagecodecs.jpegls_decode if media_type == "image/jls" else imagecodecs.jpeg2k_decode
    assert decode(answer.content).tobytes() == clip[256:512]


def test_compressed_frames_are_transcoded_by_the_query_alone(client, compressed):
    frames, _ = compressed
    answer = client.get(url(2, "/frames/1,2"), params={"accept": "multipart/related; type=image/jls"})
    assert [imagecodecs.jpegls_decode(part).tolist() for _, part in parts_of(answer)] == [
        frame.tolist() for frame in frames
    ]
    answer = client.get(url(2, "/frames/1"), params={"accept": OCTETS, "transferSyntax": "*"})
    assert answer.content == compressed[1][0]


def test_frames_of_nothing_are_not_found(client, clip):
    assert client.get(url(9, "/frames/1")).status_code == 404


def test_an_object_without_pixels_has_no_frames(client, house):
    house.store(samples.structured_report(**in_study(3)))

    assert client.get(url(3, "/frames/1")).status_code == 406


@pytest.mark.parametrize(("media_type", "form"), [("image/jpeg", "JPEG"), ("image/png", "PNG"), ("image/gif", "GIF")])
def test_an_image_is_rendered_as_what_is_asked_for(client, house, media_type, form):
    house.store(samples.ct(**in_study(4)))

    response = client.get(url(4, "/rendered"), headers={"Accept": media_type})

    assert response.headers["content-type"] == media_type
    assert (picture(response).format, picture(response).size) == (form, (64, 64))


def test_a_picture_comes_as_jpeg_by_default_and_once_only(client, house):
    house.store(samples.ct(**in_study(4)))
    response = client.get(url(4, "/rendered"))

    again = client.get(url(4, "/rendered"), headers={"If-None-Match": response.headers["etag"]})

    assert response.headers["content-type"] == "image/jpeg"
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(url(4, "/rendered?quality=50")).headers["etag"] != response.headers["etag"]


def test_parameters_shape_the_picture(client, house):
    house.store(samples.ct(**in_study(4)))
    png = {"Accept": "image/png"}

    assert picture(client.get(url(4, "/rendered?viewport=32,100"), headers=png)).size == (32, 32)
    whole = np.asarray(picture(client.get(url(4, "/rendered?window=0,4000"), headers=png)))
    part = picture(client.get(url(4, "/rendered?window=0,4000&viewport=20,20,10,5,20,20"), headers=png))
    flipped = picture(client.get(url(4, "/rendered?window=0,4000&viewport=20,20,10,5,-20,20"), headers=png))
    assert np.array_equal(np.asarray(part), whole[5:25, 10:30])
    assert np.array_equal(np.asarray(flipped), whole[5:25, 10:30][:, ::-1])
    black = picture(client.get(url(4, "/rendered?window=100000,1,linear-exact"), headers=png))
    assert black.getextrema() == (0, 0)


def test_annotation_writes_into_the_corner(client, house):
    house.store(samples.ct(256, 256, **in_study(4)))

    plain, burned = (
        np.asarray(picture(client.get(url(4, f"/rendered?window=90000,1{more}"), headers={"Accept": "image/png"})))
        for more in ("", "&annotation=patient,technique")
    )

    assert plain.max() == 0
    assert burned[:60].max() > 200
    assert burned[200:].max() == 0


@pytest.mark.parametrize(
    "query",
    [
        "window=1", "window=a,b", "window=1,0", "window=1,2,cubic", "window=nan,1", "viewport=0,10", "viewport=10",
        "viewport=1.5,10", "viewport=99999,10", "viewport=10,10,500,500", "viewport=10,10,0,0,0,5", "quality=0",
        "quality=101", "quality=x", "iccprofile=other", "viewport=10,10,0,0,5,5,5", "annotation=", "annotation=a b",
        "annotation=patient,,technique", "annotation=%3Cb%3E", "quality=", "quality=1_0", "window=", "viewport=",
        "iccprofile=", "quality=50&quality=60", "charset=klingon", "charset=", "viewport=10,10,0,0,0,0",
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_named_and_refused(client, house, query):
    house.store(samples.ct(**in_study(4)))

    response = client.get(url(4, f"/rendered?{query}"))

    assert response.status_code == 400, response.content[:100]
    assert response.headers["content-type"] == "application/problem+json"


def test_annotations_that_mean_nothing_here_are_passed_over_with_a_word(client, house):
    house.store(samples.ct(**in_study(4)))

    response = client.get(url(4, "/rendered?annotation=patient,secrets"))

    assert response.headers["warning"] == '299 calotype "The following annotation values are not supported: secrets"'
    assert "warning" not in client.get(url(4, "/rendered?annotation=patient")).headers


def test_parameters_of_others_are_passed_over(client, house):
    house.store(samples.ct(**in_study(4)))

    plain = client.get(url(4, "/rendered"))

    assert client.get(url(4, "/rendered?viewpoint=1&viewpoint=2")).content == plain.content


@pytest.mark.parametrize("profile", ["srgb", "adobergb", "rommrgb", "displayp3", "yes"])
def test_colour_profiles_are_refused_where_the_file_cannot_carry_them(client, house, profile):
    house.store(samples.ct(**in_study(4)))

    assert client.get(url(4, f"/rendered?iccprofile={profile}")).status_code == 200
    assert client.get(url(4, f"/rendered?iccprofile={profile}"), headers={"Accept": "image/gif"}).status_code == 400
    assert client.get(url(4, "/rendered?iccprofile=no"), headers={"Accept": "image/gif"}).status_code == 200


def test_frames_are_rendered_alone_and_as_parts(client, compressed):
    png = {"Accept": "image/png"}

    assert picture(client.get(url(2, "/frames/2/rendered"), headers=png)).getextrema() == (200, 200)
    parts = parts_of(client.get(url(2, "/frames/2,1/rendered"), headers=related("image/png")))
    assert [Image.open(io.BytesIO(part)).getextrema()[0] for _, part in parts] == [200, 40]
    assert client.get(url(2, "/frames/3/rendered"), headers=png).status_code == 404
    assert client.get(url(2, "/frames/1/rendered"), headers={"Accept": "application/pdf"}).status_code == 406


def test_a_clip_is_an_animation_when_asked_as_gif_and_its_first_frame_otherwise(client, compressed):
    film = picture(client.get(url(2, "/rendered"), headers={"Accept": "image/gif"}))
    still = picture(client.get(url(2, "/rendered"), headers={"Accept": "image/png"}))

    assert film.n_frames == 2
    assert still.getextrema() == (40, 40)


def test_video_is_not_rendered_and_the_answer_says_what_to_ask_for(client, house):
    house.store(samples.compressed(syntax=samples.MPEG4, **in_study(5)), syntax=samples.MPEG4)
    for path in ("/rendered", "/frames/1/rendered"):
        answer = client.get(url(5, path))
        assert (answer.status_code, "as they are stored" in answer.text) == (406, True)
    assert client.get(url(5, "/thumbnail")).status_code == 200
    assert client.get(url(5), headers={"Accept": "application/dicom; transfer-syntax=*"}).status_code == 200


def test_films_are_not_offered_without_the_program_for_them(client, compressed):
    assert client.get(url(2, "/rendered"), headers={"Accept": "video/mp4"}).status_code == 406


def test_a_series_is_rendered_as_parts_and_by_one_picture(client, house, compressed):
    house.store(samples.ct(**in_study(4)))
    series = f"/dicomweb/studies/{STUDY}/series/{SERIES}/rendered"

    for path in (series, f"/dicomweb/studies/{STUDY}/rendered"):
        assert [kind for kind, _ in parts_of(client.get(path))] == ["image/jpeg"] * 2
        assert picture(client.get(path, headers={"Accept": "image/jpeg"})).format == "JPEG"


def test_documents_come_out_as_they_went_in(client, house):
    house.store(samples.pdf(size_bytes=501, **in_study(5)))

    response = client.get(url(5, "/rendered"))

    assert response.headers["content-type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-1.4\n")
    assert client.get(url(5, "/rendered"), headers={"Accept": "image/jpeg"}).status_code == 406


def test_reports_are_text_and_have_a_thumbnail(client, house):
    house.store(samples.structured_report(**in_study(3)))

    assert client.get(url(3, "/rendered")).headers["content-type"] == "text/html; charset=utf-8"
    assert client.get(url(3, "/rendered"), headers={"Accept": "image/jpeg"}).status_code == 406
    assert picture(client.get(url(3, "/thumbnail"))).size == (256, 256)


def test_text_is_in_the_character_set_that_is_asked_for(client, house):
    house.store(samples.structured_report(**in_study(3)))
    plain = {"Accept": "text/plain"}

    by_name = client.get(url(3, "/rendered?charset=GB18030"), headers=plain)
    by_header = client.get(url(3, "/rendered"), headers=plain | {"Accept-Charset": "x, gbk;q=0.9, utf-8;q=0.1"})
    too_small = client.get(url(3, "/rendered?charset=us-ascii"), headers=plain)
    escaped = client.get(url(3, "/rendered?charset=us-ascii"), headers={"Accept": "text/html"})

    assert (by_name.headers["content-type"], by_name.content.decode("gb18030").count("两肺")) == (
        "text/plain; charset=gb18030",
        2,
    )
    assert by_header.headers["content-type"] == "text/plain; charset=gbk"
    assert too_small.headers["content-type"] == "text/plain; charset=utf-8"
    assert (escaped.headers["content-type"], "&#20004;" in escaped.text) == ("text/html; charset=us-ascii", True)
    assert by_name.headers["etag"] != by_header.headers["etag"]
    again = client.get(
        url(3, "/rendered?charset=GB18030"), headers=plain | {"If-None-Match": by_name.headers["etag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize("media_type", ["text/html", "text/plain", "text/xml"])
def test_text_out_of_a_file_may_do_nothing_in_a_browser(client, house, media_type):
    house.store(samples.structured_report(**in_study(3)))

    headers = client.get(url(3, "/rendered"), headers={"Accept": media_type}).headers

    assert "sandbox" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_what_of_a_study_cannot_be_seen_makes_it_partial(client, house):
    house.store(samples.ct(**in_study(4)))
    house.store(samples.structured_report(**in_study(3)))
    study = f"/dicomweb/studies/{STUDY}/rendered"

    images = client.get(study)
    reports = client.get(study, headers=related("text/html"))

    assert (images.status_code, reports.status_code) == (206, 206)
    assert f"Content-Location: http://pacs.example:5000{url(4)}/rendered\r\n".encode() in images.content
    assert b"<!DOCTYPE html>" in reports.content
    assert client.get(study, headers=related("application/pdf")).status_code == 406


@pytest.mark.parametrize(
    "path",
    [f"/studies/{STUDY}", f"/series/{SERIES}", f"/studies/{STUDY}/series/{SERIES}", url(4).removeprefix("/dicomweb")],
)
def test_there_is_a_thumbnail_at_every_level(client, house, path):
    house.store(samples.structured_report(**in_study(3, series=samples.uid(1, 0))))
    house.store(samples.ct(**in_study(4)))

    response = client.get(f"/dicomweb{path}/thumbnail?size=100")

    assert response.headers["content-type"] == "image/jpeg"
    assert picture(response).size == (100, 100)
    assert picture(client.get(f"/dicomweb{path}/thumbnail?viewport=50,30")).size == (30, 30)
    assert picture(client.get(f"/dicomweb{path}/thumbnail?viewport=40")).size == (40, 40)


def test_frames_have_thumbnails(client, compressed):
    small = picture(client.get(url(2, "/frames/2/thumbnail?size=16"), headers={"Accept": "image/png"}))

    assert (small.size, small.getextrema()) == ((16, 16), (200, 200))


@pytest.mark.parametrize(
    "query",
    [
        "size=0",
        "size=5000",
        "viewport=",
        "viewport=0",
        "size=a",
        "size=",
        "viewport=9,9,0,0,5,5",
        "viewport=9,9,",
        "size=1&size=2",
    ],
)
def test_thumbnails_of_absurd_sizes_are_refused(client, house, query):
    house.store(samples.ct(**in_study(4)))

    assert client.get(url(4, f"/thumbnail?{query}")).status_code == 400


def test_what_cannot_be_decoded_has_a_drawn_thumbnail_and_is_not_acceptable_rendered(client, house):
    house.store(samples.compressed(**in_study(6)), syntax=samples.JPEG_BASELINE)

    assert picture(client.get(url(6, "/thumbnail"))).size == (256, 256)
    assert client.get(url(6, "/rendered")).status_code == 406


@pytest.mark.parametrize("path", ["/rendered", "/thumbnail", "/frames/1/rendered", "/frames/1/thumbnail"])
def test_pictures_of_nothing_are_not_found(client, house, path):
    assert client.get(url(1, path)).status_code == 404
