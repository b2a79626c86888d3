"""Calotype's own HTTP interface, one file per noun."""
