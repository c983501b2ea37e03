"""Patterns of policies, compared with the names that a real broker finds them in."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.topology.facts.patterns import matches, policy_pattern_problem
from attune_infra.topology.facts.releases import NEWEST, OLDEST, Version
from support.policy_cases import put_policy
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

NAMES = (
    "a", "B", "ab", "aab", "abc", "eu.orders", "orders", "orders.dlq", "orders.error", "Orders_Error", "x y",
    "x", "xy", "xY", "XY", "a.b", "a-b", "a,b", "a:b", "a{,2}", "aa{1 ,2}b", "0", "a1", "2026", "_", "a_b",
    "\tb", "[a]", "é", "aé", "Éa", "ü", "ò2", "größe", "naïve", "ª", "²", "½", "×", "à la", "日本", "ß", "ÿ",
    "€", "a\u00a0b", "Å",
)  # fmt: skip

PATTERNS = (
    r"(?<!\.dlq|\.error)$", "^x(?i)y", r"x\z", "(?<n>a)b", r"(?P<x>a)\g{x}", "(?(DEFINE)(?<q>a))(?&q)b",
    "^a.$", r"^[[:alpha:]]+\.orders$", "^[[:alpha:]]+$", r"^\w+$", r"^\W+$", r"\bb", r"\Bb", "(?i)É", "(?i)e",
    "[à-ü]", "a{,2}b", "^a{,2}$", "aa{1 ,2}b", "^a{2}", "^a{1,}b", r"^[\w.]+$", r"^[^\W_]+$", "[[:^print:]]",
    "[[:punct:]]", "[[:lower:]]", "(?i)[[:upper:]]", r"[\[:a]", "[]a]", "[^]a]", r"\Q[a]\E", r"\xc3\xa9",
    r"\x{c3}", r"\s", r"\h", "(?x) a  b", "a(?#b)b", "(?R)?x", r"(a)\1", "^(?!a)", "", ".*", "^", "$",
    r"\p{L}", r"\X", "[[:cntrl:]]", "^.{2}$", r"[\s\W]", r"[[:alnum:]_-]+\d", "é", "(?i)ü", "(?>a+)b", "a++b",
    r"^[+-\d]", r"\d\w", r"\N", r"(?<=\Z|b{1,2})y", "(?i:[[:upper:]]){2}",
    "(?i)a(?-i)b[[:^lower:]]?(?i:[[:lower:]])|[[:lower:]]{3}", r"^[a-z]+[0-9]*$", "[A-Zx_.]b",
    r"\x4", r"^\x{61}", r"^a\Cb", r"[\x{41}]", r"\x",
)  # fmt: skip

PIECES = (
    *"abxyéüÉ.,{- 1or^$", ".*", r"\.", "[ab]", "[^a]", "2}", r"\w", r"\W", r"\d", r"\D", r"\s", r"\b", r"\B",
    r"\A", r"\z", r"\Z", r"\xc3", r"\x{a9}", "[à-ü]", r"\h", "[[:alpha:]]", "[[:^alpha:]]", "[[:lower:]b]",
    "[[:upper:]]", "[[:punct:]]", "[[:print:]]", r"[\w.]", r"[^\W1]", "[[:alnum:]-]", "[[:graph:]]",
    "[[:^punct:]]", "[[:cntrl:]]", r"[\W\d]", "(?i)", r"\1", "{,2}", "(?i:e)", "|",
)  # fmt: skip

VAIN = r"^(\w+\.?)+!$"
"""A pattern that takes more steps for some names than Erlang allows."""


class Asked:
    """A broker with an exchange of each name, whose policies show at once."""

    def __init__(self, management: Management, vhost: str, names: Sequence[str]) -> None:
        self.management, self.vhost, self.names = management, vhost, names
        for name in names:
            management.put("exchanges", vhost, name, body={"type": "fanout", "durable": True})

    def matched(self, pattern: str) -> set[str] | None:
        """Return the names that a policy's pattern is found in, None if the broker refuses the pattern."""
        definition = {"alternate-exchange": "x"}
        if not put_policy(
            self.management, self.vhost, "policies", "p", definition, pattern=pattern, apply_to="exchanges"
        ):
            return None
        listing = self.management.get("exchanges", self.vhost, columns="name,policy")
        return {item["name"] for item in listing if item.get("policy") == "p"} & set(self.names)


def random_pattern(chance: random.Random, depth: int = 0) -> str:
    """Return a pattern without the two things that PCRE 1 takes otherwise, which no policy needs.

    It repeats some assertions, and does not try a group again that refers to itself.
    """
    found = []
    for _ in range(chance.randint(1, 5)):
        piece = chance.choice(PIECES)
        if depth and piece == r"\1":
            continue
        if depth < 2 and chance.random() < 0.3:
            inner = random_pattern(chance, depth + 1)
            piece = chance.choice(("(", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:")) + inner + ")"
        is_assertion = piece.startswith(("(?=", "(?!", "(?<"))
        repeats = ("",) if is_assertion else ("", "", "", "", "*", "+", "?", "{2}", "{,2}", "{1,2}", "{1,}", "+?")
        found.append(piece + chance.choice(repeats))
    return chance.choice(("", "|")).join(found)


def disagreements(asked: Asked, patterns: Iterator[str], version: tuple[int, int]) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for pattern in patterns:
        by_broker = asked.matched(pattern)
        problem = policy_pattern_problem(pattern)
        if by_broker is None:  # another release may accept it
            continue
        computed = {name for name in asked.names if matches(pattern, name, version)}
        if computed != by_broker or problem:
            found.append((pattern, problem, sorted(computed ^ by_broker)))
    return found


@pytest.mark.lengthy
def test_patterns_are_found_in_the_names_that_the_broker_finds_them_in(
    management: Management, vhost: VirtualHost, under_test: BrokerUnderTest, pytestconfig: pytest.Config
) -> None:
    seed = pytestconfig.getoption("--seed")
    chance = random.Random(seed)  # noqa: S311 # no secrets here
    count = pytestconfig.getoption("--patterns")
    asked = Asked(management, vhost.name, NAMES)

    assert disagreements(asked, iter(PATTERNS), under_test.release) == []
    assert disagreements(asked, (random_pattern(chance) for _ in range(count)), under_test.release) == [], seed


def test_a_match_in_vain_is_given_up_by_the_broker_and_here(
    management: Management, vhost: VirtualHost, under_test: BrokerUnderTest
) -> None:
    names = ["aaa!", f"{'a' * 40}!x"]

    assert Asked(management, vhost.name, names).matched(VAIN) == {"aaa!"}
    assert [name for name in names if matches(VAIN, name, under_test.release)] == ["aaa!"]


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(a", "missing closing parenthesis at position 2"),
        ("é[a", "missing terminating ] for character class at position 3"),
        (r"\x{61}é*\C**(", "quantifier does not follow a repeatable item at position 12"),
        ("a**", "quantifier does not follow a repeatable item at position 3"),
        (r"é\u0041", r"PCRE does not know \u at position 1"),
        (r"\x{100}", r"PCRE does not know \x{100} at position 0"),
        ("(?<=a*)b", "length of lookbehind assertion is not limited at position 0"),
    ],
)
def test_a_pattern_that_pcre_refuses_has_a_problem_at_a_position(pattern: str, problem: str) -> None:
    assert policy_pattern_problem(pattern) == f"is not a regular expression: {problem}"


def test_patterns_that_only_pcre_knows_have_no_problem() -> None:
    assert [pattern for pattern in PATTERNS if policy_pattern_problem(pattern)] == []


def test_letters_beyond_ascii_were_letters_until_pcre_2() -> None:
    assert matches(r"^\w", "é", OLDEST)
    assert not matches(r"^\w", "é", NEWEST)


def test_a_pattern_that_gives_up_often_takes_no_long_time() -> None:
    started = time.process_time()

    assert not any(matches(VAIN, f"{'a' * 40}{number}!x", NEWEST) for number in range(500))

    assert time.process_time() - started < 20


@pytest.mark.parametrize(("version", "at_the_end_of_a_word"), [(OLDEST, False), (NEWEST, True)])
def test_the_border_of_a_word_follows_its_letters(version: Version, *, at_the_end_of_a_word: bool) -> None:
    r"""Half of a letter in UTF-8 was a letter of its own until PCRE 2, so there was no border before it."""
    assert matches(r"^a\b", "a.b", version)
    assert not matches(r"^a\b", "ab", version)
    assert matches(r"^a\B", "ab", version)
    assert matches(r"^a\b", "aé", version) is at_the_end_of_a_word
    assert matches(r"^a\B", "aé", version) is not at_the_end_of_a_word
