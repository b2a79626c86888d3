"""The resources of DICOMweb that need pixels: frames, rendered resources, thumbnails (PS3.18 10.4.1)."""

from __future__ import annotations

from fastapi import FastAPI

from calotype.services.archive.pictures import Pictures
from calotype.web.dicomweb.bulkdata import AllBulkdataResource, BulkdataResource
from calotype.web.dicomweb.context import Context
from calotype.web.dicomweb.frames import FramesResource
from calotype.web.dicomweb.rendering import RenderedResource, ThumbnailResource
from calotype.web.dicomweb.routes import INSTANCE, PREFIXES, SERIES, STUDY

_FRAMES = INSTANCE + "/frames/{frames}"


def install(app: FastAPI, context: Context, pictures: Pictures) -> None:
    """Add the resources to ``app``."""
    rendered, thumbnail = RenderedResource(context, pictures), ThumbnailResource(context, pictures)
    resources = [(_FRAMES, FramesResource(context, pictures).__call__)]
    for place in (STUDY, SERIES, INSTANCE, _FRAMES):
        resources += [(f"{place}/rendered", rendered.__call__), (f"{place}/thumbnail", thumbnail.__call__)]
    # The short form of DicomSCP's clients, who know a series without its study.
    resources.append(("/series/{series}/thumbnail", thumbnail.__call__))
    every = {
        "bulkdata": AllBulkdataResource(context, pictures, pixels_only=False),
        "pixeldata": AllBulkdataResource(context, pictures, pixels_only=True),
    }
    resources += [
        (f"{place}/{name}", each.__call__) for place in (STUDY, SERIES, INSTANCE) for name, each in every.items()
    ]
    resources.append((INSTANCE + "/bulkdata/{reference:path}", BulkdataResource(context, pictures).__call__))
    for prefix in PREFIXES:
        for path, answer in resources:
            app.add_route(prefix + path, answer, methods=["GET"], include_in_schema=False)
