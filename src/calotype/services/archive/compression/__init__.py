"""Compressing what was received, in the background: which objects (``rules``), one object (``compressor``), all.

An object is answered and served as it came; some time later it takes less room. What lasts, the list of what is to be
done and what came of it, is in the store of ``ports``; ``service`` works it off. Above all stands the archive's rule:
nothing is replaced that was not decoded again and found to be the same, bit for bit.
"""
