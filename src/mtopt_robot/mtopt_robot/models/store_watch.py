"""Following the model store: what it wants served is tried once for every change."""

from __future__ import annotations

from .bundle import Bundle
from .errors import ModelError
from .store import ModelStore, Pointer


class StoreWatch:
    """Remembers what it tried last. A model that was refused is not tried again until it changes.

    Not for several threads at once.
    """

    def __init__(self, store: ModelStore, name: str = "") -> None:
        self._store, self._name = store, name
        self._seen: Pointer | str | None = None

    def look(self) -> Bundle | None:
        """The model to serve now, checked; None where nothing has changed since the last look.

        Raises ModelError once for each change that leads to nothing: a model that is refused, a
        store that lost its models.
        """
        try:
            pointer: Pointer | str = self._store.pointer(self._name)
        except ModelError as error:
            pointer = str(error)
            if pointer != self._seen:
                self._seen = pointer
                raise
        if pointer == self._seen or isinstance(pointer, str):
            return None
        self._seen = pointer
        return self._store.load(pointer.name, pointer.version)
