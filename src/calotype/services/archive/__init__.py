"""Keeping images: receive, find, hand out, look after. Everything that must never be lost passes here."""
