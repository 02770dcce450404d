# Calm output: one line a stage with its time on stderr, the details in log/setup.log.

setup_log="$root/log/setup.log"

say() { echo "mtopt: $*" >&2; }

refuse() { # MESSAGE...: what a person has to mend
    say "$*"
    exit 2
}

stage() { # TITLE COMMAND [ARGUMENT...]
    title=$1
    shift
    printf '%s ... ' "$title" >&2
    printf '\n== %s: %s\n' "$title" "$*" >>"$setup_log"
    began=$(date +%s)
    lines=$(wc -l <"$setup_log")
    if "$@" >>"$setup_log" 2>&1 </dev/null; then
        echo "$(($(date +%s) - began)) s" >&2
        return 0
    fi
    echo "failed after $(($(date +%s) - began)) s" >&2
    tail -n "+$((lines + 1))" "$setup_log" | tail -n 30 >&2
    say "all of it is in $setup_log; what is done stays done, the same command goes on from there"
    exit 1
}
