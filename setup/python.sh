# Finds the Python that .venv is made from: 3.11 or 3.12, and the one of the sourced ROS 2.

python_fits() { # PYTHON: of a version that we support
    "$1" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null
}

ros_fits() { # PYTHON: can import the sourced ROS 2, if there is one
    [ "$ros" = wheels ] || "$1" -c 'import rclpy' 2>/dev/null
}

find_python() { # sets python
    if [ -n "${MTOPT_PYTHON:-}" ]; then
        python_fits "$MTOPT_PYTHON" ||
            refuse "MTOPT_PYTHON=$MTOPT_PYTHON is not a Python 3.11 or 3.12."
        ros_fits "$MTOPT_PYTHON" ||
            refuse "MTOPT_PYTHON=$MTOPT_PYTHON cannot import the rclpy of the sourced ROS 2."
        python=$MTOPT_PYTHON
        return
    fi
    for python in python3 /usr/bin/python3 python3.12 python3.11; do
        python_fits "$python" && ros_fits "$python" && return
    done
    if [ "$ros" = sourced ]; then
        refuse "ROS 2 Jazzy is sourced, but no Python 3.11 or 3.12 here imports its rclpy. Install" \
            "it (sudo apt-get install ros-jazzy-ros-base), or open a shell with no ROS at all:" \
            "mtopt then brings what it needs of Jazzy itself."
    fi
    refuse "needs Python 3.11 or 3.12; python3 is $(python3 --version 2>&1 || echo missing)." \
        "Install one, or name it: MTOPT_PYTHON=/path/to/python3.12 ./mtopt ..."
}
