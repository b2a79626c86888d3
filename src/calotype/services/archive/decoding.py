"""Whether the pixels of a stored object can be decoded, all of them: for looking after the archive."""

from __future__ import annotations

from collections.abc import Iterator

from calotype.dicom.pixels.codecs import why_not_decode
from calotype.dicom.pixels.frames import ReadAt, read_frame
from calotype.dicom.pixels.subject import Subject, read_subject
from calotype.dicom.pixels.transcode import Decode, Each, decode, one_by_one
from calotype.errors import DamagedPixels, InvalidRequest, Unsupported
from calotype.services.archive.findings import Findings
from calotype.services.archive.inspection import mapped
from calotype.services.archive.ports import ObjectReader, StoredInstance


class PixelCheck:
    """Decodes every frame and marks the object, or takes its mark away. ``each`` may decode some frames ahead."""

    def __init__(self, findings: Findings, each: Each = one_by_one, decode: Decode = decode) -> None:
        self._findings = findings
        self._each = each
        self._decode = decode

    def damage(self, stored: StoredInstance, reader: ObjectReader) -> str:
        """Return what is wrong with the pixels of an open object, nothing when all can be decoded or none could be.

        Raises what the decoders lack (OutOfResources), and Unavailable when the index is.
        """
        location = stored.location
        try:
            with mapped(reader, location.place) as data:
                subject, read_at = read_subject(data, location.transfer_syntax)
                if subject.description is None or why_not_decode(subject.codec, subject.description):
                    return ""
                self._decode_all(subject, read_at)
        except Unsupported:
            return ""
        except InvalidRequest as error:
            if isinstance(error, DamagedPixels):
                self._findings.note_damage(stored.ref.instance, location.digest, error)
            return str(error)
        self._findings.note_sound(stored.ref.instance)
        return ""

    def _decode_all(self, subject: Subject, read_at: ReadAt) -> None:
        description, index = subject.checked()
        if index.number_of_frames != description.number_of_frames:
            raise DamagedPixels(
                f"Number of Frames is {description.number_of_frames}; {index.number_of_frames} are there"
            )

        def frames() -> Iterator[bytes]:
            for number in range(1, index.number_of_frames + 1):
                yield read_frame(index, number, read_at)

        def work(frame: bytes) -> None:
            self._decode(frame, description, subject.codec)

        for _ in self._each(work, frames()):
            pass
