"""Definition texts: others must be able to read them, whatever a .msg file may hold."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from mcap_ros2._dynamic import generate_dynamic
from rosbags.typesys import get_types_from_msg

from mtopt_data.errors import SchemaInvalid, SchemaMissing
from mtopt_data.schema import ament_finder, message_definition

LINE = "=" * 80

RICH = """# A comment with pkg/NotAType x
std_msgs/Header header
int32 LIMIT=5        # a constant with used/Like value
string WORD="a # b"
Inner[] many
Inner[<=3] few
pkg/Inner[2] pair
string<=20 name "x y"
string<=5[<=4] names
float64[9] k
uint8[] data
other/Leaf leaf
bool flag true
int32[] list [1, 2]
"""


def finder(folder: Path, texts: dict[str, str]) -> Any:
    for key, text in texts.items():
        package, name = key.split("/")
        path = folder / "share" / package / "msg" / f"{name}.msg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return ament_finder([folder / "empty", folder])


@pytest.fixture
def find_rich(tmp_path: Path) -> Any:
    header = "builtin_interfaces/Time stamp\nstring frame_id"
    inner = "Leaf leaf\nbuiltin_interfaces/Duration d\n\n"
    return finder(
        tmp_path,
        {
            "pkg/Rich": RICH,
            "pkg/Inner": inner,
            "pkg/Leaf": "float32 x\n",
            "other/Leaf": "# nothing\nfloat32 y",
            "std_msgs/Header": header,
        },
    )


def test_each_type_stands_once_behind_its_line(find_rich: Any) -> None:
    text = message_definition("pkg/msg/Rich", find_rich)
    head, *parts = text.split(f"\n{LINE}\nMSG: ")
    assert head == RICH
    assert [part.split("\n")[0] for part in parts] == [
        "std_msgs/Header",
        "pkg/Inner",
        "other/Leaf",
        "builtin_interfaces/Time",
        "pkg/Leaf",
        "builtin_interfaces/Duration",
    ]


def test_both_ways_to_write_a_type_name_mean_the_same(find_rich: Any) -> None:
    assert message_definition("pkg/Rich", find_rich) == message_definition(
        "pkg/msg/Rich", find_rich
    )


def test_readers_that_know_nothing_of_us_understand_it(find_rich: Any) -> None:
    text = message_definition("pkg/msg/Rich", find_rich)
    assert "pkg/msg/Rich" in generate_dynamic("pkg/msg/Rich", text)
    types = get_types_from_msg(text, "pkg/msg/Rich")
    assert set(types) == {
        "pkg/msg/Rich",
        "pkg/msg/Inner",
        "pkg/msg/Leaf",
        "other/msg/Leaf",
        "std_msgs/msg/Header",
        "builtin_interfaces/msg/Time",
        "builtin_interfaces/msg/Duration",
    }


def test_a_missing_definition_says_who_needs_it(tmp_path: Path) -> None:
    find = finder(tmp_path, {"pkg/Top": "Gone gone\n"})
    with pytest.raises(SchemaMissing, match=r"pkg/Gone \(used by pkg/Top\): no definition file"):
        message_definition("pkg/msg/Top", find)
    with pytest.raises(SchemaMissing, match="pkg/Nothing"):
        message_definition("pkg/msg/Nothing", find)


@pytest.mark.parametrize("line", ["int32", "9 x", "a/b/c/d e", "float32[3 x"])
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str) -> None:
    find = finder(tmp_path, {"pkg/Top": f"# first\n{line}\n"})
    with pytest.raises(SchemaInvalid, match="definition of pkg/Top, line 2"):
        message_definition("pkg/msg/Top", find)


@pytest.mark.parametrize("name", ["", "pkg", "pkg/srv/Type", "/pkg/Type", "a/b/c/d", "pkg/msg/"])
def test_a_type_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(SchemaInvalid, match="must be package/msg/Name"):
        message_definition(name, lambda package, name: None)


def test_types_that_use_each_other_come_to_an_end(tmp_path: Path) -> None:
    find = finder(tmp_path, {"pkg/A": "B b\n", "pkg/B": "A[] a\n"})
    assert message_definition("pkg/A", find).count("MSG: ") == 1


def test_every_installed_message_type_is_understood(wire: Any) -> None:
    prefixes = [
        Path(entry) for entry in os.environ.get("AMENT_PREFIX_PATH", "").split(":") if entry
    ]
    installed = [path for prefix in prefixes for path in prefix.glob("share/*/msg/*.msg")]
    find = ament_finder(prefixes) if installed else wire.find_file
    names = [f"{path.parts[-3]}/msg/{path.stem}" for path in installed]
    for name in names or [name for name in wire.store.fielddefs if "/msg/" in name]:
        text = message_definition(name, find)
        assert name in generate_dynamic(name, text)
        assert name in get_types_from_msg(text, name)
