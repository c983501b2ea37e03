"""Verdicts on permissions: the needs of a command that its users lack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from attune_infra.topology.doctor.diagnosis import Check, Topic, ok, problem, unknown
from attune_infra.topology.doctor.scope import EXAMPLE_ID
from attune_infra.topology.doctor.seen import Login
from attune_infra.topology.facts.permissions import TAGS_THAT_DO, Right, Tag, User
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Topology
from attune_infra.topology.permissions.commands import usage_of
from attune_infra.topology.permissions.lacks import grants, lacks
from attune_infra.topology.permissions.needs import Need, Over
from attune_infra.topology.permissions.steps import Case

_USAGES: Final = {
    "lint": ("lint --live",),
    "graph": ("graph --live",),
    "trace": ("trace --live",),
}
"""The commands of the table of permissions, where they have another name."""

_ALL: Final = ("setup", "verify")
_ALL_WITH_WORKERS: Final = (*_ALL, "worker enlist", "worker run", "worker dispatch")
_REPLACES: Final = (
    "the line takes away any other permission of the user, which doctor may not read:"
    " compare with `rabbitmqctl list_user_permissions` first"
)


def needs_of(command: str | None, topology: Topology, worker_ids: Sequence[int], *, via_http: bool) -> list[Need]:
    """Return the needs of a command; without one, those of all that is done every day."""
    has_workers = topology.workers is not None
    if command is None:
        usages: Sequence[str] = _ALL_WITH_WORKERS if has_workers else _ALL
    else:
        usages = _USAGES.get(command, (command,))
    if command is not None and command.startswith("worker ") and not has_workers:
        return []
    case = Case(want=topology, worker_ids=tuple(worker_ids) or (EXAMPLE_ID,))
    names = (
        f"{name} --via http" if via_http and name in {"setup", "worker provision"} else name for name in usages
    )
    return list(dict.fromkeys(need for name in names for need in usage_of(name).needs(case)))


def rights_in(needs: Iterable[Need]) -> list[Right]:
    """Return the rights among needs, whatever the connection."""
    return [need.what for need in needs if isinstance(need.what, Right)]


def permission_checks(
    logins: Mapping[Over, Login], needs: Sequence[Need], virtual_host: str, version: Version
) -> Iterator[Check]:
    """Yield the checks of each user."""
    for over, login in logins.items():
        own = [need for need in needs if need.over is over]
        name = f"user {login.name} over {over}"
        if own and login.user is not None:
            yield from _known(name, login.user, own, version)
        elif own:
            yield from _tags(name, login, [need.what for need in own if isinstance(need.what, Tag)])
            yield from _tried(name, login, own, virtual_host, version)


def _known(name: str, user: User, needs: list[Need], version: Version) -> Iterator[Check]:
    """Yield a problem for tags, for rights on names, and for each topic, with the line that grants all of it."""
    lines = grants(needs, user, version=version)
    lacking = lacks(needs, user, version=version)
    for line in lines:
        granted = [lack.need for lack in lacking if _is_granted_by(line, lack.need)]
        yield problem(Topic.GRANTED, name, _lacking(need.what for need in granted), "", line)
    if not lacking:
        yield ok(Topic.GRANTED, name, "it has all that is needed")


def _is_granted_by(line: str, need: Need) -> bool:
    match need.what:
        case Tag():
            return " set_user_tags " in line
        case Right(routing_key=str()) as right:
            return " set_topic_permissions " in line and right.name in line
        case _:
            return " set_permissions " in line


def _lacking(wants: Iterable[object]) -> str:
    """Return a sentence for needs, the rights of one kind together."""
    rights: dict[str, list[str]] = {}
    others: list[str] = []
    for what in wants:
        if isinstance(what, Right):
            key = "" if what.routing_key is None else f" with routing key '{what.routing_key}'"
            rights.setdefault(what.access, []).append(f"{what.kind} {what.name}{key}")
        else:
            others.append(f"the tag {what}" if isinstance(what, Tag) else str(what))
    words = [*others, *(f"{access} permission on {', '.join(names)}" for access, names in rights.items())]
    return f"it lacks {'; '.join(words)}"


def _tags(name: str, login: Login, tags: Iterable[Tag]) -> Iterator[Check]:
    for tag in tags:
        if login.tags is None:
            yield unknown(Topic.TAG, name, f"only an administrator may see if it has the tag {tag}")
        elif not login.tags & TAGS_THAT_DO[tag]:
            user = User(name=login.name, virtual_host="", tags=login.tags)
            lines = grants([Need(Over.HTTP, tag)], user)
            yield problem(Topic.TAG, name, _lacking([tag]), "", *lines)
        else:
            yield ok(Topic.TAG, name, f"it has the tag {', '.join(sorted(login.tags))}")


def _tried(name: str, login: Login, needs: list[Need], virtual_host: str, version: Version) -> Iterator[Check]:
    """Yield the checks of rights that were tried. The line to run grants all rights that the command needs."""
    rights = [need.what for need in needs if isinstance(need.what, Right)]
    on_names = [right for right in rights if right.routing_key is None]
    if not on_names:
        return
    lacking = [right for right in on_names if login.tried.get(right) is False]
    open_ = [right for right in on_names if login.tried.get(right) is None]
    if lacking:
        user = User(name=login.name, virtual_host=virtual_host)
        lines = grants([Need(Over.AMQP, right) for right in on_names], user, version=version)
        yield problem(Topic.GRANTED, name, _lacking(lacking), _REPLACES, *lines)
    if open_:
        reason = "only an administrator may read permissions, and these could not be tried"
        words = _lacking(open_).removeprefix("it lacks ")
        yield unknown(Topic.GRANTED, name, f"{words}: {reason}", "run doctor as an administrator")
    if not lacking and not open_:
        yield ok(Topic.GRANTED, name, "it has the permissions needed; each was tried in a request that must fail")
    if len(on_names) < len(rights):
        detail = "topic permissions, if it has any, are shown to administrators only"
        yield unknown(Topic.GRANTED, f"{name}: topics", detail, "run doctor as an administrator")
