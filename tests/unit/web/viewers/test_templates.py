"""Addresses of programs: which templates are taken, and what becomes of hostile values in them."""

import pytest

from calotype.errors import InvalidRequest
from calotype.web.viewers.templates import KNOWN, fill, read

VALUES = {
    "study_uid": "1.2.3",
    "patient_id": 'P&"1"\n',
    "accession": "A=1?",
    "dicomweb": "https://pacs.example/x/dicomweb",
    "token": "launch_abc",
    "aet": "CALOTYPE",
    "host": "pacs.example",
    "port": "11112",
}


def test_known_names_and_addresses_of_ones_own_are_read_in_their_order():
    found = read(["slicer", "My viewer=mine://open?u={study_uid}&p={patient_id}", "radiant"])
    assert [each.title for each in found] == ["3D Slicer", "My viewer", "RadiAnt"]
    assert [each.needs_token for each in found] == [True, False, False]


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_known_viewer_would_be_taken_from_the_settings(name):
    known = KNOWN[name]
    [again] = read([f"{known.title}={known.address}"])
    assert again.address == known.address


@pytest.mark.parametrize(
    "entry",
    [
        "unknown",
        "=mine://x",
        "T=javascript:alert({study_uid})",
        "T=JavaScript:alert(1)",
        "T=data:text/html,x",
        "T=//elsewhere/{study_uid}",
        "T=mine://x y",
        'T=mine://"x"',
        "T=mine://{password}",
        "T=mine://{study_uid",
        "T=mine://}",
        "T=mine://\N{LATIN SMALL LETTER A WITH ACUTE}",
        "T\n=mine://x",
        "T=mine://" + "x" * 3000,
    ],
)
def test_what_is_no_address_of_a_program_is_refused(entry):
    with pytest.raises(InvalidRequest):
        read([entry])


def test_a_viewer_is_shown_once():
    with pytest.raises(InvalidRequest, match="twice"):
        read(["radiant", "radiant"])


def test_values_stay_values():
    [template] = read(["T=mine://o?p={patient_id}&a={accession}&t={token}&d={dicomweb}&none={wado}"])
    assert fill(template, VALUES) == (
        "mine://o?p=P%26%221%22%0A&a=A%3D1%3F&t=launch_abc&d=https%3A%2F%2Fpacs.example%2Fx%2Fdicomweb&none="
    )


def test_radiant_asks_by_dicom():
    assert fill(KNOWN["radiant"], VALUES) == "radiant://?n=paet&v=CALOTYPE&n=pstv&v=0020000D&v=%221.2.3%22"
