"""Pixels: where frames lie, every transfer syntax in and out, how they look. Pure, frame by frame, flat in memory.

``description`` says what the pixels are, ``frames`` where they lie, ``codecs`` (the table) what can be made of them;
``guard`` stands before every decoder; ``subject`` is an object to look at, and ``render`` the one function that makes
a picture of it. numpy and imagecodecs are loaded by the first frame that is decoded, never by the start of a server:
one that only stores must not carry them.
"""
