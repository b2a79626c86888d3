"""Measures calotype beside its peers, interleaved in one run; see ``python -m bench --help``."""
