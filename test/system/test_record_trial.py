"""The recorder's process under a load, as the bench has it: what was offered is accounted for."""

from __future__ import annotations

import pytest

from fakes.ros_session import environment
from mtopt_bringup.bench import record_bench

pytestmark = pytest.mark.system


def test_a_trial_accounts_for_every_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_bench, "SECONDS", 1.0)
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    found = record_bench.run_trial("jpeg", 1.0)
    assert found["written_mb_s"] > 0 and found["cpu_s"] >= found["recording_cpu_s"] > 0
    assert found["drops"] == found["reported_drops"]
