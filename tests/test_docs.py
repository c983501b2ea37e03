"""Links of the documentation lead somewhere, and its indexes are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.folders import ROOT

DECISIONS = ROOT / "docs/decisions"
RECORDS = sorted(DECISIONS.glob("[0-9]*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
RECORD_PARTS = ["Question.", "Choice.", "Price.", "What would change our mind."]


def name_from_root(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_without_code(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", text_without_code(page), re.MULTILINE)


def anchor_of(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def relative_links(page: Path) -> list[str]:
    targets: list[str] = re.findall(r"\]\(([^)\s]+)\)", text_without_code(page))
    return [target for target in targets if "://" not in target]


def is_broken(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    destination = (page.parent / path).resolve() if path else page
    if not destination.exists():
        return True
    return bool(anchor) and anchor not in {anchor_of(each) for each in headings(destination)}


@pytest.mark.parametrize("page", PAGES, ids=name_from_root)
def test_every_relative_link_leads_to_a_file_or_a_heading(page: Path) -> None:
    assert [target for target in relative_links(page) if is_broken(page, target)] == []


def test_a_broken_link_is_noticed() -> None:
    readme = ROOT / "README.md"

    assert [is_broken(readme, each) for each in ("docs/none.md", "#none", "docs/performance.md#none")] == [
        True
    ] * 3
    assert not is_broken(readme, "docs/performance.md#targets-missed")


def test_the_index_has_every_decision_by_number_and_title() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    entries = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+\.md)\) \| .+ \|$", index, re.MULTILINE)

    records = [(int(path.name[:4]), headings(path)[0], path.name) for path in RECORDS]

    assert sorted((int(number), f"{number}. {title}", name) for number, title, name in entries) == records
    assert len({number for number, *_ in records}) == len(records)


@pytest.mark.parametrize("record", RECORDS, ids=name_from_root)
def test_a_decision_has_its_four_parts_in_order(record: Path) -> None:
    assert re.findall(r"^\*\*(.+?)\*\*", record.read_text(encoding="utf-8"), re.MULTILINE) == RECORD_PARTS


def test_every_page_is_linked_from_another() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve() for page in PAGES for target in relative_links(page)
    }
    entrances = {ROOT / "README.md"}

    assert {name_from_root(page) for page in PAGES if page not in linked | entrances} == set()


ARCHITECTURE = ROOT / "docs/architecture.md"
PLACES = re.findall(
    r"^\| (.+\?) \| `(\w+)` \| `(\S+)` \|$", ARCHITECTURE.read_text(encoding="utf-8"), re.MULTILINE
)


@pytest.mark.parametrize(("question", "word", "file"), PLACES, ids=[word for _, word, _ in PLACES])
def test_one_word_finds_the_place_of_a_feature(question: str, word: str, file: str) -> None:
    found = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "attune_infra").rglob("*.py") if word in str(path)
    }

    assert f"attune_infra/{file}" in found, question


def test_thirty_two_questions_are_answered() -> None:
    assert len({question for question, _, _ in PLACES}) == 32
