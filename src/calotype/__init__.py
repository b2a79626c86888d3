"""Calotype: an archive for medical images that keeps one negative and hands out many prints."""

__version__ = "0.1.0"
