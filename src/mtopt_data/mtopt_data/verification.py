"""Is an episode file whole, and does it hold what an episode should?

Damage and gaps are different things. Damage: bytes are missing or altered, or the file
contradicts itself. A gap: every byte is right, but a channel or a step that the episode
should have is not there. Notes are worth a look and no fault of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import EpisodeMissing, MetadataInvalid, NameInvalid
from .metadata import EPISODE_RECORD, EpisodeMetadata
from .naming import finished_files, id_of, part_files, quarantined_files
from .partfile import is_held
from .survey import Survey, survey_file

CAMERAS = ("overhead", "left", "right")
STEP = "episode/step"
OUTCOME = "episode/outcome"
REQUIRED = (
    *(f"camera/{camera}/image_raw/compressed" for camera in CAMERAS),
    *(f"camera/{camera}/camera_info" for camera in CAMERAS),
    "camera/extrinsics",
    "joint_states",
    STEP,
    OUTCOME,
)


@dataclass(frozen=True, eq=False)
class Verification:
    """What was found of one file; `metadata` is None where it cannot be read."""

    path: Path
    survey: Survey
    metadata: EpisodeMetadata | None
    damage: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the file is whole and nothing is missing in it."""
        return not self.damage and not self.gaps


@dataclass(frozen=True, eq=False)
class FolderVerification:
    """What was found of a data folder: finished files, those that a living recorder holds,
    what a crash left, what was put aside, and episode names that are there twice."""

    root: Path
    files: tuple[Verification, ...]
    being_written: tuple[Path, ...]
    leftovers: tuple[Path, ...]
    quarantined: tuple[Path, ...]
    duplicates: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every finished file is whole and complete, once, and nothing was left over."""
        return all(file.ok for file in self.files) and not self.leftovers and not self.duplicates


def verify(path: Path) -> Verification:
    """Read a whole file and judge it; raises EpisodeMissing if it cannot be opened."""
    survey = survey_file(path)
    damage = list(survey.damage)
    if survey.profile != "ros2" and not damage:
        damage.append(f"profile {survey.profile!r}: an episode has 'ros2'")
    metadata = None
    if not damage:
        try:
            metadata = metadata_of(survey)
        except MetadataInvalid as error:
            damage.append(str(error))
    if metadata is None:
        return Verification(path, survey, None, tuple(damage))
    damage.extend(_contradictions(path, survey, metadata))
    gaps = _gaps(survey, metadata)
    notes = [*_notes(survey, metadata)]
    if not metadata.ordinary:
        notes, gaps = [*gaps, *notes], []
    return Verification(path, survey, metadata, tuple(damage), tuple(gaps), tuple(notes))


def verify_folder(root: Path) -> FolderVerification:
    """Verify every finished file under a data root; raises EpisodeMissing if it is no folder."""
    if not root.is_dir():
        raise EpisodeMissing(f"{root}: no such folder")
    paths = finished_files(root)
    names = [path.name for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    files = tuple(verify(path) for path in paths)
    held = {part: is_held(part) for part in part_files(root)}
    return FolderVerification(
        root,
        files,
        being_written=tuple(part for part, busy in held.items() if busy),
        leftovers=tuple(part for part, busy in held.items() if not busy),
        quarantined=tuple(quarantined_files(root)),
        duplicates=tuple(twice),
    )


def metadata_of(survey: Survey) -> EpisodeMetadata:
    """The episode's metadata; raises MetadataInvalid if it is missing or wrong."""
    values = survey.maps.get(EPISODE_RECORD)
    if values is None:
        raise MetadataInvalid(f"metadata record {EPISODE_RECORD}: missing")
    try:
        return EpisodeMetadata.from_map(values)
    except (MetadataInvalid, NameInvalid) as error:
        raise MetadataInvalid(f"metadata record {EPISODE_RECORD}: {error}") from error


def _contradictions(path: Path, survey: Survey, metadata: EpisodeMetadata) -> Iterator[str]:
    try:
        named = str(id_of(path))
        if named != metadata.episode_id:
            yield f"the file's name says episode {named}, its metadata {metadata.episode_id}"
    except NameInvalid as error:
        yield str(error)
    if dict(survey.counts) != dict(metadata.frames):
        topics = sorted({*survey.counts, *metadata.frames})
        for topic in topics:
            said, held = metadata.frames.get(topic, 0), survey.counts.get(topic, 0)
            if said != held:
                yield f"messages of {topic}: the metadata says {said}, the file holds {held}"


def _gaps(survey: Survey, metadata: EpisodeMetadata) -> list[str]:
    prefix = f"/{metadata.cell}/"
    counts = survey.counts
    gaps = []
    for name in REQUIRED:
        if prefix + name not in counts:
            gaps.append(f"channel {prefix}{name} is missing")
        elif counts[prefix + name] == 0 and not (name == STEP and metadata.steps == 0):
            gaps.append(f"channel {prefix}{name} has no message")
    recorded = counts.get(prefix + STEP, 0)
    if recorded not in (0, metadata.steps):
        gaps.append(f"{recorded} steps are recorded, the episode had {metadata.steps}")
    return gaps


def _notes(survey: Survey, metadata: EpisodeMetadata) -> Iterator[str]:
    for topic, lost in sorted(metadata.drops.items()):
        if lost:
            yield f"{lost} messages of {topic} were dropped while recording"
    for tally in survey.tallies.values():
        if tally.backward:
            yield f"the clock went back {tally.backward} times in {tally.topic}"
    if not metadata.ordinary:
        message = f": {metadata.end_message}" if metadata.end_message else ""
        yield f"the episode ended with {metadata.end_reason}{message}"
    if not metadata.success:
        yield "the outcome was not graded"
