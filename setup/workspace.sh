# The colcon workspace: builds the packages whose sources changed, each stamped in install/.
# It is the layout of plain `colcon build`, so that both can be used side by side.

# What a package is built from, besides its own folder.
package_sources() { # PACKAGE: paths below the root
    echo "src/$1"
    [ "$1" != mtopt_bringup ] || printf '%s\n' launch urdf config models
}

source_files() { # PACKAGE
    (cd "$root" && find $(package_sources "$1") -type f ! -name '*.py[co]' ! -path '*/.*' \
        ! -path '*.egg-info/*' | LC_ALL=C sort)
}

content_digest() { # PACKAGE
    source_files "$1" | (cd "$root" && tr '\n' '\0' | xargs -0 sha256sum) | digest
}

package_stamp() { # PACKAGE: two lines, the names of its files and their content
    source_files "$1" | digest
    content_digest "$1"
}

workspace_packages() { (cd "$root/src" && ls -d mtopt_*/ | tr -d /); }

stamp_of() { echo "$root/install/$1/mtopt.stamp"; }

changed_packages() {
    for package in $(workspace_packages); do
        [ "$(package_stamp "$package")" = "$(cat "$(stamp_of "$package")" 2>/dev/null)" ] ||
            echo "$package"
    done
}

forget_removed_files() { # PACKAGE: setup.py and CMake install over what is there
    case $1 in mtopt_msgs) return ;; esac
    [ "$(source_files "$1" | digest)" = "$(head -n 1 "$(stamp_of "$1")" 2>/dev/null)" ] ||
        rm -rf "$root/build/$1" "$root/install/$1"
}

colcon_build() { # PACKAGE...
    for package in "$@"; do
        forget_removed_files "$package"
        package_stamp "$package" >"$root/build/$package.stamp" || return
    done
    (
        cd "$root"
        mtopt_root=$root
        . setup/env.sh
        # Left to itself colcon has make wait for as long as the machine is busy.
        MAKEFLAGS=${MAKEFLAGS:--j$(nproc)}
        export MAKEFLAGS
        colcon build --packages-select "$@"
    ) || return
    for package in "$@"; do
        mv "$root/build/$package.stamp" "$(stamp_of "$package")"
    done
}

summary() { # PACKAGE...
    if [ $# -gt 3 ]; then echo "$# packages"; else echo "$*"; fi
}

workspace_ready() {
    [ "$(cat "$root/install/mtopt.base" 2>/dev/null)" = "$(cat "$stamps/base")" ] &&
        [ -z "$(changed_packages)" ]
}

ensure_workspace() {
    if [ "$(cat "$root/install/mtopt.base" 2>/dev/null)" != "$(cat "$stamps/base")" ]; then
        # Built on another Python or another ROS 2, or begun and cut off.
        rm -rf "$root/build" "$root/install"
    fi
    changed=$(changed_packages)
    [ -n "$changed" ] || return 0
    mkdir -p "$root/build" "$root/install"
    cp "$stamps/base" "$root/install/mtopt.base"
    stage "Workspace ($(summary $changed))" colcon_build $changed
}
