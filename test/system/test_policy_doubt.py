"""A policy node that does not know: it falls back, counts, logs, and asks people."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fakes.fake_model import encoder_bytes, golden_examples, head_bytes, manifest_of
from fakes.ros_policies import S, Server, add_model
from fakes.ros_session import CELL, FILES, Prober, Spinner, until
from mtopt_core.uncertainty import Limits, Novelty
from mtopt_data import config_files
from mtopt_msgs.msg import PolicyQuestion
from mtopt_msgs.srv import AnswerQuestion
from mtopt_robot.models.bundle import write_bundle
from mtopt_ros import convert
from mtopt_ros.qos import LATCHED

pytestmark = pytest.mark.system

GREY, WHITE = 128, 255
AT_HOME = Novelty(np.full(3, 0.5, dtype=np.float32), 10 * np.eye(3, dtype=np.float32))
LIMITS = Limits(novelty=2.0, q_spread=1e3, decisions=20)
ON_POLICY = {"scripted": 0.0, "on_policy": 1.0}


@pytest.fixture
def serve(spinner: Spinner, prober: Prober, tmp_path: Path) -> Callable[..., Server]:
    def served(mode: str, ask_wait_s: float = 1.5) -> Server:
        tasks = config_files.tasks(FILES["tasks_file"]).names
        manifest = manifest_of(tasks, config_files.action_bounds(FILES["actions_file"]))
        size_px = manifest.image.size_px
        write_bundle(
            tmp_path,
            dataclasses.replace(manifest, uncertainty=LIMITS),
            encoder_bytes(size_px),
            head_bytes(len(tasks)),
            golden_examples(tasks, size_px),
            AT_HOME,
        )
        fallback = {"mode": mode, "ask_wait_s": ask_wait_s}
        options = {"models": str(tmp_path), "mix": ON_POLICY, "watch_s": 0.0}
        return Server(spinner, prober, fallback=fallback, **options)

    return served


@pytest.mark.parametrize(("mode", "odd"), [("hold", "hold"), ("scripted", "scripted")])
def test_a_strange_image_falls_back_and_is_counted(
    serve: Callable[..., Server], mode: str, odd: str
) -> None:
    server = serve(mode)
    server.show(2 * S, shade=GREY)
    known = server.ask(step=0)
    assert (known.source, known.model) == ("policy", "fake/1")
    assert known.novelty < 2.0 and known.q_spread >= 0.0
    server.show(3 * S, shade=WHITE)
    strange = server.ask(step=1, not_before_ns=3 * S)
    assert strange.ok and (strange.source, strange.model) == (f"fallback:{odd}", "fake/1")
    assert strange.novelty == pytest.approx(5.0, abs=0.1) and math.isnan(strange.q)
    until(lambda: server.values.get("interventions", "0").startswith("1 "), "the count")
    assert server.values["interventions"] == f"1 (fallback:{odd} 1, novelty 1)"
    assert server.values["fallback"] == mode


def test_a_model_that_was_not_calibrated_is_said_to_be_so(
    spinner: Spinner, prober: Prober, tmp_path: Path
) -> None:
    add_model(tmp_path, "1")
    server = Server(spinner, prober, models=str(tmp_path), mix=ON_POLICY, watch_s=0.0)
    server.show(2 * S, shade=WHITE)
    answer = server.ask(step=0)
    assert answer.source == "policy" and math.isnan(answer.novelty)
    until(lambda: "not calibrated" in server.values.get("fallback", ""), "the diagnostics")


def test_a_person_is_asked_and_the_answer_is_good_for_one_step(
    serve: Callable[..., Server], prober: Prober
) -> None:
    server = serve("ask", ask_wait_s=60.0)
    questions = prober.heard(PolicyQuestion, f"/{CELL}/policy/question", LATCHED)
    server.show(2 * S, shade=WHITE)
    for step, answer in enumerate(("go_on", "hold"), start=1):
        asking = server.asking(step=step, not_before_ns=2 * S)
        asked = until(lambda s=step: next((q for q in questions if q.id == s), None), "a question")
        assert asked.open and asked.cell == CELL and asked.task == "lift-any"
        assert list(asked.past) == ["novelty"] and asked.answers[0] == "go_on"
        assert asked.novelty > asked.novelty_limit == 2.0 and asked.model == "fake/1"
        assert convert.stamp_ns(asked.header.stamp) == 2 * S
        said = prober.ask(AnswerQuestion, "policy/answer", AnswerQuestion.Request(id=99))
        assert not said.ok and f"open: {step}" in said.error
        said = AnswerQuestion.Request(id=step, answer=answer)
        assert prober.ask(AnswerQuestion, "policy/answer", said).ok
        until(asking.done, "the decision")
        assert asking.result().source == f"fallback:{answer}"
        until(lambda s=step: any(q.id == s and not q.open for q in questions), "its end")


def test_nobody_answers_and_the_step_holds_while_the_question_stays(
    serve: Callable[..., Server], prober: Prober
) -> None:
    server = serve("ask", ask_wait_s=0.05)
    server.show(2 * S, shade=WHITE)
    for step in range(2):
        assert server.ask(step=step, not_before_ns=2 * S).source == "fallback:hold"
    # Whoever comes late still sees it.
    late = prober.heard(PolicyQuestion, f"/{CELL}/policy/question", LATCHED)
    until(lambda: late and late[-1].open and late[-1].id >= 1, "the open question")
    server.show(3 * S, shade=GREY)
    assert server.ask(step=2, not_before_ns=3 * S).source == "policy"
    until(lambda: not late[-1].open, "the end of the question")
