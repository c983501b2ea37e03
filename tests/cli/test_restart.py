"""Objects that a restart of the broker removes: reported and declared again, whatever this RabbitMQ keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.sandbox import BoundSandbox
from attune_infra.topology.diff import diff
from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import label
from support.as_a_user import Command
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

DOCUMENT = """\
exchanges:
  durable: {type: topic}
  transient: {type: topic, durable: false}
  vanishing: {type: fanout, auto_delete: true}
queues:
  durable:
    bindings: [{exchange: durable}, {exchange: transient}]
  transient:
    durable: false
    bindings: [{exchange: durable}, {exchange: vanishing}]
"""


@pytest.mark.lengthy
@pytest.mark.transient_queues
def test_what_is_transient_is_gone_and_is_made_again(
    sandbox: BoundSandbox,
    under_test: BrokerUnderTest,
    vhost: VirtualHost,
    attune_infra: Command,
    tmp_path: Path,
) -> None:
    document = tmp_path / "topology.yaml"
    document.write_text(DOCUMENT)
    want = parse(DOCUMENT, source=document.name)
    assert attune_infra("setup", "--topology", str(document)).code == 0

    sandbox.stop_broker()
    sandbox.start_broker()

    lost = {"queue transient", "binding durable -> transient", "binding vanishing -> transient"}
    if under_test.is_older_than((4, 3)):
        lost |= {"exchange transient", "binding transient -> durable"}
    else:
        lost.add("exchange vanishing")
    with RabbitMQ(vhost.settings()) as broker:
        assert {label(change.want) for change in diff(broker.read(), want)} == lost
        assert attune_infra("verify", "--topology", str(document)).code == 2
        assert (
            attune_infra("setup", "--topology", str(document))
            .lines[-1]
            .startswith(f"9 objects: {len(lost)} created")
        )
        assert diff(broker.read(), want) == ()
