"""Checks of texts that should hold a topology, and the problems of those that do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.topology.document.problems import Problem, with_places
from attune_infra.topology.model import PARAMETER_KINDS
from attune_infra.topology.routing.routes import route_name, run_routes
from attune_infra.topology.words import plural

if TYPE_CHECKING:
    from attune_infra.topology.model import Topology


BROKEN_ROUTE: Final = "route-holds"
"""The code of the same check on a broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedText:
    """A text, and the topology in it or the problems that it has instead.

    A route that fails on its own document is such a problem.
    """

    source: str
    topology: Topology | None = None
    problems: tuple[Problem, ...] = ()
    failure: str | None = None
    """The reason why the text could not be read, a whole sentence."""

    hint: str | None = None
    file: str | None = None
    """The file of the text; None for standard input."""

    def complaints(self) -> Iterator[str]:
        """Yield the problems as compilers do, with the place in front, so that editors find it."""
        if self.failure is not None:
            yield self.failure
        if self.hint is not None:
            yield f"hint:  {self.hint}"
        yield from with_places(self.source, self.problems)


@dataclass(frozen=True, slots=True)
class CheckedTexts:
    """Several texts, in the order of the command line."""

    texts: tuple[CheckedText, ...]

    @property
    def exit_code(self) -> ExitCode:
        """Failed, if any text holds no topology."""
        return ExitCode.DONE if all(each.topology for each in self.texts) else ExitCode.FAILED


def check_routes(source: str, topology: Topology) -> CheckedText:
    """Run the routes of a topology from a text."""
    problems = tuple(
        Problem(
            *result.route.place,
            f"{route_name(result.route)} {what}",
            code=BROKEN_ROUTE,
            source=result.route.source,
        )
        for result in run_routes(topology)
        for what in result.problems
    )
    return CheckedText(source=source, topology=None if problems else topology, problems=problems)


def parameter_counts(topology: Topology) -> dict[str, int]:
    """Return the numbers of parameters by their kinds."""
    found = Counter(each.kind for each in topology.parameters.values())
    kinds = (*PARAMETER_KINDS.values(), "parameter")
    return {**{kind: found[kind] for kind in kinds}, "global_parameter": len(topology.global_parameters)}


def count_objects(topology: Topology) -> str:
    """Return the numbers of objects in a topology, in words."""
    counts = [
        (len(topology.exchanges), "exchange", "exchanges"),
        (len(topology.queues), "queue", "queues"),
        (len(topology.bindings), "binding", "bindings"),
        (len(topology.policies), "policy", "policies"),
        (len(topology.operator_policies), "operator policy", "operator policies"),
        (len(topology.users), "user", "users"),
        (len(topology.limits), "limit", "limits"),
        (len(topology.permissions), "user with permissions", "users with permissions"),
        (len(topology.topic_permissions), "topic permission", "topic permissions"),
        *((number, kind.replace("_", " "), plural(kind)) for kind, number in parameter_counts(topology).items()),
    ]
    if topology.workers is not None:
        counts.append((len(topology.workers.queues), "queue per worker", "queues per worker"))
    counts.append((len(topology.routes), "route", "routes"))
    found = (
        ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count) or "nothing"
    )
    return f"virtual host {topology.virtual_host.name}: {found}" if topology.virtual_host else found
