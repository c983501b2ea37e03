"""The operator's users -> their names, and where their passwords are. No password is read.

The operator takes both from a Secret, in which a hash counts more than a password. It makes what the Secret lacks.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Mapping, Sequence

import yaml

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.foreign.kubernetes.resource import GROUP, Resource
from attune_infra.topology.document.foreign.kubernetes.write import CREDENTIALS
from attune_infra.topology.document.sections.objects import Objects
from attune_infra.topology.document.sections.secrets import password_variable
from attune_infra.topology.model import NO_PASSWORD, PasswordHash, SecretReference

_HASH, _PASSWORD = "passwordHash", "password"


@dataclass(frozen=True, slots=True)
class Login:
    """A user: the name, the reference to the password if a document can hold one, and where the password is."""

    name: str
    password: SecretReference | PasswordHash | None
    where: str


def read_logins(document: Objects, resources: Sequence[Resource]) -> dict[str, Login]:
    """Return the users whose names a status or a Secret of the file tells, by the name of their resource."""
    secrets = {each.name: each for each in resources if each.kind == "Secret"}
    found: dict[str, Login] = {}
    for each in resources:
        if each.kind == "User" and each.group == GROUP:
            named = name_of_secret(document, each)
            values = dict(_values(document, secrets[named])) if named in secrets else None
            status = document.entries(each.members.get("status"), "status").get("username")
            name = (document.string(status.value, "") if status else "") or (values or {}).get("username", "")
            if name:
                found[each.name] = _login(name, named, values)
    return found


def name_of_secret(document: Objects, user: Resource) -> str:
    """Return the name of the Secret that a user is imported from; empty if the operator makes one."""
    spec = document.entries(user.members.get("spec"), f"the spec of {user.what}")
    named = document.entries(spec[CREDENTIALS].value if CREDENTIALS in spec else None, CREDENTIALS).get("name")
    return document.string(named.value, "") if named else ""


def _login(name: str, secret: str, values: Mapping[str, str] | None) -> Login:
    place = f"they are in Secret '{secret}'"
    if not secret or (values is not None and not {_HASH, _PASSWORD} & values.keys()):
        return Login(name, None, "the operator makes them")
    if values is not None and _HASH in values:
        if not values[_HASH]:
            return Login(name, NO_PASSWORD, "")
        return Login(name, None, f"{place}, as a hash: write it as password_hash")
    reference = password_variable(name)
    return Login(name, reference, f"{place}: set {reference.words[0]} to it")


def _values(document: Objects, secret: Resource) -> Iterator[tuple[str, str]]:
    """Yield the values of a Secret that are read: the name, and whether there is a hash; a password is empty."""
    for section in ("data", "stringData"):
        for key, entry in document.entries(secret.members.get(section), section).items():
            if key == "username":
                text = document.string(entry.value, "")
                yield key, _decoded(text) if section == "data" else text
            elif key == _HASH:
                is_empty = isinstance(entry.value, yaml.ScalarNode) and not entry.value.value
                yield key, "" if is_empty else _HASH
            elif key == _PASSWORD:
                yield key, ""


def _decoded(text: str) -> str:
    try:
        return b64decode(text).decode()
    except (Error, ValueError):
        return ""
