"""The page of a graph in a real browser: search, pan, zoom, details; nothing is requested, nothing is injected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from attune_infra.render.graph.html import html
from attune_infra.render.graph.layout import lay_out
from attune_infra.render.words import visible
from attune_infra.topology.graph.build import graph
from attune_infra.topology.graph.group import GroupBy, group
from attune_infra.topology.graph.values import Graph
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.model import Binding, Exchange, Queue, Topology
from support.browser import Browser, needs_browser, start_browser
from support.strategies import NASTY_NAMES

pytestmark = [needs_browser, pytest.mark.xdist_group("chromium")]  # they share a browser

AREAS = ("billing", "mail", "orders", "search", "stock")
HOSTILE = (
    "</script><script>window.hurt=1</script>",
    "</title><script>window.hurt=1</script>",
    "<img src=x onerror='window.hurt=1'>",
    "\"><svg onload='window.hurt=1'>",
    "</svg><iframe srcdoc='<script>parent.hurt=1</script>'></iframe>",
    "]]><!--<script>",
    "{{script}}",
    "https://example.com/<style>@import'//example.com'</style>",
    *(name for name in NASTY_NAMES if len(name) < 60),
)


def shop() -> Topology:
    """Hundreds of objects, with names that do not fold."""
    exchanges = [Exchange(name=f"{area}.events", type="topic") for area in AREAS]
    names = [f"{area}.{chr(97 + one)}{chr(97 + two)}" for area in AREAS for one in range(8) for two in range(8)]
    queues = [Queue(name=name, arguments={"x-dead-letter-exchange": "dlx"}) for name in names]
    bindings = [
        Binding(source=f"{name.partition('.')[0]}.events", destination=name, routing_key=f"key.{name}")
        for name in names
    ]
    return Topology.of([*exchanges, Exchange(name="dlx", type="fanout"), *queues, *bindings], name="shop")


def hostile() -> Topology:
    """Names of every kind that could end an element, a string or a script, wherever a name can stand."""
    exchanges = [Exchange(name=name, type="topic") for name in HOSTILE]
    queues = [Queue(name=name, arguments={name: name}) for name in HOSTILE]
    bindings = [
        Binding(source=name, destination=name, routing_key=name, arguments={name: name}) for name in HOSTILE
    ]
    return Topology.of([*exchanges, *queues, *bindings], name=HOSTILE[0])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with start_browser() as started:
        yield started


class Page:
    """The page of a graph in a browser."""

    def __init__(self, browser: Browser, path: Path, shown: Graph) -> None:
        if not path.exists():
            path.write_text(html(lay_out(shown)), encoding="utf-8")
        browser.complaints()
        browser.open(path)
        self.browser, self.graph = browser, shown

    def element(self, selector: str) -> WebElement:
        return self.browser.driver.find_element(By.CSS_SELECTOR, selector)

    def box(self, name: str) -> WebElement:
        [number] = [number for number, node in enumerate(self.graph.nodes) if f"{node.of} {node.name}" == name]
        return self.element(f"[data-node='{number}']")

    def search(self, words: str) -> None:
        self.element("#search").clear()
        self.element("#search").send_keys(words)

    def marked(self, mark: str) -> set[str]:
        """Return the names of the nodes that have a mark."""
        numbers = self.browser.ask(
            "return [...document.querySelectorAll(`[data-node].${arguments[0]}`)].map(e => e.dataset.node)", mark
        )
        return {self.graph.nodes[int(number)].name for number in numbers}

    def shown_part(self) -> list[float]:
        """Return the left and upper place, the width and the height of the part of the picture that is shown."""
        part = self.browser.ask("return document.querySelector('main > svg').getAttribute('viewBox')")
        return [float(each) for each in part.split()]

    def is_in_view(self, box: WebElement) -> bool:
        """Return whether the middle of a box is inside of the window, and nothing covers it."""
        return bool(
            self.browser.ask(
                "const r = arguments[0].getBoundingClientRect();"
                "return arguments[0].contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2))",
                box,
            )
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def page(browser: Browser, folder: Path) -> Page:
    """The page of the shop, newly opened; its picture is drawn once for all tests."""
    topology = shop()
    drawn = group(graph(topology, findings=lint(topology).findings), GroupBy.EXCHANGE)
    return Page(browser, folder / "shop.html", drawn)


def test_every_object_is_there_and_nothing_is_requested(page: Page) -> None:
    assert (
        page.browser.ask("return document.querySelectorAll('[data-node]').length") == len(page.graph.nodes) > 320
    )
    assert page.browser.ask("return performance.getEntriesByType('resource').map(e => e.name)") == []
    assert page.browser.driver.title == "shop"
    assert page.browser.complaints() == []


def test_a_search_marks_what_it_finds_and_enter_goes_to_the_next(page: Page) -> None:
    page.search("ORDERS.h")

    names = {f"orders.h{letter}" for letter in "abcdefgh"}
    assert page.marked("found") == names
    assert page.marked("faded") == {node.name for node in page.graph.nodes} - names
    assert page.element("#found").text == "8 objects"

    page.element("#search").send_keys(Keys.ENTER)
    assert page.element("#found").text == "1 of 8"
    assert page.is_in_view(page.box("queue orders.ha"))
    page.element("#search").send_keys(Keys.ENTER)
    assert page.is_in_view(page.box("queue orders.hb"))
    page.element("#search").send_keys(Keys.SHIFT, Keys.ENTER)
    assert page.element("#found").text == "1 of 8"


def test_a_search_finds_routing_keys_and_rules(page: Page) -> None:
    page.search("key.stock.dd")
    assert page.marked("found") == {"stock.dd"}

    [code] = {code for node in page.graph.nodes for code in node.codes if node.name == "dlx"}
    page.search(code)
    assert "dlx" in page.marked("found")

    page.search("nothing like it")
    assert page.element("#found").text == "0 objects"

    page.element("#search").send_keys(Keys.ESCAPE)
    assert (page.marked("faded"), page.element("#found").text) == (set(), "")


def test_the_mouse_moves_the_picture_and_the_wheel_zooms_where_it_is(page: Page) -> None:
    view, before = page.element("main"), page.shown_part()

    ActionChains(page.browser.driver).drag_and_drop_by_offset(view, -200, -100).perform()
    moved = page.shown_part()
    assert moved[0] > before[0]
    assert moved[1] > before[1]
    assert moved[2:] == before[2:]
    assert page.marked("chosen") == set()

    ActionChains(page.browser.driver).scroll_from_origin(ScrollOrigin.from_element(view), 0, -400).perform()
    zoomed = page.shown_part()
    assert zoomed[2] < moved[2]
    assert zoomed[0] + zoomed[2] / 2 == pytest.approx(moved[0] + moved[2] / 2, rel=0.01)
    assert zoomed[1] + zoomed[3] / 2 == pytest.approx(moved[1] + moved[3] / 2, rel=0.01)


def test_buttons_and_keys_zoom_move_and_show_all(page: Page) -> None:
    start = page.shown_part()
    page.element("#in").click()
    nearer = page.shown_part()
    assert nearer[2] < start[2]
    page.element("#out").click()
    assert page.shown_part() == pytest.approx(start)

    page.element("main").send_keys("+")
    assert page.shown_part() == pytest.approx(nearer)
    page.element("main").send_keys(Keys.ARROW_RIGHT)
    assert page.shown_part()[0] > nearer[0]

    page.element("#fit").click()
    whole = page.browser.ask("return document.querySelector('rect.back').getBoundingClientRect().toJSON()")
    frame = page.browser.ask("return document.querySelector('main').getBoundingClientRect().toJSON()")
    assert whole["top"] >= frame["top"] - 1
    assert whole["bottom"] <= frame["bottom"] + 1
    assert whole["left"] >= frame["left"] - 1
    assert whole["right"] <= frame["right"] + 1


def test_a_click_shows_the_details_and_the_neighbours_of_a_node(page: Page) -> None:
    page.search("mail.cc")
    page.element("#search").send_keys(Keys.ENTER)
    page.box("queue mail.cc").click()

    assert page.marked("chosen") == {"mail.cc"}
    assert page.marked("faded") == {node.name for node in page.graph.nodes} - {"mail.cc", "mail.events", "dlx"}
    details = page.element("#details").text
    assert details.startswith("queue mail.cc\nclassic\n")
    assert 'x-dead-letter-exchange: "dlx"' in details
    assert "exchange mail.events with key.mail.cc" in details
    assert "exchange dlx (dead-letter)" in details

    page.element("#details button.way").click()
    assert page.marked("chosen") == {"dlx"}
    assert page.is_in_view(page.box("exchange dlx"))
    assert re.search(r"AI0\d\d warning", page.element("#details").text)


@pytest.mark.parametrize("by", [GroupBy.NONE, GroupBy.EXCHANGE])
def test_any_name_is_shown_as_text_and_none_acts(browser: Browser, tmp_path: Path, by: GroupBy) -> None:
    page = Page(browser, tmp_path / "hostile.html", group(graph(hostile()), by))
    titles = browser.ask(
        """return arguments[0].map((number) => {
          const box = document.querySelector(`[data-node='${number}']`);
          box.dispatchEvent(new MouseEvent("click", { bubbles: true }));
          return document.querySelector("#details h2").textContent;
        })""",
        list(range(len(page.graph.nodes))),
    )
    assert titles == [f"{node.of} {node.name}" for node in page.graph.nodes]
    assert browser.ask("return window.hurt") is None
    assert browser.ask("return document.querySelectorAll('script').length") == 2
    assert browser.ask("return document.querySelectorAll('img, iframe, link, object, embed').length") == 0
    assert browser.ask("return document.querySelectorAll('style').length") == 2
    assert browser.ask("return performance.getEntriesByType('resource').length") == 0
    assert browser.complaints() == []
    assert browser.driver.title == " ".join(visible(HOSTILE[0]).split())
    titles = browser.ask("return [...document.querySelectorAll('[data-node] > title')].map(e => e.textContent)")
    assert set(titles) == {visible(f"{node.kind} {node.name}") for node in page.graph.nodes}


def test_the_policy_of_the_page_forbids_other_scripts_and_requests(browser: Browser, tmp_path: Path) -> None:
    """Should a name ever get out of its place, the browser still refuses to run it."""
    path = tmp_path / "hurt.html"
    text = html(lay_out(graph(shop())))
    path.write_text(
        text.replace("<header>", "<script>window.hurt=1</script><img src='http://127.0.0.1:9/x'><header>")
    )

    browser.complaints()
    browser.open(path)

    assert browser.ask("return window.hurt") is None
    complaints = " ".join(browser.complaints())
    assert "script-src" in complaints
    assert "violates the following Content Security Policy" in complaints


def test_a_small_picture_is_shown_whole_and_a_large_one_readable(browser: Browser, tmp_path: Path) -> None:
    small = Page(browser, tmp_path / "small.html", graph(Topology.of([Queue(name="q")])))
    assert small.is_in_view(small.box("queue q"))

    large = Page(browser, tmp_path / "large.html", graph(shop()))
    height = browser.ask("return document.querySelector('[data-node] rect.front').getBoundingClientRect().height")
    assert height > 15
    assert large.shown_part()[3] < 5000
