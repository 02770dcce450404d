# The environment that mtopt's programs run in. ./mtopt uses it; a shell takes it with
#
#     . setup/env.sh
#
# from the root of the checkout (bash and zsh: from anywhere), after `./mtopt setup`. Then python,
# colcon build, colcon test and whatever ROS 2 tools there are see the workspace.
# POSIX sh, bash and zsh; safe to source twice.

if [ -z "${mtopt_root:-}" ]; then
    if [ -n "${BASH_VERSION:-}" ]; then
        mtopt_root=$(cd "$(dirname "${BASH_SOURCE:-$0}")/.." && pwd)
    elif [ -n "${ZSH_VERSION:-}" ]; then
        mtopt_root=$(cd "$(dirname "$(eval 'print -r -- ${(%):-%x}')")/.." && pwd)
    else
        mtopt_root=$PWD
    fi
fi

if [ -x "$mtopt_root/.venv/bin/python" ]; then
    # The wheels that stand in for a ROS 2 installation bring this file; a sourced ROS 2 needs none.
    if [ -f "$mtopt_root/.venv/local_setup.sh" ]; then
        . "$mtopt_root/.venv/local_setup.sh"
    fi
    case ":$PATH:" in
        *":$mtopt_root/.venv/bin:"*) ;;
        *) PATH="$mtopt_root/.venv/bin:$PATH" ;;
    esac
    # CMake looks for Python here first.
    export PATH VIRTUAL_ENV="$mtopt_root/.venv"
else
    echo "mtopt: no .venv in $mtopt_root: run ./mtopt setup first" >&2
fi

if [ -f "$mtopt_root/install/local_setup.sh" ] && [ -n "${VIRTUAL_ENV:-}" ]; then
    # colcon's scripts read variables that may not be set.
    case $- in *u*) mtopt_nounset=1 ;; *) mtopt_nounset= ;; esac
    set +u
    COLCON_CURRENT_PREFIX="$mtopt_root/install"
    # ... and stumble over a space in the interpreter's path: the one behind .venv's has none.
    COLCON_PYTHON_EXECUTABLE=$(readlink -f "$mtopt_root/.venv/bin/python")
    . "$mtopt_root/install/local_setup.sh"
    unset COLCON_CURRENT_PREFIX COLCON_PYTHON_EXECUTABLE
    [ -z "$mtopt_nounset" ] || set -u
    unset mtopt_nounset
fi

# Nothing leaves this machine unless asked: a real fleet sets its own range.
export ROS_AUTOMATIC_DISCOVERY_RANGE="${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}"
# Render without a screen.
export MUJOCO_GL="${MUJOCO_GL:-egl}"
# setup.py, which colcon drives, complains to stderr where this is set.
unset PYTHONDONTWRITEBYTECODE

unset mtopt_root
