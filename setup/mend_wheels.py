"""Makes the ROS 2 wheels in a virtual environment a prefix that CMake and colcon can build on.

usage: mend_wheels.py PREFIX   (run by the environment's own python; safe to run again)

The wheels were built on another machine. Their exported CMake files name that machine's Python and
NumPy headers, the libraries bundled with them lie where no loader looks, and the prefix lacks the
`local_setup` scripts that every ROS 2 installation has.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path

BUILD_PYTHON = r"/opt/python/cp3\d+-cp3\d+"
PYTHON_HEADERS = re.compile(BUILD_PYTHON + r"/include/python3\.\d+")
NUMPY_HEADERS = re.compile(BUILD_PYTHON + r"/lib/python3\.\d+/site-packages/numpy/_?core/include")

LOCAL_SETUP = """\
# The environment of the ROS 2 Jazzy wheels in this prefix. Made by setup/mend_wheels.py.
_mtopt_prefix='{prefix}'
for _mtopt_entry in "AMENT_PREFIX_PATH:" "CMAKE_PREFIX_PATH:" "LD_LIBRARY_PATH:/lib" "PATH:/bin"; do
    _mtopt_name=${{_mtopt_entry%%:*}}
    _mtopt_path=$_mtopt_prefix${{_mtopt_entry#*:}}
    eval "_mtopt_value=\\${{$_mtopt_name:-}}"
    case ":$_mtopt_value:" in
        *":$_mtopt_path:"*) ;;
        *)
            _mtopt_value=$_mtopt_path${{_mtopt_value:+:$_mtopt_value}}
            eval "export $_mtopt_name=\\$_mtopt_value"
            ;;
    esac
done
unset _mtopt_prefix _mtopt_entry _mtopt_name _mtopt_path _mtopt_value
export ROS_VERSION=2 ROS_PYTHON_VERSION=3 ROS_DISTRO=jazzy
# The wheels would start every interpreter twice to set what is set above.
export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
"""


def point_headers(share: Path, python_include: str, numpy_include: str) -> int:
    """Names this interpreter's headers in every CMake file under `share`; how many changed."""
    changed = 0
    for path in sorted(share.rglob("*.cmake")):
        old = path.read_text(encoding="utf-8")
        new = PYTHON_HEADERS.sub(lambda _: python_include, old)
        new = NUMPY_HEADERS.sub(lambda _: numpy_include, new)
        if new != old:
            path.write_text(new, encoding="utf-8")
            changed += 1
    return changed


def link_bundled_libraries(site_packages: Path, library_folder: Path) -> int:
    """Links what the wheels bundle into `library_folder`, so that one path serves; how many."""
    linked = 0
    for library in sorted(site_packages.glob("ros_*.libs/*.so*")):
        link = library_folder / library.name
        link.unlink(missing_ok=True)
        link.symlink_to(library.relative_to(library_folder))
        linked += 1
    return linked


def write_local_setup(prefix: Path) -> None:
    """Writes `local_setup.{sh,bash,zsh}`, which colcon looks for in every prefix it builds on."""
    quoted = str(prefix).replace("'", "'\\''")
    for shell in ("sh", "bash", "zsh"):
        (prefix / f"local_setup.{shell}").write_text(LOCAL_SETUP.format(prefix=quoted))


def main(prefix: Path) -> None:
    """Mends the wheels installed in `prefix`."""
    import numpy

    site_packages = Path(sysconfig.get_path("purelib"))
    changed = point_headers(prefix / "share", sysconfig.get_path("include"), numpy.get_include())
    linked = link_bundled_libraries(site_packages, prefix / "lib")
    write_local_setup(prefix)
    sys.stdout.write(f"{changed} CMake files mended, {linked} libraries linked\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
