"""Settings as text: the commented template that ``calotype init`` writes, the effective values of ``config show``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_type_hints

from calotype.app.loading import Loaded, source_of
from calotype.app.settings import Settings

_MASK = "********"


def effective(loaded: Loaded) -> Iterator[tuple[str, str, str]]:
    """Yield (dotted key, value as TOML with secrets masked, source) of every setting, in file order."""
    yield from _effective(loaded.settings, "", loaded.sources)


def template() -> str:
    """Return a settings file that says every setting, its meaning and its default, all commented out."""
    lines = [
        "# Settings of calotype. Every line that is commented out shows the default.",
        "# Each can also come from the environment: CALOTYPE__HTTP__PORT=8080, CALOTYPE__LISTENERS__0__PORT=104.",
    ]
    sections = [f for f in dataclasses.fields(Settings) if not isinstance(_default(f), tuple)]
    lists = [f for f in dataclasses.fields(Settings) if isinstance(_default(f), tuple)]
    for section in sections:
        value = _default(section)
        lines += ["", f"# {section.metadata['help']}", f"[{section.name}]"]
        lines += _template_fields(value)
        lines += _template_blocks(value, section.name)
    for section in lists:
        kind = get_args(get_type_hints(Settings)[section.name])[0]
        lines += ["", f"# {section.metadata['help']} Repeat the block for each; giving one replaces all defaults."]
        for value in _default(section) or (kind(),):
            lines += [f"# [[{section.name}]]", *_template_fields(value)]
    return "\n".join(lines) + "\n"


def _template_fields(value: Any, prefix: str = "") -> list[str]:
    lines: list[str] = []
    for item in dataclasses.fields(value):
        inner = getattr(value, item.name)
        if dataclasses.is_dataclass(inner):
            lines += _template_fields(inner, f"{prefix}{item.name}.")
            continue
        if _block_kind(value, item.name) is not None:
            continue
        shown = _toml(inner) if inner is not None else '""'
        lines += [f"# {item.metadata['help']}", f"# {prefix}{item.name} = {shown}"]
    return lines


def _template_blocks(value: Any, name: str) -> list[str]:
    """Return what is told of the lists of blocks in a section, after its other settings as TOML wants it."""
    lines: list[str] = []
    for item in dataclasses.fields(value):
        kind = _block_kind(value, item.name)
        if kind is not None:
            lines += ["", f"# {item.metadata['help']} Repeat the block for each."]
            lines += [f"# [[{name}.{item.name}]]", *_template_fields(kind())]
    return lines


def _block_kind(value: Any, name: str) -> Any:
    """Return what a list of blocks holds, ``None`` for any other setting."""
    arguments = get_args(get_type_hints(type(value))[name])
    return arguments[0] if arguments and dataclasses.is_dataclass(arguments[0]) else None


def _default(item: dataclasses.Field[Any]) -> Any:
    if item.default_factory is not dataclasses.MISSING:
        return item.default_factory()
    return item.default


def _effective(value: Any, dotted: str, sources: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for item in dataclasses.fields(value):
        key = f"{dotted}.{item.name}" if dotted else item.name
        inner = getattr(value, item.name)
        if dataclasses.is_dataclass(inner):
            yield from _effective(inner, key, sources)
        elif isinstance(inner, tuple) and inner and dataclasses.is_dataclass(inner[0]):
            for i, part in enumerate(inner):
                yield from _effective(part, f"{key}.{i}", sources)
        else:
            source = source_of(key, sources)
            shown = _toml(_MASK if item.metadata["secret"] and inner else inner)
            yield key, shown, "default" if source == "settings" else source


def _toml(value: Any) -> str:
    if value is None:
        return '""'
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)
