"""Results of commands that read several virtual hosts: one for each of them."""

from __future__ import annotations

from typing import Annotated, TypedDict

from attune_infra.contract.checks import DiagnosisData
from attune_infra.contract.dead_letters import DeadLetterQueuesData
from attune_infra.contract.graphs import GraphData
from attune_infra.contract.queues import QueuesData
from attune_infra.contract.routes import TraceData


class _OfVirtualHost(TypedDict):
    virtual_host: Annotated[str, "Virtual host that it is of."]
    exit_code: Annotated[int, "Exit code of the command for this virtual host alone."]


class PartDiagnosisData(DiagnosisData, _OfVirtualHost):
    """The checks of `doctor` for one of several virtual hosts."""


class PartGraphData(GraphData, _OfVirtualHost):
    """The graph of one of several virtual hosts."""


class PartTraceData(TraceData, _OfVirtualHost):
    """The way of a message in one of several virtual hosts."""


class PartQueuesData(QueuesData, _OfVirtualHost):
    """The queues of one of several virtual hosts."""


class PartDeadLetterQueuesData(DeadLetterQueuesData, _OfVirtualHost):
    """The dead letter queues of one of several virtual hosts."""


class DiagnosesData(TypedDict):
    """The checks of `doctor` for all virtual hosts of a document."""

    virtual_hosts: Annotated[list[PartDiagnosisData], "Checks, in the order of the document."]


class GraphsData(TypedDict):
    """The graphs of all virtual hosts of a document, or of several of a broker."""

    virtual_hosts: Annotated[list[PartGraphData], "Graphs, in the order of the document or of --vhost."]


class TracesData(TypedDict):
    """The ways of a message in all virtual hosts that have its exchange."""

    virtual_hosts: Annotated[list[PartTraceData], "Ways, in the order of the document or of --vhost."]


class QueuesOfSeveralData(TypedDict):
    """The queues of several virtual hosts."""

    virtual_hosts: Annotated[list[PartQueuesData], "Queues, in the order of --vhost."]


class DeadLetterQueuesOfSeveralData(TypedDict):
    """The dead letter queues of several virtual hosts."""

    virtual_hosts: Annotated[list[PartDeadLetterQueuesData], "Dead letter queues, in the order of --vhost."]
