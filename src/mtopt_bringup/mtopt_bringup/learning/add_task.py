"""`mtopt add-task`: a new task at the end of the registry, and old episodes labelled for it.

No file of an episode is altered and nothing is collected again: what an episode came to for the new
task is written down as labels are, and the learner reads it with them.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mtopt_core.errors import ConfigError, MtoptError
from mtopt_core.feasibility import deduced
from mtopt_core.success import Grade
from mtopt_core.tasks import Task, TaskRegistry
from mtopt_data import labels as label_files
from mtopt_data.catalog.journal import append_lines
from mtopt_data.catalog.labels import LABELS, Labels
from mtopt_data.metadata import EpisodeMetadata
from mtopt_data.naming import finished_files
from mtopt_data.partfile import named, replace_file
from mtopt_data.reader import EpisodeReader
from mtopt_data.yamlfile import parse_yaml

from ..bar import Bar
from ..paths import workspace_root

OK = 0
SOURCE = "mtopt add-task"
DEDUCED = "the rules"
_AT_ONCE = 200  # labels between two writes

Grader = Callable[[Path], Grade]


@dataclass(frozen=True)
class Entry:
    """A task as a person says it; `success` is its rule, `category` one that no rule knew yet."""

    name: str
    skill: str
    text: str
    success: Mapping[str, Any]
    category: str = ""


def run(words: Sequence[str]) -> int:
    """0 done; raises MtoptError for what is wrong, and then nothing was changed."""
    wanted = _parser().parse_args(words)
    file = wanted.tasks_file or workspace_root() / "config" / "tasks.yaml"
    text = _read(file)
    before = TaskRegistry.from_mapping(parse_yaml(text, str(file)), str(file))
    entry = Entry(wanted.name, wanted.skill, wanted.text, _rule(wanted.success), wanted.category)
    changed = extended(text, before, entry, str(file))
    registry = TaskRegistry.from_mapping(parse_yaml(changed, str(file)), str(file))
    told = _told_by_people(wanted.examples, entry.name) if wanted.examples else {}
    grade, grader = _detector(wanted, registry)
    if not wanted.data.is_dir():
        raise ConfigError(SOURCE, "data", str(wanted.data), "must be a folder of episodes")
    with Bar("labelling", 0, wanted.json) as bar:
        found = relabel(wanted.data, registry[entry.name], before, told, grade, grader, bar)
    if entry.name not in before.names:
        replace_file(file, changed.encode())
    _say(entry.name, found, registry, wanted.json)
    return OK


def extended(text: str, before: TaskRegistry, entry: Entry, source: str) -> str:
    """The registry's text with the task at its end; as it is where the very same task is there.

    Raises ConfigError for a task that cannot be one, or another of the same name.
    """
    if entry.skill not in before.skills:
        raise ConfigError(
            SOURCE, "skill", entry.skill, f"must be one of {', '.join(before.skills)}"
        )
    fields = {"skill": entry.skill, "text": entry.text, "success": dict(entry.success)}
    body = yaml.safe_dump([{"name": entry.name, **fields}], sort_keys=False, allow_unicode=True)
    indented = "".join(f"  {line}\n" for line in body.splitlines())
    grown = _with_category(text, entry.category) if entry.category else text
    known = parse_yaml(text, source)["tasks"]
    for task in known:
        if task["name"] == entry.name:
            if task == {"name": entry.name, **fields}:
                return text
            raise ConfigError(SOURCE, "name", entry.name, "is another task of the registry")
    if _keys(grown)[-1:] != ["tasks"]:
        raise ConfigError(source, "tasks", _keys(grown), "must be the last key of the file")
    changed = f"{grown.rstrip()}\n{indented}"
    TaskRegistry.from_mapping(parse_yaml(changed, SOURCE), SOURCE)
    return changed


def relabel(
    data: Path,
    task: Task,
    before: TaskRegistry,
    told: Mapping[str, bool],
    grade: Grader | None,
    grader: str,
    bar: Bar,
) -> Counter[str]:
    """Label every episode that has no grade for the task; counts of what was found.

    People come first, then the rules of what was graded, then the detector. An episode of which
    none of them can tell stays without a label. Raises MtoptError where labels cannot be written.
    """
    files, counts = finished_files(data), Counter[str]()
    known = Labels.read(data)
    lines: list[dict[str, Any]] = []
    bar.begin(0, total=len(files))
    for number, path in enumerate(files, start=1):
        try:
            with EpisodeReader(path) as reader:
                metadata = reader.metadata
            said = known.success(metadata.episode_id, metadata.success)
            verdict, who = _verdict(path, metadata, said, task, before, told, grade, grader)
        except MtoptError as error:
            counts["unreadable"] += 1
            bar.say(f"left out: {error}")
            continue
        counts["unknown" if verdict is None else "successes" if verdict else "failures"] += 1
        if verdict is not None and who:
            lines.append(_line(metadata.episode_id, task.name, verdict, who))
        if len(lines) >= _AT_ONCE:
            append_lines(data, LABELS, lines, sync=True)
            lines = []
        bar.at(number)
    append_lines(data, LABELS, lines, sync=True)
    return counts


def _verdict(
    path: Path, metadata: EpisodeMetadata, said: Mapping[str, bool], task: Task,
    before: TaskRegistry, told: Mapping[str, bool], grade: Grader | None, grader: str,
) -> tuple[bool | None, str]:  # fmt: skip
    """Whether the episode is a success, and who says so; nobody where that is known already."""
    if metadata.episode_id in told:
        verdict = told[metadata.episode_id]
        return verdict, "" if said.get(task.name) is verdict else "examples"
    if task.name in said:
        return said[task.name], ""
    if not metadata.ordinary:
        return None, ""
    others = {name: good for name, good in said.items() if name in before.names}
    found = deduced(task.rule, (t for t in before if t.name != task.name), others)
    if found is not None or grade is None:
        return found, DEDUCED
    return grade(path).success.get(task.name), grader


def _line(episode_id: str, task: str, success: bool, who: str) -> dict[str, Any]:
    return {
        "episode_id": episode_id,
        "task": task,
        "success": success,
        "who": who,
        "told_ms": time.time_ns() // 1_000_000,
        "why": "a task that was added",
    }


def _detector(wanted: argparse.Namespace, registry: TaskRegistry) -> tuple[Grader | None, str]:
    """What grades the images of an episode's end; raises MtoptError where it lacks the task."""
    if not wanted.detector:
        return None, ""
    from mtopt_core.observation import OutcomeImages
    from mtopt_learner.detector.outcomes import episode_end
    from mtopt_robot.models.bundle import Expected, check_success_bundle
    from mtopt_robot.models.manifest import KIND_SUCCESS
    from mtopt_robot.models.model_detector import ModelDetector

    from ..evaluating.subject import bundle_folder

    folder = bundle_folder(wanted.detector, wanted.models, KIND_SUCCESS)
    bundle = check_success_bundle(folder, Expected(None, registry.names))
    if wanted.name not in bundle.manifest.tasks:
        allowed = f"must grade {wanted.name}: it grades {', '.join(bundle.manifest.tasks)}"
        raise ConfigError(SOURCE, "detector", bundle.manifest.id, allowed)
    detector = ModelDetector(bundle, registry)

    def grade(path: Path) -> Grade:
        _, (images,) = episode_end(path)
        return detector.grade(OutcomeImages(**images, stamp_ns=0))

    return grade, bundle.manifest.id


def _told_by_people(files: Iterable[Path], task: str) -> dict[str, bool]:
    """Examples of the outcome by episode; raises LabelsInvalid, and ConfigError without any."""
    found = [one for path in files for one in label_files.read_labels(path) if one.task == task]
    if not found:
        names = ", ".join(str(path) for path in files)
        raise ConfigError(SOURCE, "examples", names, f"must label an episode for {task}")
    return {one.outcome: one.success for one in found}


def _with_category(text: str, category: str) -> str:
    """The text with a category more in its list, or with a list of it."""
    line = re.search(r"^categories: *\[(.*)\] *$", text, re.MULTILINE)
    if line is None:
        return re.sub(r"^tasks:", f"categories: [{category}]\ntasks:", text, flags=re.MULTILINE)
    names = [name.strip() for name in line.group(1).split(",") if name.strip()]
    listed = ", ".join(names if category in names else (*names, category))
    return f"{text[: line.start()]}categories: [{listed}]{text[line.end() :]}"


def _keys(text: str) -> list[str]:
    """The keys of a YAML text, in its order."""
    return re.findall(r"^(\w+):", text, re.MULTILINE)


def _rule(words: str) -> Mapping[str, Any]:
    return parse_yaml(words, f"{SOURCE}: success")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise named(error, path) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt add-task",
        description="Adds a task at the end of the registry and labels old episodes for it: by "
        "examples, by what the grades of other tasks imply, by a success detector.",
    )
    parser.add_argument("name", help="of the task, as lift-tomato")
    parser.add_argument("--skill", required=True, help="whose episodes it shares: lift, place")
    parser.add_argument("--text", required=True, help="what it is, for people")
    parser.add_argument("--success", required=True, metavar="RULE", help="{rule: lifted, ...}")
    parser.add_argument("--category", default="", help="a category that no rule knows yet")
    parser.add_argument("--data", type=Path, default=Path("data"), help="episodes (default data)")
    parser.add_argument(
        "--examples", type=Path, nargs="+", metavar="FILE", help="labels of episodes for the task"
    )
    parser.add_argument("--detector", default="", help="success detector that grades the rest")
    parser.add_argument("--models", type=Path, default=Path("run/models"), help="its model store")
    parser.add_argument("--tasks-file", type=Path, help="registry (default config/tasks.yaml)")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    return parser


def _say(name: str, found: Mapping[str, int], registry: TaskRegistry, as_json: bool) -> None:
    counts = {
        kind: found.get(kind, 0) for kind in ("successes", "failures", "unknown", "unreadable")
    }
    if as_json:
        sys.stdout.write(json.dumps({"task": name, "index": registry[name].index, **counts}) + "\n")
        return
    said = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "no episode"
    place = f"{name} is task {registry[name].index} of {len(registry)}"
    sys.stdout.write(
        f"{place}: {said}. Networks of fewer tasks go on serving those; `mtopt learn` with a new "
        "--run learns all of them.\n"
    )
