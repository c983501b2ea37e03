"""Users of the whole broker, over HTTP. Passwords and hashes go in bodies only, which nothing logs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from attune_infra.broker import answers
from attune_infra.errors import RequestRefused, VirtualHostMissing
from attune_infra.masking import remember_password
from attune_infra.topology.facts.controls import NO_LIMIT
from attune_infra.topology.facts.users import fits
from attune_infra.topology.model import (
    NO_PASSWORD,
    SHA256,
    PasswordHash,
    SecretReference,
    User,
    whose_password,
)

if TYPE_CHECKING:
    from attune_infra.broker.http.management import Management
    from attune_infra.broker.wire import Json

_ADMINISTRATOR = "administrator"


def put_user(http: Management, want: User, own: Collection[str]) -> bool:
    """Create a user or change it, and return True if it is new; a password that fits, or is not wanted, stays.

    Raise `RequestRefused` for a change that would shut out this command itself, which runs as `own` users.
    """
    have = _user(http, want.name)
    password = _kept_password(have, want)
    if want.name in own and have is not None:
        if password is None:
            raise RequestRefused("this command itself logs in with its password", hint="change it by hand")
        if _ADMINISTRATOR in have.tags - want.tags:
            raise RequestRefused("this command itself needs its tag administrator", hint="keep the tag")
    body: dict[str, object] = {"tags": sorted(want.tags), "limits": dict(want.limits)}
    if password is None and isinstance(want.password, SecretReference):
        body["password"] = want.password.reveal(whose_password(want.name))
    else:
        hashed = password or want.password
        assert isinstance(hashed, PasswordHash)  # noqa: S101 - the only kind that is left
        remember_password(hashed.text)
        body |= {"password_hash": hashed.text, "hashing_algorithm": hashed.algorithm}
    is_new = http.put("users", want.name, body=body)
    for name, value in have.limits.items() if have else ():
        if value > NO_LIMIT and name not in want.limits:
            with suppress(VirtualHostMissing):  # a 404: another client deleted it first
                http.delete("user-limits", want.name, name)
    return is_new


def _kept_password(have: User | None, want: User) -> PasswordHash | None:
    """Return the hash to set again, since a request without one removes the password; None for a new password."""
    found = have.password if have else NO_PASSWORD
    assert isinstance(found, PasswordHash)  # noqa: S101 - the broker tells a hash
    match want.password:
        case None:
            return found
        case SecretReference() as reference:
            return found if fits(reference.reveal(whose_password(want.name)), found) else None
        case wanted:
            return found if have is not None and wanted == found else None


def _user(http: Management, name: str) -> User | None:
    try:
        answer = http.get("users", name, shape=answers.USER_IN_FULL)
    except VirtualHostMissing:  # a 404: there is none
        return None
    return next(users_from([answer]))


def users_from(listing: Iterable[Json]) -> Iterator[User]:
    for item in listing:
        tags = item["tags"] if isinstance(item["tags"], list) else item["tags"].split(",")
        yield User(
            name=item["name"],
            tags=frozenset(tag for tag in tags if tag),
            password=PasswordHash(item["password_hash"], item.get("hashing_algorithm", SHA256)),
            limits=dict(item.get("limits", ())),
        )
