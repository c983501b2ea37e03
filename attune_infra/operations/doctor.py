"""Look at all servers of a command once, and say what would fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attune_infra.errors import InvalidInput, RegistryError
from attune_infra.topology.doctor.examine import Question, diagnose
from attune_infra.topology.doctor.permissions import rights_in
from attune_infra.topology.doctor.seen import Seen

if TYPE_CHECKING:
    from attune_infra.interfaces import BrokerExaminer, RegistryExaminer
    from attune_infra.topology.doctor.diagnosis import Diagnosis
    from attune_infra.topology.doctor.seen import Registry


def doctor(broker: BrokerExaminer, registry: RegistryExaminer | None, question: Question) -> Diagnosis:
    """Return the diagnosis. A server that does not answer is a finding, not an exception."""
    asks = question.scope.http or question.scope.amqp
    seen = broker.look(rights_in(question.needs)) if asks else Seen(servers=(), now=datetime.now(UTC))
    return diagnose(seen if registry is None else replace(seen, registry=_look(registry)), question)


def _look(registry: RegistryExaminer) -> Registry | InvalidInput | RegistryError:
    try:
        return registry.look()
    except (InvalidInput, RegistryError) as error:
        return error
