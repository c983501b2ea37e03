"""YAML nodes -> the suppressions of a document: lint rules to ignore, each with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from attune_infra.topology.document.keys import LINT_KEYS, RULE_CODE, SUPPRESSION_KEYS
from attune_infra.topology.document.sections.objects import Objects, Parts
from attune_infra.topology.model import Suppression


def read_suppressions(document: Objects, node: yaml.Node | None) -> Iterator[Suppression]:
    """Yield the suppressions of the section `lint`."""
    section = document.mapping(node, "lint", LINT_KEYS)
    for item in document.sequence(section.get("ignore"), "ignore"):
        keys = document.mapping(item, "a suppression", SUPPRESSION_KEYS)
        for required in ("rule", "reason"):
            if isinstance(item, yaml.MappingNode) and required not in keys:
                document.problem(item, f"a suppression has no {required}")
        rule = document.string(keys.get("rule"), "")
        reason = document.string(keys.get("reason"), "")
        if "rule" in keys and not re.fullmatch(RULE_CODE, rule):
            document.problem(keys["rule"], f"'{rule}' is not the code of a rule; codes look like AI001")
        if "reason" in keys and not reason.strip():
            document.problem(keys["reason"], "the reason is empty; say why lint should ignore the rule")
        suppression = Suppression(rule=rule, reason=reason, object=document.string(keys.get("object"), "") or None)
        document.note(suppression, Parts(item, keys, {}))
        yield suppression
