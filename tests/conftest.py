"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from calotype.stores.index import migrations
from support import indexes

# All that tests talk to is on this machine; a proxy that the environment names would be asked for it all the same.
os.environ |= {"NO_PROXY": "*", "no_proxy": "*"}

# Property tests say what is true, not how fast: on a busy machine hypothesis' deadline would fail right code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def copied_indexes() -> Iterator[None]:
    """Make empty indexes by copying."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "upgrade", indexes.upgrade_or_copy)
        yield
