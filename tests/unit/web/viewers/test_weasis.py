"""What Weasis is told: its address, and a manifest that holds whatever a header may hold."""

from urllib.parse import unquote_plus
from xml.etree import ElementTree as ET

from calotype.web.viewers import weasis

SPACE = f"{{{weasis.NAMESPACE}}}"


def row(series, number, **more):
    return {
        "PatientID": "P1",
        "PatientName": 'A^"B" & <C>',
        "StudyInstanceUID": "1",
        "SeriesInstanceUID": series,
        "Modality": "CT",
        "SOPInstanceUID": f"{series}.{number}",
        "InstanceNumber": str(number),
        **more,
    }


def test_the_address_is_a_command_of_weasis():
    address = weasis.address("https://pacs.example/api/launch/weasis/launch_x.xml")
    assert address.startswith("weasis://?")
    assert unquote_plus(address.removeprefix("weasis://?")) == (
        '$dicom:close --all $dicom:get -w "https://pacs.example/api/launch/weasis/launch_x.xml"'
    )


def test_the_manifest_lists_what_is_there_by_series():
    rows = [row("1.1", 1), row("1.1", 2), row("1.2", 1, SeriesDescription="late\x00\x0bphase")]
    root = ET.fromstring(weasis.manifest(rows, "https://pacs.example/wado", "launch_x"))
    assert root.tag == f"{SPACE}manifest"
    [query] = root
    assert query.attrib == {
        "arcId": "calotype",
        "baseUrl": "https://pacs.example/wado",
        "additionnalParameters": "",
        "requireOnlySOPInstanceUID": "false",
    }
    assert query.find(f"{SPACE}httpTag").attrib == {"key": "Authorization", "value": "Bearer launch_x"}
    patient = query.find(f"{SPACE}Patient")
    assert patient.attrib == {"PatientID": "P1", "PatientName": 'A^"B" & <C>'}
    [study] = patient
    assert [[each.get("SOPInstanceUID") for each in series] for series in study] == [["1.1.1", "1.1.2"], ["1.2.1"]]
    assert study[1].get("SeriesDescription") == "late  phase"


def test_without_login_the_manifest_has_no_token():
    assert b"httpTag" not in weasis.manifest([row("1.1", 1)], "http://localhost/wado", "")
