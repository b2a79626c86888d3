"""Viewers of others: OHIF served from here, programs on the reader's machine opened by link."""
