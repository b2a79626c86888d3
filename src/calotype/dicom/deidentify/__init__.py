"""De-identification by PS3.15 Annex E: what must go, what takes its place, and the proof that it is gone.

Pure, as all of ``dicom``: keys and settings are handed in, bytes come and go as ranges and chunks.
"""
