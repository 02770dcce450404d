"""The mending of the ROS 2 wheels, on a made-up prefix."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "setup" / "mend_wheels.py"


@pytest.fixture(scope="module")
def mend_wheels() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mend_wheels", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("tag", ("cp311-cp311/{}3.11", "cp312-cp312/{}3.12"))
def test_headers_are_this_interpreters(mend_wheels: ModuleType, tmp_path: Path, tag: str) -> None:
    python = "/opt/python/" + tag.format("include/python")
    numpy = "/opt/python/" + tag.format("lib/python") + "/site-packages/numpy/_core/include"
    exported = tmp_path / "std_msgs" / "cmake" / "export.cmake"
    exported.parent.mkdir(parents=True)
    exported.write_text(f'INTERFACE_INCLUDE_DIRECTORIES "{python};{numpy}"\n')
    untouched = tmp_path / "other.cmake"
    untouched.write_text("set(here /opt/elsewhere)\n")

    assert mend_wheels.point_headers(tmp_path, "/usr/include/p", "/venv/numpy/include") == 1
    wanted = 'INTERFACE_INCLUDE_DIRECTORIES "/usr/include/p;/venv/numpy/include"\n'
    assert exported.read_text() == wanted
    assert untouched.read_text() == "set(here /opt/elsewhere)\n"
    assert mend_wheels.point_headers(tmp_path, "/usr/include/p", "/venv/numpy/include") == 0


def test_bundled_libraries_are_linked_again_and_again(
    mend_wheels: ModuleType, tmp_path: Path
) -> None:
    library_folder = tmp_path / "lib"
    site_packages = library_folder / "python3.11" / "site-packages"
    bundle = site_packages / "ros_rcl.libs"
    bundle.mkdir(parents=True)
    (bundle / "libtiny-1234.so.6").write_text("code")
    for _ in range(2):
        assert mend_wheels.link_bundled_libraries(site_packages, library_folder) == 1
        assert (library_folder / "libtiny-1234.so.6").read_text() == "code"


def test_local_setup_survives_odd_folder_names(mend_wheels: ModuleType, tmp_path: Path) -> None:
    prefix = tmp_path / "it's a $folder"
    prefix.mkdir()
    mend_wheels.write_local_setup(prefix)
    show = '. "$1"; . "$1"; printf "%s\\n" "$AMENT_PREFIX_PATH" "$LD_LIBRARY_PATH" "$ROS_DISTRO"'
    done = subprocess.run(
        ["sh", "-euc", show, "sh", str(prefix / "local_setup.sh")],
        env={"PATH": "/usr/bin:/bin", "AMENT_PREFIX_PATH": "/other"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [f"{prefix}:/other", f"{prefix}/lib", "jazzy"]
