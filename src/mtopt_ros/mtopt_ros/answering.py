"""A service that answers later, from whatever thread has the answer.

rclpy can wait for an answer only by a coroutine, which it looks at again in every turn of its
executor, and which another thread cannot wake. Here the callback leaves the request to its
handler, the executor goes on with what arrives, and the answer goes out from where it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.exceptions import InvalidHandle
from rclpy.node import Node

Answer = Callable[[], None]
Handler = Callable[[Any, Any, Answer], None]


class LateService:
    """A service whose handler gets request, response and `answer`, to be called once when ready.

    The handler itself runs in the executor and must return at once.
    """

    def __init__(self, node: Node, kind: Any, name: str, handler: Handler) -> None:
        self._handler = handler
        self._request: Any = None
        self._service = node.create_service(kind, name, self._take)
        self._send = self._service.send_response
        # rclpy hands out whom to answer nowhere else; it calls this right after the callback.
        setattr(self._service, "send_response", self._begin)  # noqa: B010

    def _take(self, request: Any, response: Any) -> Any:
        self._request = request
        return response

    def _begin(self, response: Any, header: Any) -> None:
        request, self._request = self._request, None
        self._handler(request, response, partial(self._answer, response, header))

    def _answer(self, response: Any, header: Any) -> None:
        try:
            self._send(response, header)
        except InvalidHandle:
            return  # the service was taken down meanwhile; whoever asked has been told by that
