"""The page of codes explains each code once."""

from __future__ import annotations

import re

from attune_infra.errors import ErrorCode
from attune_infra.fleet import queues
from attune_infra.fleet.model import Finding
from attune_infra.links import code_url
from attune_infra.render.reports import diff
from attune_infra.topology.doctor.diagnosis import Topic
from attune_infra.topology.verify import Code
from support.folders import ROOT


def test_the_page_explains_each_code_once() -> None:
    page = ROOT.joinpath("docs/codes.md").read_text(encoding="utf-8")
    explained = re.findall(r'^\| <a id="([a-z-]+)"></a>`([a-z-]+)` \| [^|]+\. \|$', page, re.MULTILINE)

    known = [*ErrorCode, *Code, *diff.CHANGE_TITLES, *(each.check_code for each in Finding), *Topic]
    known += [f"queue-{each.code.replace('_', '-')}" for each in queues.Finding]
    assert sorted(anchor for anchor, _ in explained) == sorted(known)
    assert {anchor == code for anchor, code in explained} == {True}


def test_the_address_of_a_code_is_its_anchor() -> None:
    assert code_url(Code.QUEUE_MATCHES).endswith("/docs/codes.md#queue-matches")
