"""`log info`, `log verify` and `log recover`: what a person and a program are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mtopt_data.log_cli import run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_info_says_what_a_person_wants_to_know(begin: Any, capsys: Any) -> None:
    recording = begin().play()
    assert run(["info", str(recording.close())]) == 0
    said = capsys.readouterr().out
    for line in (
        f"episode   {recording.writer.start.episode_id}",
        "task      lift-any (skill pick)",
        "outcome   success (p 1.00, graded by truth)",
        "end       terminated, 3 steps (scripted 3)",
        "cell      cell1, robot SIM-1, operator ada, calibration c0ffee",
        "made by   policy scripted, success -, software 0.1.0, seed 42",
        "whole and complete; 47 messages over",
        "note      2 messages of /cell1/joint_states were dropped while recording",
    ):
        assert line in said, line
    rows = [row.split() for row in said.splitlines()]
    sent = ["+0.040", "+0.000", "-0.030", "+0.50", "close"]
    assert ["0", *sent, "-", "scripted", "-"] in rows
    assert ["2", *sent, "end", "0.250", "scripted", "-"] in rows
    assert ["lift-can", "0.00", "-"] in rows
    [joints] = [row for row in rows if row[:1] == ["/cell1/joint_states"]]
    assert joints[1:3] == ["sensor_msgs/msg/JointState", "30"]
    assert joints[4] == "2"


def test_info_in_json_has_the_same_facts(begin: Any, capsys: Any) -> None:
    recording = begin().play()
    path = recording.close()
    assert run(["info", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert facts["file"] == str(path) and facts["ok"]
    assert facts["metadata"]["success"] == {"lift-any": True, "lift-can": False}
    assert facts["metadata"]["succeeded"] is True
    assert [step["q"] for step in facts["steps"]] == [None, 0.25, 0.25]
    assert [step["novelty"] for step in facts["steps"]] == [None, 1.5, 1.5]
    assert [step["q_spread"] for step in facts["steps"]] == [None, 0.125, 0.125]
    assert facts["steps"][0]["sent"]["gripper"] == "close"
    assert facts["steps"][0]["chosen"]["delta_m"][0] == pytest.approx(0.05)
    by_topic = {channel["topic"]: channel for channel in facts["channels"]}
    joints = by_topic["/cell1/joint_states"]
    assert (joints["messages"], joints["dropped"]) == (30, 2)
    times = [ns for topic, _, ns in recording.written if topic == "/cell1/joint_states"]
    assert joints["rate_hz"] == pytest.approx(29e9 / (times[-1] - times[0]))


def test_info_of_several_files_shows_them_all(begin: Any, capsys: Any) -> None:
    paths = [str(begin().play().close()) for _ in range(2)]
    assert run(["info", *paths]) == 0
    said = capsys.readouterr().out
    assert all(Path(path).stem in said for path in paths)
    assert run(["info", *paths, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told) == 2 and told[0] != told[1]


def test_info_of_a_damaged_file_tells_what_can_be_told(begin: Any, capsys: Any) -> None:
    path = begin().play().close()
    path.write_bytes(path.read_bytes()[:-5])
    assert run(["info", str(path)]) == 1
    said = capsys.readouterr().out
    assert "damage    " in said and "/cell1/episode/step" in said


def test_verify_of_a_good_folder(begin: Any, data: Path, capsys: Any) -> None:
    for _ in range(2):
        begin().play().close()
    assert run(["verify", str(data)]) == 0
    assert f"{data}: 2 episodes, 2 whole and complete; 94 messages" in (
        said := capsys.readouterr().out
    )
    assert "notes      on 2 episodes: `log info FILE` shows them" in said


def test_verify_names_each_thing_that_is_wrong(begin: Any, data: Path, capsys: Any) -> None:
    damaged = begin().play().close()
    damaged.write_bytes(damaged.read_bytes()[:-5])
    incomplete = begin(skip=("joint_states",)).play().close()
    leftover = begin().play().writer
    leftover._part.close()
    begin().play().writer.abandon("test")
    assert run(["verify", str(data)]) == 1
    said = capsys.readouterr().out
    assert f"damaged    {damaged}\n" in said and "without its closing record" in said
    assert f"incomplete {incomplete}\n" in said
    assert "channel /cell1/joint_states is missing" in said
    assert f"left over  {leftover._part.path} (by a crash; `log recover {data}`" in said
    assert f"quarantine {data}/quarantine/" in said and "  test; 47 whole messages" in said
    assert run(["verify", str(data), "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert (facts["episodes"], facts["whole"], facts["ok"]) == (2, 0, False)
    assert [fault["file"] for fault in facts["damaged"]] == [str(damaged)]


def test_verify_of_one_file_is_stricter_than_info(begin: Any, capsys: Any) -> None:
    path = begin(skip=("joint_states",)).play().close()
    assert run(["info", str(path)]) == 0
    assert run(["verify", str(path)]) == 1
    assert "missing   channel /cell1/joint_states is missing" in capsys.readouterr().out


def test_recover_settles_what_was_left(begin: Any, data: Path, capsys: Any) -> None:
    begin().play().writer._part.close()
    assert run(["recover", str(data)]) == 0
    assert "quarantine" in capsys.readouterr().out
    assert run(["recover", str(data)]) == 0
    assert capsys.readouterr().out == "nothing was left over\n"
    begin().play().writer._part.close()
    assert run(["recover", str(data), "--json"]) == 0
    [fact] = json.loads(capsys.readouterr().out)
    assert fact["action"] in ("recovered", "quarantined")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["explode", "x"],
        ["info"],
        ["info", "/nowhere/at/all.mcap"],
        ["verify", "/nowhere/at/all"],
        ["recover", "/nowhere/at/all"],
    ],
)
def test_wrong_words_are_told_and_end_with_2(words: list[str], capsys: Any) -> None:
    assert run(words) == 2
    assert "mtopt log" in capsys.readouterr().err


def test_info_of_a_folder_says_which_word_reads_folders(tmp_path: Path, capsys: Any) -> None:
    assert run(["info", str(tmp_path)]) == 2
    assert f"is a folder; `log verify {tmp_path}`" in capsys.readouterr().err


def test_help_is_no_fault(capsys: Any) -> None:
    assert run(["--help"]) == 0
    assert "verify" in capsys.readouterr().out


def test_steps_from_before_they_said_how_sure_they_were_are_read_and_verified(
    begin: Any, earlier_wire: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = begin(spoken=earlier_wire).play().close()
    assert run(["verify", str(path)]) == 0
    capsys.readouterr()
    assert run(["info", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [step["q"] for step in facts["steps"]] == [None, 0.25, 0.25]
    assert [step["novelty"] for step in facts["steps"]] == [None] * 3
    assert [step["q_spread"] for step in facts["steps"]] == [None] * 3


def test_info_names_the_scene_where_one_was_shown(begin: Any, make_start: Any, capsys: Any) -> None:
    recording = begin(start=make_start(scene="everyday", variation="mild")).play()
    assert run(["info", str(recording.close())]) == 0
    assert "scene     everyday, varied mild" in capsys.readouterr().out.splitlines()
    assert run(["info", str(begin(start=make_start(variation="off")).play().close())]) == 0
    assert "scene  " not in capsys.readouterr().out
