"""A policy server's caution: decisions in doubt, questions to people, and the count of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from mtopt_core.fallback import Fallback, FallbackConfig, Interventions
from mtopt_core.policy import Policy
from mtopt_msgs.msg import PolicyQuestion
from mtopt_msgs.srv import AnswerQuestion
from mtopt_robot.models.bundle import Bundle
from mtopt_robot.models.doubting import Doubting, Intervention

from .asking import Question, Questions
from .convert_policy import question_msg
from .lifecycle import CellNode
from .qos import LATCHED


class Caution:
    """The checks of all cells that a policy node serves."""

    def __init__(
        self,
        node: CellNode,
        config: FallbackConfig,
        cells: Iterable[str],
        scripts: Callable[[], Mapping[str, Policy]],
    ) -> None:
        """`scripts` makes a cell's own, by skill."""
        self._node, self._config, self._scripts = node, config, scripts
        self._cells = tuple(cells)
        self._interventions = Interventions()
        self._questions = Questions(self._tell, config.ask_wait_s)
        self._topics: dict[str, Any] = {}

    def wire(self) -> None:
        """The topics of the questions, and the service of the answers."""
        self._topics = {
            cell: self._node.create_publisher(PolicyQuestion, f"/{cell}/policy/question", LATCHED)
            for cell in self._cells
        }
        self._node.create_service(AnswerQuestion, "policy/answer", self._on_answer)
        self._node.on_cleanup_call(self._questions.close)

    def check(self, cell: str) -> Doubting:
        """The check of a cell's decisions; it is called in that cell's thread."""
        return Doubting(
            Fallback(self._scripts()),
            self._config,
            partial(self._questions.ask, cell),
            partial(self._on_intervention, cell),
            partial(self._questions.over, cell),
        )

    def values(self, bundle: Bundle) -> dict[str, str]:
        """For diagnostics: what becomes of decisions in doubt, and how often it has."""
        calibrated = bundle.manifest.uncertainty is not None
        fallback = self._config.mode if calibrated else "never: the model was not calibrated"
        return {"fallback": fallback, "interventions": str(self._interventions)}

    def _on_answer(
        self, request: AnswerQuestion.Request, response: AnswerQuestion.Response
    ) -> AnswerQuestion.Response:
        response.error = self._questions.answer(request.id, request.answer)
        response.ok = not response.error
        return response

    def _on_intervention(self, cell: str, made: Intervention) -> None:
        self._interventions.count(made.done.source, made.doubt.past)
        limits = made.considered.bundle.manifest.uncertainty
        self._node.get_logger().warning(
            f"{cell}: {made.done.source} in place of the network: {made.doubt}; limits: {limits}"
        )

    def _tell(self, question: Question) -> None:
        topic = self._topics.get(question.cell)
        if topic is not None:
            topic.publish(question_msg(question))
