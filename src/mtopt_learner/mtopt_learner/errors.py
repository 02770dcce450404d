"""The named ways in which the learner fails."""

from __future__ import annotations

from mtopt_core.errors import MtoptError


class LearnerError(MtoptError):
    """Root of everything that the learner raises."""


class NetworkInvalid(LearnerError):
    """Sizes that make no network."""
