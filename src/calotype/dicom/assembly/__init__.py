"""Objects built from what DICOMweb sends apart: metadata in JSON or XML, and bulk data (PS3.18 8.6.1.2, 10.5.1.4).

``json_reader`` and ``xml_reader`` read metadata to nodes; ``media`` knows what bulk data of a media type is;
``images``, ``video`` and ``documents`` fill in what a stream says of itself, or refuse what contradicts it;
``assemble`` puts the pieces together and ``nodes`` writes them, always in explicit VR little endian.

Pure: no clock and no fresh UID goes into an object, so that the same request builds the same bytes again. Nothing
here receives, spools or stores.
"""
