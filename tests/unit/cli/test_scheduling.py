"""``calotype worklist import``: files in, one line out."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from calotype.app.opening import open_stores
from calotype.app.scheduling import worklist_of
from calotype.app.settings import Settings, Storage
from calotype.cli import calotype
from calotype.services.worklist.ports import StepQuery
from support.worklists import given


@pytest.fixture
def run(tmp_path):
    def call(*arguments):
        settings = ("-s", f"storage.path={tmp_path / 'data'}", "-s", "storage.min_free_mib=1")
        return CliRunner().invoke(calotype, [*settings, "worklist", "import", *map(str, arguments)])

    return call


def test_files_are_imported_and_counted(run, tmp_path):
    folder = tmp_path / "items"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(given(1)))
    (folder / "more.json").write_text(json.dumps([given(2), given(1)]))
    (folder / "lockfile").touch()
    done = run(folder)
    assert (done.exit_code, done.stdout) == (0, "2 new, 1 brought up to date, 0 not taken\n")
    settings = Settings(storage=Storage(path=tmp_path / "data", min_free_mib=1))
    with open_stores(settings) as stores:
        assert len(list(worklist_of(settings, stores).find(StepQuery()))) == 2


def test_what_cannot_be_taken_is_told_and_the_rest_is_taken(run, tmp_path):
    (tmp_path / "bad.wl").write_bytes(b"no worklist at all")
    (tmp_path / "good.json").write_text(json.dumps(given(1)))
    done = run(tmp_path / "bad.wl", tmp_path / "missing.wl", tmp_path / "good.json")
    assert (done.exit_code, done.stdout) == (1, "1 new, 0 brought up to date, 2 not taken\n")
    assert "bad.wl: this is neither JSON nor a DICOM worklist file" in done.stderr
    assert "missing.wl: cannot be read" in done.stderr


def test_json_is_for_scripts(run, tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(given(1)))
    told = json.loads(run("--json", tmp_path / "one.json").stdout)
    assert (told["is_new"], told["problem"]) == (True, "")
