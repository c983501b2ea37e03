"""RabbitMQ's releases, and the first of them to behave in a new way.

The sentence below each `FIRST_...` is true of that release and all later ones.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from attune_infra.errors import WrongUsage
from attune_infra.topology import model

Version: TypeAlias = model.Version

OLDEST: Final[Version] = (3, 10)
"""The oldest release that this tool was tried on."""

NEWEST: Final[Version] = (4, 3)
"""The newest release that this tool was tried on."""

FIRST_WITH_DEFAULT_QUEUE_TYPE: Final[Version] = (3, 11)
"""A virtual host has a default queue type, and gives it to queues declared without a type."""

FIRST_WITH_CONSUMER_TIMEOUT: Final[Version] = (3, 12)
"""A queue or policy can set a consumer timeout; before, only the broker's configuration could."""

FIRST_WITHOUT_QUEUE_MODE: Final[Version] = (3, 12)
"""Classic queues always keep messages on disk, and the queue mode has no effect."""

FIRST_WITH_POLICIES_BY_QUEUE_TYPE: Final[Version] = (3, 12)
"""A policy can be limited to queues of one type."""

FIRST_WITH_TARGET_GROUP_SIZE: Final[Version] = (3, 13)
"""A quorum queue has a target group size, and RabbitMQ adds replicas until it is reached."""

FIRST_WITH_STREAM_FILTERS: Final[Version] = (3, 13)
"""A stream keeps a filter for each chunk, of a size that can be set."""

FIRST_DEPRECATING_TRANSIENT_QUEUES: Final[Version] = (3, 13)
"""RabbitMQ deprecates queues that are neither durable nor exclusive."""

FIRST_LISTING_DEPRECATED_FEATURES: Final[Version] = (3, 13)
"""The management API lists deprecated features, and those in use."""

FIRST_WITH_DEFAULT_DELIVERY_LIMIT: Final[Version] = (4, 0)
"""A quorum queue has a delivery limit of 20 unless another is set; -1 stands for no limit."""

FIRST_TELLING_LEADERS: Final[Version] = (4, 0)
"""The management API tells everyone the state of each member of a quorum queue."""

FIRST_WITH_RETURNS_IN_PLACE: Final[Version] = (4, 0)
"""A quorum queue puts a message that was given back at its old place; before, at the end."""

FIRST_WITH_UNLIMITED_DELIVERIES: Final[Version] = (4, 0)
"""A delivery limit of -1 stands for no limit, also in policies; before, it drops a message that fails once."""

FIRST_WITH_SHORTER_EXPIRY_ON_QUORUM: Final[Version] = (4, 0)
"""If an argument and a policy make a quorum queue expire, the shorter expiry counts; before, the policy's."""

FIRST_WITH_LAST_DEATH: Final[Version] = (4, 0)
"""A dead letter carries headers about its last death, not only about its first."""

FIRST_WITH_STRICT_NUMBERS: Final[Version] = (4, 0)
"""A headers exchange tells the integer 1 from the float 1.0."""

FIRST_WITH_STRICT_SELECTORS: Final[Version] = (4, 0)
"""A binding from an x-jms-topic exchange must have a JMS selector; before, one without it matched nothing."""

FIRST_WITHOUT_MIRRORING: Final[Version] = (4, 0)
"""There are no mirrored classic queues, and RabbitMQ refuses policies that ask for them."""

FIRST_WITH_LOCAL_RANDOM_EXCHANGES: Final[Version] = (4, 0)
"""RabbitMQ has exchanges of the type x-local-random; no plugin adds them to older releases."""

FIRST_WITH_CLASSIC_LEADER_LOCATOR: Final[Version] = (4, 0)
"""A classic queue can have x-queue-leader-locator."""

FIRST_DEPRECATING_MASTER_LOCATOR: Final[Version] = (4, 0)
"""RabbitMQ deprecates x-queue-master-locator."""

FIRST_WITH_KHEPRI: Final[Version] = (4, 0)
"""The metadata store may be Khepri, if the feature flag khepri_db is enabled."""

FIRST_WITH_KHEPRI_ONLY: Final[Version] = (4, 3)
"""The metadata store is Khepri."""

FIRST_WITHOUT_MASTER_LOCATOR: Final[Version] = (4, 3)
"""RabbitMQ denies x-queue-master-locator by default."""

FIRST_TAKING_BYTE_ORDER_MARKS: Final[Version] = (4, 3)
"""RabbitMQ loads definitions that begin with a byte order mark, as it did before 4.0."""

FIRST_WITH_STRICT_JSON: Final[Version] = (4, 0)
"""RabbitMQ refuses definitions with a comma after the last item, or with half of a surrogate pair."""

FIRST_REFUSING_LOOSE_BINDINGS: Final[Version] = (4, 0)
"""RabbitMQ refuses definitions with a binding of an undeclared queue or exchange; before, it dropped it."""

FIRST_WITH_QUEUE_DEFAULTS: Final[Version] = (4, 0)
"""A queue in definitions may lack `durable` and `auto_delete`."""

FIRST_WITH_EXCHANGE_DEFAULTS: Final[Version] = (4, 3)
"""An exchange in definitions may lack `durable`."""

FIRST_KEEPING_TRANSIENT_EXCHANGES: Final[Version] = (4, 3)
"""Transient exchanges and their bindings survive a restart of the broker."""

FIRST_DELETING_AUTO_DELETE_IN_A_RESTART: Final[Version] = (4, 3)
"""A restart that deletes the last queue of an auto-delete exchange deletes the exchange too; before, it stayed."""

FIRST_WITHOUT_QUEUE_VERSION_1: Final[Version] = (4, 3)
"""Classic queues have version 2 only."""

FIRST_WITH_FREE_RETURNS: Final[Version] = (4, 3)
"""A quorum queue counts no failed delivery for a message that a consumer gives back with basic.nack."""

FIRST_WITH_DELAYED_RETRY: Final[Version] = (4, 3)
"""A quorum queue can make returned messages wait before it delivers them again."""

FIRST_WITH_DISCONNECTED_TIMEOUT: Final[Version] = (4, 3)
"""A quorum queue can have a timeout for consumers on a lost node."""

FIRST_WITH_PCRE2: Final[Version] = (4, 3)
"""Patterns of policies are those of PCRE 2, in which no byte beyond ASCII is a letter.

That is a matter of Erlang, which has PCRE 2 since version 28; RabbitMQ 4.3 usually runs on such a one.
"""

FIRST_WITH_ARGUMENTS_OF_ONE_TYPE: Final[Version] = (4, 3)
"""RabbitMQ refuses some arguments on queues of a type that cannot use them; before, it ignored them."""

FIRST_COMPARING_AGES_BY_LENGTH: Final[Version] = (4, 3)
"""On redeclaration of a stream the ages 1D and 24h are the same; before, RabbitMQ compared the texts."""

FIRST_WITH_FEWER_HASHES: Final[Version] = (4, 3)
"""RabbitMQ refuses a topic key with more than two words `#`."""

FIRST_EXPORTING_BINDINGS_WITHOUT_ENDS: Final[Version] = (4, 3)
"""Exported definitions hold the bindings of private queues and of internal exchanges, but not these themselves."""


def is_between(version: Version, since: Version, until: Version | None) -> bool:
    """Return whether a release is `since` or later, and before `until` if that is given."""
    return since <= version and (until is None or version < until)


def version_of(text: str) -> Version:
    """Return the release of a version such as `4.3` or `3.10.8`; raise `WrongUsage` for any other text."""
    found = re.match(r"([0-9]{1,4})\.([0-9]{1,4})(?![0-9])", text)
    if found is None:
        raise WrongUsage(f"'{text}' is not a version of RabbitMQ", hint="write it as 4.3, or 3.10")
    return int(found[1]), int(found[2])


def version_text(version: Version) -> str:
    """Return a release as RabbitMQ writes it, such as `4.3`."""
    return f"{version[0]}.{version[1]}"
