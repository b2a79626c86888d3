"""Headers are zlib streams: an archive may move to a machine without ISA-L, and back."""

import zlib

from calotype.services.archive.headers import compress_header, decompress_header

JSON = (
    b'{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Wang^XiaoDong","Ideographic":"\xe7\x8e\x8b^\xe5\xb0\x8f\xe4\xb8\x9c"}]}}'
    * 40
)


def test_what_is_compressed_is_a_smaller_zlib_stream():
    stream = compress_header(JSON)
    assert zlib.decompress(stream) == JSON
    assert len(stream) < len(JSON) / 4


def test_what_zlib_compressed_can_be_read():
    assert decompress_header(zlib.compress(JSON, 9)) == JSON
    assert decompress_header(compress_header(b"")) == b""
