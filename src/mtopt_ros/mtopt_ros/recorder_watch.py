"""What a recorder says of itself: what it lost, by topic, and whom it cannot hear."""

from __future__ import annotations

from collections.abc import Mapping

from rclpy.node import Node

from .health import Health
from .recorded_topics import DropCounter, RecordedTopic, offers_of


class RecorderWatch:
    """Keeps a recorder's warnings and figures up to date. `names` are the topics' full names."""

    def __init__(
        self,
        node: Node,
        health: Health,
        topics: tuple[RecordedTopic, ...],
        names: Mapping[str, str],
    ) -> None:
        self._node, self._health = node, health
        self._topics, self._names = topics, names
        self.drops = DropCounter()

    def look(self) -> None:
        """Warn of publishers that cannot be heard, and of topics whose losses cannot be counted."""
        for topic in self._topics:
            offers = offers_of(self._node, topic, self._names[topic.name])
            self.warn(f"IncompatibleQos {topic.name}", "; ".join(offers.mismatches))
            several = offers.heard > 1
            self.drops.count(topic.name, not several)
            told = f"{offers.heard} nodes publish {topic.name}: drops cannot be counted"
            self.warn(f"SeveralPublishers {topic.name}", told if several else "")
        self.show()

    def show(self) -> None:
        """The counts: since the start as figures, of this episode as a warning."""
        lost = {name: count for name, count in self.drops.total.items() if count}
        self._health.values |= {f"drops {name}": str(count) for name, count in lost.items()}
        self._health.values["drops"] = str(sum(lost.values()))
        now = {name: count for name, count in self.drops.drops.items() if count}
        told = ", ".join(f"{count} of {name}" for name, count in sorted(now.items()))
        self.warn("MessagesDropped", f"lost in this episode: {told}" if told else "")

    def warn(self, name: str, message: str) -> None:
        """A warning that stands as long as there is something to say."""
        if not message:
            self._health.over(name)
            return
        if self._health.warnings.get(name) != message:
            self._node.get_logger().warning(message)
        self._health.warn(name, message)
