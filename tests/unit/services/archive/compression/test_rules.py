"""Which objects are compressed, and to what."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import versions
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.uids import HTJ2K_LOSSLESS, JPEG_2000, JPEG_LS_LOSSLESS, RLE_LOSSLESS
from calotype.errors import InvalidRequest, Unsupported
from calotype.services.archive.compression.rules import Rule, Rules, is_lossy, target_names, target_of
from support.archives import MODALITY


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("JPEG2000Lossless", "4.90"),
        ("JPEG2000Lossy", "4.91"),
        ("JPEGLSLossless", "4.80"),
        ("RLELossless", "5"),
        ("JPEGProcess14", "4.70"),
        ("jpeglosslesssv1", "4.70"),
        ("JPEGLossless", "4.57"),
        ("HTJ2KLossless", "4.201"),
        (" 1.2.840.10008.1.2.4.80 ", "4.80"),
    ],
)
def test_a_target_is_known_by_uid_keyword_and_by_the_names_of_dicomscp(name, row):
    assert target_of(name) == "1.2.840.10008.1.2." + row


@pytest.mark.parametrize(
    "name", ["", "JPEG3000", "ExplicitVRLittleEndian", "DeflatedExplicitVRLittleEndian", "1.2.3"]
)
def test_what_is_no_compression_is_refused_with_what_would_be(name):
    with pytest.raises(InvalidRequest, match="JPEGLSLossless"):
        target_of(name)


def test_what_is_not_written_here_is_refused():
    with pytest.raises(Unsupported, match="is not written"):
        target_of("MPEG2MPML")


def test_what_older_codecs_do_not_write_is_refused_with_a_way_out(monkeypatch):
    monkeypatch.setattr("calotype.services.archive.compression.rules.has_current_codecs", lambda: False)
    with pytest.raises(Unsupported, match=r"Python 3\.12"):
        target_of("HTJ2KLosslessRPCL")
    assert versions.has_current_codecs() in {True, False}


def test_every_name_offered_is_a_target():
    known = [name for name in target_names() if name != "HTJ2KLosslessRPCL"]
    assert len({target_of(name) for name in known}) == len(known) > 10


def test_loss_must_be_allowed_on_purpose():
    assert is_lossy(JPEG_2000)
    with pytest.raises(InvalidRequest, match="lossy = true"):
        Rule(JPEG_2000)
    assert Rule(JPEG_2000, lossy=EncodeOptions()).target == JPEG_2000


CT_1 = Rule(JPEG_LS_LOSSLESS, calling_ae_titles=frozenset({"CT1"}), modalities=frozenset({"CT"}))
WARD = Rule(RLE_LOSSLESS, peers=(ip_network("10.1.0.0/16"), ip_network("2001:db8::/32")))
NEVER_US = Rule(None, modalities=frozenset({"US"}))
REST = Rule(HTJ2K_LOSSLESS)
RULES = Rules((CT_1, WARD, NEVER_US, REST))


@pytest.mark.parametrize(
    ("title", "address", "modality", "expected"),
    [
        ("CT1 ", "10.1.2.3", "CT", CT_1),
        ("CT1", "10.1.2.3", "MR", WARD),
        ("CT2", "10.2.0.1", "CT", REST),
        ("CT2", "::ffff:10.1.0.1", "US", WARD),
        ("CT2", "2001:db8::1", "US", WARD),
        ("CT2", "fe80::1%eth0", "US", None),
        ("CT2", "", "US", None),
        ("", "", "", REST),
    ],
)
def test_the_first_rule_that_fits_decides(title, address, modality, expected):
    origin = replace(MODALITY, calling_ae_title=title, address=address)
    assert RULES.rule_for(origin, modality) == expected


def test_without_rules_nothing_is_compressed():
    assert Rules().rule_for(MODALITY, "CT") is None
    assert Rules((Rule(None),)).rule_for(MODALITY, "CT") is None
    assert UID("") not in target_names()
