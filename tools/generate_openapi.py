"""Prints what the pages know of the server: the ``/api`` of its OpenAPI document, as ``ui/openapi.json``.

The types of ``ui/src/api/schema.d.ts`` are made from it (``npm run api``). With ``--check`` fails when it is stale.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import Settings, Storage

TARGET = Path(__file__).parent.parent / "ui" / "openapi.json"
API = "/api/"
REFERENCE = "#/components/schemas/"


def document() -> str:
    """Return the document of a whole house that serves nobody."""
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(Settings(), storage=Storage(path=Path(folder), durable=False, min_free_mib=1))
        with open_stores(settings) as stores:
            web = House(settings, stores).web
            assert web is not None
            assert isinstance(web.app, FastAPI)
            told: dict[str, Any] = web.app.openapi()
    paths = {path: item for path, item in told["paths"].items() if path.startswith(API)}
    schemas = told["components"]["schemas"]
    kept = _reached(paths, schemas)
    told["paths"] = dict(sorted(paths.items()))
    told["components"]["schemas"] = {name: schemas[name] for name in sorted(kept)}
    # What a release is called is none of the types' business.
    told["info"] = {"title": told["info"]["title"], "version": "0"}
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _reached(start: Any, schemas: dict[str, Any]) -> set[str]:
    kept: set[str] = set()
    waiting = list(_references(start))
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept.add(name)
            waiting.extend(_references(schemas[name]))
    return kept


def _references(node: Any) -> Iterable[str]:
    if isinstance(node, dict):
        if isinstance(target := node.get("$ref"), str):
            yield target.removeprefix(REFERENCE)
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _references(each)


def main() -> None:
    """Write the document, or check it."""
    text = document()
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text:
        return
    if "--check" in sys.argv:
        raise SystemExit("stale: ui/openapi.json; run `make docs` and commit what it writes")
    TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
