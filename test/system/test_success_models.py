"""The success node by a model: its own newest views in step, its store followed, or refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sensor_msgs.msg import CompressedImage

from contracts.success_contract import SuccessContract
from fakes.fake_success import VIEWS, success_manifest, views_of, write_fake_success
from fakes.ros_session import CELL, FILES, Prober, Spinner, managed, until
from mtopt_core.cell import CellFault, EndReason
from mtopt_core.observation import OutcomeImages
from mtopt_core.success import Grade
from mtopt_core.tasks import TaskRegistry
from mtopt_data import config_files
from mtopt_msgs.msg import Heartbeat, SceneTruth
from mtopt_msgs.srv import GradeOutcome, LoadModel
from mtopt_robot.jpeg import jpeg
from mtopt_ros import convert
from mtopt_ros.health import Level
from mtopt_ros.qos import DRIVER, STATES
from mtopt_ros.remote import RemoteGrader
from mtopt_ros.success_node import SuccessNode

pytestmark = pytest.mark.system

S = 1_000_000_000
ANY, CARROT = 0, 7


class Server:
    """A success node in this process, its cameras, its simulator, and whoever asks it."""

    def __init__(self, spinner: Spinner, prober: Prober, **given: object) -> None:
        self._prober, node = prober, prober.node
        self.beats: list[Heartbeat] = prober.heard(Heartbeat, "heartbeat", STATES)
        self._cameras = {
            view: node.create_publisher(CompressedImage, f"camera/{view}/image_raw/compressed",
                                        DRIVER)
            for view in VIEWS
        }  # fmt: skip
        self._truths = node.create_publisher(SceneTruth, "sim/truth", STATES)
        options = {"wait_s": 0.5, "watch_s": 0.0, "max_skew_s": 0.3}
        self.node = spinner.add(managed(SuccessNode, "success", **(options | given)))
        assert prober.change("success", "configure")
        until(lambda: self.node.model_known, "a model")
        prober.bring_up("success")
        self.grader = RemoteGrader(
            prober.client(GradeOutcome, "success/grade"), CELL, 20.0, prober.abort
        )

    def show(self, images: OutcomeImages, lag_ns: int = 0) -> None:
        """The three views, the right one so much older; waits until they are there."""
        until(lambda: all(one.get_subscription_count() for one in self._cameras.values()), "ears")
        for view, camera in self._cameras.items():
            stamp_ns = images.stamp_ns - (lag_ns if view == "right" else 0)
            data = jpeg(getattr(images, view), 100)
            message = convert.compressed_msg(data, convert.time_msg(stamp_ns), view)
            camera.publish(message)
            until(lambda v=view, s=stamp_ns: self._newest(v) == s, f"the {view} view")

    def _newest(self, view: str) -> int:
        frame = self.node._views.newest(view)
        return -1 if frame is None else frame.stamp_ns

    def tell_truth(self, stamp_ns: int) -> None:
        """An empty scene."""
        until(self._truths.get_subscription_count, "the success node to listen")
        message = SceneTruth()
        message.header.stamp = convert.time_msg(stamp_ns)
        message.tool.orientation.w = 1.0
        self._truths.publish(message)

    def load(self, version: str) -> LoadModel.Response:
        asked = LoadModel.Request(name="watcher", version=version)
        return self._prober.ask(LoadModel, "success/load_model", asked)

    @property
    def told(self) -> Heartbeat:
        return [beat for beat in self.beats if beat.node == "success"][-1]

    @property
    def says(self) -> str:
        """Who grades, by the newest heartbeat."""
        return {value.key: value.value for value in self.told.values}.get("grader", "")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    add(tmp_path / "models", "1")
    return tmp_path / "models"


@pytest.fixture
def serve(spinner: Spinner, prober: Prober, store: Path) -> Callable[..., Server]:
    return lambda **given: Server(spinner, prober, **({"models": str(store)} | given))


def add(store: Path, version: str) -> Path:
    names = config_files.tasks(FILES["tasks_file"]).names
    return write_fake_success(store, success_manifest(names, version=version))


def successes(grade: Grade) -> list[str]:
    return [task for task, yes in grade.success.items() if yes]


class TestRemoteGraderOfAModel(SuccessContract):
    """Behind a service the model keeps the detector's contract."""

    @pytest.fixture
    def images(self) -> OutcomeImages:
        return views_of(ANY, CARROT, stamp_ns=2 * S)

    @pytest.fixture
    def detector(self, serve: Callable[..., Server], images: OutcomeImages):
        server = serve(grader="model")
        server.show(images)

        class Remote:
            def grade(self, images: OutcomeImages) -> Grade:
                return server.grader.grade("id", images.stamp_ns)

        return Remote()


def test_the_model_grades_views_that_are_new_enough_and_in_step(
    serve: Callable[..., Server], registry: TaskRegistry
) -> None:
    server = serve()
    server.show(views_of(ANY, CARROT, stamp_ns=2 * S))
    grade = server.grader.grade("id", 2 * S)
    assert grade.grader == "watcher/1" and tuple(grade.success) == registry.names
    assert successes(grade) == ["lift-any", "lift-carrot"]
    until(lambda: server.says == "watcher/1", "the grader's name in the heartbeat")


@pytest.mark.parametrize(
    ("stamp_ns", "lag_ns", "said"),
    [(2 * S, 0, "no new image of overhead, left, right"), (4 * S, S, "right by 1 s")],
)
def test_views_too_old_or_out_of_step_are_refused_by_name(
    serve: Callable[..., Server], stamp_ns: int, lag_ns: int, said: str
) -> None:
    server = serve()
    server.show(views_of(stamp_ns=stamp_ns), lag_ns)
    with pytest.raises(CellFault, match=said) as caught:
        server.grader.grade("id", 2 * S + 1)
    assert caught.value.reason is EndReason.CAMERA_FAULT


def test_newer_views_are_waited_for(serve: Callable[..., Server]) -> None:
    server = serve(wait_s=30.0)
    server.show(views_of(ANY, CARROT, stamp_ns=2 * S))
    later = threading.Timer(0.1, lambda: server.show(views_of(stamp_ns=3 * S)))
    later.start()
    assert successes(server.grader.grade("id", 2 * S + 1)) == []
    later.join()


def test_auto_grades_by_the_truth_until_there_is_a_model(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    server = serve(models=str(empty), watch_s=0.05)
    server.tell_truth(2 * S)
    assert server.grader.grade("id", 2 * S).grader == "truth"
    until(lambda: server.says == "truth", "the grader's name in the heartbeat")
    assert server.told.level == Level.OK
    add(empty, "1")
    until(lambda: server.node.model == "watcher/1", "the model")
    server.show(views_of(stamp_ns=3 * S))
    assert server.grader.grade("id", 3 * S).grader == "watcher/1"


def test_a_bad_model_is_refused_while_the_old_one_grades_on(
    serve: Callable[..., Server], store: Path
) -> None:
    server = serve()
    (add(store, "2") / "success.onnx").write_bytes(b"gone")
    refused = server.load("2")
    assert not refused.ok and "(hash)" in refused.error and refused.model == "watcher/1"
    until(lambda: server.told.level == Level.WARN, "the refusal in the heartbeat")
    assert "watcher/1 goes on" in server.told.message
    server.show(views_of(stamp_ns=2 * S))
    assert server.grader.grade("id", 2 * S).grader == "watcher/1"
    add(store, "3")
    assert server.load("3").model == "watcher/3"
    assert server.grader.grade("id", 2 * S).grader == "watcher/3"


def test_where_a_model_is_wanted_the_truth_is_no_substitute(
    serve: Callable[..., Server], store: Path
) -> None:
    (store / "watcher" / "1" / "success.onnx").write_bytes(b"gone")
    server = serve(grader="model")
    with pytest.raises(CellFault, match="no success model") as caught:
        server.grader.grade("id", 0)
    assert caught.value.reason is EndReason.GRADER_LOST
    until(lambda: server.told.level == Level.FAULT, "the fault in the heartbeat")
    assert "hash" in server.told.message


def test_a_truth_that_is_asked_for_grades_although_there_is_a_model(
    serve: Callable[..., Server],
) -> None:
    server = serve(grader="truth")
    server.tell_truth(2 * S)
    assert server.grader.grade("id", 2 * S).grader == "truth"
    assert not server.load("1").ok
