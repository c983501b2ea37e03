"""The broker that a command asks: named by a setting, told on standard error, and the one that is expected."""

from __future__ import annotations

from enum import Enum, auto
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from attune_infra.cli._output import can_ask, tell
from attune_infra.errors import BrokerError, BrokerUnreachable, InvalidInput, NoMajority
from attune_infra.settings import AMQP_URL, CONNECTION, Via

if TYPE_CHECKING:
    from collections.abc import Iterable

    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.settings import Expectation, Settings
    from attune_infra.topology.target import Target


class Asked(Enum):
    """The protocol that tells which broker it is."""

    HTTP = auto()
    HTTP_IF_IT_ANSWERS = auto()
    """For a command whose result says that the broker does not answer."""
    HTTP_OR_AMQP = auto()
    """For a command that was told to do without a management API, if none answers."""
    AMQP = auto()
    """For a command that needs no management API."""


class Meeting:
    """The broker that a command asked last; each is told once."""

    latest: ClassVar[Target | None] = None
    """The broker that this process asked last, for its failure."""

    def __init__(self, *, is_quiet: bool = False) -> None:
        self.target: Target | None = None
        self.is_over_amqp = False
        """True if the management API did not answer, and the command does without it."""
        self._is_quiet = is_quiet

    def ask(self, broker: RabbitMQ, asked: Asked, expected: Iterable[Expectation]) -> None:
        """Ask which broker it is; raise `WrongTarget` if it is not the expected one."""
        try:
            self.note(broker.amqp_target() if asked is Asked.AMQP else broker.target(), expected)
        except BrokerError as error:
            if asked is Asked.HTTP_OR_AMQP and is_silent(error):
                self.is_over_amqp = True
                self.note(broker.amqp_target(), expected)
                tell(f"warning: {error.sentence}; only AMQP is asked, which lists nothing")
            elif asked is not Asked.HTTP_IF_IT_ANSWERS:
                raise

    def note(self, target: Target, expected: Iterable[Expectation]) -> None:
        """Tell which broker was met, unless it was told before; raise `WrongTarget` as `ask` does."""
        from attune_infra.render.words import target_line

        if target != self.target and not self._is_quiet:
            tell(target_line(target))
        self.target = Meeting.latest = target
        target.insist_on(expected)


def is_silent(error: BrokerError) -> bool:
    """Return True if no management API answered. One that refuses, or has lost its majority, is there."""
    return isinstance(error, BrokerUnreachable) and not isinstance(error, NoMajority)


def require_named(settings: Settings, via: Via) -> None:
    """Raise `InvalidInput` if no setting names the broker that a command would change."""
    if settings.amqp_is_named or (via is Via.HTTP and settings.management_is_named):
        return
    raise InvalidInput(
        "no broker is named, so nothing was changed: this command never falls back to localhost",
        hint=f"name one with {CONNECTION.flag} NAME, {AMQP_URL.flag} URL, or {AMQP_URL.variable}; "
        f"RabbitMQ's default is {AMQP_URL.flag} amqp://guest:guest@localhost; "
        'a sandbox is named by `eval "$(attune-infra sandbox env)"`',
    )


def do_not_ask(_: str) -> None:
    """Answer for a command that goes on without the password."""


@cache
def ask_password(of: str) -> str | None:
    """Ask for a password on the terminal; return None without one."""
    if not can_ask():
        return None
    from getpass import getpass

    return getpass(f"Password of {of}: ")
