"""Every Policy of the core keeps the policy's contract."""

from __future__ import annotations

import pytest

from contracts.policy_contract import PolicyContract, RandomPolicyContract
from fakes.fake_policy import Playback
from mtopt_core.action import Action, ActionBounds
from mtopt_core.exploration import EpsilonGreedy, ExplorationMix, MixConfig
from mtopt_core.policy import Policy
from mtopt_core.schedule import LIFT, PLACE
from mtopt_core.scripted import ScriptedPick, ScriptedPlace
from mtopt_core.workspace import Workspace


def _greedy() -> Policy:
    return Playback([Action((0.01 * step, 0.0, 0.0)) for step in range(20)])


class TestPlayback(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        return _greedy()


class TestScriptedPick(RandomPolicyContract):
    @pytest.fixture
    def policy(self, workspace: Workspace, bounds: ActionBounds) -> Policy:
        return ScriptedPick(workspace, bounds)


class TestScriptedPlace(RandomPolicyContract):
    task_name = "place-any"

    @pytest.fixture
    def policy(self, workspace: Workspace, bounds: ActionBounds) -> Policy:
        return ScriptedPlace(workspace, bounds)


class TestEpsilonGreedy(RandomPolicyContract):
    @pytest.fixture
    def policy(self, bounds: ActionBounds) -> Policy:
        return EpsilonGreedy(_greedy(), bounds, epsilon=0.5)


class TestExplorationMix(RandomPolicyContract):
    @pytest.fixture(params=["lift-any", "place-top-left"], autouse=True)
    def _task_name(self, request: pytest.FixtureRequest) -> None:
        self.task_name = request.param

    @pytest.fixture
    def policy(self, workspace: Workspace, bounds: ActionBounds) -> Policy:
        scripts: dict[str, Policy] = {
            LIFT: ScriptedPick(workspace, bounds),
            PLACE: ScriptedPlace(workspace, bounds),
        }
        mix = MixConfig(scripted=1.0, epsilon_greedy=1.0, on_policy=1.0)
        return ExplorationMix(scripts, _greedy(), bounds, mix)
