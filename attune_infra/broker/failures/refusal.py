"""Refusals of a declaration: a code for the program, and RabbitMQ's own words for people.

AMQP's reply codes leave two questions open, which only the text answers: a 404 of a queue whose node is down, and
a 541 of a deprecated feature. `refusal_of` is the one place that reads the text.
"""

from __future__ import annotations

from enum import StrEnum

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts import features


class Code(StrEnum):
    """The kind of a refusal."""

    FORBIDDEN = "forbidden"
    """403: the user lacks a permission, or the name is reserved."""
    MISSING = "missing"
    """404: no such exchange or queue."""
    UNAVAILABLE = "unavailable"
    """404: the queue exists, but the node that holds it is down."""
    LOCKED = "locked"
    """405: another connection holds a queue of that name."""
    DIFFERS = "differs"
    """406: the existing object differs, or an argument is invalid."""
    FEATURE_DENIED = "feature denied"
    """541: the broker denies a deprecated feature."""
    NO_ANSWER = "no answer"
    NO_MAJORITY = "no majority"
    """No answer, because most nodes of the cluster are down."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why something was not declared; `feature` is the deprecated feature that was denied, if any."""

    code: Code
    text: str
    feature: str | None = None

    @property
    def is_exclusive_use(self) -> bool:
        """True if another consumer has the queue alone."""
        return self.code is Code.FORBIDDEN and "exclusive use" in self.text


_CODES = {403: Code.FORBIDDEN, 404: Code.MISSING, 405: Code.LOCKED, 406: Code.DIFFERS}
_NO_SUCH_OBJECT = "NOT_FOUND - no "


def refusal_of(error: Exception) -> Refusal:
    """Return the reason for which RabbitMQ closed a channel or connection, in its own words."""
    from attune_infra.broker.failures.plain_words import plain_words

    words = getattr(error, "reply_text", None) or str(error) or type(error).__name__
    text = " ".join(str(words).split())
    if feature := features.denied_in(text):
        return Refusal(Code.FEATURE_DENIED, features.denied(feature).sentence, feature)
    code = _CODES.get(getattr(error, "reply_code", None) or 0, Code.OTHER)
    if code is Code.MISSING and not text.startswith(_NO_SUCH_OBJECT):
        code = Code.UNAVAILABLE
    return Refusal(code, plain_words(text))


def no_answer(seconds: float) -> Refusal:
    """Return the reason for a question that the broker did not answer in time."""
    return Refusal(Code.NO_ANSWER, f"no answer within {seconds:g} s")
