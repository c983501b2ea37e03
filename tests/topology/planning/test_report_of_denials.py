"""The lines of a report that grant what was denied."""

from __future__ import annotations

from attune_infra.errors import ExitCode
from attune_infra.topology.model import Binding, Exchange, Policy, Queue
from attune_infra.topology.permissions.needs import Denied, Over
from attune_infra.topology.planning.report import Attempt, Outcome, Report, Status

ANN = Denied(Over.AMQP, "ann", "/")
ANN_OVER_HTTP = Denied(Over.HTTP, "ann", "/")
BOB = Denied(Over.HTTP, "bob", "/")
QUEUE, EXCHANGE = Queue(name="q"), Exchange(name="e")
BINDING = Binding(source="e", destination="q")
POLICY = Policy(name="p", pattern="^q$", definition={"expires": 1000})


def failed(item: Queue | Exchange | Policy | Binding, denied: Denied | None, attempted: Attempt) -> Outcome:
    return Outcome(item, Status.FAILED, attempted=attempted, denied=denied)


def test_one_user_gets_one_line_that_keeps_the_rights_on_what_was_made() -> None:
    report = Report(
        (
            Outcome(EXCHANGE, Status.CREATED),
            failed(QUEUE, ANN, Attempt.CREATED),
            failed(POLICY, ANN_OVER_HTTP, Attempt.CREATED),
            Outcome(BINDING, Status.SKIPPED),
            Outcome(Exchange(name="of another", external=True), Status.UNCHANGED),
        )
    )

    assert report.grants() == (
        "rabbitmqctl set_user_tags ann policymaker",
        "rabbitmqctl set_permissions -p / ann '^(e|q)$' '^q$' '^e$'",
    )


def test_a_user_who_lacks_a_tag_alone_gets_no_rights() -> None:
    report = Report((Outcome(QUEUE, Status.CREATED), failed(POLICY, BOB, Attempt.CREATED)))

    assert report.grants() == ("rabbitmqctl set_user_tags bob policymaker",)


def test_deleting_needs_configure_alone() -> None:
    old = Queue(name="old", arguments={"x-dead-letter-exchange": "e"})
    report = Report((Outcome(old, Status.DELETED), failed(QUEUE, BOB, Attempt.DELETED)))

    assert report.grants() == ("rabbitmqctl set_permissions -p / bob '^(old|q)$' '' ''",)


def test_users_of_two_connections_get_a_line_each() -> None:
    report = Report((failed(QUEUE, ANN, Attempt.CREATED), failed(EXCHANGE, BOB, Attempt.DELETED)))

    assert report.grants() == (
        "rabbitmqctl set_permissions -p / ann '^q$' '' ''",
        "rabbitmqctl set_permissions -p / bob '^e$' '' ''",
    )


def test_nothing_is_granted_where_nothing_was_denied() -> None:
    assert Report((failed(QUEUE, None, Attempt.CREATED), Outcome(EXCHANGE, Status.CREATED))).grants() == ()


def test_a_report_of_policies_alone_that_all_failed_is_no_part_of_anything() -> None:
    denied = failed(POLICY, BOB, Attempt.CREATED)

    assert Report((denied,)).exit_code is ExitCode.FAILED
    assert Report((denied, Outcome(QUEUE, Status.UNCHANGED))).exit_code is ExitCode.PARTLY_DONE
    assert Report((failed(QUEUE, BOB, Attempt.CREATED), Outcome(EXCHANGE, Status.UNCHANGED))).exit_code is (
        ExitCode.FAILED
    )
