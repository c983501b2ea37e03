"""Deprecated features, found in RabbitMQ's words and named in ours."""

from __future__ import annotations

import pytest

from attune_infra.topology.facts import features


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("INTERNAL_ERROR - Feature `transient_nonexcl_queues` is deprecated.", "transient_nonexcl_queues"),
        ("Feature `classic_queue_mirroring` is removed.", "classic_queue_mirroring"),
        ("Feature `queue_master_locator` is enabled.", None),
        ("PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'Feature' in vhost '/'", None),
        ("", None),
    ],
)
def test_a_denied_feature_is_found(text: str, feature: str | None) -> None:
    assert features.denied_in(text) == feature


def test_denied_transient_queues_have_a_topology_as_a_way_out() -> None:
    error = features.denied(features.TRANSIENT_QUEUES)

    assert error.feature == "transient_nonexcl_queues"
    assert error.sentence == (
        "this RabbitMQ denies queues that are neither durable nor exclusive"
        " (the deprecated feature transient_nonexcl_queues)"
    )
    assert error.hint == (
        "use a topology whose worker queues are durable with an expiry, such as"
        " --topology examples/attune-durable-workers.yaml"
    )


def test_any_other_denied_feature_may_be_permitted() -> None:
    error = features.denied("queue_master_locator")

    assert error.feature == "queue_master_locator"
    assert error.sentence == "this RabbitMQ denies the deprecated feature queue_master_locator"
    assert error.hint == (
        "avoid it, or have an administrator permit it: deprecated_features.permit.queue_master_locator = true"
    )
