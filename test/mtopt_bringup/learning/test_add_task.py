"""A new task: at the end of the registry; old episodes are labelled for it and not touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.replay_episodes import CAMERA_PX, write_replay_episode
from mtopt_bringup.learning.add_task import run
from mtopt_core.action import ActionBounds
from mtopt_core.errors import ConfigError, MtoptError
from mtopt_data import config_files
from mtopt_data.catalog.labels import Labels
from mtopt_data.errors import LabelsInvalid
from mtopt_learner.replay.cache import FrameCache
from mtopt_learner.replay.log_replay import LogReplay
from mtopt_learner.replay.view import View

ROOT = Path(__file__).resolve().parents[3]
TOMATO = ["lift-tomato", "--skill=lift", "--text=Lift the tomato.", "--category=tomato",
          "--success={rule: lifted, category: tomato}"]  # fmt: skip
GRADES = (
    {"lift-any": False, "lift-can": False},  # nothing was lifted: no tomato either
    {"lift-any": True, "lift-can": True},  # a can is no tomato
    {"lift-any": True, "lift-can": False},  # something else: who knows
    {"lift-any": True, "lift-can": False},
)


@pytest.fixture
def tasks_file(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.yaml"
    path.write_text((ROOT / "config" / "tasks.yaml").read_text())
    return path


@pytest.fixture
def episodes(tmp_path: Path) -> list[str]:
    """Ids of recorded episodes."""
    made = [write_replay_episode(tmp_path / "data", n, success=g) for n, g in enumerate(GRADES)]
    return [path.stem for path in made]


def add(tasks_file: Path, *words: str) -> int:
    data = tasks_file.parent / "data"
    return run([*words, f"--tasks-file={tasks_file}", f"--data={data}", "--json"])


def test_old_episodes_teach_a_new_task(
    tasks_file: Path, episodes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    view, bounds = View(CAMERA_PX, (40, 40), (40, 40), 4), ActionBounds()
    data = tasks_file.parent / "data"
    with FrameCache(tasks_file.parent / "cache", view, "x") as cache:
        replay = LogReplay(data, cache, view, bounds)
        replay.follow()  # decoded before anybody spoke of tomatoes
    before = {path: path.read_bytes() for path in data.rglob("*.mcap")}
    examples = tasks_file.parent / "labels.csv"
    examples.write_text(f"outcome,cell,by,task,success\n{episodes[2]},cell1,ada,lift-tomato,1\n")
    assert add(tasks_file, *TOMATO, f"--examples={examples}") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"task": "lift-tomato", "index": 12, "successes": 1, "failures": 2,
                    "unknown": 1, "unreadable": 0}  # fmt: skip
    registry, old = (config_files.tasks(p) for p in (tasks_file, ROOT / "config" / "tasks.yaml"))
    assert registry.names == (*old.names, "lift-tomato")
    assert tasks_file.read_text().startswith((ROOT / "config" / "tasks.yaml").read_text()[:300])
    assert {path: path.read_bytes() for path in data.rglob("*.mcap")} == before
    with FrameCache(tasks_file.parent / "cache", view, "x") as cache:
        kept = {k.episode_id: k.success for k in LogReplay(data, cache, view, bounds).labelled()}
    tomato = [kept[episode].get("lift-tomato") for episode in episodes]
    assert tomato == [False, False, True, None]
    assert [kept[episode]["lift-can"] for episode in episodes] == [False, True, False, False]


def test_adding_it_again_changes_nothing(
    tasks_file: Path, episodes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert add(tasks_file, *TOMATO) == 0
        text, labels = tasks_file.read_text(), Labels.read(tasks_file.parent / "data")
    assert text.count("lift-tomato") == 1 and text.count("tomato]") == 1
    file = tasks_file.parent / "data" / "catalog" / "labels.txt"
    assert len(file.read_text().splitlines()) == 2
    assert labels.success(episodes[0], {}) == {"lift-tomato": False}
    extended = ROOT / "config" / "tasks-extended.yaml"
    tasks_file.write_text(extended.read_text())
    assert add(tasks_file, *TOMATO) == 0
    names = config_files.tasks(tasks_file).names
    assert names == (*config_files.tasks(extended).names, "lift-tomato")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--success={rule: lifted, category: melon}"], "category = 'melon'"),
        (["--success={rule: thrown}"], "needs a rule, one of lifted"),
        (["--success=tomato"], "success: found"),
        (["--skill=throw"], "skill = 'throw': must be one of lift, place"),
        (["--text="], "text"),
        (["--data=nowhere"], "data = 'nowhere'"),
        (["--detector=d", "--models=nowhere"], "nowhere: no such model store"),
        (["--examples=none.csv"], "none.csv"),
    ],
)
def test_what_is_no_task_is_named_and_nothing_is_changed(
    tasks_file: Path, episodes: list[str], words: list[str], said: str
) -> None:
    before = tasks_file.read_text()
    with pytest.raises(MtoptError, match=said):
        add(tasks_file, *TOMATO, *words) if "--data=nowhere" not in words else run([
            *TOMATO, f"--tasks-file={tasks_file}", *words,
        ])  # fmt: skip
    assert tasks_file.read_text() == before
    assert not (tasks_file.parent / "data" / "catalog" / "labels.txt").exists()


def test_a_name_that_is_taken_and_labels_for_nothing(tasks_file: Path, episodes: list[str]) -> None:
    with pytest.raises(ConfigError, match="is another task"):
        add(tasks_file, "lift-can", *TOMATO[1:])
    examples = tasks_file.parent / "labels.csv"
    examples.write_text("outcome,cell,by,task,success\nx,cell1,ada,lift-can,1\n")
    with pytest.raises(ConfigError, match="must label an episode for lift-tomato"):
        add(tasks_file, *TOMATO, f"--examples={examples}")
    examples.write_text("outcome,cell,by,task,success\nx,cell1,ada,lift-tomato,yes\n")
    with pytest.raises(LabelsInvalid, match="success = 'yes'"):
        add(tasks_file, *TOMATO, f"--examples={examples}")
