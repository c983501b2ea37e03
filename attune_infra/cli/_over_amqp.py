"""Commands that do what AMQP can, told by `--via amqp`, while the management API does not answer."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from attune_infra.cli._target import Asked, is_silent
from attune_infra.errors import BrokerError, PlanRefused
from attune_infra.settings import Via

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.cli._session import Session

_PLUGIN: Final = "without the plugin rabbitmq_management"
_THIS_COMMAND: Final = f"{_PLUGIN}, --via amqp makes what AMQP can, and names the rest"
OTHER_COMMANDS: Final = (
    f"{_PLUGIN}, `attune-infra verify` checks what AMQP tells, and `attune-infra setup --via amqp` makes it"
)


@contextmanager
def naming(alternative: str, opened: AbstractContextManager[RabbitMQ]) -> Iterator[RabbitMQ]:
    """Yield the broker; if nothing listens where the management API should, the hint also names an alternative."""
    with ExitStack() as stack:
        try:
            broker = stack.enter_context(opened)
        except BrokerError as error:
            if is_silent(error) and _nothing_listens(error):
                error.hint = f"{error.hint}; {alternative}" if error.hint else alternative
            raise
        yield broker


def _nothing_listens(error: BaseException | None) -> bool:
    """Return True for a refused connection, as without the plugin; a wrong name has another cause."""
    while error is not None and not isinstance(error, ConnectionRefusedError):
        error = error.__cause__ or error.__context__
    return error is not None


def broker_to_change(session: Session, via: Via | None) -> AbstractContextManager[RabbitMQ]:
    """Yield the broker that a command changes.

    It may lack a management API if `--via amqp` is given; `session.met.is_over_amqp` tells.
    """
    if via is None:
        return naming(_THIS_COMMAND, session.broker(Via.AMQP, writes=True))
    asked = Asked.HTTP_OR_AMQP if via is Via.AMQP else Asked.HTTP
    return session.broker(via, writes=True, asked=asked)


def refuse_options(given: Mapping[str, object]) -> None:
    """Raise `PlanRefused` for an option that needs a plan, which AMQP alone cannot give."""
    for flag, value in given.items():
        if value:
            raise PlanRefused(
                f"{flag} needs the management API, which does not answer; nothing was changed",
                hint=f"leave out {flag}, or enable the plugin rabbitmq_management",
            )
