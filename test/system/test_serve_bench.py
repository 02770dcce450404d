"""Bench serve against a real server: every figure that it promises, and nobody late."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fakes.fake_model import ImageFormat, manifest_of, write_fake
from fakes.ros_session import domain_id
from mtopt_bringup.bench import serve_bench
from mtopt_bringup.paths import Paths
from mtopt_core.action import ActionBounds
from mtopt_core.observation import Image
from mtopt_core.tasks import TaskRegistry
from mtopt_robot.models.bundle import Bundle, Expected, check_bundle
from mtopt_robot.models.engine import CPU, FP32, InferenceConfig
from mtopt_ros.errors import NotReady

pytestmark = pytest.mark.system


def images() -> list[Image]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (512, 640, 3), np.uint8) for _ in range(2)]


@pytest.fixture
def bundle(
    tmp_path: Path,
    bounds: ActionBounds,
    registry: TaskRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> Bundle:
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain_id()))
    monkeypatch.setattr(serve_bench, "_images", images)
    monkeypatch.setattr(serve_bench, "CELLS", (1, 2))
    monkeypatch.setattr(serve_bench, "SECONDS", 0.5)
    monkeypatch.setattr(serve_bench, "WIRE_TURNS", 14)
    small = ImageFormat((512, 640), (472, 472), (8, 8))
    folder = write_fake(tmp_path / "models", manifest_of(registry.names, bounds, image=small))
    plain = InferenceConfig(threads=1, provider=CPU, precision=FP32)
    return check_bundle(folder, Expected(bounds, registry.names), plain)


def test_every_figure_is_there_and_nobody_is_late(
    bundle: Bundle, tmp_path: Path, registry: TaskRegistry
) -> None:
    report = serve_bench._measured(tmp_path, Paths.installed(), bundle, registry["lift-any"])
    figures = report.figures
    assert figures["late_or_refused"] == 0.0
    for count in (1, 2):
        rate, p50, p99 = (figures[f"{n}_{count}"] for n in ("decisions_per_s", "p50_ms", "p99_ms"))
        assert rate and p50 and p99 and rate > 0.0 and p99 >= p50 > 0.0
    wire, remote, local = (figures[f"{name}_p50_ms"] for name in ("wire", "remote", "local"))
    assert wire is not None and remote and local
    assert wire == pytest.approx(remote - local, abs=0.01)
    assert {"wire_p50_ms", "decisions_per_s_1"} <= set(report.goals) <= set(figures)


def test_a_server_that_does_not_come_up_ends_the_bench(
    bundle: Bundle, tmp_path: Path, registry: TaskRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve_bench, "_parameters", lambda *_: {"mixes": 5})
    monkeypatch.setattr("mtopt_ros.asking_cells._PATIENCE_S", 3.0)
    with pytest.raises(NotReady, match="policy server was not up"):
        serve_bench._measured(tmp_path, Paths.installed(), bundle, registry["lift-any"])
