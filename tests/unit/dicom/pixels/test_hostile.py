"""Ten thousand damaged frames: no crash, no hang, no memory without bound, no array of another shape."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.hostile import GROWTH_BYTES, SEED, SLOW_S, bases, mutant

TESTS = Path(__file__).parents[3]
MUTANTS, PARTS = 10_000, 4


@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_frames_are_decoded_or_refused_within_bounds(part, tmp_path):
    trace = tmp_path / "trace"
    count = MUTANTS // PARTS
    arguments = {"--seed": SEED, "--first": part * count, "--count": count, "--trace": trace}
    process = subprocess.run(
        [sys.executable, "-m", "support.hostile", *(str(word) for pair in arguments.items() for word in pair)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    last = trace.read_text().splitlines()[-1:] if trace.exists() else ["none"]
    assert process.returncode == 0, f"mutant {last}: {process.stdout}{process.stderr[-3000:]}"
    found = json.loads(process.stdout)
    assert set(found["outcomes"]) <= {"decoded", "DamagedPixels", "Unsupported"}
    assert sum(found["outcomes"].values()) == count
    assert found["outcomes"]["DamagedPixels"] > count / 4
    assert found["slowest_s"] < SLOW_S
    assert found["grown_bytes"] < GROWTH_BYTES


def test_a_mutant_can_be_made_again():
    assert mutant(SEED, 17) == mutant(SEED, 17)
    assert mutant(SEED, 17) != mutant(SEED + 1, 17)


def test_every_encapsulated_syntax_that_is_written_is_damaged():
    assert len({uid for uid, _, _ in bases()}) >= 14
