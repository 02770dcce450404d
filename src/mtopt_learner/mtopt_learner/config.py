"""All settings of a learner as one declaration; config/learn.yaml is read into it."""

from __future__ import annotations

from dataclasses import dataclass

from mtopt_core.action import ActionBounds
from mtopt_core.cem import CemConfig
from mtopt_core.config import option, section
from mtopt_core.tasks import TaskRegistry

from .bellman import BellmanConfig
from .errors import SettingsInvalid
from .impersonation import ALL, ORIG, SKILL, Impersonation, orig, share_all, skill
from .loop import LoopConfig
from .networks.config import NetworkConfig
from .networks.look_config import LookConfig
from .networks.look_network import LookNetwork
from .networks.q_network import QNetwork
from .rebalancing import BALANCED, SQRT, UNIFORM, Rebalancing, balanced, square_root, uniform
from .replay.view import MIDDLE, TOOL, View
from .training.trainer import TrainConfig
from .updater import TargetConfig

PAPER, LOOK = "paper", "look"
ValueNetwork = QNetwork | LookNetwork


@dataclass(frozen=True)
class SamplingConfig:
    """Which episodes a task learns from, and how much of each batch is whose."""

    impersonation: str = option(
        SKILL, "to which tasks an episode is lent", choices=(ORIG, SKILL, ALL)
    )
    lend_successes: float = option(
        1.0, "share of what would be lent that is, of successes, with `skill`", low=0.0, high=1.0
    )
    lend_failures: float = option(
        1.0, "share of what would be lent that is, of failures, with `skill`", low=0.0, high=1.0
    )
    rebalancing: str = option(
        BALANCED, "how batches are shared out", choices=(UNIFORM, BALANCED, SQRT)
    )
    successes: float = option(
        0.5, "share of successes within a task, with `balanced`", low=0.0, high=1.0
    )

    siblings: bool = option(
        False,
        "whether a transition also teaches the other tasks that its episode is lent to",
    )

    def lender(self, tasks: TaskRegistry) -> Impersonation:
        """The impersonation that is set."""
        if self.impersonation == SKILL:
            return skill(tasks, self.lend_successes, self.lend_failures)
        return orig() if self.impersonation == ORIG else share_all(tasks)

    def strategy(self) -> Rebalancing:
        """The re-balancing that is set."""
        if self.rebalancing == BALANCED:
            return balanced(self.successes)
        return uniform if self.rebalancing == UNIFORM else square_root


@dataclass(frozen=True)
class PaceConfig:
    """What happens every so many steps of training."""

    label: int = option(256, "transitions that are given targets at once", low=1, high=65536)
    pool: int = option(1024, "examples with targets that wait to be trained on", low=1)
    look: int = option(50, "steps between two looks into the data folder", low=1)
    log: int = option(20, "steps between two lines of metrics", low=1)
    checkpoint: int = option(500, "steps between two checkpoints", low=1)
    publish: int = option(2000, "steps between two versions in the model store", low=1)


@dataclass(frozen=True)
class LearnConfig:
    """Everything that is set of a learner."""

    architecture: str = option(
        PAPER,
        "the paper's network on the middle of the image, or the one that looks around the tool",
        choices=(PAPER, LOOK),
    )
    network: NetworkConfig = section(NetworkConfig, "sizes of the paper's network")
    look: LookConfig = section(LookConfig, "sizes of the one that looks")
    view: View = section(View, "what it sees")
    sampling: SamplingConfig = section(SamplingConfig, "what it learns from")
    bellman: BellmanConfig = section(BellmanConfig, "how targets are reckoned")
    targets: TargetConfig = section(TargetConfig, "the networks they come from")
    cem: CemConfig = section(CemConfig, "the search within them")
    training: TrainConfig = section(TrainConfig, "steps of training")
    pace: PaceConfig = section(PaceConfig, "how often what is done")
    loop: LoopConfig = section(LoopConfig, "how collecting and training take turns")
    seed: int = option(1, "of all that is random", low=0)

    def __post_init__(self) -> None:
        name, fed = ("look", self.look) if self.architecture == LOOK else ("network", self.network)
        if self.view.size_px != fed.size_px:
            raise SettingsInvalid(
                f"view.size_px = {self.view.size_px}: must be {name}.size_px, {fed.size_px}"
            )
        wanted = TOOL if self.architecture == LOOK else MIDDLE
        if self.view.at != wanted:
            raise SettingsInvalid(
                f"view.at = {self.view.at!r}: architecture {self.architecture} needs {wanted!r}"
            )
        told = {name: getattr(self.training, name) for name in ("foretold", "foretold_first")}
        if any(told.values()) and not (self.sampling.siblings and self.architecture == LOOK):
            raise SettingsInvalid(f"training: {told} need sampling.siblings, architecture {LOOK}")
        if self.pace.pool < self.training.batch:
            raise SettingsInvalid(
                f"pace.pool = {self.pace.pool}: must hold a batch, {self.training.batch}"
            )

    def made_network(self, tasks: int, bounds: ActionBounds) -> ValueNetwork:
        """The network that is set, untrained."""
        if self.architecture == LOOK:
            return LookNetwork(self.look, tasks, bounds, self.view.m_per_px)
        return QNetwork(self.network, tasks)
