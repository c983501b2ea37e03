"""Names of RabbitMQ, which may hold any character -> names for systems that take few.

A slug is the name itself where the system takes it. Any other slug is what is left of the name, and the beginning
of a hash of the whole name; so two names never share one, and a name has the same slug in each export.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

_HASH: Final = re.compile(r"[-_][0-9a-f]{10}$")
"""The end of a slug with a hash; a name with such an end gets a hash of its own."""
_MAX_READABLE: Final = 50
"""Characters of a name before its hash."""
_MAX_LABEL: Final = 63
"""Characters of a name that Kubernetes takes everywhere."""
_MAX_SUBDOMAIN: Final = 253
"""Characters of the name of a resource."""
_DNS: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def dns_name(*parts: str, shown: int | None = None) -> str:
    """Return a name for an object of Kubernetes: a DNS subdomain of RFC 1123.

    One part is a name; several are what tells an object from others, of which the first ones are `shown`.
    """
    name = parts[0]
    if len(parts) == 1 and len(name) <= _MAX_LABEL and _DNS.fullmatch(name) and not _HASH.search(name):
        return name
    readable = re.sub(r"[^a-z0-9]+", "-", "-".join(parts[:shown]).lower())[:_MAX_READABLE].strip("-")
    return f"{readable or 'x'}-{_digest(parts)}"


def identifier(*parts: str, shown: int | None = None) -> str:
    """Return a name for a resource of Terraform: letters, digits and underscores, a letter first."""
    name = parts[0]
    if len(parts) == 1 and len(name) <= _MAX_LABEL and _IDENTIFIER.fullmatch(name) and not _HASH.search(name):
        return name
    readable = re.sub(r"[^A-Za-z0-9]+", "_", "_".join(parts[:shown]))[:_MAX_READABLE].strip("_")
    if not readable[:1].isalpha():
        readable = f"x_{readable}".rstrip("_")
    return f"{readable}_{_digest(parts)}"


def is_dns_label(text: str) -> bool:
    """Return whether Kubernetes takes a text for the name of a service or of a namespace."""
    return len(text) <= _MAX_LABEL and "." not in text and _DNS.fullmatch(text) is not None


def is_dns_subdomain(text: str) -> bool:
    """Return whether Kubernetes takes a text for the name of a resource."""
    return len(text) <= _MAX_SUBDOMAIN and _DNS.fullmatch(text) is not None


def _digest(parts: tuple[str, ...]) -> str:
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:10]
