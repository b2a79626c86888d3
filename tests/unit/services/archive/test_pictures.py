"""What is shown of what, and what is kept of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.luts import Window
from calotype.dicom.uids import JPEG_2000_LOSSLESS, JPEG_LS_LOSSLESS
from calotype.errors import InvalidRequest, NotFound, Unsupported
from calotype.services.archive.documents import HTML, PDF, PLAIN, REPORT_TYPES, XML
from calotype.services.archive.ingest import DuplicatePolicy
from calotype.services.archive.looking import Looking
from calotype.services.archive.naming import name_of_object
from calotype.services.archive.pictures import GIF, JP2, MP4, PNG, STILLS, Burn, Pictures, Wish
from support import samples

STATE = "1.2.840.10008.5.1.4.1.1.11.1"
BIG_ENDIAN = samples.BIG_ENDIAN


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def coloured(*, seed=1, profile=b""):
    rows = {
        0x00280002: ("US", 3), 0x00280004: ("CS", "RGB"), 0x00280006: ("US", 0), 0x00280010: ("US", 4),
        0x00280011: ("US", 4), 0x00280100: ("US", 8), 0x00280101: ("US", 8), 0x00280102: ("US", 7),
        0x00280103: ("US", 0), 0x7FE00010: ("OB", samples.pixels(48, seed)),
    }  # fmt: skip
    if profile:
        rows[0x00282000] = ("OB", profile)
    return samples.small(seed=seed, sop_uid=f"1.7.{seed}", changes=rows)


class DictCache:
    def __init__(self):
        self.kept = {}

    def get(self, key):
        return self.kept.get(key)

    def put(self, key, data):
        self.kept[key] = data


class Projector:
    """Makes films that say what they were made of."""

    is_here = True

    def film(self, reel):
        return f"{reel.width}x{reel.height} {reel.is_colour} {reel.rate:g} {len(list(reel.frames))}".encode()


@pytest.fixture
def cache():
    return DictCache()


@pytest.fixture
def pictures(house, cache):
    return Pictures(house.archive.retrieve, house.index, cache=cache, cine=Projector())


@pytest.fixture
def stored(house):
    def store(data, *, syntax=samples.EXPLICIT):
        receipt = house.store(data, syntax=syntax)
        return house.index.instance(receipt.ref.instance)

    return store


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.data)))


def test_what_was_made_once_is_not_made_again(pictures, cache, stored):
    image = stored(samples.ct())

    first = pictures.rendered(image, Wish(PNG))
    cache.kept[first.tag] = b"from the cache"

    assert pictures.rendered(image, Wish(PNG)).data == b"from the cache"
    assert list(cache.kept) == [first.tag]


@pytest.mark.parametrize(("to", "is_kept"), [(JPEG_2000_LOSSLESS, True), (JPEG_LS_LOSSLESS, False)])
def test_a_frame_that_costs_much_is_kept_under_all_that_it_is(pictures, cache, stored, to, is_kept):
    clip = stored(samples.multi_frame())
    with pictures.open(clip) as opened:
        made = [pictures.encoded_frame(opened, number, to) for number in (1, 2, 1)]
        assert pictures.decoded_frame(opened, 1)

    assert made[0] == made[2] != made[1]
    assert list(cache.kept.values()) == (made[:2] if is_kept else [])
    assert all(key.startswith(name_of_object(clip.location.digest)) for key in cache.kept)


@pytest.mark.parametrize(
    "other",
    [
        Wish(GIF),
        Wish(PNG, frame=1),
        Wish(PNG, window=Window(1, 2)),
        Wish(PNG, fit=(9, 9)),
        Wish(PNG, quality=3),
        Wish(PNG, flip_vertical=True),
        Wish(PNG, burn=frozenset({Burn.PATIENT})),
        Wish(PNG, colour_space="yes"),
    ],
)
def test_another_wish_is_another_picture(pictures, stored, other):
    image = stored(samples.ct())

    assert pictures.rendered(image, other).tag != pictures.rendered(image, Wish(PNG)).tag


def test_wishes_that_are_the_same_have_the_same_name(pictures, stored):
    image = stored(samples.ct())
    both = [Wish(PNG, burn=frozenset(order)) for order in ((Burn.PATIENT, Burn.TECHNIQUE), tuple(Burn)[::-1])]

    assert len({pictures.rendered(image, wish).tag for wish in both}) == 1


def test_an_object_that_was_overwritten_is_shown_anew(house_with):
    house = house_with(duplicates=DuplicatePolicy.OVERWRITE)
    pictures = Pictures(house.archive.retrieve, house.index, cache=DictCache())
    how = {"sop_uid": "1.2.3", "series_uid": "1.2", "study_uid": "1"}
    seen = []
    for seed in (1, 2):
        house.store(samples.ct(seed=seed, **how))
        seen.append(pictures.rendered(house.index.instance(UID("1.2.3")), Wish(PNG)))

    assert seen[0].tag != seen[1].tag
    assert not np.array_equal(pixels(seen[0]), pixels(seen[1]))


def test_an_object_that_is_gone_has_no_picture(house, pictures, stored):
    image = stored(samples.ct())
    house.objects.delete(image.location.key)

    with pytest.raises(NotFound):
        pictures.rendered(image, Wish(PNG))


@pytest.mark.parametrize("syntax", [samples.IMPLICIT, samples.DEFLATED, BIG_ENDIAN])
def test_a_picture_does_not_depend_on_the_transfer_syntax(pictures, stored, syntax):
    images = [
        stored(samples.ct(syntax=each, sop_uid=f"1.2.{number}"), syntax=each)
        for number, each in enumerate((samples.EXPLICIT, syntax))
    ]

    first, second = (pixels(pictures.rendered(image, Wish(PNG))) for image in images)

    assert np.array_equal(first, second)


def test_forms_depend_on_the_object(pictures, stored):
    assert pictures.media_types(stored(samples.ct())) == STILLS
    assert pictures.media_types(stored(samples.multi_frame(seed=2))) == (*STILLS, MP4)
    assert pictures.media_types(stored(samples.pdf(seed=3))) == (PDF,)
    assert pictures.media_types(stored(samples.structured_report(seed=4))) == REPORT_TYPES
    assert pictures.media_types(stored(samples.small(seed=6))) == ()
    assert pictures.media_types(stored(samples.compressed(seed=5, syntax=samples.MPEG4), syntax=samples.MPEG4)) == ()


@pytest.mark.parametrize(
    ("declared", "media_type"),
    [
        ("application/pdf", PDF), ("APPLICATION/PDF ", PDF), ("text/XML", XML), ("application/xml", XML),
        ("model/stl", "model/stl"), ("text/html", None), ("application/javascript", None), ("", None),
    ],
)  # fmt: skip
def test_documents_come_out_if_their_kind_is_known(pictures, stored, declared, media_type):
    document = stored(samples.pdf(changes={0x00420012: ("LO", declared)}))

    assert pictures.media_types(document) == ((media_type,) if media_type else ())
    if media_type:
        assert pictures.rendered(document, Wish(media_type)).data.startswith(b"%PDF-1.4")
    else:
        with pytest.raises(Unsupported):
            pictures.rendered(document, Wish(PDF))


def test_reports_are_text_by_what_is_told_of_them_now(house, pictures, stored):
    report = stored(samples.structured_report())

    plain = pictures.rendered(report, Wish(PLAIN))

    assert "Finding: 两肺纹理清晰, 未见明显异常。" in plain.data.decode()
    assert pictures.rendered(report, Wish(HTML)).data.startswith(b"<!DOCTYPE html>")
    assert pictures.rendered(report, Wish(XML)).data.startswith(b"<?xml")
    assert pictures.rendered(report, Wish(PLAIN)).tag == plain.tag != pictures.rendered(report, Wish(HTML)).tag
    with pytest.raises(Unsupported):
        pictures.rendered(report, Wish(PDF))


def test_jpeg_2000_is_exact_at_its_best(pictures, stored):
    image = stored(coloured())

    best, other = (pictures.rendered(image, Wish(JP2, quality=quality)) for quality in (100, 30))

    assert np.array_equal(pixels(best), pixels(pictures.rendered(image, Wish(PNG))))
    assert other.data[4:8] == b"jP  "


def test_a_clip_becomes_a_film_at_its_own_rate(pictures, stored):
    clip = stored(samples.multi_frame(frames=4, changes={0x00181063: ("DS", "40")}))

    assert pictures.rendered(clip, Wish(MP4)).data == b"16x16 False 25 4"
    assert pictures.rendered(clip, Wish(MP4, fit=(8, 8))).data == b"8x8 False 25 4"


def test_the_middle_of_the_first_series_with_images_stands_for_a_study(house, pictures, stored):
    report = stored(samples.structured_report(seed=9))
    images = [stored(samples.ct(seed=seed, sop_uid=f"1.2.{seed}")) for seed in (1, 2, 3)]

    assert pictures.representative([report, *images]) == images[1]
    assert pictures.representative([report]) == report
    with pytest.raises(NotFound):
        pictures.representative([])


def presentation_state(*rows, image, frames=None, **how):
    reference = [(0x00081150, "UI", samples.CT), (0x00081155, "UI", image)]
    if frames:
        reference.append((0x00081160, "IS", frames))
    changes = {tag: (vr, value) for tag, vr, value in rows}
    changes[0x00081115] = ("SQ", [[(0x00081140, "SQ", [reference]), (0x0020000E, "UI", "1.2")]])
    return samples.small(STATE, "PR", changes=changes, **how)


def test_a_presentation_state_is_shown_by_its_image_and_an_image_by_a_state(pictures, stored):
    image = stored(samples.multi_frame(frames=2, sop_uid="1.2.3"))
    state = stored(presentation_state((0x20500020, "CS", "INVERSE"), image="1.2.3", frames="2", sop_uid="1.2.9"))
    plain = pixels(pictures.rendered(image, Wish(PNG, frame=2)))

    by_itself = pixels(pictures.rendered(state, Wish(PNG)))
    applied = pixels(pictures.rendered(image, Wish(PNG, frame=2, presentation=UID("1.2.9"))))

    assert np.array_equal(by_itself, 255 - plain)
    assert np.array_equal(applied, 255 - plain)
    assert pictures.media_types(state) == STILLS


def test_a_presentation_state_whose_image_is_not_here_cannot_be_shown(pictures, stored):
    state = stored(presentation_state(image="9.9.9", sop_uid="1.2.9"))

    with pytest.raises(Unsupported, match="not here"):
        pictures.rendered(state, Wish(PNG))
    assert pixels(pictures.thumbnail(state, Wish(PNG))).shape == (256, 256)


@pytest.mark.parametrize("uid", ["1.2.3", "9.9.9"])
def test_what_is_no_presentation_state_is_not_applied(pictures, stored, uid):
    image = stored(samples.ct(sop_uid="1.2.3"))

    with pytest.raises(NotFound, match="presentation state"):
        pictures.rendered(image, Wish(PNG, presentation=UID(uid)))


def test_a_file_that_is_cut_off_is_told_from_a_bad_request(house, pictures, stored):
    image = stored(samples.compressed())

    with pytest.raises(Unsupported, match="damaged"):
        pictures.rendered(image, Wish(PNG))


def test_headers_are_remembered_within_a_budget(house, stored):
    looking = Looking(house.archive.retrieve, remembered_bytes=200_000)
    images = [stored(samples.ct(seed=seed, sop_uid=f"1.2.{seed}")) for seed in range(30)]
    subjects = []
    for image in [images[0], *images, images[-1], images[0]]:
        with looking.open(image) as opened:
            subjects.append(opened.subject)

    assert subjects[0] is subjects[1]
    assert subjects[-3] is subjects[-2]
    assert subjects[0] is not subjects[-1]


def test_a_profile_travels_with_colour_only(pictures, stored):
    image = stored(samples.ct())
    colour = stored(coloured(profile=SRGB))
    wishes = [Wish(PNG, colour_space=each) for each in ("", "no", "yes", "srgb")]

    def profiles(each):
        shown = [Image.open(io.BytesIO(pictures.rendered(each, wish).data)) for wish in wishes]
        return ["icc_profile" in picture.info for picture in shown]

    assert profiles(image) == [False] * 4
    assert profiles(colour) == [True, False, True, True]
    assert profiles(stored(coloured(seed=2))) == [False, False, True, True]
    assert profiles(stored(coloured(seed=3, profile=b"no profile"))) == [True, False, True, True]
    with pytest.raises(InvalidRequest, match="image/gif carries no colour profile"):
        pictures.rendered(colour, Wish(GIF, colour_space="srgb"))
    assert pictures.rendered(colour, Wish(GIF, colour_space="no")).media_type == GIF
