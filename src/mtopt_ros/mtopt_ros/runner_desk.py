"""Where people steer a cell that collects: pause, resume, finish, discard, relabel."""

from __future__ import annotations

from typing import Any

from rclpy.task import Future

from mtopt_msgs.srv import DiscardEpisode, RelabelEpisode, SetCollecting

from .collecting import CollectingLoop
from .errors import LedgerLost
from .lifecycle import CellNode
from .newest import within
from .progress import Progress
from .recorder_desk import discarded_by

_RECORDER_S = 10.0
_CLOSING = "Busy: {} is being closed at this moment; ask again"
_NONE = "EpisodeMissing: this start has no such episode yet"


class RunnerDesk:
    """Three services. What they were told is kept over a crash of the runner."""

    def __init__(self, node: CellNode, progress: Progress, loop: CollectingLoop) -> None:
        self._node, self._progress, self._loop = node, progress, loop
        self._log = node.get_logger()
        node.create_service(SetCollecting, "runner/set_collecting", self._on_set_collecting)
        node.serve_waiting(DiscardEpisode, "runner/discard", self._on_discard)
        node.serve_waiting(RelabelEpisode, "runner/relabel", self._on_relabel)
        self._discard = node.create_client(DiscardEpisode, "recorder/discard")
        self._relabel = node.create_client(RelabelEpisode, "recorder/relabel")

    def _on_set_collecting(
        self, request: SetCollecting.Request, response: SetCollecting.Response
    ) -> SetCollecting.Response:
        words = {request.RESUME: "resume", request.PAUSE: "pause", request.FINISH: "finish"}
        ledger = self._progress.ledger
        if request.command not in words:
            response.error = f"command = {request.command}: must be one of {sorted(words)}"
            response.state = self._progress.state
            return response
        try:
            if request.command == request.FINISH:
                ledger.tell(finishing=True)
            elif request.command == request.PAUSE:
                ledger.tell(paused=True)
            else:
                self._loop.resume()
                ledger.tell(paused=False, parked="")
                self._node.health.clear()
        except LedgerLost as error:
            response.error = f"LedgerLost: {error}"
        self._log.warning(f"{words[request.command]}, says {request.who or 'nobody named'}")
        response.ok, response.state = not response.error, self._progress.state
        return response

    async def _on_discard(
        self, request: DiscardEpisode.Request, response: DiscardEpisode.Response
    ) -> DiscardEpisode.Response:
        """The running episode is ended for it; a finished one is put aside by the recorder."""
        left = self._progress.ledger.left_open
        if left is not None and request.episode_id in ("", left.id):
            running = self._loop.cut(discarded_by(request.who, request.why))
            response.ok, response.episode_id = bool(running), left.id
            response.error = "" if running else _CLOSING.format(left.id)
            return response
        request.episode_id = request.episode_id or self._last()
        if not request.episode_id:
            response.error = _NONE
            return response
        answer, error = await self._ask(self._discard, request)
        if answer is None:
            response.error = error
            return response
        if answer.ok:
            self._progress.ledger.take_back(request.episode_id)
        return answer

    async def _on_relabel(
        self, request: RelabelEpisode.Request, response: RelabelEpisode.Response
    ) -> RelabelEpisode.Response:
        request.episode_id = request.episode_id or self._last()
        if not request.episode_id:
            response.error = _NONE
            return response
        answer, response.error = await self._ask(self._relabel, request)
        return response if answer is None else answer

    def _last(self) -> str:
        recent = self._progress.ledger.memory.recent
        return recent[-1].id if recent else ""

    async def _ask(self, client: Any, request: Any) -> tuple[Any, str]:
        """The recorder's answer, or why there is none."""
        if not client.service_is_ready():
            return None, "NotReady: the recorder is not there"
        answered = Future(executor=self._node.executor)
        asked = client.call_async(request)
        asked.add_done_callback(lambda done: answered.set_result(done.result()))
        if await within(self._node, answered, _RECORDER_S):
            return answered.result(), ""
        client.remove_pending_request(asked)
        return None, f"NotReady: the recorder did not answer within {_RECORDER_S:g} s"
