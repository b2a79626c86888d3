import pytest

from calotype.services.archive.ingest import IngestSettings
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from support.archives import House


@pytest.fixture
def house():
    return House(MemoryObjectStore(), MemoryIndex())


@pytest.fixture
def house_with():
    def make(objects=None, index=None, **settings):
        return House(objects or MemoryObjectStore(), index or MemoryIndex(), IngestSettings(**settings))

    return make
