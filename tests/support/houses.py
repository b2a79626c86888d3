"""The whole house in this process, over a folder: real stores, real HTTP, nothing outside of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import Settings
from calotype.services.archive.ports import Channel, Origin
from support import samples


@contextmanager
def house_with(settings: Settings, *studies: str) -> Iterator[House]:
    """Run a house until the block ends, with a CT of one image in each of these studies."""
    with open_stores(settings) as stores:
        for number, study in enumerate(studies, 1):
            made = samples.ct(study_uid=study, series_uid=samples.uid(number, 1), sop_uid=samples.uid(number, 1, 1))
            with stores.archive.ingest.begin_part10(Origin(Channel.STOW)) as incoming:
                incoming.write((samples.part10(made),))
                incoming.commit()
        with House(settings, stores) as house:
            yield house
