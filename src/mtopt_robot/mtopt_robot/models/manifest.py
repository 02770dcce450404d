"""What a model says of itself: its tasks, its image, its action layout, its files."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import yaml

from mtopt_core.action import ActionBounds
from mtopt_core.config import Option, check, from_mapping, option
from mtopt_core.errors import ConfigError
from mtopt_core.platt import TaskGrading
from mtopt_core.uncertainty import Limits
from mtopt_data.errors import YamlInvalid
from mtopt_data.yamlfile import parse_yaml

from .engine import PRECISIONS
from .errors import ManifestInvalid
from .image import ImageFormat

KIND_Q, KIND_SUCCESS = "q", "success"

MAX_TASKS = 1024

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _required(text: str, **known: Any) -> Any:
    return field(metadata={"option": Option(text, **known)})


@dataclass(frozen=True, kw_only=True)
class ModelManifest:
    """The facts of one version of one model of any kind.

    `files` holds file name to sha256; it is empty until the bundle is written. `training` is
    the learner's own record, `evaluation` what the model was measured to do, empty where nobody
    measured; both plain values of any depth.
    """

    kind: str = _required("what the networks compute", choices=(KIND_Q, KIND_SUCCESS))
    name: str = _required("name of the model, its folder in the store")
    version: str = _required("version of the model, its folder in the model's")
    tasks: tuple[str, ...] = _required("names of the tasks in one-hot order")
    precisions: tuple[str, ...] = option(
        ["fp32"], "number formats that the model is good for", choices=PRECISIONS
    )
    golden: str = option("golden.npz", "file of the golden inputs and outputs")
    # from_mapping compares with the bare type, so these say their items in the docstring.
    files: dict = option(None, "sha256 of every file")
    training: dict = option(None, "record of the training")
    evaluation: dict = option(None, "what it was measured to do")

    def __post_init__(self) -> None:
        # Copies of our own: whoever made us cannot change us through theirs.
        object.__setattr__(self, "files", dict(self.files or {}))
        object.__setattr__(self, "training", dict(self.training or {}))
        object.__setattr__(self, "evaluation", dict(self.evaluation or {}))
        if _KINDS.get(self.kind, type(self)) is not type(self):
            raise ManifestInvalid(f"kind = {self.kind!r}: {type(self).__name__} is of another kind")
        _check_names(self)
        _check_tasks(self.tasks)
        _check_plain(self.training, "training")
        _check_plain(self.evaluation, "evaluation")

    @property
    def id(self) -> str:
        """`name/version`, as decisions and logs call the model."""
        return f"{self.name}/{self.version}"

    @property
    def networks(self) -> str:
        """A short name of the networks, by their content: the same whatever they are called."""
        files = sorted((name, seal) for name, seal in self.files.items() if name != self.golden)
        return hashlib.sha256(repr(files).encode()).hexdigest()[:16]

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str) -> Self:
        """The manifest in plain values; raises ManifestInvalid naming source and field."""
        try:
            return from_mapping(cls, values, source)
        except ConfigError as error:
            raise ManifestInvalid(str(error)) from None
        except ManifestInvalid as error:
            raise ManifestInvalid(f"{source}: {error}") from None

    @classmethod
    def from_text(cls, text: str, source: str) -> Self:
        """The manifest in a YAML text; raises ManifestInvalid naming source and place."""
        try:
            return cls.from_mapping(parse_yaml(text, source), source)
        except YamlInvalid as error:
            raise ManifestInvalid(str(error)) from None

    def to_mapping(self) -> dict[str, Any]:
        """The same as plain values: what `from_mapping` takes."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        # The long lists last, for whoever reads the file.
        last = ("files", "training", "evaluation")
        short = {name: value for name, value in plain.items() if name not in last}
        return short | {name: plain[name] for name in last}

    def to_text(self) -> str:
        """The same as YAML. Raises ManifestInvalid for a value out of its bounds."""
        try:
            _check_all(self, self.id)
        except ConfigError as error:
            raise ManifestInvalid(str(error)) from None
        return yaml.dump(self.to_mapping(), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


@dataclass(frozen=True, kw_only=True)
class Manifest(ModelManifest):
    """The facts of a Q-function. `bounds` are those it was trained with.

    `uncertainty` holds the limits past which it is not to be trusted; without them nobody
    knows, and nothing is checked.
    """

    bounds: ActionBounds = _required("action bounds that the model was trained with")
    action_layout: str = _required("hash of the action and state encoding that it was trained on")
    image: ImageFormat = _required("the policy image")
    uncertainty: Limits | None = option(None, "where it does not know; none: not calibrated")


@dataclass(frozen=True, kw_only=True)
class SuccessManifest(ModelManifest):
    """The facts of a success detector: its three images, and how it grades each task."""

    overhead: ImageFormat = _required("the image from above")
    left: ImageFormat = _required("the image from the left")
    right: ImageFormat = _required("the image from the right")
    grading: dict = _required("threshold and calibration by task name")

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "grading", _gradings(self.grading, self.tasks))

    @property
    def gradings(self) -> tuple[TaskGrading, ...]:
        """Threshold and calibration of each task, in the order of `tasks`."""
        return tuple(self.grading[task] for task in self.tasks)


_KINDS: dict[str, type[ModelManifest]] = {KIND_Q: Manifest, KIND_SUCCESS: SuccessManifest}


def manifest_from_text(text: str, source: str) -> Manifest | SuccessManifest:
    """The manifest of whatever kind a YAML text has; raises ManifestInvalid."""
    try:
        values = parse_yaml(text, source)
    except YamlInvalid as error:
        raise ManifestInvalid(str(error)) from None
    kind = values.get("kind") if isinstance(values, Mapping) else None
    made = _KINDS.get(str(kind), Manifest).from_mapping(values, source)
    if not isinstance(made, Manifest | SuccessManifest):
        raise ManifestInvalid(f"{source}: kind = {kind!r}: must be one of {', '.join(_KINDS)}")
    return made


def valid_name(text: str) -> bool:
    """Whether a text can be the name of a model or of a version, hence of a folder."""
    return _NAME.fullmatch(text) is not None


def _gradings(values: Mapping[str, Any], tasks: tuple[str, ...]) -> dict[str, TaskGrading]:
    """How each task is graded, in the order of the tasks; raises ManifestInvalid."""
    odd = sorted(set(tasks) ^ {str(name) for name in values})
    if odd:
        raise ManifestInvalid(f"grading: needs each of the tasks and no other: {', '.join(odd)}")
    try:
        return {
            task: values[task]
            if isinstance(values[task], TaskGrading)
            else from_mapping(TaskGrading, values[task], f"grading: {task}")
            for task in tasks
        }
    except ConfigError as error:
        raise ManifestInvalid(str(error)) from None


def _check_all(settings: Any, source: str) -> None:
    """Bounds and choices of a manifest and of all that stands in it; raises ConfigError."""
    check(settings, source)
    for field_ in dataclasses.fields(settings):
        value = getattr(settings, field_.name)
        for item in value.values() if isinstance(value, dict) else (value,):
            if dataclasses.is_dataclass(item):
                _check_all(item, f"{source}: {field_.name}")


def _check_names(manifest: ModelManifest) -> None:
    for label in ("name", "version", "golden"):
        value = getattr(manifest, label)
        if not valid_name(value):
            raise ManifestInvalid(f"{label} = {value!r}: must be letters, digits, . _ - (64)")
    if not manifest.golden.endswith(".npz"):
        raise ManifestInvalid(f"golden = {manifest.golden!r}: must be the name of a .npz file")
    for name, digest in manifest.files.items():
        if not isinstance(name, str) or not valid_name(name):
            raise ManifestInvalid(f"files: {name!r} is no plain file name")
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise ManifestInvalid(f"files.{name} = {digest!r}: must be a sha256, 64 hex digits")


def _check_tasks(tasks: tuple[str, ...]) -> None:
    if not 1 <= len(tasks) <= MAX_TASKS:
        raise ManifestInvalid(f"tasks: must be 1 to {MAX_TASKS}, are {len(tasks)}")
    for task in tasks:
        if not task or tasks.count(task) > 1:
            raise ManifestInvalid(f"tasks: {task!r} must be a name and stand in the list once")


def _check_plain(value: Any, where: str) -> None:
    """Raises ManifestInvalid for what a YAML file cannot give back as it was."""
    if isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not str:
                raise ManifestInvalid(f"{where}: key {key!r} must be text")
            _check_plain(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check_plain(item, f"{where}[{index}]")
    elif value is not None and type(value) not in (str, int, float, bool):
        raise ManifestInvalid(f"{where} = {value!r}: must be a plain value, is {type(value)}")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


class _Dumper(yaml.SafeDumper):
    """SafeDumper that quotes every text with the look of a number (our reader knows `1e5`)."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "'" if value[:1] in "+-.0123456789" else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
