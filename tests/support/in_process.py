"""The command, run in this process: a thousand runs in seconds, for tests that need no process of their own."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from unittest.mock import patch

from attune_infra.broker.hosts import hosts_of
from attune_infra.cli import main
from attune_infra.cli._output import LOG
from attune_infra.cli._target import Meeting, ask_password
from attune_infra.masking import forget
from support.as_a_user import Result, clean_environment

_REQUESTS = logging.getLogger("attune_infra.broker")


def run_in_process(arguments: Sequence[str], environment: Mapping[str, str]) -> Result:
    """Run the command to its end. A traceback is in its standard error, as Python prints it."""
    output, talk = io.StringIO(), io.StringIO()
    surroundings = clean_environment() | dict(environment)
    code = 1
    with (
        _as_new(),
        patch.object(sys, "argv", ["attune-infra", *arguments]),
        patch.dict(os.environ, surroundings, clear=True),
        redirect_stdout(output),
        redirect_stderr(talk),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 - Python would print it and exit
            sys.excepthook(*sys.exc_info())
    return Result(code, output.getvalue(), talk.getvalue())


@contextmanager
def _as_new() -> Iterator[None]:
    """Forget the state of an earlier run, and of this one."""
    Meeting.latest = LOG.line = None
    forget()
    ask_password.cache_clear()
    hosts_of.cache_clear()
    hook, level, handlers = sys.excepthook, _REQUESTS.level, [*_REQUESTS.handlers]
    try:
        yield
    finally:
        sys.excepthook = hook
        _REQUESTS.setLevel(level)
        _REQUESTS.handlers[:] = handlers
