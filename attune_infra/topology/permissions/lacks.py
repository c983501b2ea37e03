"""Needs that a user lacks, each with the line that grants it, and the lines that grant all of them at once."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.patterns import escape
from attune_infra.topology.facts.permissions import Access, Patterns, Right, Tag, User
from attune_infra.topology.facts.releases import NEWEST, Version
from attune_infra.topology.permissions.needs import Entry, Need, Over, Privilege

_PLAIN_ROLE: Final = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Lack:
    """A need that a user lacks, in words, and the line that grants it and keeps what the user has."""

    need: Need
    sentence: str
    grant: str


def lacks(needs: Iterable[Need], user: User, *, version: Version = NEWEST) -> tuple[Lack, ...]:
    """Return the needs of one connection of RabbitMQ that its user lacks.

    Each line of `rabbitmqctl` replaces what an earlier one has set: to grant several, use `grants`.
    """
    lacking = [need for need in needs if not _has(user, need, version)]
    return tuple(
        Lack(need, f"user '{user.name}' lacks {need}", line)
        for need in lacking
        for line in grants([need], user, version=version)[-1:]
    )


def grants(needs: Iterable[Need], user: User, *, version: Version = NEWEST) -> tuple[str, ...]:
    """Return the lines of `rabbitmqctl` that grant a user those needs that are lacking, and keep all else."""
    lacking = [need.what for need in needs if not _has(user, need, version)]
    tags = [what for what in lacking if isinstance(what, Tag)]
    rights = [what for what in lacking if isinstance(what, Right)]
    on_names = [right for right in rights if right.routing_key is None]
    lines = [_tags_line(user, tags)] if tags else []
    if on_names or Entry() in lacking:
        lines.append(_permissions_line(user, on_names))
    by_topic: dict[str, list[Right]] = {}
    for right in rights:
        if right.routing_key is not None:
            by_topic.setdefault(right.name, []).append(right)
    lines += [_topic_line(user, exchange, lacked) for exchange, lacked in by_topic.items()]
    return tuple(lines)


def grant_in_postgres(privileges: Iterable[Privilege], role: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return the statements that grant privileges to a role; `names` has the names of `database` and `schema`."""
    by_object: dict[tuple[str, str], list[str]] = {}
    for privilege in privileges:
        by_object.setdefault((privilege.kind, privilege.object), []).append(privilege.name)
    return tuple(
        f"GRANT {', '.join(found)} ON {kind.upper()} {_identifier(kind, name, names)} TO {quote_role(role)};"
        for (kind, name), found in by_object.items()
    )


def quote_role(name: str) -> str:
    """Return an identifier of PostgreSQL, quoted unless it is plain."""
    return name if _PLAIN_ROLE.fullmatch(name) else '"{}"'.format(name.replace('"', '""'))


def _identifier(kind: str, name: str, names: Mapping[str, str]) -> str:
    if kind in names:
        return quote_role(names[kind])
    schema = f"{quote_role(names['schema'])}." if "schema" in names else ""
    return f"{schema}{quote_role(name)}"


def pattern_for(names: Iterable[str], before: str = "") -> str:
    """Return a regular expression for exactly these names, and for those of the pattern before.

    The new names come first: options such as `(?x)` of the old pattern do not reach them.
    """
    wanted = sorted(set(names))
    if not wanted:
        return before
    own = f"^({'|'.join(map(escape, wanted))})$" if len(wanted) > 1 else f"^{escape(wanted[0])}$"
    if not before:
        return own
    return f"{own.replace('^(', '^(?:', 1) if len(wanted) > 1 else own}|{before}"


def _has(user: User, need: Need, version: Version) -> bool:
    match need.what:
        case Tag() as tag:
            return user.has_tag(tag)
        case Entry():
            sees_all = need.over is Over.HTTP and user.has_tag(Tag.ADMINISTRATOR)
            return sees_all or user.patterns is not None
        case Right() as right:
            return user.has_right(right, version)
        case Privilege():
            return True  # no matter of RabbitMQ


def _tags_line(user: User, tags: Sequence[Tag]) -> str:
    return _line("set_user_tags", user.name, *sorted({*user.tags, *tags}))


def _permissions_line(user: User, rights: Sequence[Right]) -> str:
    before = user.patterns or Patterns()
    patterns = (
        pattern_for((right.name for right in rights if right.access is access), before.of(access))
        for access in Access
    )
    return _line("set_permissions", "-p", user.virtual_host, user.name, *patterns)


def _topic_line(user: User, exchange: str, lacked: Sequence[Right]) -> str:
    """Return the line for the routing keys that a user with topic permissions on an exchange lacks."""
    before = user.topics[exchange]
    write, read = (
        pattern_for((right.routing_key or "" for right in lacked if right.access is access), before.of(access))
        for access in (Access.WRITE, Access.READ)
    )
    return _line("set_topic_permissions", "-p", user.virtual_host, user.name, exchange, write, read)


def _line(*words: str) -> str:
    return shlex.join(("rabbitmqctl", *words))
