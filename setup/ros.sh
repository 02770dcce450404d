# Which ROS 2: "sourced" (a Jazzy installation in this shell) or "wheels" (from .venv).

ros_mode() { # sets ros
    ros=wheels
    case ":${AMENT_PREFIX_PATH:-}:" in
        *":$root/.venv:"*) return ;; # our own, from setup/env.sh
    esac
    case "${ROS_DISTRO:-}" in
        jazzy) [ -z "${AMENT_PREFIX_PATH:-}" ] || ros=sourced ;;
        "") ;;
        *)
            refuse "ROS 2 '$ROS_DISTRO' is sourced in this shell; mtopt runs on Jazzy. Source" \
                "/opt/ros/jazzy/setup.sh, or open a shell with no ROS at all: mtopt then brings" \
                "what it needs of Jazzy itself."
            ;;
    esac
}
