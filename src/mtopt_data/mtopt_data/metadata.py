"""What is known of an episode beside its messages: two string maps in the file.

`mtopt.start` is written when the file is opened, so that whatever a crash leaves still
knows its task; `mtopt.episode` when it is closed. In a map, numbers are decimal text and
mappings are JSON objects with sorted keys. Files of format 1 are read, too: they say nothing of
scenes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, Self, TypeVar

from mtopt_core.cell import EndReason
from mtopt_core.purpose import Purpose, purpose_of

from .errors import MetadataInvalid
from .naming import EpisodeId

START_RECORD = "mtopt.start"
EPISODE_RECORD = "mtopt.episode"
FORMAT = "2"
GRADED_BY_TRUTH = "truth"

_BEFORE_SCENES = "1"  # the format that had no fields for them
_SINCE_SCENES = ("scene", "variation", "purpose")
_INT64_MAX = 2**63 - 1
_TYPES = {"str": str, "int": int}

Record = TypeVar("Record", bound="EpisodeStart")


@dataclass(frozen=True, kw_only=True)
class EpisodeStart:
    """What is known when an episode begins. Raises MetadataInvalid by field name.

    `started_ns` is in the clock of the messages' log times (the cell's ROS time). Models are
    named by what answers decisions and what grades; `grader` is "truth" where a simulation's
    own state does the grading.

    `scene` names what lay in the bins, empty for the cell as it stands; `variation` how far a
    simulated cell was varied, empty where that is not known or not a simulation's to say. Its look
    follows from them, from `purpose` and from `cell`, its identity.
    """

    episode_id: str
    cell: str
    task: str
    skill: str
    robot_serial: str
    operator: str
    calibration_hash: str
    software_version: str
    seed: int
    started_ns: int
    policy_model: str = ""
    policy_version: str = ""
    success_model: str = ""
    success_version: str = ""
    grader: str = GRADED_BY_TRUTH
    scene: str = ""
    variation: str = ""
    purpose: str = Purpose.TRAINING.value

    def __post_init__(self) -> None:
        for item in fields(self):
            _check_type(self, item)
        for name in ("episode_id", "cell", "task", "skill", "software_version", "grader"):
            if not getattr(self, name):
                raise MetadataInvalid(f"{name} = '': must not be empty")
        _check_range(self, "started_ns", 0, _INT64_MAX)
        if self.purpose != purpose_of(self.seed):
            said = f"seed {self.seed} is one of {purpose_of(self.seed)}"
            raise MetadataInvalid(f"purpose = {self.purpose!r}: {said}")
        owner = EpisodeId.parse(self.episode_id).cell
        if owner != self.cell:
            raise MetadataInvalid(f"cell = {self.cell!r}: the episode id names cell {owner!r}")

    def finished(self, **values: Any) -> EpisodeMetadata:
        """The metadata at the end: everything known at the start and `values`, which may also
        replace what changed meanwhile (a model version, the grader)."""
        known = {item.name: getattr(self, item.name) for item in fields(EpisodeStart)}
        names = {item.name for item in fields(EpisodeMetadata)}
        for name in values:
            if name not in names:
                raise MetadataInvalid(f"{name}: no such field; fields are {', '.join(names)}")
        return _build(EpisodeMetadata, known | values)

    def to_map(self) -> dict[str, str]:
        """As the strings of an MCAP Metadata record."""
        written = {item.name: _to_text(getattr(self, item.name)) for item in fields(self)}
        return {"format": FORMAT, **written}

    @classmethod
    def from_map(cls, values: Mapping[str, str]) -> Self:
        """Back from an MCAP Metadata record; raises MetadataInvalid by field name."""
        form = values.get("format")
        if form not in (_BEFORE_SCENES, FORMAT):
            known_forms = f"{_BEFORE_SCENES} and {FORMAT}"
            raise MetadataInvalid(f"format = {form!r}: this version reads {known_forms}")
        later = _SINCE_SCENES if form == _BEFORE_SCENES else ()
        known = {item.name: item for item in fields(cls) if item.name not in later}
        texts = {name: text for name, text in values.items() if name != "format"}
        for name in texts:
            if name not in known:
                raise MetadataInvalid(f"{name}: not a field of format {form}")
        missing = [name for name in known if name not in texts]
        if missing:
            raise MetadataInvalid(f"{missing[0]}: missing ({len(missing)} missing in all)")
        read = {name: _from_text(known[name], text) for name, text in texts.items()}
        if later:
            read["purpose"] = purpose_of(read["seed"]).value
        return _build(cls, read)


@dataclass(frozen=True, kw_only=True)
class EpisodeMetadata(EpisodeStart):
    """What is known when an episode has ended.

    `frames` and `drops` count messages by topic (drops: those the recorder knows it lost),
    `sources` counts steps by who chose them, `late` the steps held because no decision came.
    `success` and `probability` are by task name, empty where nothing could be graded.
    """

    ended_ns: int
    steps: int
    end_reason: str
    end_message: str = ""
    late: int = 0
    success: Mapping[str, bool] = field(default_factory=dict)
    probability: Mapping[str, float] = field(default_factory=dict)
    frames: Mapping[str, int] = field(default_factory=dict)
    drops: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("ended_ns", "steps", "late"):
            _check_range(self, name, 0, _INT64_MAX)
        reasons = [reason.value for reason in EndReason]
        if self.end_reason not in reasons:
            raise MetadataInvalid(f"end_reason = {self.end_reason!r}: one of {', '.join(reasons)}")
        _check_values(self, "success", bool)
        _check_values(self, "probability", float)
        for name in ("frames", "drops", "sources"):
            _check_values(self, name, int)
        if set(self.success) != set(self.probability):
            odd = sorted(set(self.success) ^ set(self.probability))
            raise MetadataInvalid(f"success and probability differ in their tasks: {odd}")

    @property
    def succeeded(self) -> bool | None:
        """Whether the episode's own task was fulfilled; None where it was not graded."""
        return self.success.get(self.task)

    @property
    def ordinary(self) -> bool:
        """Whether the episode ran to its own end, without a fault."""
        return EndReason(self.end_reason).ordinary

    def with_frames(self, frames: Mapping[str, int]) -> EpisodeMetadata:
        """The same with the counts of what was written."""
        return replace(self, frames=frames)


def _build(cls: type[Record], values: Mapping[str, Any]) -> Record:
    for item in fields(cls):
        required = item.default is MISSING and item.default_factory is MISSING
        if required and item.name not in values:
            raise MetadataInvalid(f"{item.name}: missing")
    return cls(**values)


def _check_type(record: EpisodeStart, item: Field[Any]) -> None:
    value = getattr(record, item.name)
    expected = _TYPES.get(str(item.type), Mapping)
    if not isinstance(value, expected) or isinstance(value, bool):
        raise MetadataInvalid(f"{item.name} = {value!r}: must be {_kind(expected)}")


def _check_range(record: EpisodeStart, name: str, low: int, high: int) -> None:
    value = getattr(record, name)
    if not low <= value <= high:
        raise MetadataInvalid(f"{name} = {value}: must be {low} to {high}")


def _check_values(record: EpisodeStart, name: str, kind: type) -> None:
    values: Mapping[Any, Any] = getattr(record, name)
    for key, value in values.items():
        where = f"{name}[{key!r}] = {value!r}"
        if not isinstance(key, str) or not key:
            raise MetadataInvalid(f"{where}: names must be text, not empty")
        if isinstance(value, bool) != (kind is bool) or not isinstance(value, (kind, int)):
            raise MetadataInvalid(f"{where}: must be {_kind(kind)}")
        number: Any = value
        if kind is float and not 0.0 <= number <= 1.0:
            raise MetadataInvalid(f"{where}: must be 0 to 1")
        if kind is int and not 0 <= number <= _INT64_MAX:
            raise MetadataInvalid(f"{where}: must not be negative")


def _kind(kind: type) -> str:
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    return names.get(kind, "a mapping")


def _to_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps(dict(value), sort_keys=True, ensure_ascii=False)
    return str(value)


def _from_text(item: Field[Any], text: str) -> Any:
    kind = _TYPES.get(str(item.type), Mapping)
    try:
        if kind is str:
            return text
        return int(text) if kind is int else json.loads(text)
    except ValueError as error:
        raise MetadataInvalid(f"{item.name} = {text!r}: must be {_kind(kind)}") from error
