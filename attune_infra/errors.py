"""Every expected failure: a sentence, a hint and an exit code.

    AttuneError
    ├── WrongUsage                the command line is wrong
    ├── InvalidInput              a setting, a file or a document is wrong
    ├── PlanRefused               the plan would destroy something, or differs from the expected one
    ├── WrongTarget               the broker is another one than meant
    ├── BrokerError
    │   ├── BrokerUnreachable     no answer, or none yet; waiting may help
    │   │   └── QueueUnavailable  a worker's queue is unavailable, for instance because its node is down
    │   ├── NotRabbitMQ           another server answers
    │   ├── LoginRefused          the user is unknown or the password wrong
    │   ├── AccessRefused         the user lacks a permission or a tag
    │   ├── VirtualHostMissing    the virtual host does not exist, or not for this user
    │   ├── QueueDenied           a worker may not use its own queue
    │   ├── RequestRefused        RabbitMQ understood a request and refused it
    │   │   └── InUse             the object is not empty, or is in use
    │   └── FeatureDenied         RabbitMQ does not allow a deprecated feature
    ├── RegistryError             the database failed or refused a request
    │   ├── RegistryUnreachable   no answer, or none yet; waiting may help
    │   └── WorkerNotRegistered   the registry has no worker with this id
    └── SandboxError              a private broker or database cannot be started or used

Anything else that escapes is a bug and keeps its traceback.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit codes of all commands."""

    DONE = 0
    FAILED = 1
    DRIFT = 2
    PARTLY_DONE = 3
    REFUSED = 4
    WRONG_USAGE = 64


class AttuneError(Exception):
    """An expected failure: a sentence that says what happened, and a hint that says what to do."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    may_pass: ClassVar[bool] = False
    """True if trying again later may help."""

    def __init__(self, sentence: str, *, hint: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class WrongUsage(AttuneError):
    exit_code = ExitCode.WRONG_USAGE


class InvalidInput(AttuneError):
    pass


class PlanRefused(AttuneError):
    exit_code = ExitCode.REFUSED


class WrongTarget(AttuneError):
    exit_code = ExitCode.REFUSED


class BrokerError(AttuneError):
    pass


class BrokerUnreachable(BrokerError):
    may_pass = True


class QueueUnavailable(BrokerUnreachable):
    pass


class NotRabbitMQ(BrokerError):
    pass


class LoginRefused(BrokerError):
    pass


class AccessRefused(BrokerError):
    pass


class VirtualHostMissing(BrokerError):
    pass


class QueueDenied(BrokerError):
    pass


class RequestRefused(BrokerError):
    pass


class InUse(RequestRefused):
    pass


class FeatureDenied(BrokerError):
    def __init__(self, sentence: str, *, hint: str | None = None, feature: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.feature = feature


class RegistryError(AttuneError):
    pass


class RegistryUnreachable(RegistryError):
    may_pass = True


class WorkerNotRegistered(RegistryError):
    pass


class SandboxError(AttuneError):
    pass
