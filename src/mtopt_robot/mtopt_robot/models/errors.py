"""The named ways in which models fail. Every message says what, where, and what is allowed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from ..errors import RobotError


class ModelError(RobotError):
    """Root of everything that models raise."""


class ManifestInvalid(ModelError):
    """A manifest with a missing, unknown or impossible field."""


class GoldenInvalid(ModelError):
    """Golden examples that cannot be read or do not fit together."""


class NoveltyInvalid(ModelError):
    """A record of familiar images that cannot be read or does not fit the encoder."""


class GraphInvalid(ModelError):
    """A network that ONNX Runtime cannot load, or whose inputs and outputs are not as agreed."""


class CameraUnknown(ModelError):
    """A model that looks around the tool, and a camera of which nobody says where it stands."""


class NotNumbers(GraphInvalid):
    """A network that gives NaN or infinity."""


class PrecisionUnfit(ModelError):
    """A number format that a model does not say it is good for."""


class ProviderUnfit(ModelError):
    """An engine that is asked for by name and does not run the model here."""


class Refusal(StrEnum):
    """The law that a refused bundle breaks."""

    MISSING = "missing"
    SIZE = "size"
    HASH = "hash"
    MANIFEST = "manifest"
    LAYOUT = "layout"
    TASKS = "tasks"
    GRAPH = "graph"
    NUMBERS = "numbers"
    GOLDEN = "golden"
    PRECISION = "precision"
    PROVIDER = "provider"
    NOVELTY = "novelty"


class BundleRefused(ModelError):
    """A bundle that must not serve: the law it breaks, its folder, and the reason in words."""

    def __init__(self, law: Refusal, folder: Path, reason: str) -> None:
        super().__init__(f"{folder}: refused ({law}): {reason}")
        self.law = law
        self.folder = folder
        self.reason = reason


class BundleExists(ModelError):
    """The version is there already; nothing is ever overwritten."""


class ModelMissing(ModelError):
    """No such model, version or store."""


class PromotionInvalid(ModelError):
    """A record of promotions that cannot be read, or that has nothing to go back to."""


class StoreNotWritable(ModelError):
    """The model store cannot be written."""


class ImageMismatch(ModelError):
    """An image of another kind than the model was trained on."""


class TaskNotServed(ModelError):
    """A task that is not in the model's own list."""

    def __init__(self, task: str, model: str, known: tuple[str, ...]) -> None:
        super().__init__(f"{model} does not serve task {task!r}; it serves {', '.join(known)}")
        self.task = task
