from attune_infra.topology.builtin import attune
from attune_infra.topology.model import Binding, Exchange, Policy, Queue

DLX = {"x-dead-letter-exchange": "attune.dlx"}


def test_the_built_in_topology_is_the_platforms() -> None:
    assert set(attune().objects()) == {
        Exchange(name="attune.events", type="topic"),
        Exchange(name="attune.executions", type="direct"),
        Exchange(name="attune.notifications", type="fanout"),
        Exchange(name="attune.dlx", type="fanout"),
        Queue(name="attune.events.queue", arguments=DLX),
        Queue(name="attune.executions.queue", arguments=DLX),
        Queue(name="attune.notifications.queue", arguments=DLX),
        Queue(name="attune.dlx.queue", arguments={"x-message-ttl": 86_400_000}),
        Policy(
            name="attune-worker-expiry",
            pattern=r"^worker\.[0-9]+\.executions$",
            apply_to="queues",
            definition={"expires": 86_400_000},
        ),
        Binding(source="attune.events", destination="attune.events.queue", routing_key="#"),
        Binding(source="attune.executions", destination="attune.executions.queue", routing_key="execution"),
        Binding(source="attune.notifications", destination="attune.notifications.queue"),
        Binding(source="attune.dlx", destination="attune.dlx.queue"),
    }
