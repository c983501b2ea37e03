"""Users of a broker, and the hashes that it keeps of their passwords."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.model.secrets import SecretReference

SHA256: Final = "rabbit_password_hashing_sha256"
"""The algorithm that RabbitMQ uses unless it is told another one."""


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """The salted hash of a password in base64, as secret as the password; an empty one lets no password in."""

    text: str = field(repr=False)
    algorithm: str = field(default=SHA256, repr=False)


NO_PASSWORD: Final = PasswordHash("")


def whose_password(user: str) -> str:
    """Return the beginning of a sentence about the password of a user."""
    return f"the password of user '{user}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of the whole broker, not of one virtual host.

    Without a `password`, the one that the broker has is left alone, and a new user gets none. A user that a broker
    reports has the hash of its password. A limit that is missing is none.
    """

    name: str
    tags: frozenset[str] = frozenset()
    password: SecretReference | PasswordHash | None = None
    limits: Mapping[str, int] = field(default_factory=dict, hash=False)
