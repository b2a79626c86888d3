"""Lossless JPEG as we write it, read by libjpeg-turbo: shapes, depths, carries, code lengths."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.pixels import lossless_jpeg
from calotype.dicom.pixels.codestreams.jpeg import SOF_LOSSLESS, jpeg_ends, jpeg_scans, read_jpeg


def decoded(stream, shape):
    colour = {"colorspace": "UNKNOWN", "outcolorspace": "UNKNOWN"} if len(shape) == 3 else {}
    return imagecodecs.jpeg8_decode(stream, **colour).reshape(shape)


def written(samples, precision):
    stream = lossless_jpeg.encode(samples, precision)
    assert np.array_equal(decoded(stream, samples.shape), samples)
    return stream


@given(
    st.integers(2, 16),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.sampled_from([1, 3]),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["noise", "steps", "edges", "flat"]),
)
def test_every_depth_and_shape_comes_back(precision, size, components, seed, kind):
    chance, most = np.random.default_rng(seed), (1 << precision) - 1
    shape = (*size, 3) if components == 3 else size
    samples = {
        "noise": lambda: chance.integers(0, most + 1, shape),
        "steps": lambda: np.cumsum(chance.integers(0, 3, shape), axis=1) % (most + 1),
        "edges": lambda: chance.integers(0, 2, shape) * most,
        "flat": lambda: np.full(shape, most),
    }[kind]()
    written(samples.astype(np.uint8 if precision <= 8 else np.uint16), precision)


@pytest.mark.parametrize("side", [511, 512, 513, 800])
def test_bands_join_without_a_seam(side):
    noise = np.random.default_rng(side).integers(0, 1 << 16, (side, side), np.uint16)
    written(noise, 16)


def test_the_difference_that_needs_no_bits_of_its_own():
    samples = np.array([[0, 1 << 15, 0, 1 << 15], [1 << 15, 0, 1 << 15, 0]], np.uint16)
    written(samples, 16)


def test_a_picture_of_smooth_rows_and_one_wild_line_that_the_sample_passes_over():
    samples = np.zeros((640, 64), np.uint16)
    samples[5] = np.random.default_rng(3).integers(0, 4096, 64)
    written(samples, 12)


def test_the_header_says_what_is_there():
    stream = written(np.zeros((3, 5, 3), np.uint8), 8)
    header = read_jpeg(stream)
    assert (header.process, header.precision, header.rows, header.columns) == (SOF_LOSSLESS, 8, 3, 5)
    assert [each.identifier for each in header.components] == [1, 2, 3]
    assert (header.near, jpeg_scans(stream, header), jpeg_ends(stream, header)) == (1, 1, True)


def test_no_code_is_longer_than_sixteen_bits_and_none_is_all_ones():
    fibonacci = [1, 1]
    while len(fibonacci) < 17:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    lengths = lossless_jpeg.code_lengths(fibonacci)
    assert sorted(lengths) == list(range(17))
    assert max(lengths.values()) <= 16
    # Kraft's sum leaves room for at least the code of all ones.
    assert sum(2.0**-length for length in lengths.values()) <= 1 - 2.0**-16
    assert list(lengths.values()) == sorted(lengths.values())


def test_the_longest_codes_of_all_are_cut():
    lengths = lossless_jpeg.code_lengths([3**power for power in range(17)])
    assert max(Counter(lengths.values())) <= 16


def test_threads_do_not_write_into_each_other_s_arrays():
    pictures = [np.random.default_rng(seed).integers(0, 4096, (600, 500), np.uint16) for seed in range(4)]
    alone = [lossless_jpeg.encode(each, 12) for each in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda number: lossless_jpeg.encode(pictures[number % 4], 12), range(40)))
    assert together == alone * 10
