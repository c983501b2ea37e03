"""attune-infra doctor."""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import ViaOption, Workers
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli._target import Asked
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.errors import BrokerError, InvalidInput
from attune_infra.settings import Via

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attune_infra.broker.doctor.questions import BrokerDoctor
    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.registry.doctor import RegistryDoctor
    from attune_infra.topology.doctor.diagnosis import Diagnosis
    from attune_infra.topology.doctor.examine import Question
    from attune_infra.topology.doctor.scope import Scope
    from attune_infra.topology.document.problems import Problem
    from attune_infra.topology.model import Topology

app = App()

_Command = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="COMMAND", help="Command to check for, such as `worker run`; default: all.", show_default=False
    ),
]
_Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if a check could not be made.")]


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.VHOST | Uses.BROKER | Uses.REGISTRY)
def doctor(
    session: Session,
    *,
    command: _Command = None,
    worker: Workers = None,
    via: ViaOption = Via.AMQP,
    strict: _Strict = False,
) -> None:
    """Find what would fail later, with the fix, before the first change. Exit code 2 for a problem.

    Nothing is changed. Each finding has its fix: a sentence, or the line to run. With a COMMAND, only its needs
    are checked.
    """
    from attune_infra.cli._each import finish_parts, run_each
    from attune_infra.render.pages import doctor as page
    from attune_infra.topology.doctor.scope import scope_of

    name, worker_ids = " ".join(command or []) or None, read_worker_ids(worker or [])
    examine = partial(_examine, name=name, scope=scope_of(name), worker_ids=worker_ids, via=via, strict=strict)
    if several := _several(session):
        finish_parts(session, "doctor", page, run_each(examine, several))
    given = _in_virtual_host(session)
    given.finish("doctor", page, examine(given))


def _several(session: Session) -> Sequence[Session] | None:
    """Return the sessions for several virtual hosts; None for a file that cannot be read, which is a finding."""
    try:
        return session.several()
    except InvalidInput:
        return None


def _in_virtual_host(session: Session) -> Session:
    """Return the session for one virtual host of the document; a file that cannot be read is a finding."""
    try:
        return session.with_reading()
    except InvalidInput:
        return session


def _examine(
    session: Session, *, name: str | None, scope: Scope, worker_ids: tuple[int, ...], via: Via, strict: bool
) -> Diagnosis:
    from attune_infra.operations.doctor import doctor

    with _broker(session, scope, via) as broker:
        question = _question(session, broker, name, scope)
        question = replace(question, worker_ids=worker_ids, strict=strict, via_http=via is Via.HTTP)
        return doctor(_examiner(broker, scope, via), _registry(session, scope), question)


def _broker(session: Session, scope: Scope, via: Via) -> AbstractContextManager[RabbitMQ]:
    """Return the broker; it is asked nothing for a command that does not ask it."""
    from attune_infra.broker.rabbitmq import RabbitMQ

    if scope.http or scope.amqp:
        return session.broker(via, asked=Asked.HTTP_IF_IT_ANSWERS)
    return RabbitMQ(session.settings)


def _question(session: Session, broker: RabbitMQ, name: str | None, scope: Scope) -> Question:
    from attune_infra.topology.doctor.examine import Question

    topology, faults = _topology(session, broker)
    return Question(
        command=name,
        scope=scope,
        topology=topology,
        faults=faults,
        user=session.settings.amqp.user,
        virtual_host=session.settings.virtual_host,
    )


def _topology(session: Session, broker: RabbitMQ) -> tuple[Topology, tuple[str, ...]]:
    """Return the topology, and the faults of its file; an empty one if the file cannot be read at all."""
    from attune_infra.topology.model import Topology

    try:
        topology = session.with_reading().readable_topology
    except InvalidInput as error:
        return Topology.of(()), (error.sentence,)
    return topology, tuple(f"{fault.line}:{fault.column}: {fault.what}" for fault in _faults(session, broker))


def _faults(session: Session, broker: RabbitMQ) -> list[Problem]:
    from attune_infra.cli._release import release_of
    from attune_infra.topology.facts.compatibility import RELEASES

    asked = RELEASES
    if session.reading.problems:
        with suppress(BrokerError):  # it does not answer, which is a check of its own
            asked = (release_of(broker),)
    return session.reading.refused_by(*asked)


def _examiner(broker: RabbitMQ, scope: Scope, via: Via) -> BrokerDoctor:
    from attune_infra.broker.doctor.questions import BrokerDoctor

    return BrokerDoctor(broker, needs_amqp=scope.amqp and via is Via.AMQP, needs_http=scope.http)


def _registry(session: Session, scope: Scope) -> RegistryDoctor | None:
    from attune_infra.topology.doctor.scope import Rows

    url = session.settings.database_url
    if url is None or scope.rows is Rows.NONE:
        return None
    from attune_infra.registry.doctor import RegistryDoctor

    return RegistryDoctor(url, session.timeout, session.settings.schema)
