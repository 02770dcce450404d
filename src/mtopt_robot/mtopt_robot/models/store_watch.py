"""Following the model store: what it wants served is tried once for every change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from .bundle import Bundle, SuccessBundle
from .errors import ModelError
from .manifest import KIND_SUCCESS
from .store import ModelStore, Pointer

Loaded = TypeVar("Loaded")


class Watch(Generic[Loaded]):
    """Remembers what it tried last. A model that was refused is not tried again until it changes.

    Not for several threads at once.
    """

    def __init__(self, point: Callable[[], Pointer], load: Callable[[str, str], Loaded]) -> None:
        self._point, self._load = point, load
        self._seen: Pointer | str | None = None

    def look(self) -> Loaded | None:
        """The model to serve now, checked; None where nothing has changed since the last look.

        Raises ModelError once for each change that leads to nothing: a model that is refused, a
        store that lost its models.
        """
        try:
            pointer: Pointer | str = self._point()
        except ModelError as error:
            pointer = str(error)
            if pointer != self._seen:
                self._seen = pointer
                raise
        if pointer == self._seen or isinstance(pointer, str):
            return None
        self._seen = pointer
        return self._load(pointer.name, pointer.version)


class StoreWatch(Watch[Bundle]):
    """Follows a Q-function; an empty name is the store's only one."""

    def __init__(self, store: ModelStore, name: str = "") -> None:
        super().__init__(lambda: store.pointer(name), store.load)


class SuccessWatch(Watch[SuccessBundle]):
    """Follows a success detector. With `optional`, a store without any is nothing to speak of."""

    def __init__(self, store: ModelStore, name: str = "", optional: bool = False) -> None:
        super().__init__(lambda: store.pointer(name, KIND_SUCCESS), store.load_success)
        self._store, self._optional = store, optional and not name

    def look(self) -> SuccessBundle | None:
        """As every watch, but silent where there may be none and there is none."""
        if self._optional and not self._store.holds(KIND_SUCCESS):
            return None
        return super().look()
