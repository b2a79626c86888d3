"""An archive that compresses: services over stores, without threads."""

from dataclasses import dataclass, field

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import JPEG_LS_LOSSLESS
from calotype.services.archive.compression.compressor import Compressor
from calotype.services.archive.compression.ports import CompressionStore
from calotype.services.archive.compression.rules import Rule, Rules
from calotype.services.archive.ingest import IngestSettings
from calotype.services.archive.ports import Index, ObjectStore
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_compression import MemoryCompression
from calotype.stores.objects.memory import MemoryObjectStore
from support.archives import House

EVERYTHING = Rules((Rule(JPEG_LS_LOSSLESS),))


@dataclass
class Press:
    """A house that puts what its rules want onto the list, and a compressor."""

    rules: Rules = EVERYTHING
    objects: ObjectStore = field(default_factory=MemoryObjectStore)
    index: Index = field(default_factory=MemoryIndex)
    store: CompressionStore | None = None
    settings: dict = field(default_factory=dict)

    def __post_init__(self):
        self.house = House(self.objects, self.index, IngestSettings(to_compress=self.rules.wants, **self.settings))
        self.store = self.store or MemoryCompression(self.index)
        archive = self.house.archive
        self.compressor = Compressor(
            self.objects,
            self.index,
            archive.texts,
            archive.ingest,
            self.store,
            clock=self.house.clock,
            forget=self.house.forgotten.append,
        )

    def take(self):
        """Take one object from the list."""
        [task] = self.store.claim(1, 1 << 62)
        return task

    def compress(self, rule=None):
        """Compress the next object of the list as rules (or ``rule``) say."""
        task = self.take()
        return self.compressor.compress(task, rule or self.rules.rule_for(task.origin, task.modality))

    def location(self, uid="2.25.1"):
        """Return where the object that ``support.transcoding`` makes is kept."""
        return self.index.instance(UID(uid)).location
