"""The command line as a person or a script uses it: verbs, output, exit codes, and one line for every mistake."""

import json
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support import samples
from support.running import Running

NODE = "CALOTYPE@127.0.0.1:{port}"


def calotype(*arguments: object, data: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CALOTYPE")}
    if data is not None:
        environment["CALOTYPE__STORAGE__PATH"] = str(data)
    return subprocess.run(
        [sys.executable, "-m", "calotype", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60, env=clean | environment,
    )  # fmt: skip


def write_series(folder: Path, count: int, study: int = 1) -> list[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    sets = []
    for i in range(count):
        data = samples.ct(
            16,
            16,
            seed=i,
            study_uid=samples.uid(study),
            series_uid=samples.uid(study, 1),
            sop_uid=samples.uid(study, 1, i + 1),
        )
        (folder / f"{i}.dcm").write_bytes(samples.part10(data))
        sets.append(data)
    return sets


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with Running(folder) as running:
        yield running


@pytest.fixture(scope="module")
def node(server):
    return NODE.format(port=server.port)


def test_help_names_every_verb():
    done = calotype("--help")
    assert done.returncode == 0
    for verb in ("serve", "init", "config", "echo", "send", "find", "get", "move", "import", "reindex", "verify"):
        assert f"  {verb} " in done.stdout
        assert calotype(verb, "--help").returncode == 0


def test_echo_tells_how_fast(node):
    assert "answers: associated in" in calotype("echo", node).stdout
    assert json.loads(calotype("echo", node, "--json").stdout)["max_pdu_bytes"] == 262_144


def test_send_find_get_bring_back_what_was_sent(node, tmp_path):
    sets = write_series(tmp_path / "out", 3, study=7)
    (tmp_path / "out" / "notes.txt").write_text("no image")
    sent = calotype("send", node, tmp_path / "out")
    assert (sent.returncode, sent.stdout) == (0, "3 sent, 0 failed, 1 skipped\n")
    assert "notes.txt: skipped:" in sent.stderr

    key = f"StudyInstanceUID={samples.uid(7)}"
    found = calotype("find", node, "-k", key, "-k", "PatientName", "-k", "NumberOfStudyRelatedInstances", "--json")
    [answer] = [json.loads(line) for line in found.stdout.splitlines()]
    assert answer["NumberOfStudyRelatedInstances"] == "3"
    assert any("一" <= character <= "鿿" for character in answer["PatientName"])
    assert answer["PatientName"] in calotype("find", node, "-k", key).stdout

    got = calotype("get", node, "-k", key, "--to", tmp_path / "in")
    assert (got.returncode, got.stdout) == (0, "3 completed, 0 failed, 0 with warnings: 0000 Success\n"), got
    files = [path.read_bytes() for path in (tmp_path / "in").rglob("*") if path.is_file()]
    assert len(files) == 3
    assert all(any(file.endswith(data) for file in files) for data in sets)


def test_move_sends_to_a_node_of_the_server(tmp_path):
    write_series(tmp_path / "out", 2)
    with Running(tmp_path / "b") as b:
        nodes = {
            "CALOTYPE__NODES__0__AE_TITLE": "STORESCP",
            "CALOTYPE__NODES__0__HOST": "127.0.0.1",
            "CALOTYPE__NODES__0__PORT": str(b.port),
        }
        with Running(tmp_path / "a", nodes) as a:
            at_a, at_b = NODE.format(port=a.port), NODE.format(port=b.port)
            assert calotype("send", at_a, tmp_path / "out").returncode == 0
            key = f"StudyInstanceUID={samples.uid(1)}"
            unknown = calotype("move", at_a, "-k", key, "--to", "NOBODY")
            assert (unknown.returncode, unknown.stderr.count("\n")) == (3, 1)
            assert "A801" in unknown.stderr
            moved = calotype("move", at_a, "-k", key, "--to", "STORESCP")
            assert moved.stdout.startswith("2 completed, 0 failed")
            assert "1 found" in calotype("find", at_b, "-k", key).stderr


def test_import_verify_and_reindex_work_without_a_server(tmp_path):
    data = tmp_path / "data"
    write_series(tmp_path / "folder", 3)
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("../x.dcm", samples.part10(samples.ct(16, 16, seed=9, study_uid=samples.uid(2))))
        archive.writestr("readme.txt", "no image")
    first = calotype("import", tmp_path / "folder", tmp_path / "more.zip", data=data)
    assert (first.returncode, first.stdout) == (0, "1 skipped, 4 stored\n"), first
    again = calotype("import", tmp_path / "folder", "--json", data=data)
    assert [json.loads(line)["result"] for line in again.stdout.splitlines()] == ["identical"] * 3

    assert calotype("verify", data=data).returncode == 0
    for index in data.glob("index.sqlite*"):
        index.unlink()
    recovered = calotype("reindex", data=data)
    assert (recovered.returncode, recovered.stdout) == (0, "0 rebuilt, 4 recovered, 0 with problems\n"), recovered
    assert json.loads(calotype("verify", "--json", data=data).stdout)["objects"] == 4

    victim = next(path for path in (data / "objects").rglob("*.dcm"))
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.write_bytes(content)
    damaged = calotype("verify", data=data)
    assert damaged.returncode == 1
    assert "wrong-digest" in damaged.stderr


def test_verify_finds_pixels_that_cannot_be_decoded(tmp_path):
    data, file = tmp_path / "data", tmp_path / "damaged.dcm"
    file.write_bytes(samples.part10(samples.compressed(sop_uid="1.2.3"), samples.JPEG_BASELINE))
    assert calotype("import", file, data=data).returncode == 0
    assert calotype("verify", data=data).returncode == 0

    damaged = calotype("verify", "--pixels", data=data)

    assert damaged.returncode == 1
    assert "damaged-pixels" in damaged.stderr


def test_init_writes_a_file_that_serve_can_read(tmp_path):
    path = tmp_path / "pacs.toml"
    assert calotype("-c", path, "init").returncode == 0
    assert (tmp_path / "data").is_dir()
    shown = calotype("-c", path, "config", "show")
    assert "http.port = 5000" in shown.stdout
    assert calotype("-c", path, "init").returncode == 4
    assert calotype("-c", path, "init", "--force").returncode == 0


def test_a_running_server_stops_in_good_order(tmp_path):
    with Running(tmp_path) as running:
        assert running.stop() == 0
    assert "Traceback" not in running.log()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["-c", "/nowhere.toml", "config", "show"], 3, "calotype init"),
        (["-s", "http.prt=1", "config", "show"], 2, "did you mean 'port'?"),
        (["-s", "http.port", "config", "show"], 2, "KEY=VALUE"),
        (["echo", "nonsense"], 3, "address book"),
        (["echo", "A@b"], 2, "AETITLE@host:port"),
        (["send", "A@127.0.0.1:1", "/nowhere"], 3, "/nowhere"),
        (["find", "A@127.0.0.1:1", "-k", "NoSuchKeyword=1"], 2, "NoSuchKeyword"),
        (["find", "A@127.0.0.1:1", "-k", "PatientID=1"], 4, "127.0.0.1"),
        (["get", "A@127.0.0.1:1", "-k", "PatientID=1"], 2, "StudyInstanceUID must have a value"),
        (["import", "/nowhere"], 3, "/nowhere"),
        (["import", __file__, "/nowhere"], 3, "/nowhere"),
        (["config", "show", "--set", "http.prt=1"], 2, "did you mean 'port'?"),
        (["verify", "-c", "/nowhere.toml"], 3, "calotype init"),
    ],
)
def test_a_mistake_is_one_line_and_a_code(arguments, code, told, tmp_path):
    done = calotype(*arguments, data=tmp_path / "data")
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    assert told in done.stderr


def test_settings_may_stand_behind_the_verb_and_win_there(tmp_path):
    shown = calotype("-s", "http.port=1", "-s", "http.threads=2", "config", "show", "--changed", "-s", "http.port=3")
    assert [line.partition("  #")[0].strip() for line in shown.stdout.splitlines()] == [
        "http.port = 3",
        "http.threads = 2",
    ]
    written = calotype("init", "--config", tmp_path / "pacs.toml")
    assert (written.returncode, (tmp_path / "pacs.toml").is_file()) == (0, True), written.stderr


def test_a_mistyped_verb_is_answered_with_the_nearest():
    done = calotype("serv")
    assert (done.returncode, "did you mean 'serve'?" in done.stderr) == (2, True)


def test_one_file_that_cannot_be_imported_does_not_stop_the_others(tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"PK\3\4 no end")
    write_series(tmp_path / "in", 1, study=40)
    done = calotype("import", tmp_path / "bad.zip", tmp_path / "in", data=tmp_path / "data")
    assert (done.returncode, done.stdout) == (1, "1 failed, 1 stored\n")
    assert f"{tmp_path / 'bad.zip'}: failed: " in done.stderr


def test_a_wrong_called_ae_title_is_explained(server):
    done = calotype("echo", f"WRONG@127.0.0.1:{server.port}")
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    assert "called AE title not recognized" in done.stderr


def serve_fails(folder: Path, **environment: str) -> str:
    with pytest.raises(AssertionError):
        Running(folder, environment).start()
    log = Running(folder).log()
    assert "Traceback" not in log
    [line] = [line for line in log.splitlines() if line.startswith("calotype: ")]
    return line


def test_a_port_that_is_taken_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        told = serve_fails(tmp_path / "dicom", CALOTYPE__LISTENERS__0__PORT=port)
        assert port in told
        told = serve_fails(tmp_path / "http", CALOTYPE__HTTP__PORT=port)
        assert port in told


def test_a_storage_folder_that_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    told = serve_fails(tmp_path / "run", CALOTYPE__STORAGE__PATH=str(tmp_path / "file"))
    assert str(tmp_path / "file") in told
    told = serve_fails(tmp_path / "run2", CALOTYPE__STORAGE__LAYOUT="{NoSuchKeyword}.dcm")
    assert "NoSuchKeyword" in told


def test_too_little_space_is_told_to_the_sender(tmp_path):
    write_series(tmp_path / "out", 1)
    with Running(tmp_path / "run", {"CALOTYPE__STORAGE__MIN_FREE_MIB": "999999999"}) as running:
        done = calotype("send", NODE.format(port=running.port), tmp_path / "out")
        assert done.returncode == 1
        assert "A700" in done.stderr
