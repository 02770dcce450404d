"""The configuration of the process manager, supervisord, for one start."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from .programs import Program

GROUP = "fleet"
STOP_WAIT_S = 3  # from the request to end to the kill
_LOG_BYTES = 10 * 2**20

_HEAD = """\
[supervisord]
nodaemon=true
silent=true
logfile={folder}/supervisord.log
logfile_maxbytes=1MB
logfile_backups=1
pidfile={folder}/supervisord.pid
childlogdir={folder}

[unix_http_server]
file={socket}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[group:{group}]
programs={names}
"""

_PROGRAM = """
[program:{name}]
command={command}
environment={environment}
autorestart={restart}
exitcodes=0
startsecs=1
startretries=3
stopsignal=INT
stopasgroup=true
killasgroup=true
stopwaitsecs={wait}
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes={log_bytes}
stdout_logfile_backups=1
"""


def text(programs: Sequence[Program], folder: Path, socket: Path) -> str:
    """The configuration file. One group: its programs are stopped at the same time."""
    head = _HEAD.format(
        folder=_escaped(str(folder)),
        socket=_escaped(str(socket)),
        group=GROUP,
        names=",".join(program.name for program in programs),
    )
    return head + "".join(_section(program) for program in programs)


def _section(program: Program) -> str:
    return _PROGRAM.format(
        name=program.name,
        command=_escaped(shlex.join(program.command)),
        environment=_environment(program.environment),
        restart="unexpected" if program.ends_fleet else "true",
        wait=STOP_WAIT_S,
        log=_escaped(str(program.log)),
        log_bytes=_LOG_BYTES,
    )


def _environment(variables: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in variables.items())


def _escaped(value: str) -> str:
    """supervisord reads %(...)s as a variable."""
    return value.replace("%", "%%")
