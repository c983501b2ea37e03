"""A broker that denies what is deprecated: told in one sentence, with a way out, before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import FeatureDenied
from attune_infra.operations.setup import apply_plan, make_plan
from attune_infra.settings import AMQP_URL, Via
from attune_infra.topology.diff import Create, diff
from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import Queue, Topology
from attune_infra.topology.planning.consent import TO_ALL
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.report import Status
from attune_infra.topology.worker import topology_of_workers
from support.as_a_user import Command
from support.no_management import without_management
from support.under_test import DENIES_TRANSIENT_QUEUES, DURABLE_WORKERS, BrokerUnderTest
from support.virtual_host import VirtualHost, create_virtual_host

pytestmark = [
    pytest.mark.since((4, 0), "RabbitMQ denies nothing before 4.0"),
    pytest.mark.xdist_group("denying"),  # they share a broker
]
SENTENCE = (
    "this RabbitMQ denies queues that are neither durable nor exclusive"
    " (the deprecated feature transient_nonexcl_queues)"
)


@pytest.fixture(scope="module")
def denying(under_test: BrokerUnderTest) -> Iterator[VirtualHost]:
    """The default virtual host of a broker that denies transient queues."""
    with under_test.sandbox(postgres=False, extra_config=DENIES_TRANSIENT_QUEUES) as sandbox:
        yield VirtualHost("/", sandbox.amqp_url, sandbox.management_url)


@pytest.fixture
def denying_vhost(denying: VirtualHost) -> Iterator[VirtualHost]:
    with create_virtual_host(denying, f"test {token_hex(4)}") as made:
        yield made


@pytest.fixture
def denied(denying_vhost: VirtualHost) -> Command:
    """The command beside it, as a user with no tag but `management`."""
    management = Management(denying_vhost.settings())
    management.put("users", "modest", body={"password": "s3cret", "tags": "management"})
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    management.put("permissions", denying_vhost.name, "modest", body=everything)
    management.close()
    url = denying_vhost.amqp_url.replace("guest:guest", "modest:s3cret")
    return Command(denying_vhost.environment | {AMQP_URL.variable: url})


@pytest.mark.parametrize("via", list(Via))
def test_provision_is_refused_before_anything_is_changed(
    denying_vhost: VirtualHost, denied: Command, via: Via
) -> None:
    result = denied("worker", "provision", "--id", "1-100", "--via", via)

    assert result.code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"error: {SENTENCE}\n"
        "hint:  use a topology whose worker queues are durable with an expiry, such as"
        " --topology examples/attune-durable-workers.yaml\n"
    )
    with RabbitMQ(denying_vhost.settings()) as broker:
        assert broker.read().objects() == ()


def test_without_the_management_api_it_is_refused_before_anything_is_changed(
    denying_vhost: VirtualHost, denied: Command
) -> None:
    result = without_management(denied)("worker", "provision", "--id", "1-100", "--via", "amqp")

    assert result.code == 1
    assert f"error: {SENTENCE}\n" in result.stderr
    with RabbitMQ(denying_vhost.settings()) as broker:
        assert broker.read().objects() == ()


@pytest.mark.parametrize("via", list(Via))
def test_the_way_out_is_one(denying_vhost: VirtualHost, denied: Command, via: Via) -> None:
    result = denied("worker", "provision", "--id", "1-100", "--via", via, "--topology", str(DURABLE_WORKERS))

    assert (result.code, result.stderr) == (0, "")
    want = parse(DURABLE_WORKERS.read_text(encoding="utf-8"), source=DURABLE_WORKERS.name)
    with RabbitMQ(denying_vhost.settings()) as broker:
        assert diff(broker.read(), topology_of_workers(want, range(1, 101))) == ()


@pytest.mark.parametrize("via", list(Via))
def test_setup_works_where_nothing_transient_is_wanted(denied: Command, via: Via) -> None:
    without_policy = ("--worker-queue-ttl", "off")
    assert denied("setup", "--via", via, *without_policy).code == 0
    assert denied("verify", *without_policy).code == 0


@pytest.mark.since((4, 3), "RabbitMQ 4.0 does not tell beforehand what it denies")
@pytest.mark.parametrize("via", list(Via))
def test_nothing_is_deleted_for_what_cannot_be_made(denying_vhost: VirtualHost, via: Via) -> None:
    have = Topology.of([Queue(name="q", type="classic")])
    want = Topology.of([Queue(name="q", durable=False)])
    with RabbitMQ(denying_vhost.settings(), via=via) as broker:
        list(broker.apply(map(Create, have.objects())))
        plan = make_plan(broker, broker.read(), want)
        assert plan.recreations

        with pytest.raises(FeatureDenied, match="neither durable nor exclusive"):
            apply_plan(plan, broker, want, consent=TO_ALL)

        assert broker.read().objects() == have.objects()


@pytest.mark.parametrize("via", list(Via))
def test_a_queue_is_put_back_if_its_new_form_is_denied(denying_vhost: VirtualHost, via: Via) -> None:
    """RabbitMQ 4.0 does not tell beforehand what it denies, so this plan foresees nothing."""
    have = Topology.of([Queue(name="q", type="classic")])
    wanted = Queue(name="q", durable=False)
    with RabbitMQ(denying_vhost.settings(), via=via) as broker:
        list(broker.apply(map(Create, have.objects())))
        plan = Plan.between(broker.read(), Topology.of([wanted]))

        [outcome] = apply_plan(plan, broker, Topology.of([wanted]), consent=TO_ALL).outcomes

        assert outcome.status is Status.FAILED
        assert outcome.reason == f"{SENTENCE}; the old queue was deleted before, and is put back"
        assert broker.read().objects() == have.objects()


@pytest.mark.since((4, 3), "RabbitMQ 4.0 permits queue_master_locator")
@pytest.mark.parametrize("via", list(Via))
def test_another_denied_feature_is_named(denying_vhost: VirtualHost, via: Via) -> None:
    queue = Queue(name="q", arguments={"x-queue-master-locator": "min-masters"})

    with RabbitMQ(denying_vhost.settings(), via=via) as broker:
        [outcome] = broker.apply([Create(queue)])

    assert outcome.status is Status.FAILED
    assert outcome.reason == "this RabbitMQ denies the deprecated feature queue_master_locator"
