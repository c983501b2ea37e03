"""A document with several virtual hosts: one plan, one digest, one report, on a broker without them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.errors import ExitCode, RequestRefused
from attune_infra.settings import AMQP_URL
from support.as_a_user import Command
from support.contract import check_contract
from support.folders import EXAMPLES
from support.two_virtual_hosts import DOCUMENT, Platform, platform_beside
from support.virtual_host import VirtualHost


@pytest.fixture
def place(tmp_path: Path, vhost: VirtualHost, management: Management) -> Iterator[Platform]:
    with platform_beside(vhost, management, tmp_path) as platform:
        yield platform


def test_missing_virtual_hosts_are_made_with_all_that_is_in_them(attune_infra: Command, place: Platform) -> None:
    file, (a, b) = str(place.file), place.names

    planned = attune_infra("diff", file)
    assert planned.code == ExitCode.DRIFT
    assert [line for line in planned.lines if line.startswith("virtual host")] == [
        f"virtual host {a}:",
        f"virtual host {b}:",
    ]
    assert f"+ virtual host {b} is missing" in planned.lines
    assert "4 to create" in planned.lines
    assert attune_infra("verify", file).code == ExitCode.DRIFT

    made = attune_infra("setup", file)
    assert made.code == ExitCode.DONE
    assert f"+ virtual host {a} set: description 'Orders' (string), tags [\"shop\"] (array): created" in made.lines
    assert made.lines[-1] == "2 objects: 2 created"
    assert attune_infra("diff", file).code == ExitCode.DONE
    assert attune_infra("verify", file).code == ExitCode.DONE
    assert attune_infra("setup", file).lines[-1] == "2 objects: 2 unchanged"


def test_the_digest_is_that_of_all_plans_together(attune_infra: Command, place: Platform) -> None:
    file = str(place.file)
    planned = attune_infra("diff", file, "-o", "json").json
    digests = [each["digest"] for each in planned["virtual_hosts"]]

    assert planned["digest"] not in digests
    assert [each["exit_code"] for each in planned["virtual_hosts"]] == [2, 2]
    refused = attune_infra("setup", file, "--expect", digests[0])
    assert refused.code == ExitCode.REFUSED
    assert f"the plan is now {planned['digest']}" in refused.stderr
    assert attune_infra("setup", file, "--expect", planned["digest"]).code == ExitCode.DONE


def test_one_virtual_host_is_chosen_by_its_name(attune_infra: Command, place: Platform) -> None:
    file, (a, b) = str(place.file), place.names

    made = attune_infra("setup", file, "--vhost", b)
    assert made.lines[-1] == "2 objects: 2 created"
    assert attune_infra("verify", file, "--vhost", b).code == ExitCode.DONE
    assert attune_infra("diff", file).lines.count("no changes: all 2 objects match") == 1
    traced = attune_infra("trace", "--topology", file, "--vhost", a, "orders", "new")
    assert traced.lines[-1] == "reaches 1 queue: orders.new"
    missing = attune_infra("setup", file, "--vhost", "nope")
    assert missing.code == ExitCode.FAILED
    assert "has no virtual host 'nope'" in missing.stderr
    assert f"it has {a}, {b}" in missing.stderr


def test_one_file_holds_the_plans_of_all_and_is_applied_as_it_is(
    attune_infra: Command, place: Platform, tmp_path: Path
) -> None:
    file, plan, (a, b) = str(place.file), tmp_path / "plan.json", place.names

    made = attune_infra("diff", file, "--out", str(plan), "-o", "json")
    place.write(DOCUMENT.replace("jobs", "other"))
    beside = attune_infra("setup", str(plan), "--vhost", a)
    applied = attune_infra("setup", str(plan))

    check_contract(plan.read_text(encoding="utf-8"))
    held = json.loads(plan.read_text(encoding="utf-8"))
    assert (held["digest"], held["virtual_hosts"]) == (made.json["digest"], [a, b])
    assert {change["virtual_host"] for change in held["changes"]} == {a, b}
    assert beside.code == ExitCode.WRONG_USAGE
    assert applied.code == ExitCode.DONE
    assert "+ queue jobs declared: created" in applied.lines
    stale = attune_infra("setup", str(plan))
    assert stale.code == ExitCode.REFUSED
    assert "the broker or the document has changed" in stale.stderr
    place.write(DOCUMENT.replace("orders.new", "orders.newer"))
    attune_infra("diff", file, "--vhost", a, "--vhost", b, "--prune", "--out", str(plan))
    assert attune_infra("setup", str(plan), "--allow-destructive", "--yes").code == ExitCode.DONE
    assert "orders.new:" in (tmp_path / "plan.undo.yaml").read_text(encoding="utf-8")


def test_pruning_asks_and_one_document_undoes_it(attune_infra: Command, place: Platform, tmp_path: Path) -> None:
    file, undo = str(place.file), tmp_path / "undo.yaml"
    attune_infra("setup", file)
    place.write(DOCUMENT.replace("orders.new", "orders.newer").replace("Orders", "Orders of the shop"))
    prune = ("setup", file, "--prune", "--allow-destructive")

    asked = attune_infra(*prune)
    assert asked.code == ExitCode.REFUSED
    assert f"in virtual host {place.names[0]}" in asked.stderr
    too_many = attune_infra(*prune, "--yes", "--max-deletes", "1")
    assert too_many.code == ExitCode.REFUSED
    assert "the plan deletes 2 of" in too_many.stderr

    done = attune_infra(*prune, "--yes", "--undo-file", str(undo))
    assert done.code == ExitCode.DONE
    assert "- queue orders.new: deleted" in done.lines
    assert f"  {place.names[0]}:" in undo.read_text(encoding="utf-8")
    assert attune_infra("setup", str(undo)).lines[-1] == "4 objects: 2 created, 2 unchanged"


def test_what_is_exported_is_what_was_set_up(attune_infra: Command, place: Platform, tmp_path: Path) -> None:
    a, b = place.names
    attune_infra("setup", str(place.file))
    exported = tmp_path / "exported.yaml"

    attune_infra("export", "--vhost", a, "--vhost", b, "--to", str(exported))

    assert attune_infra("diff", str(exported)).code == ExitCode.DONE
    assert "description: Orders" in exported.read_text(encoding="utf-8")
    resources = attune_infra("export", "--vhost", a, "--vhost", b, "--format", "kubernetes")
    assert all(f"vhost: {name}\n" in resources.stdout for name in (a, b))
    assert attune_infra("export", "--vhost", "nope").code == ExitCode.FAILED


def test_what_is_of_the_whole_broker_is_read_once(attune_infra: Command, place: Platform, tmp_path: Path) -> None:
    file, (a, b) = str(place.file), place.names
    place.write(DOCUMENT.replace("  {b}:", "  {b}:\n    protected_from_deletion: false"))
    attune_infra("setup", file)
    exported = tmp_path / "whole.yaml"

    found = attune_infra("export", "--vhost", a, "--vhost", b, "--all", "--to", str(exported), "-vv")

    for path in ("users", "global-parameters"):
        assert len(re.findall(rf"/api/{path}[?:]", found.stderr)) == 1, path
    assert exported.read_text(encoding="utf-8").count("\nusers:") == 1
    assert "protected_from_deletion" not in exported.read_text(encoding="utf-8")
    assert attune_infra("diff", str(exported)).code == ExitCode.DONE
    users = attune_infra("export", "--vhost", a, "--vhost", b, "--users", "-vv")
    assert len(re.findall(r"/api/users[?:]", users.stderr)) == 1
    assert users.stdout.count("    permissions:") == len([a, b])
    assert re.search(r"left out: passwords of users .*secrets$", users.stderr, re.MULTILINE)


def test_protection_from_deletion_is_set_or_said_to_be_lacking(
    attune_infra: Command, place: Platform, management: Management, tmp_path: Path
) -> None:
    file, (a, _) = str(place.file), place.names
    place.write(DOCUMENT.replace("    tags: [shop]\n", "    protected_from_deletion: true\n"))
    release = attune_infra("doctor", "-o", "json").json["target"]["version"]
    lacking = (
        f"RabbitMQ before 4.0.6 cannot protect a virtual host from deletion: virtual host {a} is not protected"
    )

    made = attune_infra("setup", file)
    try:
        if tuple(map(int, release.split("."))) < (4, 0, 6):
            assert f"warning: {lacking}" in made.stderr
            assert lacking in attune_infra("verify", file).stdout
            assert attune_infra("diff", file).code == ExitCode.DONE
            return
        assert "cannot protect" not in made.stderr
        with pytest.raises(RequestRefused, match="protected from deletion"):
            management.delete("vhosts", a)
        exported = tmp_path / "exported.yaml"
        attune_infra("export", "--vhost", a, "--to", str(exported))
        assert "protected_from_deletion: true" in exported.read_text(encoding="utf-8")
        assert attune_infra("diff", file).code == ExitCode.DONE
        place.write(DOCUMENT.replace("    tags: [shop]\n", "    protected_from_deletion: false\n"))
        assert (
            "    protected_from_deletion: have true (boolean), want false (boolean)"
            in attune_infra("diff", file).stdout
        )
    finally:
        place.write(DOCUMENT.replace("    tags: [shop]\n", "    protected_from_deletion: false\n"))
        assert attune_infra("setup", file).code == ExitCode.DONE


def test_a_user_who_may_make_no_virtual_host_is_told_so_and_changes_nothing(
    attune_infra: Command, place: Platform, vhost: VirtualHost, management: Management
) -> None:
    user = f"plain-{place.names[0]}"
    management.put("users", user, body={"password": user, "tags": "management"})
    try:
        url = vhost.amqp_url.replace("guest:guest@", f"{user}:{user}@")
        refused = attune_infra("setup", str(place.file), environment={AMQP_URL.variable: url})
    finally:
        management.delete("users", user)

    assert refused.code == ExitCode.FAILED
    assert "administrator" in refused.stdout + refused.stderr
    assert "orders.new: created" not in refused.stdout


def test_the_document_is_checked_and_linted_in_each_virtual_host(attune_infra: Command, place: Platform) -> None:
    file, (a, b) = str(place.file), place.names

    assert attune_infra("topology", "check", file).lines == [
        f"{file}: ok, virtual host {a}: 1 exchange, 1 queue, 1 binding, 1 route",
        f"{file}: ok, virtual host {b}: 1 queue",
    ]
    found = attune_infra("lint", file, "--fail-on", "info")
    assert f"{file}:11:14: info AI030 queue jobs in virtual host {b}: it has no bindings" in found.stdout
    assert attune_infra("lint", file, "--vhost", a, "--select", "AI030").code == ExitCode.DONE


def test_the_example_is_set_up_from_nothing(attune_infra: Command, management: Management) -> None:
    file = str(EXAMPLES / "virtual-hosts" / "shop.yaml")
    try:
        assert attune_infra("setup", file).code == ExitCode.DONE
        assert attune_infra("verify", file).code == ExitCode.DONE
        assert attune_infra("setup", file, "--prune").lines[-1] == "2 objects: 2 unchanged"
    finally:
        for name in ("shop", "shop-billing"):
            management.delete("vhosts", name)


def test_users_are_made_before_any_virtual_host_gives_them_permissions(
    attune_infra: Command, place: Platform, management: Management
) -> None:
    user = f"svc-{place.names[0]}"
    rights = "permissions: {" + user + ": {configure: '', write: '', read: '.*'}}"
    a, b = place.names
    place.file.write_text(
        f"users: {{{user}: {{password: none}}}}\nvirtual_hosts:\n  {a}: {{{rights}}}\n  {b}: {{{rights}}}\n",
        encoding="utf-8",
    )
    try:
        assert attune_infra("setup", str(place.file)).code == ExitCode.DONE
        assert attune_infra("diff", str(place.file)).code == ExitCode.DONE
    finally:
        management.delete("users", user)


def test_what_is_the_same_in_all_virtual_hosts_is_asked_once(attune_infra: Command, place: Platform) -> None:
    file = str(place.file)
    assert attune_infra("setup", file).code == ExitCode.DONE

    asked = attune_infra("diff", file, "-vv").stderr

    assert [len(re.findall(rf"GET \S+/api/{path}[?:]", asked)) for path in ("overview", "vhosts")] == [1, 1]


def test_what_is_of_the_broker_is_compared_before_there_is_a_virtual_host(
    attune_infra: Command, place: Platform, management: Management
) -> None:
    user, (a, b) = f"svc-{place.names[0]}", place.names
    rights = "permissions: {%s: {configure: '', write: '', read: ''}}"
    place.file.write_text(
        f"users: {{{user}: {{password: none}}}}\nglobal_parameters: {{{user}: 2}}\n"
        f"virtual_hosts:\n  {a}: {{{rights % user}}}\n  {b}: {{{rights % 'nobody-at-all'}}}\n",
        encoding="utf-8",
    )
    management.put("users", user, body={"password_hash": "", "tags": ""})
    management.put("global-parameters", user, body={"name": user, "value": 1})
    try:
        planned = attune_infra("diff", str(place.file)).lines
        assert f"~ global parameter {user} differs" in planned
        assert f"+ user {user} is missing" not in planned
        assert planned.count("+ permission of user nobody-at-all is missing") == 1
        assert sum("the broker has no user 'nobody-at-all'" in line for line in planned) == 1

        refused = attune_infra("setup", str(place.file))
        assert refused.code == ExitCode.FAILED
        assert "so nothing is changed" in refused.stderr
        assert management.get("global-parameters", user)["value"] == 1
    finally:
        management.delete("global-parameters", user)
        management.delete("users", user)
