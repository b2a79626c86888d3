"""Objects from metadata and bulk data: what streams say is filled in, what contradicts is refused."""

from __future__ import annotations

import io
import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from calotype.dicom.assembly.assemble import assemble
from calotype.dicom.assembly.media import BulkPart
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import scan
from calotype.dicom.pixels.codecs import decode
from calotype.dicom.pixels.description import described
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, JPEG_BASELINE, RLE_LOSSLESS
from calotype.errors import CalotypeError, InvalidRequest, Unsupported

BASE = "1.2.840.10008.1.2.4."
GREY = np.add.outer(np.arange(16), np.arange(24)).astype(np.uint8) * 3
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=2)
DEEP = GREY.astype(np.uint16) * 20

IMAGE = {
    "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]},
    "00080018": {"vr": "UI", "Value": ["1.2.3"]},
    "7FE00010": {"vr": "OB", "BulkDataURI": "pixels"},
}


def part(media_type, content, syntax=""):
    return BulkPart(media_type, UID(syntax), memoryview(content))


def built(data_set, *parts):
    """The built object: its transfer syntax, its bytes, and what its header says as JSON."""
    import orjson

    found = assemble(data_set, lambda _uri: parts)
    data = b"".join(found.pieces)
    header = orjson.loads(scan(data, found.transfer_syntax, data_bytes=len(data)).json())
    return found.transfer_syntax, data, {tag: each.get("Value") for tag, each in header.items()}


def us(tag, number):
    return {tag: {"vr": "US", "Value": [number]}}


def cs(tag, text):
    return {tag: {"vr": "CS", "Value": [text]}}


def native(rows=16, columns=24, bits=8, samples=1):
    return {
        **us("00280002", samples),
        **cs("00280004", "MONOCHROME2" if samples == 1 else "RGB"),
        **us("00280010", rows),
        **us("00280011", columns),
        **us("00280100", bits),
        **us("00280101", bits),
        **us("00280102", bits - 1),
        **us("00280103", 0),
    }


def fragments_of(data):
    """The fragments of an encapsulated value at the end of a data set, the offset table first."""
    at = data.index(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff") + 12
    found = []
    while data[at : at + 4] == b"\xfe\xff\0\xe0":
        (size,) = struct.unpack_from("<L", data, at + 4)
        found.append(data[at + 8 : at + 8 + size])
        at += 8 + size
    assert data[at:] == b"\xfe\xff\xdd\xe0\0\0\0\0"
    return found


def jpeg(pixels, **how):
    return imagecodecs.jpeg8_encode(pixels, **({"level": 90} | how))


def j2k(pixels, *, reversible=True, mct=False):
    return imagecodecs.jpeg2k_encode(
        pixels, level=0 if reversible else 40, reversible=reversible, codecformat="j2k", mct=mct
    )


CODED = {
    "jpeg grey": ("image/jpeg", jpeg(GREY), "50", "MONOCHROME2", 8),
    "jpeg colour": ("image/jpeg", jpeg(COLOUR), "50", "YBR_FULL_422", 8),
    "jpeg lossless": (
        "image/jpeg",
        imagecodecs.jpeg8_encode(DEEP, bitspersample=16, lossless=True, predictor=1),
        "70",
        "MONOCHROME2",
        16,
    ),
    "jpeg-ls": ("image/jls", imagecodecs.jpegls_encode(GREY), "80", "MONOCHROME2", 8),
    "jpeg-ls near": ("image/x-jls", imagecodecs.jpegls_encode(GREY, level=2), "81", "MONOCHROME2", 8),
    "jpeg 2000": ("image/jp2", j2k(DEEP), "90", "MONOCHROME2", 16),
    "jpeg 2000 lossy": ("image/jp2", j2k(COLOUR, reversible=False, mct=True), "91", "YBR_ICT", 8),
    "jpeg 2000 colour": ("image/j2c", j2k(COLOUR, mct=True), "90", "YBR_RCT", 8),
    "jpeg 2000 plain colour": ("image/j2c", j2k(COLOUR), "90", "RGB", 8),
    "htj2k": ("image/jphc", imagecodecs.htj2k_encode(DEEP, reversible=True), "201", "MONOCHROME2", 16),
}


@pytest.mark.parametrize("name", CODED)
def test_a_codestream_says_its_syntax_and_its_pixels(name):
    media_type, stream, syntax, colour, bits = CODED[name]

    found, data, header = built(IMAGE, part(media_type, stream))

    assert found == BASE + syntax
    assert (header["00280010"], header["00280011"]) == ([16], [24])
    assert header["00280002"] == [1 if colour == "MONOCHROME2" else 3]
    assert header["00280004"] == [colour]
    assert (header["00280100"], header["00280101"], header["00280102"]) == ([bits], [bits], [bits - 1])
    table, fragment = fragments_of(data)
    assert table == bytes(4)
    assert fragment.rstrip(b"\0") == stream.rstrip(b"\0")
    is_lossy = syntax in {"50", "81", "91"}
    assert header.get("00282110") == (["01"] if is_lossy else None)
    assert ("00282114" in header) is is_lossy


def test_frames_come_one_part_each_and_get_an_offset_table():
    streams = [jpeg(GREY), jpeg(GREY[::-1]), jpeg(GREY.T[:16, :].repeat(2, 1)[:16, :24].copy())]

    syntax, data, header = built(IMAGE, *(part("image/jpeg", stream) for stream in streams))

    table, *fragments = fragments_of(data)
    assert syntax == JPEG_BASELINE
    assert header["00280008"] == [3]
    assert [fragment[: len(stream)] for fragment, stream in zip(fragments, streams, strict=True)] == streams
    offsets = [0]
    for fragment in fragments[:-1]:
        offsets.append(offsets[-1] + 8 + len(fragment))
    assert struct.unpack("<3L", table) == tuple(offsets)


def test_the_file_around_a_jpeg_2000_codestream_is_left_out():
    stream = imagecodecs.jpeg2k_encode(GREY, level=0, reversible=True, codecformat="jp2")
    assert stream[4:8] == b"jP  "

    _, data, _ = built(IMAGE, part("image/jp2", stream))

    assert fragments_of(data)[1].startswith(b"\xff\x4f\xff\x51")


@pytest.mark.parametrize("name", ["jpeg lossless", "jpeg-ls", "jpeg 2000", "htj2k"])
def test_what_is_built_is_decoded_again(name):
    media_type, stream, *_ = CODED[name]
    syntax, data, header = built(IMAGE, part(media_type, stream))
    values = {
        int(tag, 16): struct.pack("<H", header[tag][0])
        for tag in ("00280002", "00280010", "00280011", "00280100", "00280101", "00280102", "00280103")
    }

    frame = decode(fragments_of(data)[1], described(values | {0x00280004: header["00280004"][0].encode()}), syntax)

    assert (np.asarray(frame).reshape(16, 24) == (GREY if header["00280100"] == [8] else DEEP)).all()


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (us("00280010", 17), "rows|Rows"),
        (us("00280011", 23), "Columns"),
        (us("00280002", 1), "SamplesPerPixel"),
        (cs("00280004", "YBR_ICT"), "PhotometricInterpretation"),
        (cs("00282110", "00"), "LossyImageCompression"),
        ({"00280008": {"vr": "IS", "Value": [2]}}, "NumberOfFrames"),
    ],
)
def test_metadata_that_contradict_a_stream_are_refused(said, complaint):
    with pytest.raises(InvalidRequest, match=complaint):
        built(IMAGE | said, part("image/jpeg", jpeg(COLOUR)))


def test_metadata_that_agree_are_kept():
    said = native() | cs("00280004", "MONOCHROME1") | {"00282112": {"vr": "DS", "Value": [9]}}

    _, _, header = built(IMAGE | said, part("image/jpeg", jpeg(GREY)))

    assert header["00280004"] == ["MONOCHROME1"]
    assert header["00282112"] == [9]
    assert "00282114" not in header


@pytest.mark.parametrize(
    ("media_type", "content", "syntax", "error"),
    [
        ("image/jpeg", jpeg(GREY)[:-30], "", InvalidRequest),
        ("image/jpeg", b"no jpeg", "", InvalidRequest),
        ("image/jpeg", b"", "", InvalidRequest),
        ("image/jpeg", CODED["jpeg-ls"][1], "", Unsupported),
        ("image/jls", jpeg(GREY), "", InvalidRequest),
        ("image/jp2", jpeg(GREY), "", InvalidRequest),
        ("image/jpeg", jpeg(GREY), BASE + "90", Unsupported),
        ("image/jpeg", jpeg(GREY), BASE + "70", InvalidRequest),
        ("image/jp2", CODED["jpeg 2000 lossy"][1], BASE + "90", InvalidRequest),
        ("image/webp", b"RIFF", "", Unsupported),
        ("image/png", b"\x89PNG broken", "", InvalidRequest),
        ("image/gif", b"GIF89a broken", "", InvalidRequest),
        ("application/pdf", b"%PDF-1.4", "", InvalidRequest),
        ("video/mp4", b"\0\0\0\x10ftypisom\0\0\0\0", "", InvalidRequest),
        ("video/mp4", b"no container", "", CalotypeError),
        ("application/octet-stream", bytes(10), "", CalotypeError),
        ("application/octet-stream", b"x", "1.2.3", Unsupported),
    ],
)
def test_streams_that_are_none_of_their_type_are_refused(media_type, content, syntax, error):
    with pytest.raises(error):
        built(IMAGE, part(media_type, content, syntax))


def test_a_progressive_jpeg_has_no_transfer_syntax():
    into = io.BytesIO()
    Image.fromarray(GREY).save(into, "JPEG", progressive=True)

    with pytest.raises(Unsupported, match="progressive"):
        built(IMAGE, part("image/jpeg", into.getvalue()))


def test_rle_needs_its_metadata_and_gets_them():
    frame = struct.pack("<16L", 1, 64, *[0] * 14) + b"".join(b"\x17" + row.tobytes() for row in GREY)

    syntax, data, _ = built(IMAGE | native(), part("image/dicom-rle", frame))
    assert syntax == RLE_LOSSLESS
    assert fragments_of(data)[1] == frame
    with pytest.raises(InvalidRequest):
        built(IMAGE, part("image/dicom-rle", frame))


def test_octets_in_a_compressed_syntax_are_frames():
    stream = jpeg(GREY)

    assert built(IMAGE, part("application/octet-stream", stream, JPEG_BASELINE))[0] == JPEG_BASELINE


@pytest.mark.parametrize("frames", [1, 3])
def test_raw_pixels_are_kept_as_they_are(frames):
    said = native(bits=16) | {"00280008": {"vr": "IS", "Value": [frames]}}

    syntax, data, _ = built(IMAGE | said, *[part("application/octet-stream", DEEP.tobytes())] * frames)

    assert syntax == EXPLICIT_VR_LITTLE_ENDIAN
    assert data.endswith(DEEP.tobytes() * frames)


@pytest.mark.parametrize("size", [0, 100, 767, 769])
def test_raw_pixels_that_do_not_fit_are_refused(size):
    with pytest.raises(InvalidRequest, match="take 768"):
        built(IMAGE | native(bits=16), part("application/octet-stream", bytes(size)))


def test_inline_pixels_are_held_against_their_description_too():
    inline = {"7FE00010": {"vr": "OB", "InlineBinary": "AAAA"}}

    with pytest.raises(InvalidRequest, match="take 384"):
        built(IMAGE | native() | inline)


@pytest.mark.parametrize(
    ("pixels", "colour"),
    [(GREY, "MONOCHROME2"), (COLOUR, "RGB"), (DEEP, "MONOCHROME2"), (COLOUR.astype(np.uint16) * 99, "RGB")],
)
def test_a_png_is_decoded_without_loss(pixels, colour):
    syntax, data, header = built(IMAGE, part("image/png", imagecodecs.png_encode(pixels)))

    assert syntax == EXPLICIT_VR_LITTLE_ENDIAN
    assert header["00280004"] == [colour]
    assert header["00280100"] == [8 * pixels.itemsize]
    assert data.endswith(pixels.tobytes())


def test_transparency_is_dropped():
    rgba = np.dstack([COLOUR, GREY])

    assert built(IMAGE, part("image/png", imagecodecs.png_encode(rgba)))[1].endswith(COLOUR.tobytes())


def test_an_animated_gif_is_a_multi_frame_image():
    into = io.BytesIO()
    frames = [Image.fromarray(COLOUR).quantize(16), Image.fromarray(COLOUR[::-1].copy()).quantize(16)]
    frames[0].save(into, "GIF", save_all=True, append_images=frames[1:], duration=100)

    _, data, header = built(IMAGE, part("image/gif", into.getvalue()))

    assert (header["00280008"], header["00280004"]) == ([2], ["RGB"])
    assert len(data) > 2 * COLOUR.nbytes


def test_a_picture_bomb_is_refused_before_it_is_decoded():
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">LLBBBBB", 2**30, 2**30, 8, 2, 0, 0, 0) + bytes(20)

    with pytest.raises(InvalidRequest, match="larger"):
        built(IMAGE, part("image/png", head))


def box(kind, *contents):
    content = b"".join(contents)
    return struct.pack(">L4s", 8 + len(content), kind) + content


def mp4(*, entry=b"avc1", profile=100, level=41, frames=50, rows=480, columns=640, timescale=1000, duration=2000):
    configuration = (
        box(b"avcC", bytes([1, profile, 0, level, 0xFF]))
        if entry == b"avc1"
        else box(b"hvcC", bytes([1, profile]) + bytes(10) + bytes([level]) + bytes(10))
    )
    sample = box(entry, bytes(24), struct.pack(">HH", columns, rows), bytes(50), configuration)
    table = box(
        b"stbl", box(b"stsd", struct.pack(">LL", 0, 1), sample), box(b"stsz", struct.pack(">LLL", 0, 0, frames))
    )
    media = box(
        b"mdia",
        box(b"mdhd", struct.pack(">LLLLL", 0, 0, 0, timescale, duration), bytes(4)),
        box(b"hdlr", bytes(8), b"vide", bytes(12)),
        box(b"minf", table),
    )
    sound = box(b"trak", box(b"mdia", box(b"hdlr", bytes(8), b"soun")))
    return box(b"ftyp", b"isom", bytes(4)) + box(b"mdat", bytes(100)) + box(b"moov", sound, box(b"trak", media))


@pytest.mark.parametrize(
    ("how", "syntax", "bits"),
    [
        ({}, "102", 8),
        ({"level": 42}, "104", 8),
        ({"profile": 77, "level": 30}, "102", 8),
        ({"entry": b"hvc1", "profile": 1, "level": 120}, "107", 8),
        ({"entry": b"hvc1", "profile": 2, "level": 153}, "108", 10),
    ],
)
def test_a_video_says_its_syntax_and_its_frames(how, syntax, bits):
    file = mp4(**how)

    found, data, header = built(IMAGE, part("video/mp4", file))

    assert found == BASE + syntax
    assert (header["00280010"], header["00280011"], header["00280008"]) == ([480], [640], [50])
    assert (header["00280101"], header["00280004"]) == ([bits], ["YBR_PARTIAL_420"])
    assert (header["00181063"], header["00180040"], header["00280009"]) == ([40], [25], ["00181063"])
    assert header["00282110"] == ["01"]
    assert fragments_of(data) == [b"", file + b"\0" * (len(file) % 2)]


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (mp4(profile=244), Unsupported),
        (mp4(level=62), Unsupported),
        (mp4(entry=b"hvc1", profile=4), Unsupported),
        (mp4(entry=b"vp09"), Unsupported),
        (mp4(frames=0), Unsupported),
        (mp4()[:-10], InvalidRequest),
        (box(b"ftyp", b"isom") + box(b"moov"), InvalidRequest),
        (box(b"ftyp", b"isom") + box(b"moov") * 20_000, InvalidRequest),
    ],
)
def test_videos_without_a_transfer_syntax_and_damaged_ones_are_refused(file, error):
    with pytest.raises(error):
        built(IMAGE, part("video/mp4", file))


def test_every_cut_of_a_video_is_read_or_refused():
    file = mp4()
    for end in range(len(file)):
        with pytest.raises(CalotypeError):
            built(IMAGE, part("video/mp4", file[:end]))


def test_an_mpeg_2_stream_says_its_size_and_the_metadata_its_frames():
    stream = b"\0\0\1\xb3" + bytes([720 >> 4, (720 & 15) << 4 | 576 >> 8, 576 & 255]) + bytes(100)
    frames = {"00280008": {"vr": "IS", "Value": [25]}}

    syntax, _, header = built(IMAGE | frames, part("video/mpeg2", stream))

    assert syntax == BASE + "100"
    assert (header["00280010"], header["00280011"]) == ([576], [720])
    with pytest.raises(InvalidRequest, match="NumberOfFrames"):
        built(IMAGE, part("video/mpeg", stream))


DOCUMENT = {
    "00080018": {"vr": "UI", "Value": ["1.2.3"]},
    "00420011": {"vr": "OB", "BulkDataURI": "document"},
}


def test_a_pdf_becomes_an_encapsulated_document():
    content = b"%PDF-1.7\neven"
    said = DOCUMENT | {"00420010": {"vr": "ST", "Value": ["出院小结"]}}

    syntax, data, header = built(said, part("application/pdf", content))

    assert syntax == EXPLICIT_VR_LITTLE_ENDIAN
    assert header["00080016"] == ["1.2.840.10008.5.1.4.1.1.104.1"]
    assert (header["00420012"], header["00420015"]) == (["application/pdf"], [len(content)])
    assert (header["00280301"], header["00080060"], header["00080064"]) == (["YES"], ["DOC"], ["WSD"])
    assert header["00420010"] == ["出院小结"]
    assert "0040A043" in header
    assert b"\x0e\0\0\0" + content + b"\0B\0\x12\0" in data


@pytest.mark.parametrize(
    ("said", "media_type", "content"),
    [
        (DOCUMENT, "application/pdf", b"no pdf"),
        (
            DOCUMENT | {"00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.104.2"]}},
            "application/pdf",
            b"%PDF-1",
        ),
    ],
)
def test_a_document_of_another_kind_is_refused(said, media_type, content):
    with pytest.raises(InvalidRequest):
        built(said, part(media_type, content))


def test_bulk_data_inside_items_are_put_in_their_place():
    waveform = {"54000100": {"vr": "SQ", "Value": [{"54001010": {"vr": "OW", "BulkDataURI": "wave"}}]}}

    _, data, _ = built({"00080018": IMAGE["00080018"]} | waveform, part("application/octet-stream", b"\1\2\3\4"))

    assert b"\1\2\3\4" in data


@pytest.mark.parametrize(
    ("vr", "media_type", "content"),
    [
        ("OW", "application/octet-stream", b"odd"),
        ("OW", "image/jpeg", b"even"),
        ("UT", "text/plain", b"\xff\xfe"),
        ("UT", "application/octet-stream", b"nul\0inside"),
    ],
)
def test_bulk_data_that_do_not_fit_their_vr_are_refused(vr, media_type, content):
    with pytest.raises(InvalidRequest):
        built({"00091001": {"vr": vr, "BulkDataURI": "x"}}, part(media_type, content))


def test_long_text_comes_as_bulk_data():
    _, data, header = built({"0040A160": {"vr": "UT", "BulkDataURI": "x"}}, part("text/plain", "长文".encode() * 10))

    assert "长文".encode() * 10 in data
    assert header["0040A160"] == ["长文" * 10]
    assert header["00080005"] == ["ISO_IR 192"]


def test_the_same_request_builds_the_same_bytes():
    assert built(IMAGE, part("image/jpeg", jpeg(GREY))) == built(IMAGE, part("image/jpeg", jpeg(GREY)))
