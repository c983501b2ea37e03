"""The registry: every rule with its code and severity. A code is never reused for another rule."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from attune_infra.errors import WrongUsage
from attune_infra.links import rule_url
from attune_infra.topology.lint import (
    access,
    alternates,
    bindings,
    dead_letters,
    exchanges,
    federation,
    lifetimes,
    names,
    policies,
    prune,
    queues,
    releases,
    suppressions,
    users,
)
from attune_infra.topology.lint.finding import Rule
from attune_infra.topology.model import Severity
from attune_infra.topology.words import guess

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

UNUSED_SUPPRESSION: Final = Rule("AI070", _WARNING, suppressions.unused)

RULES: Final = (
    Rule("AI001", _ERROR, dead_letters.exchange_is_missing),
    Rule("AI002", _ERROR, dead_letters.no_queue_is_reached),
    Rule("AI003", _WARNING, dead_letters.cycle_without_a_way_out),
    Rule("AI004", _INFO, dead_letters.cycle_that_only_consumers_leave),
    Rule("AI005", _WARNING, dead_letters.at_least_once_without_reject_publish),
    Rule("AI006", _WARNING, dead_letters.delivery_limit_without_exchange),
    Rule("AI007", _INFO, dead_letters.default_delivery_limit_without_exchange),
    Rule("AI008", _ERROR, dead_letters.dead_letters_are_stuck),
    Rule("AI010", _WARNING, bindings.wildcard_on_direct_exchange),
    Rule("AI011", _WARNING, bindings.arguments_without_effect),
    Rule("AI012", _WARNING, bindings.duplicate),
    Rule("AI013", _WARNING, bindings.shadowed),
    Rule("AI014", _WARNING, bindings.wildcard_in_a_word),
    Rule("AI015", _WARNING, bindings.never_matches),
    Rule("AI016", _INFO, bindings.matches_everything),
    Rule("AI017", _WARNING, bindings.many_hashes),
    Rule("AI018", _ERROR, bindings.breaks_listings),
    Rule("AI019", _WARNING, bindings.key_cannot_be_addressed),
    Rule("AI020", _WARNING, exchanges.leads_to_no_queue),
    Rule("AI021", _ERROR, alternates.is_missing),
    Rule("AI022", _WARNING, exchanges.nothing_leads_to_internal),
    Rule("AI023", _ERROR, exchanges.plugin_refuses_binding),
    Rule("AI024", _ERROR, exchanges.bound_twice_to_consistent_hash),
    Rule("AI025", _WARNING, alternates.loses_messages),
    Rule("AI026", _WARNING, lifetimes.exchange_goes_with_its_queues),
    Rule("AI030", _INFO, queues.unbound),
    Rule("AI031", _WARNING, queues.never_expires),
    Rule("AI032", _WARNING, queues.time_to_live_is_zero),
    Rule("AI033", _INFO, queues.unbounded),
    Rule("AI034", _WARNING, queues.gets_everything_without_bound),
    Rule("AI035", _WARNING, queues.unbounded_without_consumer),
    Rule("AI036", _WARNING, queues.overflow_without_effect),
    Rule("AI037", _WARNING, lifetimes.depends_on_transient_exchange),
    Rule("AI038", _INFO, lifetimes.queue_goes_with_its_consumers),
    Rule("AI039", _INFO, lifetimes.policy_deletes_durable_queues),
    Rule("AI040", _WARNING, policies.reaches_others),
    Rule("AI041", _WARNING, policies.in_effect_nowhere),
    Rule("AI042", _WARNING, policies.equal_priorities),
    Rule("AI043", _WARNING, policies.sets_what_is_ignored),
    Rule("AI050", _ERROR, releases.refused),
    Rule("AI051", _WARNING, releases.ignored),
    Rule("AI052", _INFO, releases.deprecated),
    Rule("AI053", _ERROR, releases.misread),
    Rule("AI060", _WARNING, names.invisible_characters),
    Rule("AI061", _INFO, names.must_be_quoted),
    Rule("AI062", _WARNING, names.look_alike),
    UNUSED_SUPPRESSION,
    Rule("AI071", _WARNING, prune.claims_nothing),
    Rule("AI080", _ERROR, access.limit_below_queues),
    Rule("AI081", _WARNING, access.no_connection_allowed),
    Rule("AI082", _WARNING, access.everything_allowed),
    Rule("AI083", _WARNING, access.matches_nothing),
    Rule("AI084", _WARNING, users.may_do_nothing),
    Rule("AI085", _WARNING, users.keeps_default_password),
    Rule("AI086", _INFO, users.has_no_password),
    Rule("AI087", _WARNING, users.administrator_of_everything),
    Rule("AI090", _WARNING, federation.set_names_missing_upstream),
    Rule("AI091", _WARNING, federation.policy_names_missing_upstream),
    Rule("AI092", _WARNING, federation.shovel_end_is_missing),
    Rule("AI093", _WARNING, federation.shovel_uses_default_virtual_host),
)
"""All rules, in the order of their codes."""


def choose_rules(select: Iterable[str], ignore: Iterable[str]) -> tuple[Rule, ...]:
    """Return the selected rules, or all, without the ignored ones; raise `WrongUsage` for an unknown code."""
    selected, ignored = set(map(find_rule, select)), set(map(find_rule, ignore))
    return tuple(rule for rule in RULES if (not selected or rule in selected) and rule not in ignored)


def find_rule(code: str) -> Rule:
    """Return the rule with a code, in upper or lower case; raise `WrongUsage` for an unknown code."""
    codes = {rule.code: rule for rule in RULES}
    if found := codes.get(code.strip().upper()):
        return found
    raise WrongUsage(
        f"there is no rule '{code}'{guess(code.upper(), codes, likeness=0.7)}",
        hint=f"the rules are {RULES[0].code} to {RULES[-1].code}; docs/lint.md explains all of them",
    )


@cache
def url_of(code: str) -> str:
    """Return the address of the page that explains a rule; raise as `find_rule`."""
    return rule_url(code, find_rule(code).title)
