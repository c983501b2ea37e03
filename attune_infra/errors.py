"""Every expected failure: a sentence, a hint and an exit code.

    AttuneError
    ├── WrongUsage                the command line is wrong
    ├── InvalidInput              a setting, a file or a document is wrong
    │   └── NotWritten            a file or the output takes no more: no room, or read-only
    ├── PlanRefused               the plan would destroy something, or differs from the expected one
    ├── WrongTarget               the broker is another one than meant
    ├── BrokerError
    │   ├── BrokerUnreachable     no answer, or none yet; waiting may help
    │   │   ├── BrokerBlocked     an alarm: RabbitMQ takes no messages now
    │   │   ├── NoMajority        most nodes of the cluster are down: RabbitMQ changes nothing now
    │   │   └── QueueUnavailable  a worker's queue is unavailable, for instance because its node is down
    │   ├── NotRabbitMQ           another server answers
    │   │   └── StrangeAnswer     an answer has another shape than RabbitMQ's
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
    ├── DeadlinePassed            the command did not end within --deadline
    ├── SandboxError              a private broker or database cannot be started or used
    └── Interrupted               the user ended the command

Anything else that escapes is a bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import ClassVar

from attune_infra.masking import masked


class ExitCode(IntEnum):
    """Exit codes of all commands."""

    DONE = 0
    FAILED = 1
    DRIFT = 2
    PARTLY_DONE = 3
    REFUSED = 4
    WRONG_USAGE = 64
    INTERRUPTED = 130
    """SIGINT ended the process, as shells report it."""


class ErrorCode(StrEnum):
    """The kind of a failure, for machines; a value never changes its meaning."""

    WRONG_USAGE = "wrong-usage"
    INVALID_INPUT = "invalid-input"
    INVALID_DOCUMENT = "invalid-document"
    PLAN_REFUSED = "plan-refused"
    WRONG_TARGET = "wrong-target"
    BROKER_ERROR = "broker-error"
    BROKER_UNREACHABLE = "broker-unreachable"
    BROKER_BLOCKED = "broker-blocked"
    NO_MAJORITY = "no-majority"
    QUEUE_UNAVAILABLE = "queue-unavailable"
    NOT_RABBITMQ = "not-rabbitmq"
    LOGIN_REFUSED = "login-refused"
    ACCESS_REFUSED = "access-refused"
    VIRTUAL_HOST_MISSING = "virtual-host-missing"
    QUEUE_DENIED = "queue-denied"
    REQUEST_REFUSED = "request-refused"
    IN_USE = "in-use"
    FEATURE_DENIED = "feature-denied"
    REGISTRY_ERROR = "registry-error"
    REGISTRY_UNREACHABLE = "registry-unreachable"
    WORKER_NOT_REGISTERED = "worker-not-registered"
    DEADLINE_PASSED = "deadline-passed"
    SANDBOX_ERROR = "sandbox-error"
    INTERRUPTED = "interrupted"


class AttuneError(Exception):
    """An expected failure: a sentence that says what happened, and a hint that says what to do.

    The `parts` of a failure are its reasons; they end the sentence, and `text` has a line for each. All texts are
    masked: nothing secret is in them, whatever another library put into its own message.
    """

    code: ClassVar[ErrorCode]
    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    may_pass: ClassVar[bool] = False
    """True if trying again later may help."""

    def __init__(self, sentence: str, *, hint: str | None = None, parts: Sequence[str] = ()) -> None:
        self.sentence = masked(f"{sentence}: {'; '.join(parts)}" if parts else sentence)
        self.text = masked("\n  ".join((f"{sentence}:", *parts)) if parts else sentence)
        self.hint = None if hint is None else masked(hint)
        super().__init__(self.sentence)


class WrongUsage(AttuneError):
    code = ErrorCode.WRONG_USAGE
    exit_code = ExitCode.WRONG_USAGE


class InvalidInput(AttuneError):
    code = ErrorCode.INVALID_INPUT


class NotWritten(InvalidInput):
    pass


class PlanRefused(AttuneError):
    code = ErrorCode.PLAN_REFUSED
    exit_code = ExitCode.REFUSED


class WrongTarget(AttuneError):
    code = ErrorCode.WRONG_TARGET
    exit_code = ExitCode.REFUSED


class BrokerError(AttuneError):
    code = ErrorCode.BROKER_ERROR


class BrokerUnreachable(BrokerError):
    code = ErrorCode.BROKER_UNREACHABLE
    may_pass = True


class BrokerBlocked(BrokerUnreachable):
    code = ErrorCode.BROKER_BLOCKED


class NoMajority(BrokerUnreachable):
    code = ErrorCode.NO_MAJORITY


class QueueUnavailable(BrokerUnreachable):
    code = ErrorCode.QUEUE_UNAVAILABLE


class NotRabbitMQ(BrokerError):
    code = ErrorCode.NOT_RABBITMQ


class StrangeAnswer(NotRabbitMQ):
    pass


class LoginRefused(BrokerError):
    code = ErrorCode.LOGIN_REFUSED


class AccessRefused(BrokerError):
    code = ErrorCode.ACCESS_REFUSED


class VirtualHostMissing(BrokerError):
    code = ErrorCode.VIRTUAL_HOST_MISSING


class QueueDenied(BrokerError):
    code = ErrorCode.QUEUE_DENIED


class RequestRefused(BrokerError):
    code = ErrorCode.REQUEST_REFUSED


class InUse(RequestRefused):
    code = ErrorCode.IN_USE


class FeatureDenied(BrokerError):
    code = ErrorCode.FEATURE_DENIED

    def __init__(self, sentence: str, *, hint: str | None = None, feature: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.feature = feature


class RegistryError(AttuneError):
    code = ErrorCode.REGISTRY_ERROR


class RegistryUnreachable(RegistryError):
    code = ErrorCode.REGISTRY_UNREACHABLE
    may_pass = True


class WorkerNotRegistered(RegistryError):
    code = ErrorCode.WORKER_NOT_REGISTERED


class DeadlinePassed(AttuneError):
    code = ErrorCode.DEADLINE_PASSED
    may_pass = True


class SandboxError(AttuneError):
    code = ErrorCode.SANDBOX_ERROR


class Interrupted(AttuneError):
    code = ErrorCode.INTERRUPTED
    exit_code = ExitCode.INTERRUPTED
