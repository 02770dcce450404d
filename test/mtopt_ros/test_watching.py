"""The warden's judgement, with a clock that the test turns."""

from __future__ import annotations

import itertools

import pytest

from mtopt_ros.watching import Attention, Order, Watch

NAMES = ("camera", "arm", "runner")
UNCONFIGURED, INACTIVE, ACTIVE = "unconfigured", "inactive", "active"
AFTER = {Order.CONFIGURE: INACTIVE, Order.ACTIVATE: ACTIVE}


@pytest.fixture
def watch() -> Watch:
    return Watch(NAMES, silent_after_s=3.0, retry_after_s=1.0)


def hear(watch: Watch, now_s: float, **states: str) -> None:
    for name, state in states.items():
        watch.heard(name, state, "", now_s)


def bring_up(watch: Watch, states: dict[str, str], now_s: float) -> list[tuple[str, Order]]:
    """Nodes that obey at once; the orders that were given."""
    orders = []
    for tick in itertools.count():
        at_s = now_s + 0.1 * tick
        hear(watch, at_s, **states)
        order = watch.next_order(at_s)
        if order is None:
            return orders
        orders.append(order)
        states[order[0]] = AFTER[order[1]]
    raise AssertionError("unreachable")


def test_nodes_come_up_one_after_the_other_each_all_the_way(watch: Watch) -> None:
    orders = bring_up(watch, dict.fromkeys(NAMES, UNCONFIGURED), 10.0)
    assert orders == [(name, order) for name in NAMES for order in Order]
    assert watch.all_active(11.0)


def test_nobody_is_ordered_before_everyone_in_front_is_up(watch: Watch) -> None:
    hear(watch, 0.0, arm=UNCONFIGURED, runner=UNCONFIGURED)
    assert watch.next_order(0.0) is None  # the camera was never heard
    assert watch.missing() == ["camera"]
    hear(watch, 1.0, camera=ACTIVE, arm=UNCONFIGURED, runner=UNCONFIGURED)
    assert watch.next_order(1.0) == ("arm", Order.CONFIGURE)


def test_an_order_is_repeated_only_after_a_while(watch: Watch) -> None:
    hear(watch, 0.0, camera=UNCONFIGURED)
    assert watch.next_order(0.0) == ("camera", Order.CONFIGURE)
    hear(watch, 0.5, camera=UNCONFIGURED)
    assert watch.next_order(0.5) is None
    hear(watch, 1.0, camera=UNCONFIGURED)
    assert watch.next_order(1.0) == ("camera", Order.CONFIGURE)


def test_a_node_that_has_moved_on_is_ordered_at_once(watch: Watch) -> None:
    hear(watch, 0.0, camera=UNCONFIGURED)
    watch.next_order(0.0)
    hear(watch, 0.1, camera=INACTIVE)
    assert watch.next_order(0.1) == ("camera", Order.ACTIVATE)


def test_a_node_is_gone_when_it_is_silent_for_longer_than_allowed(watch: Watch) -> None:
    bring_up(watch, dict.fromkeys(NAMES, ACTIVE), 0.0)
    hear(watch, 3.0, camera=ACTIVE, runner=ACTIVE)
    assert watch.gone(3.0) == [] and watch.all_active(3.0)
    assert watch.gone(3.1) == ["arm"] and not watch.all_active(3.1)
    assert watch.faults(3.1) == ["arm: node_lost: silent for over 3 s"]


def test_a_node_that_was_never_heard_is_missing_not_gone(watch: Watch) -> None:
    assert watch.gone(1e6) == [] and watch.missing() == list(NAMES)
    assert not watch.all_active(0.0)


def test_nothing_is_ordered_while_a_node_in_front_is_gone(watch: Watch) -> None:
    hear(watch, 0.0, camera=ACTIVE, arm=UNCONFIGURED)
    hear(watch, 9.0, arm=UNCONFIGURED, runner=UNCONFIGURED)
    assert watch.next_order(9.0) is None


def test_a_node_that_comes_back_unconfigured_is_brought_up_again(watch: Watch) -> None:
    states = dict.fromkeys(NAMES, ACTIVE)
    bring_up(watch, states, 0.0)
    hear(watch, 9.0, camera=ACTIVE, runner=ACTIVE)
    assert watch.gone(9.0) == ["arm"]
    states["arm"] = UNCONFIGURED
    assert bring_up(watch, states, 9.1) == [("arm", Order.CONFIGURE), ("arm", Order.ACTIVATE)]
    assert watch.all_active(9.4) and watch.faults(9.4) == []


def test_a_node_that_comes_back_before_it_was_missed_is_brought_up_too(watch: Watch) -> None:
    states = dict.fromkeys(NAMES, ACTIVE)
    bring_up(watch, states, 0.0)
    states["camera"] = UNCONFIGURED
    assert bring_up(watch, states, 0.5)[0] == ("camera", Order.CONFIGURE)


def test_faults_are_told_by_node_and_a_gone_node_s_own_are_not(watch: Watch) -> None:
    watch.heard("camera", ACTIVE, "camera_fault: no image", 0.0)
    watch.heard("arm", ACTIVE, "tracking_error: stuck", 0.0)
    watch.heard("camera", ACTIVE, "camera_fault: no image", 5.0)
    assert watch.faults(5.0) == [
        "arm: node_lost: silent for over 3 s",
        "camera: camera_fault: no image",
    ]
    watch.heard("camera", ACTIVE, "", 5.0)
    watch.heard("arm", ACTIVE, "", 5.0)
    assert watch.faults(5.0) == []


def test_strangers_are_ignored(watch: Watch) -> None:
    watch.heard("toaster", ACTIVE, "burnt", 0.0)
    assert watch.faults(0.0) == [] and watch.next_order(0.0) is None


def test_what_is_needed_elsewhere_is_watched_and_never_ordered() -> None:
    watch = Watch(["arm"], silent_after_s=3.0, needs=["fleet/policy"])
    watch.heard("arm", "unconfigured", "", 0.0)
    assert watch.next_order(0.0) == ("arm", Order.CONFIGURE)
    watch.heard("arm", "active", "", 0.1)
    assert watch.next_order(0.1) is None and not watch.all_active(0.1)
    watch.heard("fleet/policy", "unconfigured", "", 0.2)
    assert watch.next_order(0.2) is None and not watch.all_active(0.2)
    watch.heard("fleet/policy", "active", "model_loading: a moment", 0.3)
    assert watch.all_active(0.3)
    assert watch.faults(0.3) == ["fleet/policy: model_loading: a moment"]
    watch.heard("arm", "active", "", 3.4)
    assert watch.gone(3.4) == ["fleet/policy"] and not watch.all_active(3.4)
    (fault,) = watch.faults(3.4)
    assert fault.startswith("fleet/policy: node_lost")
    assert watch.next_order(3.4) is None


def test_a_silent_node_that_is_not_up_yet_may_be_busy_with_that(watch: Watch) -> None:
    hear(watch, 0.0, camera=ACTIVE, arm=UNCONFIGURED)
    assert watch.lost(4.0) == {
        "camera": "node_lost: silent for over 3 s",
        "arm": "node_lost: silent for over 3 s, not up yet",
    }


def test_a_watch_that_was_kept_from_looking_does_not_call_the_others_silent() -> None:
    attention, watch = Attention(), Watch(["arm"], silent_after_s=3.0)
    steady_s = 100.0
    watch.heard("arm", "active", "", attention.now_s(steady_s))
    for looked_after_s in (20.0, 0.1, 1.0, 5.0):  # the last 0.5 s of each were attended to
        steady_s += looked_after_s
        assert watch.gone(attention.now_s(steady_s)) == []
    for _ in range(17):
        steady_s += 0.1
        now_s = attention.now_s(steady_s)
    assert watch.gone(now_s) == ["arm"]
    assert attention.now_s(steady_s - 5.0) == now_s  # no clock goes back
