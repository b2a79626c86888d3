"""``calotype reread``: a garbled name set right by hand, and what a script reads of it."""

import os
import subprocess
import sys

from support import samples

STUDY = "1.2.3"


def calotype(data, *arguments):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CALOTYPE")}
    return subprocess.run(
        [sys.executable, "-m", "calotype", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60, env=clean | {"CALOTYPE__STORAGE__PATH": str(data)},
    )  # fmt: skip


def test_a_study_is_read_by_the_set_that_a_person_says(tmp_path):
    rows = [
        (0x00080005, "CS", "ISO_IR 100"),
        (0x00080016, "UI", samples.CT),
        (0x00080018, "UI", f"{STUDY}.1.1"),
        (0x00100010, "PN", "杨".encode("gbk")),
        (0x00100020, "LO", "P1"),
        (0x0020000D, "UI", STUDY),
        (0x0020000E, "UI", f"{STUDY}.1"),
    ]
    file = tmp_path / "one.dcm"
    file.write_bytes(samples.part10(samples.encode(rows)))
    data = tmp_path / "data"
    assert calotype(data, "import", file).returncode == 0

    done = calotype(data, "reread", STUDY, "--charset", "GB18030")
    assert (done.returncode, done.stdout) == (0, "1 objects read again: overridden\n")
    assert calotype(data, "reread", STUDY).stdout == "1 objects read again: overridden\n"
    assert calotype(data, "reindex").returncode == 0
    assert calotype(data, "reread", STUDY, "--as-judged").stdout == "1 objects read again: as declared\n"

    for wrong in (["9.9"], [STUDY, "--charset", "Klingon"], [STUDY, "--charset", "GBK", "--as-judged"]):
        failed = calotype(data, "reread", *wrong)
        assert failed.returncode != 0
        assert "Traceback" not in failed.stderr
