"""Weasis: the address that starts it, and the manifest that it fetches by that (its schema ``manifest``, 2.5).

The address has the manifest's alone, since Windows' browsers cut long ones; the manifest has a token, which Weasis
sends along with every request for an object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final
from urllib.parse import quote_plus
from xml.etree import ElementTree as ET

from calotype.dicom.query.model import Match

NAMESPACE: Final = "http://www.weasis.org/xsd/2.5"

_PATIENT: Final = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")
_STUDY: Final = ("StudyInstanceUID", "StudyDate", "StudyTime", "StudyDescription", "AccessionNumber")
_SERIES: Final = ("SeriesInstanceUID", "SeriesNumber", "Modality", "SeriesDescription")
_INSTANCE: Final = ("SOPInstanceUID", "InstanceNumber")
FIELDS: Final = (*_PATIENT, *_STUDY, *_SERIES, *_INSTANCE)
"""What a manifest says of every instance."""


def address(manifest_url: str) -> str:
    """Return the address that starts Weasis with what a manifest lists."""
    return "weasis://?" + quote_plus(f'$dicom:close --all $dicom:get -w "{manifest_url}"')


def manifest(rows: Iterable[Match], wado_url: str, secret: str) -> bytes:
    """Return the manifest of instances, which come in the order of study and series. XML, UTF-8."""
    root = ET.Element("manifest", xmlns=NAMESPACE)
    query = ET.SubElement(
        root,
        "arcQuery",
        # The misspelling is the schema's.
        {
            "arcId": "calotype",
            "baseUrl": wado_url,
            "additionnalParameters": "",
            "requireOnlySOPInstanceUID": "false",
        },
    )
    if secret:
        ET.SubElement(query, "httpTag", {"key": "Authorization", "value": f"Bearer {secret}"})
    for patient, studies in groupby(rows, lambda row: row.get("PatientID", "")):
        of_patient: ET.Element | None = None
        for _, series in groupby(studies, lambda row: row.get("StudyInstanceUID", "")):
            of_study: ET.Element | None = None
            for _, instances in groupby(series, lambda row: row.get("SeriesInstanceUID", "")):
                of_series: ET.Element | None = None
                for row in instances:
                    if of_patient is None:
                        of_patient = ET.SubElement(query, "Patient", {**_told(row, _PATIENT), "PatientID": patient})
                    if of_study is None:
                        of_study = ET.SubElement(of_patient, "Study", _told(row, _STUDY))
                    if of_series is None:
                        of_series = ET.SubElement(of_study, "Series", _told(row, _SERIES))
                    ET.SubElement(of_series, "Instance", _told(row, _INSTANCE))
    return ET.tostring(root, encoding="unicode", xml_declaration=False).encode()


def _told(row: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: _speakable(row[name]) for name in names if row.get(name)}


def _speakable(text: str) -> str:
    """Return text as XML 1.0 may hold it: a header holds whatever a device wrote."""
    return "".join(char if char.isprintable() else " " for char in text.encode("utf-8", "replace").decode("utf-8"))
