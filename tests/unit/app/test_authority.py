"""What the test authority writes, for whom, and what it does not overwrite."""

import ssl
import stat
import sys

import pytest

from calotype.app.authority import make_test_authority
from calotype.errors import Conflict, InvalidRequest, Refused, Unsupported
from calotype.network.tls import client_context, server_context


def test_what_is_made_can_be_used(tmp_path):
    made = make_test_authority(tmp_path / "new" / "folder", ["pacs.example", "10.1.2.3"])
    assert made.hosts[:2] == ("pacs.example", "10.1.2.3")
    assert {"localhost", "127.0.0.1", "::1"} <= set(made.hosts)
    server = server_context(made.server_certificate, made.server_key, client_ca=made.ca)
    assert server.verify_mode is ssl.CERT_REQUIRED
    client_context(ca=made.ca, certificate=made.client_certificate, key=made.client_key)


def test_nobody_else_may_read_it(tmp_path):
    make_test_authority(tmp_path / "folder")
    paths = list((tmp_path / "folder").iterdir())
    assert len(paths) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "client.key").write_text("mine")
    with pytest.raises(Conflict, match=r"client\.key is there already"):
        make_test_authority(tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("client.key", "mine")]


def test_a_host_that_is_none_is_refused(tmp_path):
    with pytest.raises(InvalidRequest, match="not all of these are host names"):
        make_test_authority(tmp_path / "folder", ["no host!"])
    assert not (tmp_path / "folder").exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="cannot be written"):
        make_test_authority(tmp_path / "file" / "folder")


def test_without_the_extra_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(Unsupported, match=r"pip install 'calotype\[tls-test\]'"):
        make_test_authority(tmp_path)
