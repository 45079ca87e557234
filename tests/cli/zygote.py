"""Runs the program in processes forked from one that has its libraries imported, which is most of a start.

Nothing of fluxsync is imported before the fork, and the process ends as any other does: what a test sees is
what `python -m fluxsync.cli.main` shows. Run as a program it waits on the socket of its first argument for
orders, each with the three standard files of the process to be.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from runpy import run_module
from typing import Any

#: What the commands import; a library that looks at the environment when it is imported is not among them.
_LIBRARIES = (
    *("click", "filelock", "httpx", "pathspec", "platformdirs", "pydantic_settings", "rich.progress"),
    *("rich.table", "sqlite_utils", "structlog", "tenacity", "truststore", "defusedxml.ElementTree"),
)
_LONGEST_S = 60.0
_MOST_BYTES = 1 << 16


class Zygote:
    """Has one process at a time."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(_LONGEST_S)
        # What it has for standard files makes no terminals of those that it is given.
        nothing = subprocess.DEVNULL
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                stdin=nothing,
                stdout=nothing,
                pass_fds=[theirs.fileno()],
                process_group=0,
            )

    def run(self, arguments: list[str], env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the program to its end, with nothing on its standard input; raises TimeoutError."""
        order = json.dumps({"arguments": arguments, "env": env, "cwd": str(cwd)}).encode() + b"\n"
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(os.devnull) as nothing:
            socket.send_fds(self._socket, [order], [nothing.fileno(), out.fileno(), err.fileno()])
            try:
                code = int(self._socket.recv(100))
            except TimeoutError:
                os.killpg(self._process.pid, signal.SIGKILL)
                raise
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode())
        return subprocess.CompletedProcess(arguments, code, *texts)

    def close(self) -> None:
        self._socket.close()
        self._process.wait(_LONGEST_S)


def _serve(orders: socket.socket) -> None:
    """Answer each order with the exit code of its process, which returns from here; end with the orders."""
    while True:
        message, files, _, _ = socket.recv_fds(orders, _MOST_BYTES, 3)
        while not message.endswith(b"\n"):
            more = orders.recv(_MOST_BYTES)
            if not more:
                raise SystemExit
            message += more
        child = os.fork()
        if child == 0:
            orders.close()
            _become(json.loads(message), files)
            return
        for file in files:
            os.close(file)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        orders.send(str(code).encode())


def _become(order: dict[str, Any], files: list[int]) -> None:
    for standard, file in enumerate(files):
        os.dup2(file, standard)
        os.close(file)
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    os.chdir(order["cwd"])
    sys.argv = ["fluxsync", *order["arguments"]]
    sys.path[0] = order["cwd"]
    sys.path.insert(1, order["env"]["PYTHONPATH"])


if __name__ == "__main__":
    for library in _LIBRARIES:
        import_module(library)
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    run_module("fluxsync.cli.main", run_name="__main__", alter_sys=True)
