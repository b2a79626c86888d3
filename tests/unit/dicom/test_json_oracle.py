"""Every file that comes with pydicom: our document and pydicom's say the same, but for what differs on purpose."""

import io
import json
import warnings
from pathlib import Path

import pydicom
import pydicom.data
import pytest

from calotype.dicom.part10 import Oddity, read_file_meta, scan
from calotype.errors import InvalidRequest

ROOT = Path(pydicom.data.__file__).parent
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("test_files", "charset_files")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and path.suffix in {"", ".dcm"} and path.name != "README"
)
NOT_PART_10 = {"ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm", "no_meta.dcm", "rtstruct.dcm"}
TRUNCATED = {
    "MR_truncated.dcm": "truncated: element (7FE0,0010) PixelData needs 8192 bytes, 8130 are left",
    "rtplan_truncated.dcm": "truncated: element (300A,00B0) BeamSequence needs 976 bytes, 711 are left",
}
DAMAGED = {
    "SC_rgb_jpeg.dcm",  # implicit VR under the label of JPEG
    "DICOMDIR-nooffset",  # its last item claims more than is there; pydicom reads on behind it
}
VERBATIM = {"LT", "ST", "UT", "UC"}


def comparable(document, theirs):
    """A document in what both say alike; ``theirs`` undoes what pydicom does otherwise, as the comments say."""
    out = {}
    for name, entry in document.items():
        # Group lengths and trailing padding have no place in the document; the character set is that of the JSON.
        if name.endswith("0000") or name in {"FFFCFFFC", "00080005"}:
            continue
        vr, value = entry["vr"], entry.get("Value")
        if vr == "SQ":
            out[name] = [comparable(item, theirs) for item in value or []]
        elif "InlineBinary" in entry or "BulkDataURI" in entry:
            # pydicom's threshold counts the characters of the base64 text, ours the bytes of the value. Fragments are
            # OB by definition (PS3.5 A.4); some files label them OW.
            out[name] = (vr if name != "7FE00010" else "OB", "bytes")
        elif theirs and isinstance(value, list):
            # PS3.5 6.2: padding of each value means nothing; PS3.18 F.2.5: an empty value is null.
            stripped = [part.strip(" ") if isinstance(part, str) and vr not in VERBATIM else part for part in value]
            out[name] = (vr, [None if part == "" else part for part in stripped])
        else:
            out[name] = (vr, value)
    return out


def without_private_guesses(ours, theirs):
    """Leave out private elements that are UN to us: pydicom looks private ones up in a dictionary of its own."""
    kept = {}
    for name, value in theirs.items():
        mine = ours.get(name)
        if int(name[:4], 16) % 2 and isinstance(mine, tuple) and mine[0] == "UN":
            kept[name] = mine
        elif isinstance(mine, list) and isinstance(value, list):
            pairs = zip(mine, value, strict=False)
            kept[name] = [without_private_guesses(a, b) for a, b in pairs] + value[len(mine) :]
        else:
            kept[name] = value
    return kept


def pydicoms(raw):
    """pydicom's document, and the tags of elements that it cannot convert and leaves out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = pydicom.dcmread(io.BytesIO(raw))
        document, failed = {}, set()
        for element in data_set:
            name = f"{int(element.tag):08X}"
            try:
                document[name] = element.to_json_dict(lambda _: "bulk", 1024)
            except (TypeError, ValueError):
                failed.add(name)
        return json.loads(json.dumps(document)), failed


@pytest.mark.parametrize("name", FILES)
def test_our_document_is_pydicoms(name):
    raw = (ROOT / name).read_bytes()
    base = name.rsplit("/", 1)[-1]
    if base in NOT_PART_10:
        with pytest.raises(InvalidRequest, match="not a DICOM Part 10 file"):
            read_file_meta(raw)
        return
    meta = read_file_meta(raw)
    data = raw[meta.data_offset :]
    if base in TRUNCATED:
        with pytest.raises(InvalidRequest) as refused:
            scan(data, meta.transfer_syntax, data_bytes=len(data))
        assert str(refused.value) == TRUNCATED[base]
        return
    header = scan(data, meta.transfer_syntax, data_bytes=len(data))
    assert (Oddity.HEADER_DAMAGED in header.oddities) == (base in DAMAGED)
    if base == "DICOMDIR-nooffset":
        return
    document, failed = pydicoms(raw)
    ours = comparable(json.loads(header.json()), theirs=False)
    assert failed <= set(ours)
    ours = {name: value for name, value in ours.items() if name not in failed}
    assert ours == without_private_guesses(ours, comparable(document, theirs=True))


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("charset_files")])
def test_indexed_names_are_pydicoms(name):
    raw = (ROOT / name).read_bytes()
    meta = read_file_meta(raw)
    data = raw[meta.data_offset :]
    header = scan(data, meta.transfer_syntax, data_bytes=len(data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.dcmread(io.BytesIO(raw))
        expected = str(theirs.get("PatientName", ""))
    assert header.attributes.get("PatientName", "") == expected
    assert Oddity.BAD_TEXT not in header.oddities
