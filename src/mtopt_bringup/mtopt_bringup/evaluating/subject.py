"""Which policy is meant: a bundle's folder, a model of a store, the shipped one, the scripts."""

from __future__ import annotations

from pathlib import Path

from mtopt_core.errors import ConfigError
from mtopt_core.tasks import TaskRegistry
from mtopt_data import config_files
from mtopt_robot.models import sealing
from mtopt_robot.models.expected import Expected
from mtopt_robot.models.manifest import KIND_Q, KIND_SUCCESS, ModelManifest, manifest_from_text
from mtopt_robot.models.store import ModelStore
from mtopt_sim.evaluating.trial import GREEDY, Subject

from ..paths import Paths

SOURCE = "mtopt eval"


def bundle_folder(word: str, store: Path, kind: str = KIND_Q) -> Path:
    """The folder of a bundle that is named by its folder, or as NAME[/VERSION] in a store.

    An empty word is the store's only model of the kind. Raises ModelMissing, PromotionInvalid.
    """
    given = Path(word).expanduser()
    if word and (given / sealing.MANIFEST).is_file():
        return given.absolute()
    name, _, version = word.partition("/")
    shelf = ModelStore(store.expanduser().absolute(), Expected(None, ()))
    return shelf.where(name, version, kind)


def manifest_of(folder: Path, kind: str = KIND_Q) -> ModelManifest:
    """What a bundle says of itself; raises BundleRefused, ManifestInvalid, ConfigError."""
    manifest = manifest_from_text(sealing.read_sealed_manifest(folder), sealing.MANIFEST)
    if manifest.kind != kind:
        raise ConfigError(SOURCE, "model", str(folder), f"must be of kind {kind}: {manifest.kind}")
    return manifest


def greedy(folder: Path) -> Subject:
    """The policy of a bundle. Raises as `manifest_of`."""
    manifest = manifest_of(folder)
    return Subject(GREEDY, str(folder), manifest.id, manifest.networks)


def detector(word: str, store: Path) -> tuple[str, str]:
    """Folder and seal of a success detector that is named as a model is; both empty for none."""
    if not word:
        return "", ""
    folder = bundle_folder(word, store, KIND_SUCCESS)
    return str(folder), manifest_of(folder, KIND_SUCCESS).networks


def known_tasks(tasks_file: Path, subject: Subject, wanted: tuple[str, ...]) -> TaskRegistry:
    """The tasks of a scene that are asked for and that the policy knows.

    Raises UnknownTask, and ConfigError for one that is asked for by name and that it does not know.
    """
    registry = config_files.tasks(tasks_file)
    known = registry.names
    if subject.policy == GREEDY:
        known = manifest_of(Path(subject.folder)).tasks
    for name in wanted:
        if registry[name].name not in known:
            raise ConfigError(SOURCE, "tasks", name, f"{subject.model} knows {', '.join(known)}")
    chosen = (task for task in registry.only(wanted) if task.name in known)
    return TaskRegistry(tuple(chosen))


def shipped(paths: Paths) -> Path:
    """The folder of the shipped Q-function; raises ModelMissing."""
    return bundle_folder("", paths.models)
