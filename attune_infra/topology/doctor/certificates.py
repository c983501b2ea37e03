"""Certificates that were seen of servers and in files; `metrics` needs no more of what `doctor` sees."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attune_infra.dataclass import dataclass
from attune_infra.errors import AttuneError


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and the days of its life."""

    title: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """The TLS of a server: its certificates, leaf first, and the reasons for which a client refuses them."""

    certificates: Sequence[Certificate]
    untrusted: str | None = None
    """The reason for which the chain cannot be verified; None if it can."""
    other_name: str | None = None
    """The reason for which the certificate is not one of the host; None if it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFile:
    """A file of certificates, or a pair of certificate and key, of this machine."""

    title: str
    certificates: Sequence[Certificate] | AttuneError
    key: bool | AttuneError | None = None
    """True if the key belongs to the certificate; None if the file needs no key."""
