"""What is opened of the storage folder, and what goes out of it together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calotype.app.opening import open_stores
from calotype.app.picturing import decoding_of, fleet_of, forms_over, isolation_of, pictures_over
from calotype.app.settings import Settings
from calotype.dicom.hierarchy import UID, StudyRef
from calotype.dicom.uids import JPEG_2000_LOSSLESS
from calotype.services.archive.forms import Original
from calotype.services.archive.ingest import Declared
from calotype.services.archive.pictures import Wish
from calotype.services.archive.workshop import Workshop
from support import samples
from support.archives import MODALITY


@pytest.fixture
def settings(tmp_path):
    base = Settings()
    return replace(base, storage=replace(base.storage, path=tmp_path, durable=False, min_free_mib=0))


def kept(tmp_path):
    folders = [tmp_path / name for name in ("cache", "transcoded")]
    return [len([path for path in folder.rglob("*") if path.is_file()]) for folder in folders]


def without_caches(settings):
    return replace(settings, pixels=replace(settings.pixels, cache_mib=0, transcoded_mib=0))


@pytest.mark.parametrize("later", [lambda settings: settings, without_caches], ids=["the same", "nothing kept"])
def test_pictures_and_forms_of_a_purged_object_leave_the_disk_with_it(settings, tmp_path, later):
    with open_stores(settings) as stores, Workshop(1) as workshop:
        with stores.archive.ingest.begin(Declared(UID(""), UID(""), UID(samples.EXPLICIT)), MODALITY) as incoming:
            incoming.write((samples.ct(16, 16),))
            ref = incoming.commit().ref
        decoding = decoding_of(settings, isolation_of(settings))
        stored = stores.index.instance(ref.instance)
        pictures_over(stores, settings, workshop, decoding).rendered(stored, Wish())
        forms = forms_over(stores, settings, workshop, decoding, fleet_of(settings))
        with (
            stores.archive.retrieve.open(stored) as reader,
            forms.converted(reader, Original.of(stored), UID(JPEG_2000_LOSSLESS)) as form,
        ):
            assert sum(map(len, form.chunks()))
    assert kept(tmp_path) == [1, 1]

    with open_stores(later(settings)) as stores:
        recycling = stores.archive.recycling
        taken = recycling.delete(StudyRef(ref.study), by="me")
        recycling.work()
        assert kept(tmp_path) == [1, 1]
        recycling.purge(taken.id, by="me")
        recycling.work()
    assert kept(tmp_path) == [0, 0]
