"""The model of a server: loaded beside the one in service, checked, then swapped.

Everything that takes time is done in one thread of its own. A model that is refused, for whatever
reason, leaves the old one in service and its reason in the node's health.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

from mtopt_core.cell import PolicyLate
from mtopt_core.errors import MtoptError
from mtopt_msgs.srv import LoadModel
from mtopt_robot.models.errors import ModelMissing

from .answering import Answer, LateService
from .lifecycle import CellNode

Loaded = TypeVar("Loaded")
Served_contra = TypeVar("Served_contra", contravariant=True)

_REFUSED, _LOADING = "model_refused", "model_loading"


class InService(Protocol[Served_contra]):
    """Where models serve."""

    @property
    def model(self) -> str:
        """`name/version` of the model in service, empty where there is none."""
        ...

    def serve(self, bundle: Served_contra) -> None:
        """Take a model into service; raises MtoptError where that cannot be."""
        ...


@dataclass(frozen=True)
class Source(Generic[Loaded]):
    """Where models come from: what the store wants served, and any version by name."""

    look: Callable[[], Loaded | None]
    load: Callable[[str, str], Loaded]


class ModelFollowing(Generic[Loaded]):
    """Loads the first model, what LoadModel asks for, and what the store wants served.

    `otherwise` says what goes on without a model. Where that is nothing, having none is a fault.
    """

    def __init__(
        self,
        node: CellNode,
        serving: InService[Loaded],
        source: Source[Loaded] | None,
        watch_s: float,
        otherwise: str = "",
    ) -> None:
        self._node, self._serving, self._source = node, serving, source
        self._otherwise = otherwise
        self._thread = ThreadPoolExecutor(1, "model")
        self._first_is_over = threading.Event()
        self._refusal = ""
        self._looking: Future[None] | None = None
        LateService(node, LoadModel, f"{node.get_name()}/load_model", self._on_load)
        if source is not None and watch_s > 0.0:
            clock = Clock(clock_type=ClockType.STEADY_TIME)
            node.create_timer(watch_s, self._look, clock=clock)
        if source is None:
            self._first_is_over.set()
        else:
            self._look()
        self.tell()

    @property
    def ready(self) -> bool:
        """Whether the first model has been loaded, or refused."""
        return self._first_is_over.is_set()

    def wait_for_first(self, until_s: float) -> None:
        """Until the first model is loaded or refused; raises PolicyLate at that monotonic time."""
        wait_s = min(until_s - time.monotonic(), threading.TIMEOUT_MAX)
        if not self._first_is_over.wait(max(wait_s, 0.0)):
            raise PolicyLate("the model was still being loaded")

    def tell(self) -> None:
        """Put what is known of the model into the node's health."""
        health, model = self._node.health, self._serving.model
        health.over(_LOADING)
        health.over(_REFUSED)
        if model:
            health.values["model"] = model
        if not self.ready:
            health.warn(_LOADING, "the first model is being loaded")
        elif not model and not self._otherwise:
            health.fault(_REFUSED, self._refusal or "there is no model, and nothing else goes on")
        elif self._refusal:
            health.warn(_REFUSED, f"{self._refusal}; {self._going_on}")

    def stop(self) -> None:
        """Begin no further load."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._first_is_over.set()

    # --- in the executor's thread ---------------------------------------------------------

    def _look(self) -> None:
        """Look at the store, unless the last look still goes on."""
        if self._looking is None or self._looking.done():
            self._looking = self._thread.submit(self._follow)

    def _on_load(
        self, request: LoadModel.Request, response: LoadModel.Response, answer: Answer
    ) -> None:
        def load() -> None:
            refusal = self._try(lambda: self._load(request.name, request.version))
            response.ok, response.error = not refusal, refusal
            response.model = self._serving.model
            answer()

        self._thread.submit(load)

    # --- in the thread of its own ---------------------------------------------------------

    def _follow(self) -> None:
        if self._source is not None:
            self._try(self._source.look)
        if not self.ready:
            self._first_is_over.set()
            self._post()

    def _load(self, name: str, version: str) -> Loaded:
        if self._source is None:
            raise ModelMissing(f"this {self._node.get_name()} was started without a model store")
        return self._source.load(name, version)

    def _try(self, get: Callable[[], Loaded | None]) -> str:
        """Get a model and serve it; the reason if that cannot be done, empty if all is well."""
        try:
            bundle = get()
            if bundle is None:
                return ""
            self._serving.serve(bundle)
        except MtoptError as error:
            self._refusal = f"{type(error).__name__}: {error}"
        except Exception as error:  # a file may break a library in ways that nobody has named
            self._refusal = f"{type(error).__name__}: {error}"
            self._node.get_logger().fatal(traceback.format_exc())
        else:
            self._refusal = ""
            self._node.get_logger().info(f"serving {self._serving.model}")
        if self._refusal:
            self._node.get_logger().error(f"{self._refusal}; {self._going_on}")
        self._post()
        return self._refusal

    @property
    def _going_on(self) -> str:
        model = self._serving.model
        return f"{model} goes on" if model else self._otherwise or "nothing goes on"

    def _post(self) -> None:
        """Tell in the executor's thread, where health belongs."""
        executor = self._node.executor
        if executor is not None:
            executor.create_task(self.tell)


class ModelNode(CellNode, Generic[Loaded]):
    """A node that is of no use before it knows which model it serves."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._following: ModelFollowing[Loaded] | None = None

    def follow(
        self,
        serving: InService[Loaded],
        source: Source[Loaded] | None,
        watch_s: float,
        otherwise: str,
    ) -> None:
        """From `wire` on, until the clean-up: see ModelFollowing."""
        self._following = following = ModelFollowing(self, serving, source, watch_s, otherwise)
        self.on_cleanup_call(following.stop)

    @property
    def model_known(self) -> bool:
        """Whether the first model has been loaded, or refused."""
        return self._following is not None and self._following.ready

    def wait_for_model(self, until_s: float) -> None:
        """Until the first model is loaded or refused; raises PolicyLate at that monotonic time."""
        if self._following is not None:
            self._following.wait_for_first(until_s)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Not before the first model is loaded or refused: whoever brings us up asks again."""
        if self._following is not None and not self._following.ready:
            return TransitionCallbackReturn.FAILURE
        return super().on_activate(state)

    def activate(self) -> None:
        """Say again what is wrong with the model: a transition clears it."""
        if self._following is not None:
            self._following.tell()
