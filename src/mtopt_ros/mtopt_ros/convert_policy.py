"""What a policy server says of its decisions: the part of convert.py that is its alone."""

from __future__ import annotations

import array
import math
from typing import Any

import numpy as np

from mtopt_core.cem import Choice, Proposal, Round
from mtopt_core.fallback import ANSWERS
from mtopt_core.geometry import Transform
from mtopt_core.policy import Decision
from mtopt_msgs import msg

from .asking import Question
from .convert import BASE_FRAME, action, action_msg, pose_msg, time_msg


def fill_decision(response: Any, decided: Decision, latency_s: float) -> None:
    """Put a decision into a SelectAction response; the latency is the server's own."""
    response.ok = True
    response.action = action_msg(decided.action)
    response.q, response.source, response.model = decided.q, decided.source, decided.model
    response.image_stamp = time_msg(decided.image_stamp_ns)
    response.latency = latency_s
    response.novelty, response.q_spread = decided.novelty, decided.q_spread


def cem_msg(choice: Choice, stamp_ns: int, T_base_tool: Transform) -> msg.CemRun:
    """A decision's rounds for the wire; whose decision it is, the caller fills in."""
    message = msg.CemRun(
        chosen=action_msg(choice.action),
        q=choice.q,
        tool=pose_msg(T_base_tool),
        rounds=[_round_msg(each) for each in choice.rounds],
    )
    message.header.stamp, message.header.frame_id = time_msg(stamp_ns), BASE_FRAME
    return message


def question_msg(asked: Question) -> msg.PolicyQuestion:
    """A question to a person for the wire."""
    seen, wanted = asked.considered.observation, asked.considered.decision
    limits = asked.considered.bundle.manifest.uncertainty
    message = msg.PolicyQuestion(
        id=asked.id,
        open=asked.open,
        cell=asked.cell,
        task=asked.considered.task.name,
        model=wanted.model,
        wanted=action_msg(wanted.action),
        q=wanted.q,
        past=list(asked.doubt.past),
        novelty=asked.doubt.novelty,
        novelty_limit=limits.novelty if limits is not None else math.nan,
        q_spread=asked.doubt.q_spread,
        q_spread_limit=limits.q_spread if limits is not None else math.nan,
        answers=list(ANSWERS),
    )
    message.header.stamp, message.header.frame_id = time_msg(seen.stamp_ns), BASE_FRAME
    return message


def choice(message: msg.CemRun) -> Choice:
    """The rounds from the wire."""
    return Choice(action(message.chosen), message.q, tuple(_round(each) for each in message.rounds))


def _round_msg(done: Round) -> msg.CemRound:
    proposal = done.proposal
    return msg.CemRound(
        motions=array.array("f", proposal.motions.astype(np.float32).ravel().tolist()),
        gripper=array.array("B", proposal.gripper.tolist()),
        terminate=proposal.terminate.tolist(),
        q=array.array("f", np.asarray(done.q, dtype=np.float32).tolist()),
        elites=array.array("I", done.elites.tolist()),
    )


def _round(message: msg.CemRound) -> Round:
    proposal = Proposal(
        np.array(message.motions, dtype=np.float64).reshape(-1, 4),
        np.array(message.gripper, dtype=np.int64),
        np.array(message.terminate, dtype=np.bool_),
    )
    return Round(proposal, np.array(message.q), np.array(message.elites, dtype=np.int64))
