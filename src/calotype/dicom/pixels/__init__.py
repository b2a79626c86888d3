"""Pixels: where frames lie, every transfer syntax in and out, how they look. Pure, frame by frame, flat in memory.

``description`` says what the pixels are, ``frames`` where they lie, ``codecs`` (the table) what can be made of them;
``guard`` stands before every decoder. numpy and imagecodecs are loaded by the first frame that is decoded, never by
an import: a server that only stores must not carry them.
"""
