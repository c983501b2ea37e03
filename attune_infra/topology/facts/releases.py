"""RabbitMQ's releases, as far as what they do differs."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from attune_infra.errors import WrongUsage

Version: TypeAlias = tuple[int, int]
"""Major and minor: patches do not differ in what is asked here."""

NEWEST: Final[Version] = (4, 3)
"""The newest that was tried."""


def version_of(text: str) -> Version:
    """Return the release of a version such as `4.3` or `3.10.8`; raise `WrongUsage` if it is none."""
    found = re.match(r"([0-9]{1,4})\.([0-9]{1,4})(?![0-9])", text)
    if found is None:
        raise WrongUsage(f"'{text}' is no version of RabbitMQ", hint="write it as 4.3, or 3.10")
    return int(found[1]), int(found[2])
