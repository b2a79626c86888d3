"""``calotype delete`` and ``calotype recycled`` over a data folder."""

import json

import pytest
from click.testing import CliRunner

from calotype.app.opening import open_stores
from calotype.app.settings import Settings, Storage
from calotype.cli import calotype
from calotype.dicom.hierarchy import UID
from calotype.errors import Conflict, NotFound
from calotype.services.archive.ports import Channel, Origin
from calotype.services.archive.recycled import State
from support import samples

STUDY = samples.uid(700)


@pytest.fixture
def data(tmp_path):
    settings = Settings(storage=Storage(path=tmp_path / "data", durable=False, min_free_mib=0))
    with open_stores(settings) as stores:
        for number in range(2):
            data = samples.ct(
                16, 16, seed=number, study_uid=STUDY, sop_uid=f"{STUDY}.{number}", patient_name="A\x1b[2J^B"
            )
            with stores.archive.ingest.begin_part10(Origin(Channel.IMPORT)) as incoming:
                incoming.write((samples.part10(data, sop_uid=f"{STUDY}.{number}"),))
                incoming.commit()
    return settings.storage.path


def run(data, *arguments, code=0):
    flags = ("-s", f"storage.path={data}", "-s", "storage.durable=false", "-s", "storage.min_free_mib=0")
    done = CliRunner().invoke(calotype, [*flags, *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def opened(data):
    return open_stores(Settings(storage=Storage(path=data, durable=False, min_free_mib=0)))


def test_a_deleted_study_is_listed_and_restored(data):
    assert run(data, "delete", STUDY, "--reason", "wrong patient") == (
        "deletion 1: 2 objects; undo it with: calotype recycled restore 1\n"
    )
    (line,) = run(data, "recycled", "list").splitlines()
    assert STUDY in line
    assert line.endswith("command line)  wrong patient")
    assert "\x1b" not in line
    assert run(data, "recycled", "restore", 1) == "2 objects restored\n"
    assert run(data, "recycled", "list") == ""
    told = json.loads(run(data, "recycled", "list", "--all", "--json"))
    assert (told["id"], told["state"], told["study"]) == (1, "restored", STUDY)
    with opened(data) as stores:
        assert stores.archive.search.statistics().instances == 2


def test_purging_removes_the_files_at_once(data):
    run(data, "delete", STUDY)
    assert run(data, "recycled", "purge", 1) == "purged\n"
    with opened(data) as stores:
        assert stores.archive.recycling.get(1).state is State.PURGED
        assert list(stores.objects.keys()) == []


def test_emptying_purges_all(data):
    run(data, "delete", STUDY)
    assert run(data, "recycled", "purge", "--all") == "purged\n"


def test_what_is_not_there_is_an_error_in_one_line(data):
    with pytest.raises(NotFound, match="holds nothing of study 9"):
        run(data, "delete", UID("9"))
    with pytest.raises(NotFound, match="no deletion 7"):
        run(data, "recycled", "restore", 7)
    run(data, "delete", STUDY)
    run(data, "recycled", "restore", 1)
    with pytest.raises(Conflict):
        run(data, "recycled", "purge", 1)


def test_purging_wants_to_be_told_what(data):
    assert "say which deletion, or --all" in run(data, "recycled", "purge", code=2)
    assert "say which deletion, or --all" in run(data, "recycled", "purge", 1, "--all", code=2)
