"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# Property tests say what is true, not how fast: on a busy machine hypothesis' deadline would fail right code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
