"""All settings of a detector's training as one declaration; config/detector.yaml fills it."""

from __future__ import annotations

from dataclasses import dataclass

from mtopt_core.config import option, section

from ..errors import SettingsInvalid
from ..networks.success_network import SuccessConfig
from .augment import AugmentConfig
from .split import SplitConfig
from .views import ViewConfig


@dataclass(frozen=True)
class StepConfig:
    """How weights are changed, and how often what is done."""

    steps: int = option(4000, "of training, in all", low=1)
    batch: int = option(64, "outcomes in a step", low=2, high=4096)
    learning_rate: float = option(2e-3, "size of a step at its largest", low=0.0, high=1.0)
    warm_up: int = option(50, "steps until it has grown to that; then it falls to nought", low=0)
    weight_decay: float = option(1e-3, "pull of the weights towards nought", low=0.0, high=1.0)
    log: int = option(50, "steps between two lines of metrics", low=1)
    checkpoint: int = option(250, "steps between two checkpoints", low=1)


@dataclass(frozen=True)
class DetectorConfig:
    """Everything that is set of a detector's training."""

    network: SuccessConfig = section(SuccessConfig, "sizes of the network")
    views: ViewConfig = section(ViewConfig, "what it sees")
    augment: AugmentConfig = section(AugmentConfig, "how images are distorted in training")
    split: SplitConfig = section(SplitConfig, "which cells are for what")
    training: StepConfig = section(StepConfig, "steps of training")
    false_positives: float = option(
        0.01, "share of failures that may pass, from which thresholds follow", low=0.0, high=0.5
    )
    seed: int = option(1, "of all that is random", low=0)

    def __post_init__(self) -> None:
        if self.views.size_px != self.network.size_px:
            raise SettingsInvalid(
                f"views.size_px = {self.views.size_px}: must be network.size_px, "
                f"{self.network.size_px}"
            )
