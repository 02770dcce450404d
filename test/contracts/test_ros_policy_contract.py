"""A policy behind its service keeps the policy's contract."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image as ImageMsg

from contracts.policy_contract import RandomPolicyContract
from fakes.fake_cell import FakeCell
from fakes.look_model import CAMERA, CAMERA_PX, write_look
from fakes.ros_fixtures import prober, ros, spinner  # noqa: F401
from fakes.ros_policies import add_model
from fakes.ros_policy import ShownPolicy
from fakes.ros_session import CELL, Prober, Spinner, managed, until
from mtopt_core.action import Action, ActionBounds
from mtopt_core.cell import CellFault, EndReason, PolicyLate
from mtopt_core.exploration import ExplorationMix
from mtopt_core.observation import Observation
from mtopt_core.policy import Policy
from mtopt_core.schedule import LIFT, PLACE
from mtopt_core.scripted import ScriptedPick, ScriptedPlace
from mtopt_core.tasks import Task, TaskRegistry
from mtopt_core.workspace import Workspace
from mtopt_msgs.msg import CameraExtrinsics
from mtopt_msgs.srv import SelectAction
from mtopt_robot.models.bundle import Expected
from mtopt_robot.models.decider import Decider
from mtopt_robot.models.q_policy import QPolicy
from mtopt_robot.models.store import ModelStore
from mtopt_ros import convert
from mtopt_ros.answering import Answer, LateService
from mtopt_ros.policy_node import PolicyNode
from mtopt_ros.qos import DRIVER, LATCHED
from mtopt_ros.remote import RemotePolicy

pytestmark = pytest.mark.system


class TestRemotePolicy(RandomPolicyContract):
    @pytest.fixture(params=["lift-any", "place-any"], autouse=True)
    def _task_name(self, request: pytest.FixtureRequest) -> None:
        self.task_name = request.param

    @pytest.fixture
    def policy(self, spinner: Spinner, prober: Prober) -> ShownPolicy:  # noqa: F811
        camera = prober.node.create_publisher(ImageMsg, "camera/overhead/image_raw", DRIVER)
        spinner.add(managed(PolicyNode, "policy"))
        prober.bring_up("policy")
        until(lambda: camera.get_subscription_count() > 0, "the policy node to listen")
        client = prober.client(SelectAction, "policy/select_action")
        remote = RemotePolicy(client, CELL, 20.0, prober.abort)
        return ShownPolicy(remote, camera)

    def test_it_decides_as_the_policy_behind_it_would(
        self,
        policy: ShownPolicy,
        task: Task,
        observations: tuple[Observation, ...],
        workspace: Workspace,
        bounds: ActionBounds,
    ) -> None:
        scripts: dict[str, Policy] = {
            LIFT: ScriptedPick(workspace, bounds),
            PLACE: ScriptedPlace(workspace, bounds),
        }
        near = ExplorationMix(scripts, None, bounds)
        for seed in (1, 2):
            there = self.play(policy, task, seed, observations)
            here = self.play(near, task, seed, observations)
            assert [d.action for d in there] == [d.action for d in here]

    def test_what_it_cannot_decide_on_ends_the_episode_by_name(
        self,
        policy: ShownPolicy,
        task: Task,
        prober: Prober,  # noqa: F811
        observations: tuple[Observation, ...],
    ) -> None:
        blind = RemotePolicy(
            prober.client(SelectAction, "policy/select_action"), CELL, 20.0, prober.abort
        )
        blind.begin(task, 1)
        with pytest.raises(CellFault) as caught:
            blind(observations[0], task)
        assert caught.value.reason is EndReason.CAMERA_FAULT

    def test_a_stop_ends_the_wait(
        self,
        policy: ShownPolicy,
        task: Task,
        prober: Prober,  # noqa: F811
        observations: tuple[Observation, ...],
    ) -> None:
        blind = RemotePolicy(
            prober.client(SelectAction, "policy/select_action"), CELL, 20.0, prober.abort
        )
        blind.begin(task, 1)
        prober.abort.set()
        with pytest.raises(CellFault) as caught:
            blind(observations[0], task)
        assert caught.value.reason is EndReason.STOPPED


class TestRemoteNetwork(RandomPolicyContract):
    """The same laws where a network decides behind the service."""

    @pytest.fixture
    def policy(self, spinner: Spinner, prober: Prober, tmp_path: Path) -> ShownPolicy:  # noqa: F811
        add_model(tmp_path, "1")
        camera = prober.node.create_publisher(ImageMsg, "camera/overhead/image_raw", DRIVER)
        mix = {"scripted": 0.0, "on_policy": 1.0}
        node = spinner.add(managed(PolicyNode, "policy", models=str(tmp_path), mix=mix))
        assert prober.change("policy", "configure")
        until(lambda: node.model_known, "the model")
        prober.bring_up("policy")
        until(lambda: camera.get_subscription_count() > 0, "the policy node to listen")
        client = prober.client(SelectAction, "policy/select_action")
        return ShownPolicy(RemotePolicy(client, CELL, 20.0, prober.abort), camera)

    def test_it_decides_as_the_network_would_here(
        self,
        policy: ShownPolicy,
        task: Task,
        observations: tuple[Observation, ...],
        tmp_path: Path,
        bounds: ActionBounds,
        registry: TaskRegistry,
    ) -> None:
        bundle = ModelStore(tmp_path, Expected(bounds, registry.names)).load()
        near = QPolicy(Decider(bundle))
        there = self.play(policy, task, 7, observations)
        here = self.play(near, task, 7, observations)
        assert [d.action for d in there] == [d.action for d in here]
        assert [d.q for d in there] == pytest.approx([d.q for d in here], abs=1e-5)
        assert {(d.source, d.model) for d in there} == {("policy", "fake/1")}


def test_a_network_that_looks_around_the_tool_decides_alike_here_and_there(
    spinner: Spinner,  # noqa: F811
    prober: Prober,  # noqa: F811
    tmp_path: Path,
    workspace: Workspace,
    bounds: ActionBounds,
    registry: TaskRegistry,
) -> None:
    """Before anybody says where the camera stands it is refused by name, and works from then on."""
    write_look(tmp_path, registry.names, bounds)
    camera = prober.node.create_publisher(ImageMsg, "camera/overhead/image_raw", DRIVER)
    lens = prober.node.create_publisher(CameraInfo, "camera/overhead/camera_info", DRIVER)
    mix = {"scripted": 0.0, "on_policy": 1.0}
    node = spinner.add(managed(PolicyNode, "policy", models=str(tmp_path), mix=mix))
    assert prober.change("policy", "configure")
    until(lambda: node.model_known, "the model")
    prober.bring_up("policy")
    until(lambda: camera.get_subscription_count() > 0, "the policy node to listen")
    client = prober.client(SelectAction, "policy/select_action")
    there = ShownPolicy(RemotePolicy(client, CELL, 20.0, prober.abort), camera)
    cell, task = FakeCell(workspace, bounds), registry["lift-can"]
    cell.begin(task, 3)
    seen = cell.observe()
    there.begin(task, 4)
    with pytest.raises(CellFault, match="calibrated") as caught:
        there(seen, task)
    assert caught.value.reason is EndReason.COMMAND_REFUSED

    placed = prober.node.create_publisher(CameraExtrinsics, "camera/extrinsics", LATCHED)
    placed.publish(convert.extrinsics_msg((CAMERA,), "c0ffee", 1))
    lens.publish(convert.camera_info_msg(CAMERA, convert.time_msg(1), "camera"))
    geometry = node._geometry[CELL]
    until(lambda: geometry.projection(CAMERA_PX) is not None, "the calibration")
    assert geometry.projection((16, 20)) is None  # the lens was told for another size
    near = QPolicy(Decider(ModelStore(tmp_path, Expected(bounds, registry.names)).load()))
    near.begin(task, 4)
    there.begin(task, 4)
    chosen = []
    for _ in range(3):
        known = replace(seen, P_image_base=CAMERA.P_image_base)
        here, away = near(known, task), there(seen, task)
        assert away.action == here.action and away.q == pytest.approx(here.q, abs=1e-5)
        chosen.append(here.action)
        cell.act(Action((0.03, -0.04, -0.02)))
        seen = cell.observe()
    assert len(set(chosen)) > 1


def test_a_late_answer_is_counted_and_finds_nobody(
    prober: Prober,  # noqa: F811
    spinner: Spinner,  # noqa: F811
    registry: TaskRegistry,
) -> None:
    """The service answers each question once the next is there: always one too late."""
    kept: list[Answer] = []

    def answer_later(request: SelectAction.Request, response: Any, answer: Answer) -> None:
        steps.append(request.step)
        response.ok, response.source = True, f"question {len(steps)}"
        for late in kept:
            late()
        kept[:] = [answer]
        if len(steps) == 3:
            answer()

    steps: list[int] = []
    node = Node("slow", namespace=f"/{CELL}", use_global_arguments=False)
    LateService(node, SelectAction, "policy/select_action", answer_later)
    spinner.add(node)
    client = prober.client(SelectAction, "policy/select_action")
    remote = RemotePolicy(client, CELL, 0.2, prober.abort)
    task = registry["lift-any"]
    remote.begin(task, 1)
    seen = Observation(np.zeros((4, 4, 3), np.uint8), False, 0.2, 0, np.eye(4))
    for late in (1, 2):
        with pytest.raises(PolicyLate, match="did not answer"):
            remote(seen, task)
        assert remote.late == late
    assert remote(seen, task).source == "question 3"
    assert steps == [0, 0, 0] and remote.late == 2


def test_a_policy_that_is_not_there_is_late(
    prober: Prober,  # noqa: F811
    registry: TaskRegistry,
) -> None:
    client = prober.node.create_client(SelectAction, "nobody/select_action")
    remote = RemotePolicy(client, CELL, 0.2, prober.abort)
    task = registry["lift-any"]
    remote.begin(task, 1)
    seen = Observation(np.zeros((4, 4, 3), np.uint8), False, 0.2, 0, np.eye(4))
    with pytest.raises(PolicyLate, match="not there"):
        remote(seen, task)
