"""The changes that a failure names."""

from attune_infra.journal import Journal


def test_changes_are_counted_and_the_first_ones_named() -> None:
    journal = Journal()
    assert str(journal) == ""

    for name in "abcd":
        journal.note("created", "queue", name)
    journal.note("created", "policy", "p")
    journal.note("moved", "message", number=0)
    journal.note("moved", "message", number=12)

    assert str(journal) == "created 4 queues (a, b, c, ...), 1 policy (p); moved 12 messages"
    assert (journal.has("moved"), journal.has("copied")) == (True, False)
    journal.clear()
    assert str(journal) == ""
