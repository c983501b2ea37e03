"""The Python API on a real broker, and its page in the documentation, run as it stands."""

from __future__ import annotations

import doctest
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import amqp
import pytest

from attune_infra import (
    AttuneError,
    Binding,
    Broker,
    BrokerUnreachable,
    Create,
    Delete,
    Exchange,
    ExitCode,
    InvalidInput,
    PlanRefused,
    Policy,
    Queue,
    Recreate,
    Topology,
    WrongTarget,
    WrongUsage,
    connect,
    diff,
)
from support.folders import DEFINITIONS, EXAMPLES, ROOT
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.any_broker

SHOP = Topology.of(
    [
        Exchange(name="shop", type="topic"),
        Queue(name="paid", arguments={"x-max-length": 5}),
        Queue(name="sent"),
        Binding(source="shop", destination="paid", routing_key="*.paid"),
        Policy(name="long", pattern="^sent$", definition={"max-length": 9}, apply_to="queues"),
    ]
)


@pytest.fixture
def shop(vhost: VirtualHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """A broker that the environment names."""
    for name, value in vhost.environment.items():
        monkeypatch.setenv(name, value)
    with connect() as broker:
        yield broker


@pytest.mark.usefixtures("shop")
def test_the_page_does_what_it_says() -> None:
    done = doctest.testfile(str(ROOT / "docs/python.md"), module_relative=False)

    assert done.attempted > 25
    assert done.failed == 0


def test_what_was_applied_is_read_back(shop: Broker) -> None:
    changes = diff(shop.read(), SHOP)
    assert {type(change) for change in changes} == {Create}

    report = shop.apply(shop.plan(SHOP))

    assert (report.ok, report.exit_code, len(report.outcomes)) == (True, ExitCode.DONE, 5)
    assert diff(shop.read(), SHOP) == ()
    assert shop.read().queues["paid"].arguments["x-max-length"] == 5
    assert shop.verify(SHOP).ok


def test_a_plan_is_applied_by_its_digest_or_not_at_all(shop: Broker) -> None:
    plan = shop.plan(SHOP)

    with pytest.raises(PlanRefused, match=f"the plan is now {plan.digest}, not 0000"):
        shop.apply(plan, expect="0000")
    assert shop.read().objects() == ()
    assert shop.apply(plan, expect=plan.digest).ok


def test_nothing_is_lost_without_leave(shop: Broker, channel: amqp.Channel) -> None:
    shop.apply(shop.plan(SHOP))
    channel.basic_publish_confirm(amqp.Message("keep me"), routing_key="paid")
    longer = Topology.of([Queue(name="paid", arguments={"x-max-length": 7})])
    plan = shop.plan(longer)
    assert [type(change) for change in plan.changes] == [Recreate]

    kept = shop.apply(plan)
    assert (kept.ok, kept.exit_code, kept.outcomes[0].status) == (False, ExitCode.REFUSED, "differs")
    message = channel.basic_get("paid")
    assert message is not None
    channel.basic_reject(message.delivery_tag, requeue=True)

    undo = Topology.parse(plan.undo())
    assert shop.apply(shop.plan(longer), allow=["queue:paid"]).outcomes[0].status == "recreated"
    assert diff(shop.read(), undo) != ()
    assert shop.apply(shop.plan(undo), allow=["*"]).ok


def test_undeclared_objects_are_deleted_up_to_a_threshold(shop: Broker) -> None:
    shop.apply(shop.plan(SHOP))
    none = Topology.parse("manages: ['.*']")
    plan = shop.plan(none, prune=True)
    assert {type(change) for change in plan.changes} == {Delete}

    with pytest.raises(PlanRefused, match=r"the plan deletes \d of 5 objects, and --max-deletes is 1"):
        shop.apply(plan, allow=["*"], max_deletes="1")
    with pytest.raises(WrongUsage, match="the selector 'queue:' has no name"):
        shop.apply(plan, allow=["queue:"])
    assert diff(shop.read(), SHOP) == ()
    assert shop.apply(plan, allow="*").ok
    assert shop.read().objects() == ()


def test_one_selector_is_not_taken_for_its_letters(shop: Broker) -> None:
    """The `*` in it would allow everything."""
    shop.apply(shop.plan(SHOP))
    plan = shop.plan(Topology.parse("manages: ['.*']"), prune=True)

    shop.apply(plan, allow="queue:pai*")

    assert set(shop.read().queues) == {"sent"}
    assert set(shop.read().exchanges) == {"shop"}
    assert Topology.parse(plan.undo("queue:pai*")).queues.keys() == {"paid"}


def test_a_verification_names_what_is_wrong(shop: Broker) -> None:
    found = shop.verify(SHOP)

    assert (found.ok, found.exit_code) == (False, ExitCode.DRIFT)
    assert ("queue sent", "failed") in {(check.name, check.verdict) for check in found.checks}


def test_the_broker_says_which_it_is_and_another_is_refused(shop: Broker, vhost: VirtualHost) -> None:
    assert shop.version[0].isdigit()
    with pytest.raises(WrongTarget, match="expects 'another'"):
        connect(vhost.amqp_url, management_url=vhost.management_url, expect_cluster="another")
    with pytest.raises(WrongTarget, match="`expect_cluster` of topology 'shop' expects 'another'"):
        shop.plan(Topology.parse("{topology: shop, expect_cluster: another}"))
    with connect(vhost.amqp_url, management_url=vhost.management_url, expect_cluster=shop.cluster) as same:
        assert same.cluster == shop.cluster


def test_a_protected_connection_wants_the_digest(
    vhost: VirtualHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ATTUNE__MESSAGE_QUEUE__URL", raising=False)
    config = tmp_path / "config.yaml"
    urls = {"url": vhost.amqp_url, "management_url": vhost.management_url}
    config.write_text(json.dumps({"connections": {"mine": {"protected": True, **urls}}}))
    with connect(connection="mine", config=config) as broker:
        plan = broker.plan(SHOP)

        with pytest.raises(PlanRefused, match="is protected; nothing was changed"):
            broker.apply(plan)
        assert broker.read().objects() == ()
        assert broker.apply(plan, expect=plan.digest).ok


def test_objects_are_declared_over_http_too(vhost: VirtualHost) -> None:
    with connect(vhost.amqp_url, management_url=vhost.management_url, via="http") as broker:
        assert broker.apply(broker.plan(SHOP)).ok


def test_a_broker_that_is_not_there_is_an_error_of_ours() -> None:
    with pytest.raises(BrokerUnreachable) as error:
        connect("amqp://guest:guest@localhost:1", management_url="http://localhost:1")
    assert error.value.may_pass
    with pytest.raises(InvalidInput, match="does not start with amqp:// or amqps://"):
        connect("ftp://localhost")


def test_what_a_broker_has_goes_to_a_file_and_back(shop: Broker, tmp_path: Path) -> None:
    shop.apply(shop.plan(SHOP))
    have = shop.read()

    for name, text in (("shop.yaml", have.to_yaml()), ("shop.json", have.to_definitions())):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert diff(have, Topology.load(tmp_path / name)) == ()
        assert Topology.load(tmp_path / name).queues.keys() == {"paid", "sent"}


def test_files_of_either_kind_are_loaded() -> None:
    assert Topology.load(EXAMPLES / "minimal.yaml").exchanges
    farm = Topology.load(DEFINITIONS / "export_3_7_two_vhosts.json", vhost="farm")
    assert farm.name == "farm"
    assert Topology.parse(Topology.builtin().to_yaml()) == Topology.builtin("attune")
    assert Topology.of(SHOP.objects()) == SHOP
    assert "worker.7.executions" in Topology.builtin().with_workers([7]).queues
    assert (len(SHOP.policies), len(SHOP.bindings)) == (1, 1)


@pytest.mark.parametrize(
    ("attempt", "sentence"),
    [
        (lambda folder: Topology.load(folder / "none.yaml"), "cannot read .*none.yaml: No such file"),
        (lambda folder: Topology.load(folder / "empty"), "empty is a folder without a document"),
        (
            lambda folder: Topology.load(folder / "own.json", folder / "a.yaml"),
            "own.json holds RabbitMQ's definitions",
        ),
        (lambda folder: Topology.load(folder / "latin.yaml"), "is not UTF-8 at byte 0"),
        (lambda _: Topology.parse("queues: 5", source="x.yaml"), "x.yaml:1:9"),
        (lambda _: Topology.parse("{}", vhost="v"), "text is a document that names no virtual host"),
        (lambda _: Topology.builtin("attone"), "no topology 'attone'; did you mean 'attune'"),
        (lambda _: SHOP.with_workers([1]), "has no workers section"),
    ],
)
def test_a_wrong_input_is_an_error_with_a_hint(
    attempt: Callable[[Path], object], sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "latin.yaml").write_bytes("ä: {}".encode("latin-1"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "own.json").write_text(SHOP.to_definitions())
    (tmp_path / "a.yaml").write_text("queues: {a: {}}")

    with pytest.raises(AttuneError, match=sentence) as error:
        attempt(tmp_path)
    assert isinstance(error.value, InvalidInput)


def test_the_documents_of_several_files_and_of_a_folder_become_one(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team/a.yaml").write_text("variables: {n: 1}\nqueues: {a: {arguments: {x-max-length: '${n}'}}}")
    (tmp_path / "team/b.yml").write_text("queues: {b: {}}")
    (tmp_path / "c.yaml").write_text("queues: {c: {}, b: {}}")

    assert [*Topology.load(tmp_path / "team", values={"n": 7}).queues] == ["a", "b"]
    assert [*Topology.load(tmp_path / "team/a.yaml", str(tmp_path / "team/b.yml")).queues] == ["a", "b"]
    with pytest.raises(InvalidInput, match=r"c\.yaml:1:17: queue 'b' is also declared in .*b\.yml:1:10"):
        Topology.load(tmp_path / "team", tmp_path / "c.yaml")


def test_a_document_extends_what_is_beside_it(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "variables: {n: 1}\nqueues: {a: {arguments: {x-max-length: '${n}'}}, b: {}}"
    )
    (tmp_path / "over.yaml").write_text("extends: base.yaml\nqueues: {b: null}")
    (tmp_path / "wrong.yaml").write_text("extends: missing.yaml")

    topology = Topology.load(tmp_path / "over.yaml", values={"n": 7})

    assert {name: queue.arguments for name, queue in topology.queues.items()} == {"a": {"x-max-length": 7}}
    assert Topology.parse("extends: attune").queues == Topology.builtin().queues
    with pytest.raises(InvalidInput, match=r"wrong\.yaml:1:10: cannot extend missing\.yaml"):
        Topology.load(tmp_path / "wrong.yaml")


def test_a_topology_for_another_virtual_host_is_refused(vhost: VirtualHost) -> None:
    text = (
        f"virtual_hosts: {{nowhere: {{}}, {json.dumps(vhost.name)}: {{description: Shop, queues: {{q: {{}}}}}}}}"
    )
    want = Topology.parse(text, vhost=vhost.name)

    with connect(vhost.amqp_url, management_url=vhost.management_url) as broker:
        with pytest.raises(WrongTarget, match="for virtual host 'nowhere'"):
            broker.plan(Topology.parse(text, vhost="nowhere"))
        assert broker.apply(broker.plan(want)).exit_code == ExitCode.DONE
        assert broker.verify(want).exit_code == ExitCode.DONE
    with pytest.raises(InvalidInput, match="has several virtual hosts"):
        Topology.parse(text)
    assert want.virtual_host is not None
    assert (want.virtual_host.name, want.virtual_host.description) == (vhost.name, "Shop")
