"""Handing images on: which neighbours there are, and sending a selection to one of them."""
