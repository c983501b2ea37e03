"""Loading messages from a file: where each goes, what it gives up, and the result. No I/O."""

from __future__ import annotations

from dataclasses import field
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode, InvalidInput, WrongUsage
from attune_infra.messages.encoded import headers_of, user_id_of, without_headers, without_user_id
from attune_infra.messages.jsonl import NumberedMessage
from attune_infra.messages.model import Sending
from attune_infra.messages.peeking import find_queue
from attune_infra.topology.facts.exchanges import find_exchange
from attune_infra.topology.model import Topology
from attune_infra.topology.words import guess

MAX_FAILURES: Final = 100
"""Messages that may fail before the rest of a file is left."""
_COPIES: Final = frozenset({b"CC", b"BCC"})
"""Headers with further routing keys; the default exchange would lead them to queues of these names."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file of messages, and the line to begin with."""

    name: str
    first: int = 1


@dataclass(frozen=True, slots=True)
class Destination:
    """A queue; or an exchange, with one routing key for all messages or with that of each."""

    queue: str | None = None
    exchange: str = ""
    key: str | None = None

    @classmethod
    def of_queue(cls, name: str) -> Destination:
        """Return a queue: the default exchange leads to it by its name."""
        return cls(name, "", name)

    @property
    def words(self) -> str:
        if self.queue is not None:
            return f"queue {self.queue}"
        return f"exchange {self.exchange}" if self.exchange else "the default exchange"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of a file on its way, and the things that it had to give up."""

    line: int
    sending: Sending
    body: bytes
    lost_user: bool = False
    lost_copies: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that RabbitMQ did not take, or that reached no queue."""

    line: int
    why: str


@dataclass(slots=True)
class Loaded:
    """The result. It grows while messages are sent.

    A message counts as confirmed once it is in a queue and RabbitMQ has said so.
    """

    source: str
    destination: Destination
    confirmed: int = 0
    failed: list[Failed] = field(default_factory=list)
    without_user: int = 0
    without_copies: int = 0
    last_sent: int = 0
    """Line of the last message that was sent."""
    next_line: int | None = None
    """The first line that is not decided; None if the file is done."""
    failure: str | None = None
    """The reason why the file is not done."""
    hint: str | None = None

    @property
    def doubtful(self) -> tuple[int, int] | None:
        """The first and last line of messages that were sent, and may be in a queue or not."""
        if self.next_line is None or self.last_sent < self.next_line:
            return None
        return self.next_line, self.last_sent

    @property
    def exit_code(self) -> ExitCode:
        if self.failed or self.next_line is not None:
            return ExitCode.PARTLY_DONE if self.confirmed else ExitCode.FAILED
        return ExitCode.DONE


def destination(queue: str | None, exchange: str | None, key: str | None) -> Destination:
    """Return where to load to; raise `WrongUsage` unless it is either a queue or an exchange."""
    if queue is None and exchange is None:
        raise WrongUsage("no destination is given", hint="give a QUEUE, or --exchange NAME")
    if queue is not None and exchange is not None:
        raise WrongUsage("a queue and --exchange are given", hint="give one of them")
    if key is not None and exchange is None:
        raise WrongUsage("--key is for --exchange", hint="give --exchange NAME too, or leave out --key")
    return Destination(None, exchange or "", key) if queue is None else Destination.of_queue(queue)


def require(wanted: Destination, topology: Topology) -> None:
    """Raise `InvalidInput` if the destination does not exist."""
    if wanted.queue is not None:
        find_queue(wanted.queue, topology)
    elif wanted.exchange and not (
        topology.find_exchange(wanted.exchange) or find_exchange(wanted.exchange, topology.exchanges)
    ):
        raise InvalidInput(
            f"exchange '{wanted.exchange}' does not exist{guess(wanted.exchange, topology.exchanges)}",
            hint="`attune-infra setup` creates what a topology declares",
        )


def outgoing(numbered: NumberedMessage, to: Destination, user: str) -> Outgoing:
    """Return a message as it is sent.

    RabbitMQ refuses a message that names another user than the login. In a single queue, further routing keys
    would send it to other queues too.
    """
    message, encoded = numbered.message, numbered.message.encoded
    named = user_id_of(encoded)
    lost_user = named is not None and named != user.encode()
    if lost_user:
        encoded = without_user_id(encoded)
    lost_copies = to.queue is not None and _has_copies(encoded)
    if lost_copies:
        encoded = without_headers(encoded, _COPIES)
    key = message.routing_key if to.key is None else to.key
    sending = Sending(exchange=to.exchange, routing_key=key, encoded=encoded)
    return Outgoing(numbered.line, sending, message.body, lost_user, lost_copies)


def _has_copies(encoded: bytes) -> bool:
    """Return whether further routing keys are among the headers; most messages are not decoded for it."""
    return b"CC" in encoded and not _COPIES.isdisjoint(name.encode() for name in headers_of(encoded))
