"""The column types that every table of the index shares."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Integer

ROW: Final = BigInteger().with_variant(Integer, "sqlite")
"""A row number. SQLite numbers rows for free only where the type is spelled INTEGER."""
