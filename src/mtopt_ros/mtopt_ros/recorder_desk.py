"""Where people change their mind about finished episodes: discard one, give it another outcome."""

from __future__ import annotations

from pathlib import Path

from mtopt_core.errors import MtoptError
from mtopt_data.catalog import revision
from mtopt_msgs.srv import DiscardEpisode, RelabelEpisode

from .lifecycle import CellNode


class RecorderDesk:
    """Two services over the folder that a recorder keeps; the files themselves stay as they are."""

    def __init__(self, node: CellNode, root: Path) -> None:
        self._root, self._log = root, node.get_logger()
        node.create_service(DiscardEpisode, "recorder/discard", self._on_discard)
        node.create_service(RelabelEpisode, "recorder/relabel", self._on_relabel)

    def _on_discard(
        self, request: DiscardEpisode.Request, response: DiscardEpisode.Response
    ) -> DiscardEpisode.Response:
        response.episode_id = request.episode_id
        try:
            reason = discarded_by(request.who, request.why)
            response.path = str(revision.discard(self._root, request.episode_id, reason))
        except MtoptError as error:
            response.error = f"{type(error).__name__}: {error}"
            return response
        self._log.warning(f"{request.episode_id}: {reason}")
        response.ok = True
        return response

    def _on_relabel(
        self, request: RelabelEpisode.Request, response: RelabelEpisode.Response
    ) -> RelabelEpisode.Response:
        response.episode_id = request.episode_id
        try:
            response.task = revision.relabel(
                self._root,
                request.episode_id,
                request.success,
                who=request.who,
                task=request.task,
                why=request.why,
            )
        except MtoptError as error:
            response.error = f"{type(error).__name__}: {error}"
            return response
        said = "success" if request.success else "failure"
        self._log.warning(f"{request.episode_id}: {response.task}: {said}, says {request.who}")
        response.ok = True
        return response


def discarded_by(who: str, why: str) -> str:
    """The reason that is kept with an episode which a person did not want."""
    return f"discarded by {who or 'nobody named'}" + (f": {why}" if why else "")
