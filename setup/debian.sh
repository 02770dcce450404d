# Debian packages: asks for what is really used, not for package names, so that a compiler or a
# driver from elsewhere counts too. Installs what is missing when root, else says how.

have_library() { # SONAME, or how it begins
    PATH="$PATH:/usr/sbin:/sbin" ldconfig -p 2>/dev/null | grep -q -F "	$1"
}

have_software_driver() { # Mesa's, in its newer or its older shape
    have_library libgallium || ls /usr/lib/*/dri/swrast_dri.so >/dev/null 2>&1
}

have_renderer() { # a way to draw without a screen, of the kind that MUJOCO_GL asks for
    if [ "${MUJOCO_GL:-egl}" = osmesa ]; then
        have_library libOSMesa.so
        return
    fi
    have_library libEGL.so.1 && have_library libOpenGL.so.0 && {
        have_library libEGL_nvidia.so || { have_library libEGL_mesa.so && have_software_driver; }
    }
}

have_some_python() {
    for candidate in "${MTOPT_PYTHON:-python3}" python3.12 python3.11; do
        command -v "$candidate" >/dev/null && return
    done
    return 1
}

have_headers() { # PYTHON
    "$1" - <<'EOF' 2>/dev/null
import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))
EOF
}

missing_debian() { # [PYTHON]: package names; those of Python itself where none is given
    if [ $# -eq 0 ]; then
        echo python3 python3-venv python3-dev
    else
        "$1" -c 'import ensurepip, venv' 2>/dev/null || echo "$(debian_python "$1")-venv"
        have_headers "$1" || echo "$(debian_python "$1")-dev"
    fi
    command -v c++ >/dev/null || echo g++
    command -v cmake >/dev/null || echo cmake
    command -v make >/dev/null || echo make
    if ! have_renderer; then
        case "${MUJOCO_GL:-egl}" in
            osmesa) echo libosmesa6 ;;
            *) echo libegl1 libegl-mesa0 libgl1-mesa-dri libopengl0 ;;
        esac
    fi
}

debian_python() { # PYTHON: the name of its Debian package
    "$1" -c 'import sys; print("python%d.%d" % sys.version_info[:2])'
}

apt_install() { # PACKAGE...
    export DEBIAN_FRONTEND=noninteractive
    apt-get install --yes --no-install-recommends "$@" || {
        apt-get update && apt-get install --yes --no-install-recommends "$@"
    }
}

install_debian() { # PACKAGE...: may be none
    [ $# -gt 0 ] || return 0
    command -v apt-get >/dev/null ||
        refuse "needs what Debian calls $*; this system has no apt-get, so install that first."
    [ "$(id -u)" = 0 ] || refuse "needs Debian packages. Run this, then the same command again:
    sudo apt-get install $*"
    stage "Debian packages ($*)" apt_install "$@"
}
