"""The sample study is put in on request, once."""

from fastapi import FastAPI

from calotype.dicom import phantom
from calotype.services.archive.archive import Archive
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.web.api import sample
from calotype.web.offload import Offload


def test_it_is_in_the_archive_once_however_often_it_is_asked_for(portal_client):
    archive = Archive.over(MemoryObjectStore(), MemoryIndex())
    app = FastAPI()
    app.include_router(sample.router(archive.ingest, Offload(1)), prefix="/api")
    http = portal_client(app)
    answers = [http.post("/api/sample") for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"study": phantom.STUDY})] * 2
    assert archive.search.statistics().instances == phantom.SLICES
