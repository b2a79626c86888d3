"""From defaults, a TOML file, the environment and flags to ``Settings``; says where each value came from.

Later sources win, key by key: defaults, file, environment (``CALOTYPE__SECTION__KEY``, or ``..._FILE`` naming a
file that holds the value, for secrets), flags. Unknown keys are refused with the nearest name: a mistyped safety
setting that is silently ignored would be worse than a server that does not start.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from calotype.app.checks import check
from calotype.app.settings import Settings
from calotype.errors import InvalidRequest, NotFound

ENVIRONMENT_PREFIX = "CALOTYPE__"
DEFAULT_FILE = "calotype.toml"

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The effective settings, where each dotted key that is not a default came from, and the file read."""

    settings: Settings
    sources: Mapping[str, str]
    file: Path | None


def load(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Loaded:
    """Gather, check and freeze the settings.

    ``file`` must exist when given; else ``CALOTYPE_CONFIG``, else ``calotype.toml`` in ``folder`` (the working
    folder) is read when it is there. ``flags`` are dotted keys: ``{"http.port": "8080"}``.
    Raises InvalidRequest with one line that says which key of which source is wrong and what would be right,
    NotFound when a named file is missing.
    """
    environ = os.environ if environ is None else environ
    folder = folder or Path.cwd()
    path = _settings_file(file, environ, folder)
    tree: Tree = {}
    sources: dict[str, str] = {}
    if path is not None:
        _merge(tree, _read_toml(path), str(path), sources)
        folder = path.resolve().parent
    for keys, value, name in _environment(environ):
        _put(tree, keys, value, name, sources)
    for dotted, value in (flags or {}).items():
        _put(tree, dotted.split("."), value, "--set", sources)
    settings = _validated(tree, sources)
    settings = _with_absolute_paths(settings, folder)
    check(settings)
    return Loaded(settings, sources, path)


def _settings_file(file: Path | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    named = file or (Path(environ["CALOTYPE_CONFIG"]) if environ.get("CALOTYPE_CONFIG") else None)
    if named is None:
        usual = folder / DEFAULT_FILE
        return usual if usual.is_file() else None
    if named.is_dir():
        raise InvalidRequest(f"settings file {named} is a folder; name the file in it")
    if not named.is_file():
        raise NotFound(f"settings file {named} is not there; `calotype init --config {named}` writes one")
    return named


def _read_toml(path: Path) -> Tree:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from error
    except OSError as error:
        raise InvalidRequest(f"{path}: cannot be read ({error.strerror})") from error


def _merge(tree: Tree, new: Tree, source: str, sources: dict[str, str], prefix: str = "") -> None:
    for key, value in new.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, dict):
            _merge(tree.setdefault(key, {}), value, source, sources, f"{dotted}.")
        else:
            tree[key] = value
            sources[dotted] = source


def _environment(environ: Mapping[str, str]) -> Iterator[tuple[list[str], str, str]]:
    for name in sorted(environ):
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        keys = name[len(ENVIRONMENT_PREFIX) :].lower().split("__")
        value = environ[name]
        if keys[-1].endswith("_file") and not _is_setting(keys):
            keys[-1] = keys[-1].removesuffix("_file")
            value = _secret(Path(value), name)
        yield keys, value, name


def _is_setting(keys: Sequence[str]) -> bool:
    """Tell whether there is a setting of this name: one may itself end in ``_file``."""
    kind: Any = Settings
    for key in keys:
        item = _item_kind(kind)
        hints = get_type_hints(kind) if dataclasses.is_dataclass(kind) else {}
        if item is None and key not in hints:
            return False
        kind = hints[key] if item is None else item
    return True


def _secret(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{name}: {path} is not UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise InvalidRequest(f"{name}: {path} cannot be read ({error.strerror})") from error


def _put(tree: Tree, keys: Sequence[str], value: str, source: str, sources: dict[str, str]) -> None:
    """Set one leaf; a number among the keys is a place in a list, which starts as the list already there."""
    kind: Any = Settings
    branch: Any = tree
    for depth, key in enumerate(keys[:-1]):
        kind = _kind_of(kind, key, source, ".".join(keys[: depth + 1]))
        if isinstance(branch, list):
            branch = branch[_place(branch, key, source)]
        elif _item_kind(kind) is not None:
            branch = branch.setdefault(key, _default_list(keys[: depth + 1]))
        else:
            branch = branch.setdefault(key, {})
        if not isinstance(branch, dict | list):
            raise InvalidRequest(f"{source}: {'.'.join(keys[: depth + 1])} is a value, not a section")
    kind = _kind_of(kind, keys[-1], source, ".".join(keys))
    parsed: Any = value
    if dataclasses.is_dataclass(kind) or _item_kind(kind) is not None:
        parsed = _json(value, source) if value.lstrip().startswith(("{", "[")) else _words(value)
    if isinstance(branch, list):
        branch[_place(branch, keys[-1], source)] = parsed
    else:
        branch[keys[-1]] = parsed
    sources[".".join(keys)] = source


def _default_list(keys: Sequence[str]) -> list[Any]:
    value: Any = Settings()
    for key in keys:
        value = getattr(value, key, ())
    return [dataclasses.asdict(item) if dataclasses.is_dataclass(item) else item for item in value]  # type: ignore[arg-type]


def _place(items: list[Any], key: str, source: str) -> int:
    if not key.isdecimal() or int(key) > len(items):
        raise InvalidRequest(
            f"{source}: {key} is no place in a list of {len(items)}; the next free one is {len(items)}"
        )
    if int(key) == len(items):
        items.append({})
    return int(key)


def _words(value: str) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()]


def _json(value: str, source: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise InvalidRequest(f"{source}: not JSON ({error}); give a list as a,b,c or as JSON") from error


def _kind_of(kind: Any, key: str, source: str, dotted: str) -> Any:
    item = _item_kind(kind)
    if item is not None:
        return item
    if not dataclasses.is_dataclass(kind):
        raise InvalidRequest(f"{source}: {dotted}: there is no setting below {dotted.rpartition('.')[0]}")
    hints = get_type_hints(kind)
    if key not in hints:
        raise InvalidRequest(f"{source}: unknown setting {dotted!r}{_nearest(key, hints)}")
    return hints[key]


def _item_kind(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is tuple else None


def _nearest(key: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(known)}"


def _refuse_unknown(kind: Any, value: Any, dotted: str, sources: Mapping[str, str]) -> None:
    item = _item_kind(kind)
    if item is not None and isinstance(value, list):
        for i, inner in enumerate(value):
            _refuse_unknown(item, inner, f"{dotted}.{i}", sources)
    elif dataclasses.is_dataclass(kind) and isinstance(value, dict):
        hints = get_type_hints(kind)
        for key, inner in value.items():
            below = f"{dotted}.{key}" if dotted else key
            if key not in hints:
                raise InvalidRequest(f"{source_of(below, sources)}: unknown setting {below!r}{_nearest(key, hints)}")
            _refuse_unknown(hints[key], inner, below, sources)


def source_of(dotted: str, sources: Mapping[str, str]) -> str:
    """Find who set ``dotted`` or the nearest list or section around or below it."""
    around = dotted
    while around:
        if around in sources:
            return sources[around]
        around = around.rpartition(".")[0]
    return next((source for key, source in sources.items() if key.startswith(f"{dotted}.")), "settings")


def _validated(tree: Tree, sources: Mapping[str, str]) -> Settings:
    if not tree:
        return Settings()
    _refuse_unknown(Settings, tree, "", sources)
    from pydantic import TypeAdapter, ValidationError  # 0.1 s that nobody waits for who has set nothing

    try:
        return TypeAdapter(Settings).validate_python(_without_empty_options(Settings, tree))
    except ValidationError as error:
        first = error.errors()[0]
        dotted = ".".join(str(part) for part in first["loc"])
        wanted = _WANTED.get(first["type"], first["msg"]).format(last=dotted.rpartition(".")[2])
        given = (
            "" if isinstance(first["input"], dict | list) or "password" in dotted else f" (given: {first['input']!r})"
        )
        raise InvalidRequest(f"{source_of(dotted, sources)}: {dotted}: {wanted}{given}") from error


_WANTED: Mapping[str, str] = {
    "tuple_type": "give a list, in brackets; of sections in the file, each under its own [[{last}]]",
    "dataclass_type": "give a section with settings in it, under [{last}] in the file",
    "dataclass_exact_type": "give a section with settings in it, under [{last}] in the file",
    "string_type": "give text, in quotes",
    "path_type": "give a path, in quotes",
}
"""What would be right, in the words of who writes settings, for kinds of errors that pydantic tells in Python's."""


def _without_empty_options(kind: Any, value: Any) -> Any:
    """Leave out optional values given as an empty string: TOML and the environment have no null."""
    item = _item_kind(kind)
    if item is not None and isinstance(value, list):
        return [_without_empty_options(item, inner) for inner in value]
    if not dataclasses.is_dataclass(kind) or not isinstance(value, dict):
        return value
    hints = get_type_hints(kind)
    return {
        key: _without_empty_options(hints[key], inner)
        for key, inner in value.items()
        if not (inner == "" and get_origin(hints[key]) in (Union, types.UnionType))
    }


def _with_absolute_paths(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return (folder / value.expanduser()).absolute()
    if isinstance(value, tuple):
        return tuple(_with_absolute_paths(item, folder) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: _with_absolute_paths(getattr(value, f.name), folder) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **changed)
    return value
