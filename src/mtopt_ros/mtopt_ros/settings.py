"""The settings of every node: what its ROS parameters are, and what a fleet file may override.

Nothing here imports ROS, so that a fleet file can be checked before any process starts.
Paths are absolute when they reach a node.
"""

from __future__ import annotations

from dataclasses import dataclass

from mtopt_core.cem import CemConfig
from mtopt_core.config import option, section
from mtopt_core.episode import EpisodeLimits
from mtopt_core.exploration import MixConfig
from mtopt_core.fallback import FallbackConfig
from mtopt_core.guard import GuardConfig
from mtopt_core.schedule import ScheduleConfig
from mtopt_core.scripted import ScriptConfig
from mtopt_robot.arm import ArmConfig
from mtopt_robot.bin_reset import BinResetConfig
from mtopt_robot.convergence import ConvergenceConfig
from mtopt_robot.models.engine import InferenceConfig
from mtopt_robot.motion import MotionConfig
from mtopt_sim.variation.config import LEVELS

CAMERAS = ("overhead", "left", "right")


@dataclass(frozen=True)
class CameraSettings:
    """camera: three sources watched, compressed once, and kept in step."""

    source: str = option(
        "topic",
        "where images come from: topics of a driver or simulator, V4L2 devices, video files",
        choices=("topic", "v4l2", "file"),
    )
    overhead: str = option("", "device or file of the overhead camera; unused for topics")
    left: str = option("", "device or file of the left camera; unused for topics")
    right: str = option("", "device or file of the right camera; unused for topics")
    rate_hz: float = option(10.0, "images a second and camera", unit="Hz", low=0.5, high=120)
    width: int = option(640, "width asked of a V4L2 device", unit="px", low=64, high=4096)
    height: int = option(512, "height asked of a V4L2 device", unit="px", low=64, high=4096)
    jpeg_quality: int = option(92, "quality of the recorded images", low=10, high=100)
    max_age_s: float = option(
        1.0,
        "age at which a camera counts as stopped, time of the cell",
        unit="s",
        low=0.05,
        high=60,
    )
    max_skew_s: float = option(
        0.3, "most that the three cameras may be apart", unit="s", low=0.001, high=10
    )
    calibration_file: str = option("", "measured calibration; empty takes the nominal one")
    lenses_file: str = option("", "nominal image sizes and fields of view")
    description_file: str = option("", "xacro of the cell")
    joint_prefix: str = option("", "what joints and links have before their names, as cell1_")


@dataclass(frozen=True)
class ArmSettings:
    """arm: the only way to the arm and the gripper."""

    workspace_file: str = option("", "geometry of the cell")
    actions_file: str = option("", "bounds of one step")
    description_file: str = option("", "xacro of the cell")
    joint_prefix: str = option("", "what joints and links have before their names, as cell1_")
    search: str = option(
        "auto",
        "who searches a way around what is in it: OMPL in this node, MoveIt's move_group, or "
        "auto, which asks MoveIt where it answers and OMPL otherwise",
        choices=("auto", "ompl", "moveit"),
    )
    search_deadline_s: float = option(
        1.0, "longest wait for an answer of MoveIt, wall time", unit="s", low=0.05, high=2.0
    )
    latch: str = option(
        "",
        "file that stands while the emergency stop is latched, until Rearm; empty: the stop ends "
        "with the process",
    )
    planning: ArmConfig = section(ArmConfig, "kinematics, motion and guard")
    watch: ConvergenceConfig = section(ConvergenceConfig, "what counts as following")


@dataclass(frozen=True)
class BinSettings:
    """bin: tips, shakes and checks the motorized pair of bins."""

    description_file: str = option("", "xacro of the cell")
    joint_prefix: str = option("", "what joints and links have before their names, as cell1_")
    motion: MotionConfig = section(MotionConfig, "speed of the hinges")
    guard: GuardConfig = section(GuardConfig, "the guard before the wire")
    sequence: BinResetConfig = section(BinResetConfig, "how the bins are tipped and checked")


@dataclass(frozen=True)
class PolicySettings:
    """policy: one decision server for the cells that ask it."""

    workspace_file: str = option("", "geometry of the cell")
    actions_file: str = option("", "bounds of one step")
    tasks_file: str = option("", "task registry")
    models: str = option("", "model store; empty serves the scripted policies alone")
    model: str = option("", "name of the Q-function in the store; empty takes the only one")
    watch_s: float = option(
        2.0, "time between looks at what the store wants served; 0: LoadModel alone changes it",
        unit="s", low=0.0, high=3600,
    )  # fmt: skip
    cells: tuple[str, ...] = option([], "namespaces of the cells served; empty: its own")
    image_wait_s: float = option(
        1.0,
        "longest wait for an image that is new enough, time of the cell",
        unit="s",
        low=0.01,
        high=30,
    )
    inference: InferenceConfig = section(InferenceConfig, "what runs the networks")
    publish_cem: bool = option(False, "publish every CEM run on policy/cem of its cell")
    mix: MixConfig = section(MixConfig, "who acts: scripts, epsilon-greedy, the network")
    mixes: tuple[str, ...] = option(
        [], "cells whose mix differs, as cell2=0,1,1: shares of scripts, epsilon-greedy, network"
    )
    cem: CemConfig = section(CemConfig, "how hard to look for the best action")
    script: ScriptConfig = section(ScriptConfig, "the scripted policies")
    fallback: FallbackConfig = section(FallbackConfig, "what a step does that is in doubt")


@dataclass(frozen=True)
class SuccessSettings:
    """success: grades the scene that an episode left behind."""

    workspace_file: str = option("", "geometry of the cell")
    tasks_file: str = option("", "task registry")
    grader: str = option(
        "auto",
        "who grades: the simulation's truth, a success model, or a model where the store has one "
        "and else the truth",
        choices=("auto", "truth", "model"),
    )
    models: str = option("", "model store; empty: no success model")
    model: str = option("", "name of the success model in the store; empty takes the only one")
    watch_s: float = option(
        2.0, "time between looks at what the store wants served; 0: LoadModel alone changes it",
        unit="s", low=0.0, high=3600,
    )  # fmt: skip
    threads: int = option(1, "threads of the network; 0 takes all cores", low=0, high=256)
    wait_s: float = option(
        2.0,
        "longest wait for views or a truth that are new enough, time of the cell",
        unit="s",
        low=0.01,
        high=60,
    )
    max_skew_s: float = option(
        0.3, "most that the three views of an outcome may be apart", unit="s", low=0.001, high=10
    )


@dataclass(frozen=True)
class RecorderSettings:
    """recorder: one MCAP file an episode."""

    data: str = option("", "folder of the episodes")
    robot_serial: str = option("", "serial number of the arm")
    scene: str = option("", "scene that the cell shows, for the log")
    variation: str = option("", "how far a simulated cell is varied, for the log")
    disk_reserve_mb: int = option(
        500, "free space below which no episode starts", unit="MB", low=10, high=10**7
    )
    stop_wait_s: float = option(
        2.0, "longest wait for the last messages of an episode", unit="s", low=0.0, high=30
    )


@dataclass(frozen=True)
class RunnerSettings:
    """runner: schedules, runs, grades, and goes on."""

    workspace_file: str = option("", "geometry of the cell")
    tasks_file: str = option("", "task registry")
    tasks: tuple[str, ...] = option([], "tasks that this cell may run; empty: all")
    episodes: int = option(0, "episodes to collect before it ends; 0: no end", low=0, high=10**9)
    seed: int = option(0, "of the schedule and the episodes; 0 draws one", low=0, high=2**31 - 1)
    operator_name: str = option("", "who answers for the cell")
    step_deadline_s: float = option(
        2.0, "longest wait for a decision, time of the cell", unit="s", low=0.05, high=60
    )
    act_deadline_s: float = option(
        20.0, "longest wait for a step of the arm, time of the cell", unit="s", low=1, high=600
    )
    reset_deadline_s: float = option(
        120.0, "longest wait for a reset, time of the cell", unit="s", low=5, high=3600
    )
    warn_after_picks: int = option(
        80, "picks in a row with nothing lifted after which somebody should look; 0: never", low=0
    )
    park_after: int = option(
        5,
        "faults of the arm in a row (tracking_error, contact) after which the cell parks until a "
        "person resumes it; 0: never",
        low=0,
        high=1000,
    )
    data: str = option(
        "", "folder of the episodes, whose successes count where tasks are chosen by need"
    )
    ledger: str = option(
        "",
        "file that keeps a start's counts over a crash; empty: they end with the process",
    )
    limits: EpisodeLimits = section(EpisodeLimits, "when an episode ends")
    schedule: ScheduleConfig = section(ScheduleConfig, "which task comes next")


@dataclass(frozen=True)
class WardenSettings:
    """warden: brings the cell's nodes up in order, watches them, brings them back."""

    nodes: tuple[str, ...] = option(
        ["camera", "arm", "bin", "policy", "success", "recorder", "runner"],
        "nodes to manage, in the order of bring-up",
    )
    needs: tuple[str, ...] = option(
        [], "nodes elsewhere that the cell cannot do without, as fleet/policy: watched, not managed"
    )
    silent_after_s: float = option(
        3.0, "silence after which a node counts as gone, wall time", unit="s", low=1.0, high=60
    )
    call_timeout_s: float = option(
        10.0, "longest wait for a node to change its state, wall time", unit="s", low=1, high=120
    )


@dataclass(frozen=True)
class MujocoSettings:
    """mujoco: the simulated cell behind the hardware topics."""

    workspace_file: str = option("", "geometry of the cell")
    description_file: str = option("", "xacro of the cell")
    joint_prefix: str = option("", "what joints and links have before their names, as cell1_")
    lenses_file: str = option("", "image sizes and fields of view of the cameras")
    sim_file: str = option("", "physics, objects, appearance")
    scenes_file: str = option("", "scenes by name")
    variation_file: str = option("", "how far cells and resets may differ; empty: not at all")
    scene: str = option("", "scene to show; empty: what the simulation's own file has")
    variation: str = option(
        "", "how far the cell differs, off to own; empty: as the scene says", choices=("", *LEVELS)
    )
    seed: int = option(0, "of the scene; 0 draws one", low=0, high=2**31 - 1)
    speed: float = option(
        1.0, "simulated seconds per second, as far as the machine can", low=0.01, high=100
    )
    joint_rate_hz: float = option(
        100.0, "joint states a simulated second", unit="Hz", low=10, high=500
    )
    camera_rate_hz: float = option(
        5.0, "images a simulated second and camera", unit="Hz", low=0.5, high=60
    )
    truth_rate_hz: float = option(
        10.0, "truths of the scene a simulated second", unit="Hz", low=0.5, high=100
    )
    broken: str = option(
        "",
        "parts that are out of order, for trials, with commas: camera_overhead, camera_left, "
        "camera_right, joint_states, joint_offset, hinges; may be set while the node runs",
    )


# Executables of mtopt_ros by node name, in the order in which a person would list them.
SETTINGS: dict[str, type] = {
    "mujoco": MujocoSettings,
    "camera": CameraSettings,
    "arm": ArmSettings,
    "bin": BinSettings,
    "policy": PolicySettings,
    "success": SuccessSettings,
    "recorder": RecorderSettings,
    "runner": RunnerSettings,
    "warden": WardenSettings,
}
