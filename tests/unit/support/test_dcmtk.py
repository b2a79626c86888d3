"""A foreign peer that is missing: who fails, who skips, and what they are told."""

import pytest

from support import dcmtk


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize(
    ("ci", "outcome"),
    [("true", pytest.fail.Exception), ("1", pytest.fail.Exception), ("", pytest.skip.Exception)],
)
def test_a_missing_tool_fails_in_ci_and_skips_elsewhere(nothing_installed, monkeypatch, tmp_path, ci, outcome):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match=r"echoscu is not here; .* apt-get install dcmtk"):
        dcmtk.run("echoscu", folder=tmp_path)
    with pytest.raises(outcome, match="storescp is not here"), dcmtk.serving("storescp", 1, folder=tmp_path):
        pass


def test_a_tool_that_is_there_is_found(monkeypatch, tmp_path):
    tool = tmp_path / "echoscu"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dcmtk.need("echoscu") == str(tool)


def test_no_port_is_given_twice_nor_to_two_workers(monkeypatch):
    given = []
    for worker in ("gw0", "gw1", "gw2"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        given += [dcmtk.free_port() for _ in range(50)]
    assert len(set(given)) == len(given)
    assert not {port % dcmtk.WORKERS for port in given[:50]} & {port % dcmtk.WORKERS for port in given[50:]}
