"""What an answer has to say besides, as a value of ``Warning`` (RFC 9111 5.5, as PS3.18 8.3.4.4 wants it)."""

from __future__ import annotations

from collections.abc import Mapping


def warning(*texts: str) -> str:
    """Return texts as warnings of code 299; what a quoted-string cannot hold is left out (RFC 9110 5.6.4)."""
    return ", ".join(f'299 calotype "{_quotable(text)}"' for text in texts)


def together(*told: Mapping[str, str]) -> dict[str, str]:
    """Return headers as one set; warnings of several stand side by side."""
    headers = {name: value for each in told for name, value in each.items()}
    if warnings := [each["Warning"] for each in told if "Warning" in each]:
        headers["Warning"] = ", ".join(warnings)
    return headers


def _quotable(text: str) -> str:
    return "".join(char for char in text if " " <= char <= "~" and char not in '"\\')
