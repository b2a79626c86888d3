"""``calotype compress`` over an archive in a folder."""

import json

import pytest
from click.testing import CliRunner

from calotype.app.loading import load
from calotype.app.opening import open_stores
from calotype.cli import calotype
from calotype.cli.failures import SOME_FAILED
from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import JPEG_LOSSLESS_SV1, RLE_LOSSLESS
from calotype.services.archive.ingest import Declared
from support.archives import MODALITY
from support.transcoding import PIXELS, data_set


@pytest.fixture
def flags(tmp_path):
    return {"storage.path": str(tmp_path / "data"), "storage.min_free_mib": "1", "storage.durable": "false"}


@pytest.fixture
def archive(flags):
    """Two studies: of one image, and of one with a picture that cannot be brought back exactly."""
    with open_stores(load(environ={}, flags=flags).settings) as stores:
        for study, uid, pixels in (("2.25.7", "2.25.71", bytes(960)), ("2.25.8", "2.25.81", b"\xff\xff" * 480)):
            data = data_set(PIXELS["12 bits"], StudyInstanceUID=study, SOPInstanceUID=uid, PixelData=pixels)
            with stores.archive.ingest.begin(Declared(UID(""), UID(""), EXPLICIT), MODALITY) as incoming:
                incoming.write((data,))
                incoming.commit()


def run(flags, *arguments):
    pairs = [word for key, value in flags.items() for word in ("-s", f"{key}={value}")]
    return CliRunner().invoke(calotype, [*pairs, "compress", *arguments])


def syntaxes(flags):
    with open_stores(load(environ={}, flags=flags).settings) as stores:
        return {stored.ref.instance: stored.location.transfer_syntax for stored, _, _ in stores.index.records()}


@pytest.mark.usefixtures("archive")
def test_one_study_is_compressed_and_a_second_time_nothing_is_left_to_do(flags):
    done = run(flags, "2.25.7")
    assert (done.exit_code, done.output.split(":")[0]) == (0, "1 compressed")
    assert syntaxes(flags) == {"2.25.71": JPEG_LOSSLESS_SV1, "2.25.81": EXPLICIT}
    assert run(flags, "2.25.7").output.startswith("nothing to compress")


@pytest.mark.usefixtures("archive")
def test_all_are_compressed_and_what_cannot_be_stays_and_says_why(flags):
    done = run(flags, "--all", "--to", "RLELossless")
    assert done.exit_code == SOME_FAILED
    assert "2.25.81: frame 1 has bits outside" in done.stderr
    assert done.stdout.startswith("1 compressed, 1 kept as they came: ")
    assert syntaxes(flags) == {"2.25.71": RLE_LOSSLESS, "2.25.81": EXPLICIT}


@pytest.mark.usefixtures("archive")
def test_scripts_get_an_object_for_each_image(flags):
    done = run(flags, "2.25.7", "--json")
    [told] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (told["instance"], told["result"]) == ("2.25.71", "compressed")
    assert told["after_bytes"] < told["before_bytes"]


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name studies"),
        (("2.25.7", "--all"), "name studies"),
        (("2.25.9",), "no study 2.25.9"),
        (("--all", "--to", "JPEG2000"), "lossy = true"),
        (("--all", "--to", "nothing"), "names no compressed transfer syntax"),
    ],
)
def test_what_makes_no_sense_is_refused(flags, arguments, told):
    done = run(flags, *arguments)
    assert done.exit_code != 0
    assert told in done.output + str(done.exception)
    assert set(syntaxes(flags).values()) == {EXPLICIT}
