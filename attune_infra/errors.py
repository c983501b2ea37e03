"""Every expected failure: a sentence, a hint and an exit code.

    AttuneError
    ├── WrongUsage              the command line itself is wrong
    ├── InvalidInput            a setting, a file or a document is wrong
    ├── PlanRefused             it would destroy something, or is not the plan that was looked at
    ├── BrokerError
    │   ├── BrokerUnreachable   nobody answers, or not yet: waiting may help
    │   │   └── QueueUnavailable  a worker cannot have its queue now: its node may be down
    │   ├── NotRabbitMQ         somebody else answers
    │   ├── LoginRefused        unknown user, wrong password
    │   ├── AccessRefused       known user, missing permission or tag
    │   ├── VirtualHostMissing  the virtual host is not there, or not for this user
    │   ├── QueueDenied         a worker may not have its own queue
    │   ├── RequestRefused      the broker understood and said no
    │   │   └── InUse           the object is not empty, or is in use
    │   └── FeatureDenied       it does not allow, or no longer, what is deprecated
    ├── RegistryError
    │   ├── RegistryUnreachable nobody answers, or not yet: waiting may help
    │   └── WorkerNotRegistered an id that the registry does not hold
    └── SandboxError            a private broker or database could not be had

Anything else that escapes is a bug and keeps its traceback.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the exit code of a command says."""

    DONE = 0
    FAILED = 1
    DRIFT = 2
    PARTLY_DONE = 3
    REFUSED = 4
    WRONG_USAGE = 64


class AttuneError(Exception):
    """An expected failure: what happened, and what to do next."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    may_pass: ClassVar[bool] = False
    """Whether waiting and trying again may help."""

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
