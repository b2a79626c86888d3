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
