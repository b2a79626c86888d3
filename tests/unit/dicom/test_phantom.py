"""The sample study is what it says, to a foreign reader, and the same each time."""

import io

import numpy as np
import pydicom
import pytest

from calotype.dicom import phantom


@pytest.fixture(scope="module")
def read():
    return [pydicom.dcmread(io.BytesIO(file)) for file in phantom.files()]


def test_every_slice_is_an_image_of_one_series(read):
    assert len(read) == phantom.SLICES == len({each.SOPInstanceUID for each in read})
    assert {each.StudyInstanceUID for each in read} == {phantom.STUDY}
    assert len({(each.SeriesInstanceUID, each.FrameOfReferenceUID) for each in read}) == 1
    assert all(each.SOPInstanceUID.is_valid for each in read)
    assert all(each.pixel_array.shape == (phantom.SIZE_PX, phantom.SIZE_PX) for each in read)


def test_slices_lie_one_above_the_other(read):
    heights = [each.ImagePositionPatient[2] for each in read]
    assert np.allclose(np.diff(heights), phantom.SLICE_MM)


def test_it_shows_bone_brain_and_air(read):
    middle = read[phantom.SLICES // 2].pixel_array
    assert {-1000, 35, 900} <= set(np.unique(middle).tolist())


def test_it_names_its_patient_in_two_scripts(read):
    assert str(read[0].PatientName) == "Sample^Calotype=样例"


def test_it_is_the_same_each_time():
    assert next(phantom.files()) == next(phantom.files())
