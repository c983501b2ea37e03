"""YAML nodes <-> users. No problem quotes a password or a hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import yaml

from attune_infra.topology.document.keys import USER_KEYS
from attune_infra.topology.document.sections.objects import Objects, Parts
from attune_infra.topology.document.sections.secrets import read_reference, write_reference
from attune_infra.topology.facts.controls import NO_LIMIT
from attune_infra.topology.model import (
    NO_PASSWORD,
    SHA256,
    Argument,
    PasswordHash,
    SecretReference,
    User,
    whose_password,
)

NONE: Final = "none"
"""The password of a user who has none."""


def read_users(document: Objects, node: yaml.Node | None) -> Iterator[User]:
    """Yield the users of a document; report their problems."""
    for name, entry in document.entries(node, "users").items():
        keys = document.mapping(entry.value, f"user '{name}'", USER_KEYS)
        limits = document.entries(keys.get("limits"), f"limits of user '{name}'")
        user = User(
            name=name,
            tags=_tags(document, name, keys.get("tags")),
            password=_password(document, name, keys),
            limits={limit: document.integer(each.value, NO_LIMIT) for limit, each in limits.items()},
        )
        parts = Parts(entry.key, keys, limits)
        document.judge(user, parts)
        document.note(user, parts)
        yield user


def _tags(document: Objects, name: str, node: yaml.Node | None) -> frozenset[str]:
    found: list[str] = []
    for item in document.sequence(node, f"tags of user '{name}'"):
        tag = document.string(item, "")
        if tag in found:
            document.problem(item, f"duplicate tag '{tag}'")
        found.append(tag)
    return frozenset(found)


def _password(
    document: Objects, name: str, keys: Mapping[str, yaml.Node]
) -> SecretReference | PasswordHash | None:
    password, hashed, algorithm = (keys.get(key) for key in ("password", "password_hash", "hashing_algorithm"))
    if password is not None and hashed is not None:
        document.problem(hashed, f"user '{name}' has a password and a password_hash; give one of them")
    if algorithm is not None and hashed is None:
        document.problem(algorithm, f"user '{name}' has a hashing_algorithm without a password_hash")
    if hashed is not None:
        text = str(hashed.value) if isinstance(hashed, yaml.ScalarNode) else ""
        if not text:
            document.problem(hashed, "password_hash expects a text in base64")
        return PasswordHash(text, document.string(algorithm, SHA256))
    if isinstance(password, yaml.ScalarNode) and password.value == NONE:
        return NO_PASSWORD
    return None if password is None else read_reference(document, password, whose_password(name))


def write_users(users: Mapping[str, User]) -> dict[str, Argument]:
    """Return the section of a document that declares users."""
    return {name: _written(user) for name, user in sorted(users.items())}


def _written(user: User) -> dict[str, Argument]:
    found: dict[str, Argument] = {}
    if user.tags:
        found["tags"] = list[Argument](sorted(user.tags))
    match user.password:
        case SecretReference() as reference:
            found["password"] = write_reference(reference)
        case PasswordHash(text=""):
            found["password"] = NONE
        case PasswordHash() as hashed:
            found["password_hash"] = hashed.text
            if hashed.algorithm != SHA256:
                found["hashing_algorithm"] = hashed.algorithm
    if user.limits:
        found["limits"] = dict[str, Argument](sorted(user.limits.items()))
    return found
