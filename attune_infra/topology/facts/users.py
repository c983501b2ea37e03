"""Users: the names, tags, limits and hashes of passwords that RabbitMQ takes, and the passwords that fit a hash.

Tried on 3.10, 4.0 and 4.3, which agree but for one thing: a new user without a password gets a random one before
4.3. A request without the password of a user removes it, one without a limit leaves the limit. RabbitMQ takes tags
that are not ASCII and shows others, and takes any text for an algorithm and then lets nobody in.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Mapping
from typing import Final

from attune_infra.topology.facts.controls import NO_LIMIT
from attune_infra.topology.facts.names import user_name_problem
from attune_infra.topology.model import SHA256, PasswordHash, SecretReference, User, whose_password
from attune_infra.topology.words import either, guess

USER_LIMITS: Final = ("max-connections", "max-channels")
"""The limits of a user."""

KNOWN_TAGS: Final = frozenset({"management", "policymaker", "monitoring", "administrator", "impersonator"})
"""The tags that mean something to RabbitMQ itself."""

_SIZES: Final[Mapping[str, int]] = {
    SHA256: 32,
    "rabbit_password_hashing_sha512": 64,
    "rabbit_password_hashing_md5": 16,
}
"""Bytes of a hash, by the algorithm; its name ends with that of Python's."""
ALGORITHMS: Final = tuple(_SIZES)
"""The algorithms of the hashes of passwords."""

_SALT_BYTES: Final = 4
_MAX_TAG: Final = 255
"""Characters of a tag; RabbitMQ fails for a longer one."""


def user_problems(user: User) -> Iterator[tuple[str, str]]:
    """Yield the problems of a user: the attribute at fault, and a sentence. None quotes a hash."""
    if what := user_name_problem(user.name):
        yield "name", f"the name of the user {what}"
    for tag in sorted(user.tags):
        if what := _tag_problem(tag):
            yield "tags", f"a tag {what}"
    for name, value in user.limits.items():
        if name not in USER_LIMITS:
            yield name, f"expected {either(USER_LIMITS)}, got '{name}'{guess(name, USER_LIMITS)}"
        elif value < NO_LIMIT:
            yield name, f"{name} expects {NO_LIMIT} (no limit) or more, got {value}"
    if isinstance(user.password, PasswordHash) and user.password.text:
        yield from _hash_problems(user.password)


def _tag_problem(tag: str) -> str | None:
    if not tag:
        return "is empty"
    if not tag.isascii():
        return f"is '{tag}'; RabbitMQ garbles tags that are not ASCII"
    if tag != tag.strip(" "):
        return f"is '{tag}'; RabbitMQ drops the spaces around it"
    return f"is longer than {_MAX_TAG} characters" if len(tag) > _MAX_TAG else None


def _hash_problems(found: PasswordHash) -> Iterator[tuple[str, str]]:
    size = _SIZES.get(found.algorithm)
    if size is None:
        close = guess(found.algorithm, ALGORITHMS)
        yield "hashing_algorithm", f"expected {either(ALGORITHMS)}, got '{found.algorithm}'{close}"
        return
    size += _SALT_BYTES
    if len(_decoded(found.text)) != size:
        yield "password_hash", f"the password hash must be the base64 of {size} bytes: a salt of 4, and the hash"


def fits(password: str, found: PasswordHash) -> bool:
    """Return whether a password has a hash; none has an empty hash, or one of an unknown algorithm."""
    raw = _decoded(found.text)
    if found.algorithm not in _SIZES or len(raw) <= _SALT_BYTES:
        return False
    import hashlib  # loads OpenSSL, which most commands do without
    from hmac import compare_digest

    salted = raw[:_SALT_BYTES] + password.encode()
    digest = hashlib.new(found.algorithm.rpartition("_")[2], salted, usedforsecurity=False).digest()
    return compare_digest(digest, raw[_SALT_BYTES:])


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (Error, ValueError):
        return b""


def has_password(have: User, want: User) -> bool:
    """Return whether a user has the wanted password; raise `InvalidInput` if that was not read."""
    match want.password, have.password:
        case None, _:
            return True
        case PasswordHash(text=""), found:
            return not isinstance(found, PasswordHash) or not found.text
        case SecretReference() as reference, PasswordHash() as found:
            return fits(reference.reveal(whose_password(want.name)), found)
        case wanted, found:
            return wanted == found
