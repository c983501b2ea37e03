import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attune_infra.topology.document.foreign.slugs import dns_name, identifier, is_dns_label
from support.strategies import NASTY_NAMES, names


@pytest.mark.parametrize(
    ("name", "in_kubernetes", "in_terraform"),
    [
        ("jobs", "jobs", "jobs"),
        ("attune.events", "attune.events", "attune_events_b6fc6e4ee6"),
        ("Jobs", "jobs-d9dcdf4d6e", "Jobs"),
        ("a-b", "a-b", "a_b_5bfb8a3ac4"),
        ("größe 🐰", "gr-e-x", "gr_e_x"),
        ("#", "x-x", "x_x"),
        ("1", "1", "x_1_x"),
        ("jobs-0123456789", "jobs-0123456789-x", "jobs_0123456789_x"),
        ("a..b", "a-b-x", "a_b_x"),
    ],
)
def test_a_name_without_need_of_a_hash_has_none(name: str, in_kubernetes: str, in_terraform: str) -> None:
    assert _like(dns_name(name), in_kubernetes)
    assert _like(identifier(name), in_terraform)


def _like(found: str, expected: str) -> bool:
    hashed = re.compile(r"(?<=[-_])([0-9a-f]{10}|x)$")
    return hashed.sub("", found) == hashed.sub("", expected)


@given(st.lists(names, min_size=2, max_size=6, unique=True))
@settings(deadline=None, max_examples=50)
def test_two_names_have_two_slugs(found: list[str]) -> None:
    slugs = [dns_name(name) for name in found]
    again = [dns_name(slug) for slug in slugs]

    assert len({*slugs}) == len(found)
    assert len({*map(identifier, found)}) == len(found)
    assert all(len(slug) <= 63 for slug in (*slugs, *again))


@pytest.mark.parametrize("name", NASTY_NAMES)
def test_each_slug_is_a_name_for_its_system(name: str) -> None:
    for parts in ((name,), (name, "b"), ("/", name)):
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", dns_name(*parts))
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", identifier(*parts))


def test_of_several_parts_all_count_and_some_are_shown() -> None:
    first, second = dns_name("e", "q", "k", shown=2), dns_name("e", "q", "l", shown=2)

    assert first != second
    assert first.startswith("e-q-")
    assert dns_name("e", "q") != dns_name("e-q")


def test_a_label_has_no_dot() -> None:
    assert is_dns_label("rabbitmq")
    assert not any(map(is_dns_label, ("", "a.b", "A", "-a", "a" * 64, "a\n")))
