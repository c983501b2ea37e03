"""Commands that read: one result for each of several virtual hosts, shown together."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from attune_infra.background import run_in_background
from attune_infra.cli._progress import busy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from attune_infra.background import Answer
    from attune_infra.cli._session import Session
    from attune_infra.render.page import Page, R, ReviewedPage

_T = TypeVar("_T")
AT_ONCE: Final = 4
"""Virtual hosts that are asked at the same time: more make one broker no faster."""


def run_each(
    run: Callable[[Session], _T], sessions: Sequence[Session], *, at_once: int = AT_ONCE
) -> dict[str, _T]:
    """Return the results by virtual host; so many are asked for at once."""
    found: dict[str, _T] = {}
    waiting: deque[tuple[Session, Answer[_T]]] = deque()
    with busy("asking the virtual hosts"):
        for session in (*sessions, *(None for _ in range(at_once))):
            if len(waiting) == at_once or (session is None and waiting):
                done, answer = waiting.popleft()
                found[str(done.place)] = answer()
            if session is not None:
                waiting.append((session, run_in_background(partial(run, session))))
    return found


def finish_each(
    session: Session,
    command: str,
    page: ReviewedPage[R],
    run: Callable[[Session], R],
    *,
    at_once: int = AT_ONCE,
) -> NoReturn:
    """Run a command in each virtual host, and show the results together."""
    from attune_infra.render.page import ReviewedPageOfSeveral, Several

    results = run_each(run, session.each(), at_once=at_once)
    session.finish_reviewed(command, ReviewedPageOfSeveral(page), Several.of(results))


def finish_parts(session: Session, command: str, page: Page[R], results: Mapping[str, R]) -> NoReturn:
    """Show the results of a command in several virtual hosts together."""
    from attune_infra.render.page import PageOfSeveral, Several

    session.finish(command, PageOfSeveral(page), Several.of(results))


def finish_one_or_each(
    session: Session, command: str, page: Page[R], run: Callable[[Session], R], *, live: bool = False
) -> NoReturn:
    """Run a command on its document, or `live` on the broker, and finish it: in one virtual host, or in each."""
    if (several := session.several(live=live)) is not None:
        finish_parts(session, command, page, run_each(run, several))
    session.finish(command, page, run(session.each_on_broker()[0] if live else session))
