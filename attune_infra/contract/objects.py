"""Objects of a topology, their places, and what differs or is lost."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from attune_infra.contract.words import Arguments, EndKind, Json, ObjectKind, OneOf, Url


class OddKeyData(TypedDict):
    """A mark for a routing key that is missing or not a string."""

    routing_key_is_string: NotRequired[
        Annotated[bool, "False if the routing key is missing or no string; `routing_key` is its JSON then."]
    ]


class ObjectData(OddKeyData):
    """The keys that identify an object: a name, or for a binding its ends, its routing key and its arguments."""

    kind: Annotated[ObjectKind, "Kind of the object."]
    name: NotRequired[Annotated[str, "Name of the object; bindings have none."]]
    source: NotRequired[Annotated[str, "Exchange of a binding."]]
    destination: NotRequired[Annotated[str, "Queue or exchange that a binding leads to."]]
    destination_type: NotRequired[Annotated[EndKind, "Kind of the destination of a binding."]]
    routing_key: NotRequired[Annotated[str, "Routing key of a binding."]]
    arguments: NotRequired[Annotated[Arguments, "Arguments of a binding."]]


class PlaceData(TypedDict):
    """A place in a document; unknown keys are absent."""

    file: NotRequired[Annotated[str, "File of the document; absent for a built-in one and standard input."]]
    line: NotRequired[Annotated[int, "Line in the document, counted from 1."]]
    column: NotRequired[Annotated[int, "Column in the document, counted from 1."]]
    end: NotRequired[Annotated[int, "Column behind the last character, for a text that ends on its line."]]


class ProblemData(TypedDict):
    """A problem of a document, with its place."""

    code: Annotated[str, OneOf.these("invalid-document", "route-holds"), "Kind of the problem."]
    url: Annotated[Url, "Page that explains the code."]
    line: Annotated[int, "Line, counted from 1."]
    column: Annotated[int, "Column, counted from 1."]
    what: Annotated[str, "Problem, as a sentence."]


class DifferenceData(TypedDict):
    """An attribute in which an object differs. A missing value is absent, because null is a value too."""

    attribute: Annotated[str, "Name of the attribute or argument."]
    have: NotRequired[Annotated[Json, "Value on the broker; absent if there is none."]]
    want: NotRequired[Annotated[Json, "Wanted value; absent if none is wanted."]]


class LossData(TypedDict):
    """Numbers of what is lost with an object; null means unknown."""

    messages: Annotated[int | None, "Messages; null if they could not be counted."]
    consumers: Annotated[int | None, "Consumers; null if they could not be counted."]
    bindings: Annotated[int, "Bindings that are not created again."]
    exchanges: Annotated[int, "Auto-delete exchanges that are not created again."]


class LossesData(TypedDict):
    """Losses by a deletion."""

    loss: NotRequired[Annotated[LossData, "Losses in numbers."]]
    lost: NotRequired[Annotated[list[ObjectData], "Objects that RabbitMQ deletes along, and that are not wanted."]]
    created_again: NotRequired[Annotated[list[ObjectData], "Objects deleted along that are created again."]]


class QueueAtStake(TypedDict):
    """A queue that a change of a policy can cost messages."""

    queue: Annotated[str, "Name of the queue."]
    messages: Annotated[int | None, "Upper bound of the messages; null if unknown."]
    queue_may_go: Annotated[bool, "True if the queue itself may be deleted."]
    differences: NotRequired[Annotated[list[DifferenceData], "Settings in effect that change."]]


class AtStake(TypedDict):
    """The possible losses by a policy."""

    messages: Annotated[int | None, "Upper bound of all messages; null if unknown."]
    queues: Annotated[int, "Queues that may be deleted."]
    by_queue: Annotated[list[QueueAtStake], "Each queue, sorted."]


class StakesData(TypedDict):
    """Possible losses by a change of a policy."""

    at_stake: NotRequired[Annotated[AtStake, "Messages and queues that this change can lose."]]


class DifferencesData(TypedDict):
    """Differences of an object."""

    differences: NotRequired[Annotated[list[DifferenceData], "Attributes that differ."]]


class PolicyData(TypedDict):
    """A policy, complete."""

    name: Annotated[str, "Name of the policy."]
    pattern: Annotated[str, "Regular expression for the names that it applies to."]
    definition: Annotated[Arguments, "Settings of the policy."]
    apply_to: Annotated[str, "Kind of objects that it applies to: queues, exchanges, all, or one type of queues."]
    priority: Annotated[int, "Priority."]
