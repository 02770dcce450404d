# .venv and the locked packages in it. Each layer of requirements/ is stamped when it is in; a
# stamp holds what the layer was made from, so that a change of that, and nothing else, makes it
# again. A run that was cut off leaves no stamp, and the next one goes on from there.

venv="$root/.venv"
stamps="$venv/mtopt"

digest() { sha256sum | cut -d' ' -f1; }

base_layers() { # what stands under the workspace, installed first to last
    echo bootstrap build
    [ "$ros" = sourced ] || echo ros
}

base_fingerprint() { # PYTHON: a change of this asks for a new .venv
    {
        echo "$root $ros $1"
        for layer in $(base_layers); do cat "$root/requirements/$layer.lock"; done
    } | digest
}

venv_python() { # the interpreter asked for, or else the one that .venv was made from
    echo "${MTOPT_PYTHON:-$(cat "$stamps/python" 2>/dev/null)}"
}

base_made() {
    [ -x "$venv/bin/python" ] &&
        [ "$(cat "$stamps/base" 2>/dev/null)" = "$(base_fingerprint "$(venv_python)")" ]
}

base_mended() {
    [ "$ros" = sourced ] ||
        [ "$(cat "$stamps/mended" 2>/dev/null)" = "$(digest <"$root/setup/mend_wheels.py")" ]
}

layer_files() { # LAYER: what it is installed from
    echo "$root/requirements/$1.lock"
    [ "$1" != learn ] || echo "$root/requirements/torch.txt"
}

layer_digest() { # LAYER
    layer_files "$1" | tr '\n' '\0' | xargs -0 cat | digest
}

layer_ready() { # LAYER
    [ "$(cat "$stamps/$1" 2>/dev/null)" = "$(layer_digest "$1")" ]
}

packages_ready() { # LAYER...
    base_made && base_mended || return 1
    for layer in "$@"; do layer_ready "$layer" || return 1; done
}

make_venv() { # PYTHON
    see_system=
    [ "$ros" = wheels ] || see_system=--system-site-packages
    rm -rf "$venv" &&
        "$1" -m venv $see_system "$venv" &&
        touch "$venv/COLCON_IGNORE" &&
        mkdir "$stamps" &&
        echo "$1" >"$stamps/python" &&
        # What the base is being made for: it becomes the stamp when the base is whole.
        base_fingerprint "$1" >"$stamps/base.part"
}

drop_half_installed() { # pip writes INSTALLER when all other files of a package are in place
    for info in "$venv"/lib/python3.*/site-packages/*.dist-info; do
        [ -e "$info/INSTALLER" ] || rm -rf "$info"
    done
    rm -rf "$venv"/lib/python3.*/site-packages/~*
}

pip_install() { # OPTION...: the files name every dependency themselves
    ignore_installed=
    [ "$ros" = wheels ] || ignore_installed=--ignore-installed
    "$venv/bin/python" -m pip install --no-input --disable-pip-version-check --progress-bar off \
        --no-deps $ignore_installed --no-build-isolation --only-binary :all: "$@"
}

install_torch() {
    pip_install --requirement "$root/requirements/torch.txt" || {
        echo "pip finds no build of PyTorch for CPUs here. Name a place that has one in" \
            "PIP_FIND_LINKS or PIP_EXTRA_INDEX_URL; requirements/torch.txt says which."
        return 1
    }
}

install_layer() { # LAYER: hashes make it exact
    drop_half_installed
    pip_install --require-hashes --no-binary empy --requirement "$root/requirements/$1.lock" &&
        { [ "$1" != learn ] || install_torch; } &&
        layer_digest "$1" >"$stamps/$1"
}

mend_base() {
    "$venv/bin/python" "$root/setup/mend_wheels.py" "$venv" &&
        digest <"$root/setup/mend_wheels.py" >"$stamps/mended"
}

layer_title() { # LAYER
    case $1 in
        bootstrap) echo "Python packages: the installer" ;;
        build) echo "Python packages: colcon" ;;
        ros) echo "Python packages: ROS 2 Jazzy" ;;
        robot) echo "Python packages: the cell" ;;
        learn) echo "Python packages: the learner" ;;
        dev) echo "Python packages: tests" ;;
    esac
}

ensure_layer() { # LAYER
    layer_ready "$1" || stage "$(layer_title "$1")" install_layer "$1"
}

make_base() { # goes on where a run was cut off
    have_some_python || install_debian $(missing_debian)
    wanted=$(venv_python)
    if [ -n "$wanted" ] && python_fits "$wanted" && ros_fits "$wanted"; then
        python=$wanted
    else
        find_python
    fi
    install_debian $(missing_debian "$python")
    if [ ! -x "$venv/bin/python" ] ||
        [ "$(cat "$stamps/base.part" 2>/dev/null)" != "$(base_fingerprint "$python")" ]; then
        stage "Python environment (.venv)" make_venv "$python"
    fi
    for layer in $(base_layers); do ensure_layer "$layer"; done
    mv "$stamps/base.part" "$stamps/base"
}

ensure_packages() { # LAYER...
    base_made || make_base
    base_mended || stage "Python packages: paths" mend_base
    for layer in "$@"; do ensure_layer "$layer"; done
}
