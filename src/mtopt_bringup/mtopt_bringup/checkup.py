"""What this machine has and lacks, one finding a topic: facts in, findings out.

Nothing here imports more than the standard library, so that it answers on a bare machine; what
could crash or hang (rendering, ROS 2) is tried in a process of its own.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

SETUP = "./mtopt setup"
PROBE_TIMEOUT_S = 60.0
GIB = 1024**3
# About a thousand episodes.
DISK_FREE_WANTED_BYTES = 10 * GIB
MEMORY_WANTED_BYTES = 4 * GIB
# Fast DDS keeps a segment of tens of megabytes for every process that sends images.
SHM_WANTED_BYTES = 256 * 1024**2
DEBIAN_TOOLS = {"c++": "g++", "cmake": "cmake", "make": "make"}
RENDERER_PACKAGES = {
    "egl": "libegl1 libegl-mesa0 libgl1-mesa-dri libopengl0",
    "osmesa": "libosmesa6",
}

ROS_PROBE = """
import rclpy
print(rclpy.get_rmw_implementation_identifier())
"""

RENDER_PROBE = """
import time
import mujoco
from OpenGL import GL
model = mujoco.MjModel.from_xml_string(
    "<mujoco><worldbody><light pos='0 0 2'/><geom type='sphere' size='.3'/></worldbody></mujoco>")
data = mujoco.MjData(model)
mujoco.mj_forward(model, data)
with mujoco.Renderer(model, 64, 64) as renderer:
    renderer.update_scene(data)
    image = renderer.render()
    began = time.perf_counter()
    image = renderer.render()
    elapsed = time.perf_counter() - began
    if image.min() == image.max():
        raise SystemExit("the image is empty")
    print(f"{GL.glGetString(GL.GL_RENDERER).decode()}, 64x64 in {1e3 * elapsed:.1f} ms")
"""

MOVEIT_PROBE = """
import moveit_msgs.srv
"""

ONNX_PROBE = """
import onnxruntime
print(onnxruntime.__version__ + ": " + ", ".join(onnxruntime.get_available_providers()))
"""


@dataclass(frozen=True)
class Finding:
    """One line of the check-up; `mend` says what to do where `ok` is false."""

    topic: str
    ok: bool
    text: str
    mend: str = ""


Probe = Callable[[str], tuple[bool, str]]


def probe(code: str) -> tuple[bool, str]:
    """Runs `code` in a Python of its own: (whether it exited 0, the last line it printed)."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer within {PROBE_TIMEOUT_S:.0f} s"
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return done.returncode == 0, lines[-1] if lines else f"exit code {done.returncode}"


def installed(distribution: str) -> str | None:
    """The version of an installed Python distribution, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_python(version: tuple[int, int], executable: str) -> Finding:
    """Python 3.11 or 3.12, and which one."""
    text = f"{version[0]}.{version[1]}, {executable}"
    mend = "install Python 3.11 or 3.12, or name one: MTOPT_PYTHON=/path/to/python3.12"
    return Finding("Python", version in ((3, 11), (3, 12)), text, mend)


def check_ros(environ: Mapping[str, str], wheel: str | None, ask: Probe = probe) -> Finding:
    """A sourced Jazzy, or the wheels (`wheel` is the version of theirs), that really imports."""
    distro = environ.get("ROS_DISTRO", "")
    if distro not in ("", "jazzy"):
        mend = "source /opt/ros/jazzy/setup.sh, or use a shell with no ROS"
        return Finding("ROS 2", False, f"{distro} is sourced; mtopt runs on Jazzy", mend)
    works, answer = ask(ROS_PROBE)
    if not works:
        return Finding("ROS 2", False, answer, SETUP)
    source = f"wheels, rclpy {wheel}" if wheel else "sourced"
    reach = environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    return Finding("ROS 2", True, f"Jazzy ({source}), {answer}, discovery {reach}")


def check_workspace(environ: Mapping[str, str]) -> Finding:
    """The mtopt packages, as the ROS 2 index knows them."""
    prefixes = [Path(p) for p in environ.get("AMENT_PREFIX_PATH", "").split(":") if p]
    index = Path("share/ament_index/resource_index/packages")
    found = {entry.name for p in prefixes for entry in (p / index).glob("mtopt_*")}
    text = f"{len(found)} packages built" if found else "not built"
    return Finding("Workspace", {"mtopt_msgs", "mtopt_bringup"} <= found, text, SETUP)


def check_renderer(environ: Mapping[str, str], ask: Probe = probe) -> Finding:
    """A picture that MuJoCo really drew without a screen."""
    kind = environ.get("MUJOCO_GL", "egl")
    works, answer = ask(RENDER_PROBE)
    if works:
        return Finding("Renderer", True, f"{kind}: {answer}")
    if "No module named" in answer:
        return Finding("Renderer", False, f"{kind}: {answer}", SETUP)
    packages = RENDERER_PACKAGES.get(kind)
    mend = f"sudo apt-get install {packages}" if packages else "set MUJOCO_GL to egl or osmesa"
    return Finding("Renderer", False, f"{kind}: {answer}", mend)


def check_onnx(ask: Probe = probe) -> Finding:
    """ONNX Runtime and the providers it offers."""
    works, answer = ask(ONNX_PROBE)
    return Finding("ONNX Runtime", works, answer, SETUP)


def check_moveit(environ: Mapping[str, str], ask: Probe = probe) -> Finding:
    """MoveIt, which ways home may be asked of. None is fine: OMPL finds them, too."""
    ompl = "OMPL finds ways home"
    works, _ = ask(MOVEIT_PROBE)
    if not works:
        return Finding("MoveIt", True, f"none found; {ompl}")
    prefixes = [Path(p) for p in environ.get("AMENT_PREFIX_PATH", "").split(":") if p]
    program = Path("lib/moveit_ros_move_group/move_group")
    if not any((prefix / program).exists() for prefix in prefixes):
        return Finding("MoveIt", True, f"its messages, and no move_group here; {ompl}")
    return Finding("MoveIt", True, "ros2 launch mtopt_bringup moveit.launch.py starts it")


def check_gpu() -> Finding:
    """NVIDIA's GPUs. None is fine: everything runs on the processor too."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding("GPU", True, "none found; the processor does the work")
    query = [tool, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return Finding("GPU", False, "nvidia-smi does not answer", "restart the NVIDIA driver")
    names = "; ".join(done.stdout.strip().splitlines())
    mend = "install the NVIDIA driver that fits this kernel, or remove nvidia-smi"
    return Finding("GPU", done.returncode == 0, names or "nvidia-smi finds no GPU", mend)


def check_room(topic: str, path: Path, free_bytes: int, wanted_bytes: int, mend: str) -> Finding:
    """Whether `free_bytes` at `path` are what is wanted."""
    text = f"{free_bytes / GIB:.1f} GiB free on {path}"
    if free_bytes < wanted_bytes:
        text += f", {wanted_bytes / GIB:.2g} GiB wanted"
    return Finding(topic, free_bytes >= wanted_bytes, text, mend)


def check_disk(data: Path) -> Finding:
    """Room for episodes where `data` is, or will be."""
    there = next(path for path in (data.absolute(), *data.absolute().parents) if path.exists())
    if not os.access(there, os.W_OK):
        mend = "name a folder that you may write: ./mtopt doctor --data FOLDER"
        return Finding("Disk", False, f"{there} cannot be written", mend)
    mend = "free some, or name another folder: ./mtopt doctor --data FOLDER"
    free_bytes = shutil.disk_usage(there).free
    return check_room("Disk", there, free_bytes, DISK_FREE_WANTED_BYTES, mend)


def check_shared_memory(path: Path = Path("/dev/shm")) -> Finding:
    """Room for the images that DDS passes between processes."""
    if not path.is_dir():
        return Finding("Shared memory", False, f"no {path}", f"mount a tmpfs on {path}")
    mend = f"sudo mount -o remount,size=1G {path} (a container: --shm-size=1g)"
    free_bytes = shutil.disk_usage(path).free
    return check_room("Shared memory", path, free_bytes, SHM_WANTED_BYTES, mend)


def check_cores(cores: int) -> Finding:
    """Processor cores that this process may use."""
    text = f"{cores} cores, {platform.machine()}"
    mend = "give this machine or container two cores or more"
    return Finding("Processor", cores >= 2, text, mend)


def check_memory(total_bytes: int) -> Finding:
    """Main memory, all of it."""
    mend = f"a cell wants {MEMORY_WANTED_BYTES / GIB:.0f} GiB"
    return Finding(
        "Memory", total_bytes >= MEMORY_WANTED_BYTES, f"{total_bytes / GIB:.1f} GiB", mend
    )


def check_build_tools(
    which: Callable[[str], str | None] = shutil.which,
    headers: Path | None = None,
) -> Finding:
    """Compiler, CMake, make and Python's headers: what the interfaces are built with."""
    headers = Path(sysconfig.get_path("include")) if headers is None else headers
    missing = [package for tool, package in DEBIAN_TOOLS.items() if which(tool) is None]
    if not (headers / "Python.h").exists():
        missing.append("python{}.{}-dev".format(*sys.version_info[:2]))
    text = f"missing {', '.join(missing)}" if missing else "c++, cmake, make, Python headers"
    mend = f"sudo apt-get install {' '.join(missing)}"
    return Finding("Build tools", not missing, text, mend)


def check_all(environ: Mapping[str, str], data: Path) -> list[Finding]:
    """The whole check-up, in the order in which things are to be mended."""
    return [
        check_python(sys.version_info[:2], sys.executable),
        check_build_tools(),
        check_ros(environ, installed("ros-rclpy")),
        check_workspace(environ),
        check_renderer(environ),
        check_onnx(),
        check_moveit(environ),
        check_gpu(),
        check_cores(len(os.sched_getaffinity(0))),
        check_memory(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        check_shared_memory(),
        check_disk(data),
    ]
