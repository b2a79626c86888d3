"""An archive to test with: real services over stores that leave nothing behind."""

from dataclasses import dataclass, field

from calotype.dicom.hierarchy import UID
from calotype.services.archive.archive import Archive, Bin
from calotype.services.archive.ingest import Declared, IngestSettings
from calotype.services.archive.ports import Channel, Index, ObjectStore, Origin
from support import samples

MODALITY = Origin(Channel.DIMSE, "MODALITY", "CALOTYPE", "192.0.2.7")
NOON_US = 1_800_000_000_000_000
"""2027-01-15 08:00:00 UTC, when every test's clock starts."""


@dataclass
class Clock:
    """A clock that goes on by one second each time it is read."""

    now_us: int = NOON_US

    def __call__(self):
        self.now_us += 1_000_000
        return self.now_us


@dataclass
class House:
    """An archive with its stores, and short ways to use it."""

    objects: ObjectStore
    index: Index
    settings: IngestSettings = field(default_factory=IngestSettings)
    clock: Clock = field(default_factory=Clock)
    bin: Bin = field(default_factory=Bin)
    forgotten: list[bytes] = field(default_factory=list)
    """Digests of the objects that were gone for good."""

    def __post_init__(self):
        self.archive = Archive.over(
            self.objects, self.index, self.settings, self.clock, recycling=self.bin, forget=self.forgotten.append
        )

    def store(self, data, *, syntax=samples.EXPLICIT, sop_class="", sop_instance="", origin=MODALITY):
        """Store a data set as C-STORE does, in uneven pieces."""
        declared = Declared(UID(sop_class), UID(sop_instance), UID(syntax))
        with self.archive.ingest.begin(declared, origin) as incoming:
            for start in range(0, len(data), 10_007):
                view = memoryview(data)[start : start + 10_007]
                incoming.write((view[:3], view[3:]))
            return incoming.commit()

    def store_file(self, file, *, step=1 << 20, **how):
        """Store a Part 10 file as STOW-RS and import do."""
        with self.archive.ingest.begin_part10(Origin(Channel.STOW), **how) as incoming:
            for start in range(0, len(file), step):
                incoming.write((file[start : start + step],))
            return incoming.commit()

    def files(self):
        """Return every kept file by its key."""
        found = {}
        for key in list(self.objects.keys()):
            with self.objects.open(key) as reader:
                found[key] = reader.read_at(0, reader.size_bytes)
        return found

    def served(self, sop_instance):
        """Return the data set that is served for a SOP Instance UID."""
        stored = self.index.instance(UID(sop_instance))
        with self.archive.retrieve.open(stored) as reader:
            return reader.read_at(stored.location.data_offset, reader.size_bytes)
