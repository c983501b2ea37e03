"""The shape of a page: a module that shows one result of a command, as text and as JSON.

A command imports its page and hands it to `session.finish`, together with the result. mypy checks that the two
belong together, and a command loads no other page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.render.text import Level, Line

if TYPE_CHECKING:
    from attune_infra.render.data import Keys
    from attune_infra.render.reports.review import Review


class Result(Protocol):
    """A value that a command ends with. Its exit code follows from it."""

    @property
    def exit_code(self) -> ExitCode: ...


R = TypeVar("R", bound=Result)
Shown_contra = TypeVar("Shown_contra", bound=Result, contravariant=True)


class Page(Protocol[Shown_contra]):
    """A module with these two functions.

    If the result is a document, a third one, `text`, returns it as it is written to a file.
    """

    def lines(self, shown: Shown_contra, /) -> Iterable[Line]:
        """Return the text for a person. Names in it may hold any character; `render.text` escapes them."""
        ...

    def data(self, shown: Shown_contra, /) -> Keys:
        """Return the keys of the JSON object, a type of `contract`, without those of every result."""
        ...


class ReviewedPage(Page[Shown_contra], Protocol[Shown_contra]):
    """A page that CI can read too, in the formats of `render.reports`."""

    def review(self, shown: Shown_contra, /) -> Review:
        """Return the remarks on all that was examined, and the result in a sentence."""
        ...


@dataclass(frozen=True, slots=True)
class Several(Generic[R]):
    """The results of a command in several virtual hosts, by their names; plans have one digest together."""

    results: Mapping[str, R]
    exit_code: ExitCode
    digest: str | None = None

    @classmethod
    def of(cls, results: Mapping[str, R], digest: str | None = None) -> Several[R]:
        """Return the results with the worst exit code: failed, and otherwise the highest."""
        codes = {each.exit_code for each in results.values()} or {ExitCode.DONE}
        return cls(results, ExitCode.FAILED if ExitCode.FAILED in codes else max(codes), digest)


class PageOfSeveral(Generic[R]):
    """A page for several virtual hosts, made from the page for one."""

    def __init__(self, page: Page[R]) -> None:
        self._page = page

    def lines(self, shown: Several[R], /) -> Iterator[Line]:
        for name, result in shown.results.items():
            level = Level.NORMAL if result.exit_code is ExitCode.DONE else Level.PROBLEM
            yield Line(f"virtual host {name}:", "bold", level)
            lines_of_part = getattr(self._page, "lines_of_part", self._page.lines)
            yield from lines_of_part(result)
        if shown.digest is not None:
            yield Line(f"plan {shown.digest}")

    def data(self, shown: Several[R], /) -> Keys:
        parts = [
            {"virtual_host": name, "exit_code": int(result.exit_code), **self._page.data(result)}
            for name, result in shown.results.items()
        ]
        return {"virtual_hosts": parts, **({} if shown.digest is None else {"digest": shown.digest})}


class ReviewedPageOfSeveral(PageOfSeveral[R]):
    """The same for a page that CI can read."""

    def __init__(self, page: ReviewedPage[R]) -> None:
        super().__init__(page)
        self._reviewed = page

    def review(self, shown: Several[R], /) -> Review:
        """Return all remarks in one review, each with its virtual host."""
        found = {name: self._reviewed.review(result) for name, result in shown.results.items()}
        first = next(iter(found.values()))
        remarks = (
            replace(remark, name=f"virtual host {name}: {remark.name}")
            for name, review in found.items()
            for remark in review.remarks
        )
        guides = {code: guide for review in found.values() for code, guide in review.guides.items()}
        losses = (f"virtual host {name}: {review.loss}" for name, review in found.items() if review.loss)
        return replace(
            first,
            remarks=tuple(remarks),
            verdict="; ".join(f"virtual host {name}: {review.verdict}" for name, review in found.items()),
            loss="; ".join(losses),
            guides=guides,
            exit_code=int(shown.exit_code),
        )
