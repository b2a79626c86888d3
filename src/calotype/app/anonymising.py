"""From settings to the anonymiser: what is declared of pictures, which private attributes are safe, the key."""

from __future__ import annotations

from calotype.app.opening import Stores
from calotype.app.settings import Anonymise, Settings
from calotype.dicom.deidentify.deidentify import Policy
from calotype.dicom.deidentify.options import Option, Wishes
from calotype.dicom.deidentify.suspects import Rectangle, Regions
from calotype.dicom.pixels.transcode import Decode, decode
from calotype.errors import InvalidRequest
from calotype.services.archive.anonymise import Anonymiser, AnonymiseSettings
from calotype.services.jobs.jobs import Jobs
from calotype.services.routing.anonymising import Anonymising
from calotype.stores.secret import FileSecret


def anonymiser_of(settings: Settings, decode: Decode = decode) -> Anonymiser:
    """Return the anonymiser; its key is made when it is first needed. InvalidRequest when a setting is wrong.

    ``decode`` decodes the frames of which parts are to be masked.
    """
    section = settings.anonymise
    key = section.key_file or settings.storage.path / "secrets" / "anonymise.key"
    return Anonymiser(FileSecret(key), AnonymiseSettings(_policy(section), _wishes(section)), decode=decode)


def anonymising_over(stores: Stores, settings: Settings, jobs: Jobs, anonymiser: Anonymiser) -> Anonymising:
    """Return what makes studies anew; zip files wait in the storage folder."""
    archive = stores.archive
    folder = settings.storage.path / "anonymised"
    return Anonymising(
        jobs,
        archive.retrieve,
        archive.ingest,
        anonymiser,
        folder,
        keep_days=settings.anonymise.keep_zips_days,
    )


def _wishes(section: Anonymise) -> Wishes:
    try:
        return Wishes(frozenset(map(Option, section.options)))
    except InvalidRequest as error:
        raise InvalidRequest(f"anonymise.options: {error}") from error


def _policy(section: Anonymise) -> Policy:
    regions = []
    for number, declared in enumerate(section.regions):
        try:
            areas = tuple(Rectangle.parsed(area) for area in declared.areas)
        except InvalidRequest as error:
            raise InvalidRequest(f"anonymise.regions.{number}: {error}") from error
        regions.append(
            Regions(
                areas,
                sop_class=declared.sop_class,
                modality=declared.modality,
                manufacturer=declared.manufacturer,
                model=declared.model,
                rows=declared.rows,
                columns=declared.columns,
            )
        )
    return Policy(
        empties_documents=section.documents == "empty",
        regions=tuple(regions),
        safe_private=frozenset(map(_safe_private, section.safe_private)),
    )


def _safe_private(written: str) -> tuple[str, int, int]:
    """Read ``CREATOR|GROUP|ELEMENT``, the element being its last two digits."""
    parts = [part.strip() for part in written.split("|")]
    try:
        creator, group, element = parts[0], int(parts[1], 16), int(parts[2], 16)
    except (IndexError, ValueError):
        creator, group, element = "", 0, 0
    if len(parts) != 3 or not creator or not group & 1 or not 0 <= element <= 0xFF or group > 0xFFFF:
        raise InvalidRequest(
            f"anonymise.safe_private: {written[:64]!r} names no private attribute; write creator|group|element in its"
            " block, for example 'SIEMENS MR HEADER|0019|0C'"
        )
    return creator, group, element
