"""A name corrected on the modality, the study sent again under ``overwrite``: everybody sees the new one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx

from support import dcmtk, samples
from support.running import Running

STUDY = samples.uid(2, 1)
OBJECTS = 6


def objects(folder: Path, name: str, description: str) -> list[Path]:
    """Write a study of two series; on the modality its patient is called so."""
    folder.mkdir()
    files = []
    for number in range(OBJECTS):
        said = samples.ct(
            sop_uid=samples.uid(4, number),
            series_uid=samples.uid(3, number % 2),
            patient_name=name,
            instance_number=number,
            changes={0x00081030: ("LO", description)},
        )
        files.append(folder / f"{number}.dcm")
        files[-1].write_bytes(samples.part10(said))
    return files


def found_by_console(server: Running, folder: Path) -> str:
    keys = ("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={STUDY}", "PatientName=", "StudyDescription=")
    asked = [word for key in keys for word in ("-k", key)]
    asked += ["-S", "-aec", "CALOTYPE", "127.0.0.1", str(server.port)]
    done = dcmtk.run("findscu", "-v", *asked, folder=folder)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def found_by_browser(server: Running, level: str) -> set[tuple[str, str]]:
    fields = {"StudyInstanceUID": STUDY, "includefield": "PatientName,StudyDescription"}
    found = httpx.get(f"{server.url}/{level}", params=fields, timeout=60)
    matches = found.raise_for_status().json()
    return {(one["00100010"]["Value"][0]["Alphabetic"], one["00081030"]["Value"][0]) for one in matches}


def test_a_corrected_name_is_what_everybody_sees(tmp_path: Path) -> None:
    old = objects(tmp_path / "old", "Falsch^Anna", "Knee")
    new = objects(tmp_path / "new", "Richtig^Anna", "Hip")
    with Running(tmp_path / "server", {"CALOTYPE__STORAGE__DUPLICATES": "overwrite"}) as server:
        to = ("-aec", "CALOTYPE", "127.0.0.1", str(server.port))
        for files, name, description in (old, "Falsch^Anna", "Knee"), (new, "Richtig^Anna", "Hip"):
            sent = dcmtk.run("storescu", *to, *files, folder=tmp_path)
            assert sent.returncode == 0, sent.stdout + sent.stderr
            for level in "studies", "series", "instances":
                assert found_by_browser(server, level) == {(name, description)}
            console = found_by_console(server, tmp_path)
            assert f"[{name}" in console
            assert f"[{description}" in console
        assert "Falsch" not in console
        url = f"http://127.0.0.1:{server.http_port}/api"
        before = httpx.get(f"{url}/studies", timeout=60).raise_for_status().json()["rows"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CALOTYPE")}
        made = subprocess.run(
            [sys.executable, "-m", "calotype", "reindex"],
            env={**environment, "CALOTYPE__STORAGE__PATH": str(tmp_path / "server" / "data")},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        assert httpx.get(f"{url}/studies", timeout=60).raise_for_status().json()["rows"] == before
        assert {("Richtig^Anna", "Hip")} == found_by_browser(server, "instances")
