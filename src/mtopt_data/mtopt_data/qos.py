"""Quality of service of a channel's publishers, in the words that rosbag2 writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import yaml

_UNLIMITED = {"sec": 9223372036, "nsec": 854775807}


@dataclass(frozen=True)
class QosProfile:
    """One publisher's offer: `keep_last` or `keep_all`, `reliable` or `best_effort`,
    `volatile` or `transient_local`, `automatic` or `manual_by_topic`; no deadlines."""

    history: str = "keep_last"
    depth: int = 10
    reliability: str = "reliable"
    durability: str = "volatile"
    liveliness: str = "automatic"


def offered_qos(profiles: Sequence[QosProfile]) -> str:
    """The YAML text for a channel's `offered_qos_profiles`, a list with an entry a publisher."""
    entries: list[dict[str, Any]] = []
    for profile in profiles:
        words = asdict(profile)
        liveliness = words.pop("liveliness")
        entries.append(
            words
            | {
                "deadline": dict(_UNLIMITED),
                "lifespan": dict(_UNLIMITED),
                "liveliness": liveliness,
                "liveliness_lease_duration": dict(_UNLIMITED),
                "avoid_ros_namespace_conventions": False,
            }
        )
    return yaml.safe_dump(entries, sort_keys=False) if entries else ""
