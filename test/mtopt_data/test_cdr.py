"""CDR bytes from plain values: what goes in comes out, for every kind of field."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from mcap_ros2._dynamic import generate_dynamic

from mtopt_data.cdr import CdrEncoder
from mtopt_data.errors import MessageInvalid, SchemaInvalid

DEFINITION = """std_msgs/Header header
int64 seed
float32 q
bool graded
string[] names
float64[] position
float64[9] k
uint8[] data
Leaf[] leaves
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
================================================================================
MSG: pkg/Leaf
float64 x
"""
KIND = "pkg/msg/Thing"


def decoded(data: bytes) -> Any:
    return generate_dynamic(KIND, DEFINITION)[KIND](data)


@pytest.fixture(scope="module")
def encode() -> CdrEncoder:
    return CdrEncoder(KIND, DEFINITION)


def test_what_goes_in_comes_out(encode: CdrEncoder) -> None:
    message = decoded(
        encode(
            {
                "header": {"stamp": {"sec": 3, "nanosec": 999_999_999}, "frame_id": "base_link"},
                "seed": 2**62 - 1,
                "q": math.nan,
                "graded": True,
                "names": ["a", "größer"],
                "position": [0.1, -2.0],
                "k": [float(n) for n in range(9)],
                "data": b"\xff\xd8\x00",
                "leaves": [{"x": 1.5}, {"x": 2.5}],
            }
        )
    )
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (3, 999_999_999)
    assert message.header.frame_id == "base_link"
    assert message.seed == 2**62 - 1 and message.graded is True and math.isnan(message.q)
    assert list(message.names) == ["a", "größer"]
    assert list(message.position) == [0.1, -2.0]
    assert list(message.k) == list(range(9))
    assert bytes(message.data) == b"\xff\xd8\x00"
    assert [leaf.x for leaf in message.leaves] == [1.5, 2.5]


def test_what_is_left_out_is_zero_or_empty(encode: CdrEncoder) -> None:
    message = decoded(encode({}))
    assert message.seed == 0 and message.header.frame_id == "" and not message.leaves
    assert list(message.k) == [0.0] * 9


def test_a_value_that_does_not_fit_is_refused_by_type(encode: CdrEncoder) -> None:
    with pytest.raises(MessageInvalid, match=KIND):
        encode({"header": {"stamp": {"sec": 2**40}}})
    with pytest.raises(MessageInvalid, match=KIND):
        encode({"position": SimpleNamespace()})


def test_a_definition_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(SchemaInvalid, match=KIND):
        CdrEncoder(KIND, "this is no definition")
