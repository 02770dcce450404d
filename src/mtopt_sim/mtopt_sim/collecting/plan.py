"""What a run is to collect, kept in the data folder so that it can go on after any end.

A run is a row of episodes, numbered from 0. They are made in blocks: a block begins with a new
scene, and within it each episode finds the scene as the one before left it. All that is random
in an episode follows from the run's seed and its number, so who makes it, and after which
crash, changes nothing. The number also names the episode's file: one that lies there under its
final name is done, and so is one that was moved from there to another place.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mtopt_core.exploration import MixConfig
from mtopt_data.catalog.journal import known_places
from mtopt_data.catalog.row import is_remote
from mtopt_data.errors import NameInvalid
from mtopt_data.naming import SUFFIX, EpisodeId, finished_files, id_of
from mtopt_data.partfile import make_folder, replace_file

from .errors import PlanInvalid

FOLDER = "collect"
MOST_EPISODES = 1_000_000
_MOST_BLOCK, _FEWEST_BLOCKS = 20, 8
_TOKENS = 1 << 32


@dataclass(frozen=True)
class Wanted:
    """What a person asks for; anything but `episodes` makes it another run."""

    episodes: int
    seed: int = 1
    tasks: tuple[str, ...] = ()
    models: str = ""
    mix: MixConfig = MixConfig()
    cell: str = "sim"
    scene: str = ""
    variation: str = ""
    guided: float = 0.0  # share of episodes that policies make which know the truth

    @property
    def name(self) -> str:
        """A short name of the run."""
        what = {**asdict(self), "episodes": 0}
        for name in ("scene", "variation", "guided"):  # a run without them is named as ever
            if not what[name]:
                del what[name]
        if not self.mix.by_task:
            what["mix"].pop("by_task")
        digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
        return f"seed{self.seed}-{digest[:8]}"


@dataclass(frozen=True)
class Plan:
    """A run that has a file: `block` episodes a scene, numbers named from `first_token` on."""

    wanted: Wanted
    block: int
    first_token: int

    @property
    def blocks(self) -> range:
        """Numbers of the blocks."""
        return range(-(-self.wanted.episodes // self.block))

    def episodes_of(self, block: int) -> range:
        """Numbers of a block's episodes."""
        first = block * self.block
        return range(first, min(first + self.block, self.wanted.episodes))

    def seed(self, episode: int) -> int:
        """What all that is random in an episode follows from; below 2^62."""
        return _seed("episode", self.wanted.seed, episode)

    def block_seed(self, block: int) -> int:
        """What a block's schedule follows from."""
        return _seed("block", self.wanted.seed, block)

    def token(self, episode: int) -> str:
        """The last part of the episode's name."""
        return f"{(self.first_token + episode) % _TOKENS:08x}"

    def done(self, data: Path) -> set[int]:
        """Numbers of the episodes that lie in the data folder."""
        numbers = ((int(e.token, 16) - self.first_token) % _TOKENS for e in _own(self.wanted, data))
        return {number for number in numbers if number < self.wanted.episodes}


def open_plan(data: Path, wanted: Wanted) -> Plan:
    """The plan of a run, as its file has it or made anew; raises PlanInvalid, DataError."""
    if not 1 <= wanted.episodes <= MOST_EPISODES:
        raise PlanInvalid(f"episodes = {wanted.episodes}: must be 1 to {MOST_EPISODES}")
    path = data / FOLDER / f"{wanted.name}.json"
    make_folder(path.parent)
    if path.exists():
        return _read(path, wanted)
    plan = Plan(wanted, _block(wanted.episodes), _free_token(wanted, data))
    _write(path, plan)
    return plan


def _read(path: Path, wanted: Wanted) -> Plan:
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        block, first_token = int(kept["block"]), int(kept["first_token"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlanInvalid(f"{path}: is no plan of a run: {error!r}") from error
    if not 1 <= block <= _MOST_BLOCK or not 0 <= first_token < _TOKENS:
        raise PlanInvalid(f"{path}: block = {block}, first_token = {first_token}: out of range")
    return Plan(wanted, block, first_token)


def _write(path: Path, plan: Plan) -> None:
    """The whole file or none, on the disk when it returns."""
    said = {
        "block": plan.block,
        "first_token": plan.first_token,
        "wanted": {item.name: getattr(plan.wanted, item.name) for item in fields(Wanted)}
        | {"mix": asdict(plan.wanted.mix)},
    }
    replace_file(path, (json.dumps(said, indent=2) + "\n").encode())


def _block(episodes: int) -> int:
    """Long enough for picks to be followed by places, short enough to share out a small run."""
    return max(1, min(_MOST_BLOCK, -(-episodes // _FEWEST_BLOCKS)))


def _free_token(wanted: Wanted, data: Path) -> int:
    """A first token with room behind it among the names that are taken."""
    taken = {int(episode.token, 16) for episode in _own(wanted, data)}
    for _ in range(1000):
        first = secrets.randbelow(_TOKENS)
        if all((token - first) % _TOKENS >= MOST_EPISODES for token in taken):
            return first
    raise PlanInvalid(f"{data}: too many episodes of cell {wanted.cell}; take another folder")


def _own(wanted: Wanted, data: Path) -> Iterable[EpisodeId]:
    """The finished episodes of the run's cell in a data folder, or moved from there."""
    folder = data / wanted.cell
    files = finished_files(folder) if folder.is_dir() else []
    moved = (f"{name}{SUFFIX}" for name, path in known_places(data).items() if is_remote(path))
    for name in {*(path.name for path in files), *moved}:
        try:
            episode = id_of(Path(name))
        except NameInvalid:
            continue
        if episode.cell == wanted.cell:
            yield episode


def _seed(*key: str | int) -> int:
    digest = hashlib.sha256(repr(key).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 2
