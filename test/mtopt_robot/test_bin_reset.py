from dataclasses import dataclass, field

import numpy as np
import pytest

from fakes.trajectory_laws import assert_rests, assert_within
from mtopt_core.joints import JointState
from mtopt_robot.bin_reset import (
    BinCommand,
    BinDone,
    BinJammed,
    BinResetConfig,
    BinResetSequence,
    BinStage,
    BinWaiting,
)
from mtopt_robot.errors import MotionInfeasible
from mtopt_robot.motion import MotionPlanner, state_at


@dataclass
class Hinges:
    """Two hinges that follow what they are sent, unless something is in the way.

    `late_s` is how long a command is on its way to them; `stops` caps the left hinge in a stage
    for so many of its commands; `blocks` keeps it from going back below an angle.
    """

    names: tuple[str, ...]
    stops: dict[BinStage, tuple[float, int]] = field(default_factory=dict)
    blocks: dict[BinStage, tuple[float, int]] = field(default_factory=dict)
    q: np.ndarray = field(default_factory=lambda: np.zeros(2))
    commands: list[BinCommand] = field(default_factory=list)
    started_s: float = 0.0
    high: float = np.inf
    low: float = -np.inf
    late_s: float = 0.0

    def take(self, command: BinCommand, now_s: float) -> None:
        self.commands.append(command)
        self.started_s = now_s + self.late_s
        self.high, self.low = np.inf, -np.inf
        for faults, side in ((self.stops, "high"), (self.blocks, "low")):
            angle, times = faults.get(command.stage, (0.0, 0))
            if times > 0:
                setattr(self, side, angle)
                faults[command.stage] = (angle, times - 1)

    def state(self, now_s: float) -> JointState:
        if self.commands:
            since_s = max(now_s - self.started_s, 0.0)
            self.q, qd_rad_s, _ = state_at(self.commands[-1].trajectory, since_s)
            self.q[0] = np.clip(self.q[0], self.low, self.high)
            qd_rad_s[self.q != state_at(self.commands[-1].trajectory, since_s)[0]] = 0.0
        else:
            qd_rad_s = np.zeros(2)
        return JointState(self.names, self.q.copy(), qd_rad_s, np.zeros(2), int(now_s * 1e9))

    @property
    def stages(self) -> list[BinStage]:
        return [command.stage for command in self.commands]


def run(motion, hinges, config=None, most_s=120.0):
    sequence = BinResetSequence(motion, config or BinResetConfig())
    for tick in range(int(most_s / 0.02)):
        now_s = 100.0 + tick * 0.02
        verdict = sequence.next(now_s, hinges.state(now_s))
        if isinstance(verdict, BinCommand):
            hinges.take(verdict, now_s)
        elif not isinstance(verdict, BinWaiting):
            return verdict, sequence
    raise AssertionError("the sequence did not end")


@pytest.fixture
def motion(description) -> MotionPlanner:
    return MotionPlanner(description.bin_limits)


@pytest.fixture
def names(description):
    return description.bin_limits.names


def test_an_ordinary_reset_tips_shakes_and_returns(motion, names):
    hinges = Hinges(names)
    verdict, _ = run(motion, hinges)
    assert verdict == BinDone(jams=0)
    assert hinges.stages == [
        BinStage.LOWER, BinStage.TIP, BinStage.SHAKE, BinStage.RETURN, BinStage.SETTLE
    ]  # fmt: skip
    tipped = max(command.trajectory.q_rad[:, 0].max() for command in hinges.commands)
    raised = max(command.trajectory.q_rad[:, 1].max() for command in hinges.commands)
    assert tipped == pytest.approx(BinResetConfig().tip_rad)
    assert raised == pytest.approx(BinResetConfig().right_shake_rad)
    np.testing.assert_allclose(hinges.q, 0.0, atol=1e-6)


def test_every_command_is_within_the_hinges_limits(motion, names):
    hinges = Hinges(names, stops={BinStage.TIP: (0.7, 99)})
    run(motion, hinges)
    for command in hinges.commands:
        assert_within(command.trajectory, motion.limits)
        assert_rests(command.trajectory)


def test_bins_that_start_tipped_are_lowered_first(motion, names):
    hinges = Hinges(names, q=np.array([1.4, 0.3]))
    verdict, _ = run(motion, hinges)
    assert verdict == BinDone(jams=0)
    np.testing.assert_allclose(hinges.commands[0].trajectory.q_rad[0], [1.4, 0.3])


def test_hinges_that_rest_a_hair_past_their_stops_are_no_obstacle(motion, names):
    hinges = Hinges(names, q=np.array([-0.01, -0.02]))
    verdict, _ = run(motion, hinges)
    assert verdict == BinDone(jams=0)
    for command in hinges.commands:
        assert_within(command.trajectory, motion.limits)


def test_a_jam_that_gives_way_is_overcome(motion, names):
    hinges = Hinges(names, stops={BinStage.TIP: (0.7, 1)})
    verdict, _ = run(motion, hinges)
    assert verdict == BinDone(jams=1)
    assert hinges.stages[1:4] == [BinStage.TIP, BinStage.BACK_OFF, BinStage.TIP]
    np.testing.assert_allclose(hinges.commands[2].trajectory.q_rad[-1], [0.0, 0.0])


def test_backing_off_from_a_jam_on_the_way_back_tips_again(motion, names):
    hinges = Hinges(names, blocks={BinStage.RETURN: (0.9, 1)})
    verdict, _ = run(motion, hinges)
    assert verdict == BinDone(jams=1)
    back_off = next(c for c in hinges.commands if c.stage is BinStage.BACK_OFF)
    assert back_off.trajectory.q_rad[-1, 0] == pytest.approx(BinResetConfig().tip_rad)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_jam_that_stays_is_given_up_by_name(motion, names, retries):
    hinges = Hinges(names, stops={BinStage.TIP: (0.7, 99)})
    verdict, sequence = run(motion, hinges, BinResetConfig(retries=retries))
    assert isinstance(verdict, BinJammed)
    assert (verdict.stage, verdict.joint) == (BinStage.TIP, "bin_left_joint")
    assert verdict.tries == retries + 1
    assert hinges.stages.count(BinStage.TIP) == retries + 1
    assert verdict.error_rad == pytest.approx(BinResetConfig().tip_rad - 0.7)
    assert "bin_left_joint stayed 1.800 rad" in str(verdict)
    assert sequence.stage is BinStage.PARKED


def test_a_parked_hinge_is_not_pushed(motion, names):
    hinges = Hinges(names, stops={BinStage.TIP: (0.7, 99)})
    run(motion, hinges)
    last = hinges.commands[-1]
    assert last.stage is BinStage.PARKED
    np.testing.assert_allclose(last.trajectory.q_rad, [[0.7, 0.0]], atol=1e-6)


def test_a_jam_that_can_not_even_back_off_ends(motion, names):
    hinges = Hinges(
        names, blocks={BinStage.RETURN: (0.9, 99)}, stops={BinStage.BACK_OFF: (0.9, 99)}
    )
    verdict, _ = run(motion, hinges)
    assert isinstance(verdict, BinJammed)
    assert verdict.stage is BinStage.RETURN


def test_a_late_command_is_not_followed_by_another_while_the_hinge_moves(motion, names):
    config = BinResetConfig(pause_s=0.1)
    hinges = Hinges(names, late_s=0.3)
    sequence = BinResetSequence(motion, config)
    speeds = []
    for tick in range(5000):
        now_s = 100.0 + tick * 0.02
        state = hinges.state(now_s)
        verdict = sequence.next(now_s, state)
        if isinstance(verdict, BinCommand):
            speeds.append(np.abs(state.qd_rad_s).max())
            hinges.take(verdict, now_s)
        elif isinstance(verdict, BinDone):
            break
    assert isinstance(verdict, BinDone) and verdict.jams == 0
    assert len(speeds) > 3 and max(speeds) <= config.resting_rad_s


def test_a_hinge_whose_speed_is_not_told_counts_as_resting(motion, names):
    class Silent(Hinges):
        def state(self, now_s: float) -> JointState:
            told = super().state(now_s)
            nothing = np.full(2, np.nan)
            return JointState(told.names, told.q_rad, nothing, nothing, told.stamp_ns)

    verdict, _ = run(motion, Silent(names))
    assert verdict == BinDone(jams=0)


def test_the_last_word_is_kept(motion, names):
    for hinges in (Hinges(names), Hinges(names, stops={BinStage.TIP: (0.7, 99)})):
        verdict, sequence = run(motion, hinges)
        assert sequence.next(1e6, hinges.state(1e6)) == verdict


def test_an_angle_that_is_no_number_is_never_an_arrival(motion, names):
    hinges = Hinges(names)
    sequence = BinResetSequence(motion)
    sent = 0
    for tick in range(3000):
        now_s = tick * 0.02
        zero = np.zeros(2)
        verdict = sequence.next(now_s, JointState(names, np.full(2, np.nan), zero, zero, 0))
        assert not isinstance(verdict, BinDone)
        if isinstance(verdict, BinCommand):
            sent += 1
            assert_within(verdict.trajectory, motion.limits)
        if isinstance(verdict, BinJammed):
            break
    assert isinstance(verdict, BinJammed) and sent > 1 and not hinges.commands


def test_an_angle_beyond_the_hinge_is_refused_before_anything_moves(motion):
    with pytest.raises(MotionInfeasible, match="tip"):
        BinResetSequence(motion, BinResetConfig(tip_rad=2.7))
