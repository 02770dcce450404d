"""Message definitions as one text, the way MCAP readers expect them ("ros2msg").

The text of the type itself comes first, then each type it uses, once, behind a line of 80
`=` and a line `MSG: package/Type`. The texts are those of the installed `.msg` files, so a
reader needs nothing but the recording.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from .errors import SchemaInvalid, SchemaMissing

ENCODING = "ros2msg"
SEPARATOR = "=" * 80

FindFile = Callable[[str, str], Path | None]

_NAME = r"[A-Za-z][A-Za-z0-9_]*"
_FULL_TYPE = re.compile(rf"({_NAME})/(?:msg/)?({_NAME})")
_NUMBERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
_PRIMITIVES = {*_NUMBERS, "bool", "byte", "char", "float32", "float64", "string", "wstring"}
# `package/Type[<=3] name`, `string<=20[] name "default"`, `int32 NAME=5`
_LINE = re.compile(
    rf"(?P<base>{_NAME}(?:/{_NAME}){{0,2}})(?:<=\d+)?(?:\[(?:<=)?\d*\])?\s+{_NAME}(?:\s*=|\s|$)"
)
_CORE_TIMES = {
    "builtin_interfaces/Time": "int32 sec\nuint32 nanosec\n",
    "builtin_interfaces/Duration": "int32 sec\nuint32 nanosec\n",
}


def message_definition(type_name: str, find_file: FindFile) -> str:
    """The concatenated definition of `type_name` ("sensor_msgs/msg/JointState").

    `find_file(package, name)` gives the path of a `.msg` file, or None. Raises SchemaMissing
    where a type has no file (time and duration need none), SchemaInvalid where a name or a
    line of a file cannot be understood.
    """
    package, name = split_type(type_name)
    root = f"{package}/{name}"
    texts = {root: _text_of(root, find_file, user=type_name)}
    waiting = [root]
    while waiting:
        user = waiting.pop(0)
        for used in _uses(texts[user], user):
            if used not in texts:
                texts[used] = _text_of(used, find_file, user=user)
                waiting.append(used)
    head = texts.pop(root)
    parts = [head, *(f"{SEPARATOR}\nMSG: {key}\n{text}" for key, text in texts.items())]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def split_type(type_name: str) -> tuple[str, str]:
    """Package and name of "package/msg/Name" or "package/Name"; raises SchemaInvalid."""
    match = _FULL_TYPE.fullmatch(type_name)
    if not match:
        raise SchemaInvalid(f"message type {type_name!r}: must be package/msg/Name")
    return match[1], match[2]


def ament_finder(prefixes: Sequence[Path]) -> FindFile:
    """Look-up in ROS install prefixes (the entries of AMENT_PREFIX_PATH), the first wins."""

    def find_file(package: str, name: str) -> Path | None:
        places = (prefix / "share" / package / "msg" / f"{name}.msg" for prefix in prefixes)
        return next((place for place in places if place.is_file()), None)

    return find_file


def _text_of(key: str, find_file: FindFile, user: str) -> str:
    path = find_file(*key.split("/"))
    if path is None:
        if key in _CORE_TIMES:
            return _CORE_TIMES[key]
        raise SchemaMissing(
            f"message type {key} (used by {user}): no definition file found; is its package "
            "installed and sourced?"
        )
    try:
        return path.read_text(encoding="utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaMissing(f"message type {key}: {path} cannot be read: {error}") from error


def _uses(text: str, user: str) -> list[str]:
    """The message types that a definition's fields have, as "package/Name", in order."""
    package = user.partition("/")[0]
    found: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        code = line.split("#", 1)[0].strip()
        if not code or code.startswith("@"):
            continue
        match = _LINE.match(code)
        if not match:
            raise SchemaInvalid(
                f"definition of {user}, line {number}: cannot read {line.strip()!r}"
            )
        if match["base"] not in _PRIMITIVES:
            found.append(_full_name(match["base"], package))
    return found


def _full_name(base: str, package: str) -> str:
    if "/" not in base:
        return f"{package}/{base}"
    return "/".join(split_type(base))
