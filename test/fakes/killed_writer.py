"""A process that records episodes without end, and the judge of what its sudden end left.

python -m fakes.killed_writer FOLDER SEED      records, and tells each id before it begins
python -m fakes.killed_writer FOLDER recover   settles what was left, as a start does
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from mtopt_data.catalog import journal, table
from mtopt_data.catalog.rebuild import catch_up, rebuild
from mtopt_data.metadata import EpisodeStart
from mtopt_data.naming import EpisodeId, finished_files, part_files, quarantined_files
from mtopt_data.reader import EpisodeReader
from mtopt_data.recovery import Recovery, read_reason, recover_folder
from mtopt_data.verification import verify
from mtopt_data.writer import EpisodeWriter

MESSAGES = 150
TOPIC = "/cell1/bytes"
_AT_WORK_S = 0.15  # the longest that a writer lives after its first word


def payload(episode: str, index: int) -> bytes:
    """What the message of a number is, in an episode of an id."""
    return b"\0\1\0\0" + random.Random(f"{episode}/{index}").randbytes(100 + 7 * index)


def record_for_ever(root: Path, seed: int) -> None:
    """Episode after episode, each told to stdout before its file is made."""
    rng = random.Random(seed)
    while True:
        name = str(EpisodeId(time.time_ns() // 10**6, "cell1", f"{rng.getrandbits(32):08x}"))
        os.write(1, f"{name}\n".encode())
        start = EpisodeStart(
            episode_id=name, cell="cell1", task="lift-any", skill="lift", robot_serial="",
            operator="", calibration_hash="", software_version="0.1.0", seed=seed, started_ns=0,
        )  # fmt: skip
        writer = EpisodeWriter(root, start, chunk_bytes=4000)
        writer.add_channel(TOPIC, "mtopt_test/msg/Bytes", "uint8[] data")
        for index in range(MESSAGES):
            writer.write(TOPIC, payload(name, index), index, index)
        writer.close(start.finished(ended_ns=MESSAGES, steps=0, end_reason="terminated"))


@dataclass
class Tally:
    """What became of all that was begun, over all kills."""

    kills: int = 0
    begun: int = 0
    closed: int = 0
    never_on_disk: int = 0
    settled: Counter[str] = field(default_factory=Counter)  # by what recovery did
    recovered_messages: int = 0
    recoveries_killed: int = 0


class Judge:
    """Kills writers in one folder; every claim is an assertion."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root, self.tally = root, Tally()
        self._rng = random.Random(seed)
        self._begun: set[str] = set()
        self._gone: set[str] = set()
        self._digests: dict[Path, str] = {}
        root.mkdir(parents=True, exist_ok=True)

    def kill_one(self) -> None:
        """One writer, its end, and what a start makes of what it left."""
        names = self._writer()
        self._begun.update(names)
        self._unchanged()
        closed_before_recovery = {path.stem for path in finished_files(self.root)}
        if self._rng.random() < 0.3:
            self._killed_recovery()
        done = recover_folder(self.root)
        self.tally.kills += 1
        self._settled(done, closed_before_recovery)
        self._new_files_are_whole()
        self._everything_is_somewhere(names[-1])
        self._catalog_is_exact()

    def finish(self) -> Tally:
        """The catalog once more, against one that is made anew; the tally."""
        table.compact(self.root)
        path = journal.folder(self.root) / journal.TABLE
        kept = path.read_bytes()
        assert rebuild(self.root).refused == ()
        assert path.read_bytes() == kept
        self.tally.begun, self.tally.closed = len(self._begun), len(self._digests)
        self.tally.never_on_disk = len(self._gone)
        return self.tally

    def _writer(self) -> list[str]:
        with self._start(str(self._rng.getrandbits(32))) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(self._rng.random() * _AT_WORK_S)
            process.kill()
            told = first + process.stdout.read()
        return told.decode().split()

    def _killed_recovery(self) -> None:
        with self._start("recover") as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(self._rng.random() * 0.01)
            process.kill()
        self.tally.recoveries_killed += process.returncode != 0

    def _start(self, word: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "fakes.killed_writer", str(self.root), word]
        return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)

    def _unchanged(self) -> None:
        """Every episode that was closed before reads byte-identical."""
        for path, digest in self._digests.items():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, path

    def _settled(self, done: list[Recovery], closed: set[str]) -> None:
        assert part_files(self.root) == []
        for one in done:
            assert one.action in ("finished", "recovered", "quarantined"), one
            self.tally.settled[one.action] += 1
            if one.action == "recovered":
                self.tally.recovered_messages += one.messages
                self._is_a_beginning(one.path, one.messages)
        for path in quarantined_files(self.root):
            assert read_reason(path)
            assert path.name.partition(".")[0] not in closed  # never counted

    def _is_a_beginning(self, path: Path, messages: int) -> None:
        """Re-read and counted: the first messages of the episode, none altered."""
        with EpisodeReader(path) as reader:
            found = [item.data for item in reader.messages()]
            assert reader.metadata.end_reason == "recorder_lost"
        name = path.name.partition(".")[0]
        assert len(found) == messages
        assert found == [payload(name, index) for index in range(len(found))]

    def _new_files_are_whole(self) -> None:
        for path in finished_files(self.root):
            if path in self._digests:
                continue
            assert not verify(path).damage
            with EpisodeReader(path) as reader:
                found = [item.data for item in reader.messages()]
            assert found == [payload(path.stem, index) for index in range(MESSAGES)]
            self._digests[path] = hashlib.sha256(path.read_bytes()).hexdigest()

    def _everything_is_somewhere(self, last: str) -> None:
        """Each begun episode once; the last may have been killed before it had a file."""
        closed = [path.stem for path in finished_files(self.root)]
        aside = {path.name.partition(".")[0] for path in quarantined_files(self.root)}
        assert len(closed) == len(set(closed)) and not aside & set(closed)
        missing = self._begun - aside - set(closed) - self._gone
        assert missing <= {last}
        self._gone |= missing
        assert aside | set(closed) <= self._begun

    def _catalog_is_exact(self) -> None:
        catch_up(self.root)
        rows = [str(name) for name in table.load(self.root)["episode_id"].to_pylist()]
        assert sorted(rows) == sorted(path.stem for path in finished_files(self.root))


if __name__ == "__main__":
    if sys.argv[2] == "recover":
        os.write(1, b"begun\n")
        recover_folder(sys.argv[1])
    else:
        record_for_ever(Path(sys.argv[1]), int(sys.argv[2]))
