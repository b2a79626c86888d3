"""A signal ends the wait for it whenever it comes: a server that misses it would never leave."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_ROUNDS = 5_000
_SCRIPT = """
import os, random, signal, sys, time
from calotype.cli.serving import told_to_stop

def spin(longest_s):
    until = time.perf_counter() + random.random() * longest_s
    while time.perf_counter() < until:
        pass

reads, writes = os.pipe()
server = os.getpid()
shooter = os.fork()
if not shooter:
    os.close(writes)
    while os.read(reads, 1):
        spin(100e-6)
        os.kill(server, signal.SIGTERM)
    os._exit(0)
for _ in range(int(sys.argv[1])):
    with told_to_stop() as wait_for_stop:
        os.write(writes, b".")
        spin(150e-6)
        wait_for_stop()
os.close(writes)
os.waitpid(shooter, 0)
print("each was heard")
"""


@pytest.mark.skipif(os.name != "posix", reason="sends signals of POSIX")
def test_a_signal_is_heard_whenever_it_comes() -> None:
    # Some come before the wait, some in it, and some in the few steps between: there an event's wait stood still.
    run = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(_ROUNDS)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stdout) == (0, "each was heard\n"), run.stderr
