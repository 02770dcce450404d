"""The named ways in which the learner fails."""

from __future__ import annotations

from mtopt_core.errors import MtoptError


class LearnerError(MtoptError):
    """Root of everything that the learner raises."""


class NetworkInvalid(LearnerError):
    """Sizes that make no network."""


class ViewInvalid(LearnerError):
    """A cut of the image that the camera, or a model bundle, cannot give."""


class EpisodeUnfit(LearnerError):
    """A readable episode that nothing can be learned from."""


class CacheBusy(LearnerError):
    """The replay cache is open in another process."""


class NothingToReplay(LearnerError):
    """No example in any buffer, and so no batch."""


class SettingsInvalid(LearnerError):
    """Settings of the learner that do not go together."""


class LoopInvalid(LearnerError):
    """A loop's state that is none, or a gate that cannot decide."""


class CheckpointInvalid(LearnerError):
    """A checkpoint that cannot be read, or that other settings made."""


class OutcomesMissing(LearnerError):
    """Too few labelled outcomes of a kind that is needed."""
