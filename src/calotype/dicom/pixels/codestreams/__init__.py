"""What the headers of codestreams say, one module for each kind. Read strictly; nothing is decoded.

``guard`` holds it against the object's description, decoders take their colour rules from it. Where a decoder would
search on for something that it knows, this refuses: both must have seen the same header.
"""
