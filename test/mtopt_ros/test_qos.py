"""The two ends of every topic fit: a mismatch is silence, not an error."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from rclpy.qos import QoSCompatibility, QoSProfile, qos_check_compatible

import mtopt_ros
from mtopt_ros import qos
from mtopt_ros.recorded_topics import recorded_topics

D, I, S, L = qos.DRIVER, qos.IMAGES, qos.STATES, qos.LATCHED  # noqa: E741
R, N = qos.RECORDED, qos.NEWEST

# topic: (what its publishers offer, what its subscribers ask for)
ENDS: dict[str, tuple[tuple[QoSProfile, ...], tuple[QoSProfile, ...]]] = {
    "joint_states": ((D,), (I, R)),
    "controller/joint_trajectory": ((D,), (D,)),
    "image_raw": ((D,), (I, N, R)),
    "image_raw/compressed": ((D,), (I, R)),
    "camera_info": ((D,), (R,)),
    "camera/extrinsics": ((L,), (L,)),
    "sim/truth": ((S,), (S,)),
    "heartbeat": ((S,), (S,)),
    "episode/step": ((S,), (S,)),
    "episode/outcome": ((S,), (S,)),
    "runner/status": ((L,), (L,)),
    "cell/status": ((S,), (S,)),
}


@pytest.mark.parametrize("topic", ENDS)
def test_every_subscriber_can_hear_every_publisher(topic: str) -> None:
    offers, wishes = ENDS[topic]
    for offer in offers:
        for wish in wishes:
            compatible, reason = qos_check_compatible(offer, wish)
            assert compatible != QoSCompatibility.ERROR, f"{topic}: {reason}"


def test_the_check_sees_what_does_not_fit() -> None:
    assert qos_check_compatible(qos.IMAGES, qos.STATES)[0] == QoSCompatibility.ERROR
    assert qos_check_compatible(qos.STATES, qos.LATCHED)[0] == QoSCompatibility.ERROR


def test_drivers_that_publish_sensor_data_are_heard() -> None:
    """A real camera or ros2_control offers what it offers; images and joints must take both."""
    for offer in (qos.IMAGES, qos.DRIVER):
        for wish in (qos.IMAGES, qos.RECORDED):
            assert qos_check_compatible(offer, wish)[0] != QoSCompatibility.ERROR


def test_joint_trajectory_controller_can_hear_us() -> None:
    """It subscribes with the system's default: reliable, volatile."""
    assert qos_check_compatible(qos.DRIVER, QoSProfile(depth=1))[0] != QoSCompatibility.ERROR


def test_the_recorder_asks_for_what_the_table_says() -> None:
    for topic in recorded_topics():
        ends = [wishes for name, (_, wishes) in ENDS.items() if topic.name.endswith(name)]
        assert ends and topic.qos in ends[0], topic.name


def _profiles_used() -> dict[str, set[str]]:
    """Topic (as far as it is a literal) to the names of profiles that the code gives it."""
    used: dict[str, set[str]] = {}
    for path in Path(mtopt_ros.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr not in ("create_publisher", "create_subscription"):
                continue
            named = [a.id for a in node.args if isinstance(a, ast.Name) and a.id.isupper()]
            text = [a.value for a in node.args if isinstance(a, ast.Constant)]
            pieces = [v for a in node.args if isinstance(a, ast.JoinedStr) for v in a.values]
            text += [piece.value for piece in pieces if isinstance(piece, ast.Constant)]
            topic = str(text[-1]) if text else ""
            profiles = {name for name in named if isinstance(getattr(qos, name, None), QoSProfile)}
            used.setdefault(topic, set()).update(profiles)
    return used


def test_the_table_is_what_the_code_does() -> None:
    """Each profile that the code gives to a topic of the table is in the table."""
    seen = 0
    for topic, profiles in _profiles_used().items():
        rows = [row for name, row in ENDS.items() if topic and name.endswith(topic.strip("/"))]
        for row in rows[:1]:
            allowed = [profile for side in row for profile in side]
            for name in profiles:
                seen += 1
                assert getattr(qos, name) in allowed, f"{topic}: {name} is not in the table"
    assert seen >= 10
