"""Load messages from a file: publish each, and know of each what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING

from attune_infra import deadline
from attune_infra.errors import BrokerError, InvalidInput
from attune_infra.messages.jsonl import read_lines
from attune_infra.messages.loading import MAX_FAILURES, Destination, Failed, Loaded, Source, outgoing, require

if TYPE_CHECKING:
    from attune_infra.interfaces.messages import Loader, LoadingBroker
    from attune_infra.messages.jsonl import NumberedMessage


def load(
    broker: LoadingBroker,
    file: IO[bytes],
    source: Source,
    to: Destination,
    *,
    is_stopped: Callable[[], bool] = lambda: False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Loaded:
    """Publish messages until the file ends, a line is wrong, too many fail, or it is cut or stopped.

    Raise `InvalidInput` if the destination does not exist, and `BrokerError` if nothing could be sent at all.
    """
    require(to, broker.read(private=True))
    loaded, loader = Loaded(source.name, to, last_sent=source.first - 1), None
    messages = read_lines(file, source.name, first=source.first)

    def note(line: int, failed: Failed | None) -> None:
        if failed is None:
            loaded.confirmed += 1
        else:
            loaded.failed.append(failed)
        on_progress(line)

    try:
        with broker.loading(note) as loader:
            _publish(loader, messages, loaded, broker.user, is_stopped)
    except (BrokerError, deadline.Passed) as error:
        if loader is None:
            raise
        if isinstance(error, BrokerError):
            loaded.failure, loaded.hint = error.sentence, error.hint
        else:
            loaded.failure = "it did not end within --deadline"
        loaded.next_line = loader.first_open_line or loaded.last_sent + 1
    return loaded


def _publish(
    loader: Loader, messages: Iterator[NumberedMessage], loaded: Loaded, user: str, is_stopped: Callable[[], bool]
) -> None:
    """Publish messages, and wait for all confirms, whatever ends it."""
    while not _ends(loaded, is_stopped):
        try:
            numbered = next(messages, None)
        except InvalidInput as error:
            loaded.failure, loaded.hint = error.sentence, error.hint
            break
        if numbered is None:
            loader.settle()
            return
        message = outgoing(numbered, loaded.destination, user)
        loaded.last_sent = message.line
        loaded.without_user += message.lost_user
        loaded.without_copies += message.lost_copies
        loader.publish(message)
    loader.settle()
    loaded.next_line = loaded.last_sent + 1


def _ends(loaded: Loaded, is_stopped: Callable[[], bool]) -> bool:
    if is_stopped():
        loaded.failure = "it was interrupted"
    elif len(loaded.failed) >= MAX_FAILURES:
        loaded.failure = f"{len(loaded.failed)} messages have failed; the rest was not tried"
    return loaded.failure is not None
