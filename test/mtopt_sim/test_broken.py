"""Parts of the simulated cell that are out of order."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_core.errors import ConfigError
from mtopt_core.joints import JointState
from mtopt_sim.broken import OFFSET_RAD, PARTS, Broken

STATE = JointState(("a", "b"), np.zeros(2), np.zeros(2), np.zeros(2), 5)


def test_by_default_everything_works() -> None:
    whole = Broken.of("")
    assert all(whole.shows(camera) for camera in ("overhead", "left", "right"))
    assert not whole.hinges
    assert whole.told(STATE) is STATE


def test_each_part_breaks_what_it_says() -> None:
    broken = Broken.of("camera_left, hinges")
    assert not broken.shows("left") and broken.shows("right")
    assert broken.hinges
    assert Broken.of("joint_states").told(STATE) is None
    lied = Broken.of("joint_offset").told(STATE)
    assert lied is not None
    np.testing.assert_allclose(lied.q_rad, OFFSET_RAD)
    assert lied.stamp_ns == STATE.stamp_ns


def test_every_part_is_a_word_and_no_other() -> None:
    assert Broken.of(",".join(PARTS)).parts == set(PARTS)
    with pytest.raises(ConfigError, match=r"'wheels'.*camera_overhead"):
        Broken.of("wheels")
