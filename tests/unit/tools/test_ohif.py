"""What makes OHIF fit to be served: its package checked, cut down, edited by count, and put in place whole."""

import gzip
import importlib.util
import io
import sys
import tarfile
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tools/ohif.py"


@pytest.fixture(scope="module")
def ohif():
    spec = importlib.util.spec_from_file_location("tool_ohif", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def package(path, files):
    with tarfile.open(path, "w:gz") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return path


FILES = {
    "package/dist/index.html": b'<link href="/app.css"><script>inside()</script>',
    "package/dist/app.js": b"f()",
    "package/dist/app.js.map": b"{}",
    "package/dist/ort/ort.wasm": b"big",
    "package/dist/sw.js": b"unregister()",
    "package/dist/../../escape.js": b"out()",
    "package/README.md": b"read me",
}


@pytest.fixture
def edits(ohif):
    return (
        ohif.Edit(r"index\.html", "<script>.*?</script>", "", 1),
        ohif.Edit(r"index\.html", r'href="/', 'href="__BASE__', 1),
    )


def test_what_is_wanted_is_unpacked_edited_and_packed(ohif, edits, tmp_path):
    folder = tmp_path / "ohif"
    ohif.unpack(package(tmp_path / "p.tgz", FILES), folder, edits)
    names = sorted(each.relative_to(tmp_path).as_posix() for each in tmp_path.rglob("*") if each.is_file())
    assert names == [
        "ohif/.made-of",
        "ohif/NOTICE.txt",
        "ohif/NOTICE.txt.gz",
        "ohif/app.js",
        "ohif/app.js.gz",
        "ohif/index.html",
        "p.tgz",
    ]
    assert (folder / "index.html").read_text() == '<link href="__BASE__app.css">'
    assert gzip.decompress((folder / "app.js.gz").read_bytes()) == b"f()"
    assert ohif.is_made(folder)


def test_a_package_that_is_built_otherwise_leaves_the_one_before(ohif, edits, tmp_path):
    folder = tmp_path / "ohif"
    ohif.unpack(package(tmp_path / "p.tgz", FILES), folder, edits)
    changed = {**FILES, "package/dist/index.html": b'<link href="/a"><link href="/b">'}
    with pytest.raises(ohif.OhifChanged, match=r"0 times instead of 1.*2 times instead of 1"):
        ohif.unpack(package(tmp_path / "q.tgz", changed), folder, edits)
    assert (folder / "index.html").read_text() == '<link href="__BASE__app.css">'
    assert not (tmp_path / "ohif.new").exists()


def test_another_package_is_not_taken(ohif):
    with pytest.raises(ohif.OhifChanged, match="expected sha512-"):
        ohif.check(b"not the package")


def test_a_folder_of_another_version_is_made_anew(ohif, tmp_path):
    assert not ohif.is_made(tmp_path)
    (tmp_path / ohif.STAMP).write_text("@ohif/app@1.0.0")
    assert not ohif.is_made(tmp_path)
