"""The shape of a page: a module that shows one result of a command, as text and as JSON.

A command imports its page and hands it to `session.finish`, together with the result. mypy checks that the two
belong together, and a command loads no other page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from attune_infra.errors import ExitCode
    from attune_infra.render.data import Keys
    from attune_infra.render.reports.review import Review
    from attune_infra.render.text import Line


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
