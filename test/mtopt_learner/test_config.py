"""Settings of the learner: the shipped files are read, all fields are used, odd pairs refused."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.small_learner import CONFIG, LOOKING, TASKS, changed
from mtopt_core.config import described, field_types, from_mapping
from mtopt_data.yamlfile import read_yaml
from mtopt_learner.config import LearnConfig, SamplingConfig
from mtopt_learner.errors import SettingsInvalid
from mtopt_learner.impersonation import Graded
from mtopt_learner.networks.config import NetworkConfig
from mtopt_learner.replay.view import View

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "config").glob("learn*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_shipped_files_are_settings(path: Path) -> None:
    config = from_mapping(LearnConfig, read_yaml(path), str(path))
    fed = config.look if config.architecture == "look" else config.network
    assert config.view.image_format().size_px == fed.size_px


def test_defaults_are_the_papers_network() -> None:
    assert LearnConfig().network == NetworkConfig() and LearnConfig().view == View()
    assert len(FILES) == 2


def sections(settings: type) -> Iterator[type]:
    yield settings
    for kind in field_types(settings).values():
        if dataclasses.is_dataclass(kind):
            assert isinstance(kind, type)
            yield from sections(kind)


@pytest.mark.parametrize("settings", list(sections(LearnConfig)), ids=lambda s: s.__name__)
def test_every_setting_is_read(settings: type) -> None:
    read = set()
    for package in ("mtopt_learner", "mtopt_core", "mtopt_bringup"):
        for path in (ROOT / "src" / package / package).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            loads = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute))
            read |= {node.attr for node in loads if isinstance(node.ctx, ast.Load)}
    assert set(described(settings)) - read == set()


def test_the_view_feeds_the_network() -> None:
    with pytest.raises(SettingsInvalid, match="size_px"):
        changed("view", size_px=(12, 12))


def test_each_network_has_the_view_it_was_made_for() -> None:
    with pytest.raises(SettingsInvalid, match=r"view\.at"):
        changed("view", at="tool")
    with pytest.raises(SettingsInvalid, match=r"view\.at"):
        dataclasses.replace(LOOKING, view=dataclasses.replace(LOOKING.view, at="middle",
                            crop_px=(24, 24), camera_px=(32, 40)))  # fmt: skip


def test_a_pool_holds_a_batch() -> None:
    with pytest.raises(SettingsInvalid, match="pool"):
        changed("pace", pool=CONFIG.training.batch - 1)


@pytest.mark.parametrize(
    ("name", "lent"),
    [("orig", {"lift-any"}), ("skill", set(TASKS.names)), ("all", set(TASKS.names))],
)
def test_the_impersonation_that_is_set(name: str, lent: set[str]) -> None:
    lender = SamplingConfig(impersonation=name).lender(TASKS)
    graded = Graded("e", "lift-any", {"lift-any": True, "lift-can": False})
    assert {each.task for each in lender(graded)} == lent


@pytest.mark.parametrize(("name", "share"), [("uniform", 0.9), ("balanced", 0.25), ("sqrt", 0.75)])
def test_the_rebalancing_that_is_set(name: str, share: float) -> None:
    strategy = SamplingConfig(rebalancing=name, successes=0.25).strategy()
    assert strategy({("a", True): 90, ("a", False): 10})["a", True] == pytest.approx(share)
