"""Checks of values typed on the command line, before anything is asked or changed: a wrong one is wrong usage.

A file that cannot be read is not among them: it is a wrong input, found when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from attune_infra.errors import AttuneError, WrongUsage
from attune_infra.topology.words import either

_MAY_BE_EMPTY: Final = frozenset({"EXCHANGE", "ROUTING_KEY", "KEY", "-- COMMAND"})
"""Arguments with a meaning if they are empty: the default exchange, and no routing key."""
_DIGEST: Final = re.compile("[0-9a-f]{12}")


def check_typed(path: str, command: Any, typed: Mapping[str, Any]) -> None:
    """Check the texts typed for each parameter; raise `WrongUsage` that names the option."""
    for parameter in command.params:
        for text in _texts(typed.get(parameter.name)):
            _check(path, parameter, text)


def parameter_names(parameter: Any) -> tuple[str, ...]:
    """Return the long forms of an option, or the metavar of an argument."""
    if parameter.param_type_name == "argument":
        return (str(parameter.human_readable_name),)
    return tuple(name for name in parameter.opts if name.startswith("--"))


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list() | tuple():
            yield from (text for text in value if isinstance(text, str))


def _check(path: str, parameter: Any, text: str) -> None:
    name, *_ = names = parameter_names(parameter)
    if not text.strip() and name not in _MAY_BE_EMPTY:
        raise WrongUsage(f"{either(names)} is empty", hint="leave it out, or give it a value")
    check = CHECKS.get(f"{path} {name}") or CHECKS.get(name)
    if check is None:
        return
    try:
        check(text)
    except AttuneError as error:
        sentence = error.sentence if name in error.sentence else f"{either(names)}: {error.sentence}"
        raise WrongUsage(sentence, hint=error.hint) from error


def _anything(_: str) -> None:
    """Take any text."""


def _ids(text: str) -> None:
    from attune_infra.cli._worker_ids import read_worker_ids

    read_worker_ids([text])


def _id(text: str) -> None:
    from attune_infra.cli._worker_ids import read_worker_id

    read_worker_id(text)


def _codes(text: str, *others: str) -> None:
    from attune_infra.topology.lint.rules import find_rule

    for code in text.split(","):
        if code.strip() and code.strip() not in others:
            find_rule(code)


def _release(text: str) -> None:
    from attune_infra.cli._release import read_release

    read_release(text)


def _headers(text: str) -> None:
    from attune_infra.cli._message import read_message

    read_message("", "", [text])


def _message(text: str) -> None:
    _routing_key(text.partition(" ")[2])


def _routing_key(text: str) -> None:
    from attune_infra.cli._message import read_message

    read_message("", text)


def _private_queue(text: str) -> None:
    from attune_infra.cli._message import read_private_queue

    read_private_queue(text)


def _threshold(text: str) -> None:
    from attune_infra.topology.planning.consent import Threshold

    Threshold.of(text)


def _selector(text: str) -> None:
    from attune_infra.topology.document.selectors import KINDS
    from attune_infra.topology.planning.consent import Consent
    from attune_infra.topology.words import guess

    Consent.given([text])
    kind, colon, _ = text.partition(":")
    likely = guess(kind, KINDS, likeness=0.75)
    if colon and likely and kind not in KINDS:
        raise WrongUsage(f"there is no kind '{kind}'{likely}", hint="write KIND:NAME, as in queue:orders.*")


def _digest(text: str) -> None:
    if not _DIGEST.fullmatch(text):
        raise WrongUsage(
            f"--expect: '{text}' is not the digest of a plan",
            hint="a digest has 12 characters, 0-9 and a-f; `attune-infra diff` and --dry-run print it",
        )


def _sandbox(text: str) -> None:
    from attune_infra.sandbox.folders import check_name

    check_name(text)


def _setting(flag: str, text: str) -> None:
    from attune_infra.settings import check_flag

    check_flag(flag, text)


def _topology(text: str) -> None:
    from attune_infra.cli._topology import require_name

    require_name(text)


def _pair(text: str) -> None:
    from attune_infra.cli._values import check_pair

    check_pair(text)


def _address(text: str) -> None:
    from attune_infra.cli._log import read_address

    read_address(text)


CHECKS: Final[Mapping[str, Callable[[str], object]]] = {
    "--worker": _ids,
    "worker dispatch --worker": _id,
    "--select": _codes,
    "--ignore": _codes,
    "lint --explain": lambda text: _codes(text, "all"),
    "--broker-version": _release,
    "--header": _headers,
    "--highlight": _message,
    "ROUTING_KEY": _routing_key,
    "KEY": _routing_key,
    "queue load --key": _routing_key,
    "tap --queue": _private_queue,
    "--max-deletes": _threshold,
    "--allow-destructive": _selector,
    "--expect": _digest,
    "trace --expect": _anything,
    "--listen": _address,
    "--health": _address,
    "--topology": _topology,
    "FILE": _topology,
    "import FILE": _anything,
    "NAME|FILE": _topology,
    "--set": _pair,
    "topology check --topology": _anything,
    **{f"sandbox {command} --name": _sandbox for command in ("up", "down", "env", "status", "run")},
    **{
        flag: partial(_setting, flag)
        for flag in ("--amqp-url", "--management-url", "--database-url", "--worker-queue-ttl")
    },
}
"""The check of each option, where a command has its own under its name and the option's."""
