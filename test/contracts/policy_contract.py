"""What any Policy must keep. Inherit, and give the fixture `policy`."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fakes.fake_cell import FakeCell
from mtopt_core.action import Action, ActionBounds, Gripper
from mtopt_core.observation import Observation
from mtopt_core.policy import Decision, Policy
from mtopt_core.tasks import Task, TaskRegistry
from mtopt_core.workspace import Workspace


class PolicyContract:
    """Laws of mtopt_core.policy.Policy."""

    task_name = "lift-any"
    steps = 8

    @pytest.fixture
    def policy(self) -> Policy:
        raise NotImplementedError("a subclass gives the policy")

    @pytest.fixture
    def task(self, registry: TaskRegistry) -> Task:
        return registry[self.task_name]

    @pytest.fixture
    def observations(
        self, workspace: Workspace, bounds: ActionBounds, task: Task
    ) -> tuple[Observation, ...]:
        """Views along a wandering path, the gripper now open, now closed."""
        cell, rng = FakeCell(workspace, bounds), np.random.default_rng(3)
        cell.begin(task, 3)
        seen = []
        for _ in range(self.steps):
            seen.append(replace(cell.observe(), gripper_closed=bool(rng.random() < 0.5)))
            x, y, z = (float(v) for v in rng.uniform(-0.1, 0.1, size=3))
            cell.act(Action((x, y, z)))
        return tuple(seen)

    def play(
        self, policy: Policy, task: Task, seed: int, observations: tuple[Observation, ...]
    ) -> list[Decision]:
        policy.begin(task, seed)
        return [policy(seen, task) for seen in observations]

    def test_decisions_are_complete(
        self, policy: Policy, task: Task, observations: tuple[Observation, ...]
    ) -> None:
        for decision, seen in zip(
            self.play(policy, task, 1, observations), observations, strict=True
        ):
            assert decision.source
            assert decision.image_stamp_ns == seen.stamp_ns
            assert decision.latency_s >= 0.0
            assert math.isnan(decision.q) or math.isfinite(decision.q)
            assert decision.action.gripper in tuple(Gripper)

    def test_actions_are_within_the_bounds(
        self,
        policy: Policy,
        task: Task,
        observations: tuple[Observation, ...],
        bounds: ActionBounds,
    ) -> None:
        for seed in range(5):
            for decision in self.play(policy, task, seed, observations):
                motion = np.abs([*decision.action.delta_m, decision.action.yaw_rad])
                assert np.all(motion <= bounds.high + 1e-9)

    def test_a_seed_gives_the_same_episode_whatever_came_before(
        self, policy: Policy, task: Task, observations: tuple[Observation, ...]
    ) -> None:
        first = [d.action for d in self.play(policy, task, 11, observations)]
        self.play(policy, task, 12, observations[:3])
        again = [d.action for d in self.play(policy, task, 11, observations)]
        assert first == again

    def test_looking_does_not_change_what_was_seen(
        self, policy: Policy, task: Task, observations: tuple[Observation, ...]
    ) -> None:
        kept = [(seen.image.copy(), seen.T_base_tool.copy()) for seen in observations]
        self.play(policy, task, 2, observations)
        for seen, (image, pose) in zip(observations, kept, strict=True):
            assert np.array_equal(seen.image, image)
            assert np.array_equal(seen.T_base_tool, pose)


class RandomPolicyContract(PolicyContract):
    """Laws of a policy that explores: other seeds do other things."""

    def test_other_seeds_give_other_episodes(
        self, policy: Policy, task: Task, observations: tuple[Observation, ...]
    ) -> None:
        played = [
            tuple(d.action for d in self.play(policy, task, seed, observations))
            for seed in range(5)
        ]
        assert len(set(played)) > 1
