"""The documents' generated parts say what the code says, and so does what the pages know of the server."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[3] / "tools"


@pytest.mark.parametrize("tool", ["generate_docs.py", "generate_openapi.py"])
def test_what_is_generated_is_fresh(tool):
    done = subprocess.run([sys.executable, str(TOOLS / tool), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
