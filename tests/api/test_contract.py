"""The public names of the Python API, their signatures and their attributes: breaking one fails here.

If a change is meant, write a line in CHANGELOG.md, and run this file: it prints the text for `contract.txt`.
"""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attune_infra
from attune_infra import api

CONTRACT = Path(__file__).with_name("contract.txt")
INHERITED = frozenset(dir(Exception)) | frozenset(dir(object))


def contract() -> Iterator[str]:
    """Yield a line for each public name, signature and attribute."""
    for name in sorted(api.__all__):
        found = getattr(api, name)
        if inspect.isclass(found):
            yield from lines_of_class(name, found)
        else:
            yield f"{name}{inspect.signature(found)}"


def lines_of_class(name: str, found: type) -> Iterator[str]:
    if issubclass(found, Exception):
        yield f"{name}({', '.join(base.__name__ for base in found.__bases__)})"
        return
    if issubclass(found, int):
        yield f"{name}: {', '.join(f'{each.name} = {each.value}' for each in found)}"  # type: ignore[attr-defined] # an enum
        return
    yield name
    for field in dataclasses.fields(found) if dataclasses.is_dataclass(found) else ():
        if not field.name.startswith("_"):
            yield f"  {name}.{field.name}: {field.type}"
    for attribute, value in sorted(vars(found).items()):
        if attribute.startswith("_"):
            continue
        if isinstance(value, property):
            yield f"  {name}.{attribute}: {inspect.signature(value.fget).return_annotation}"  # type: ignore[arg-type] # ours have getters
        elif callable(value) or isinstance(value, classmethod):
            yield f"  {name}.{attribute}{inspect.signature(getattr(found, attribute))}"


def test_no_public_name_or_signature_has_changed() -> None:
    assert list(contract()) == CONTRACT.read_text(encoding="utf-8").splitlines()


def test_the_package_offers_exactly_these_names() -> None:
    assert set(attune_infra.__all__) == {"__version__", *api.__all__}
    assert all(getattr(attune_infra, name) is getattr(api, name) for name in api.__all__)
    assert set(api.__all__) <= set(dir(attune_infra))
    assert not hasattr(attune_infra, "no_such_name")


def test_every_public_name_says_what_it_is() -> None:
    """Errors say it in `attune_infra.errors`, where their tree stands."""
    for name in api.__all__:
        found = getattr(api, name)
        if not (inspect.isclass(found) and issubclass(found, Exception)):
            assert inspect.getdoc(found), name
    for found in (api.Topology, api.Broker, api.Plan):
        for attribute in vars(found):
            if not attribute.startswith("_") and attribute not in {"name", "bindings"}:
                assert inspect.getdoc(getattr(found, attribute)), attribute


def test_the_version_alone_loads_nothing() -> None:
    script = "import sys, attune_infra; print([name for name in sys.modules if name.startswith('attune_infra')])"

    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "['attune_infra']\n"


def test_what_a_script_writes_is_checked_by_mypy(tmp_path: Path) -> None:
    """The package is typed: a wrong name and a wrong argument are found, and the values have their types."""
    script = tmp_path / "script.py"
    script.write_text(
        "from attune_infra import Topology, connect, diff\n"
        "want = Topology.load('mine.yaml')\n"
        "with connect('amqp://localhost') as broker:\n"
        "    reveal_type(diff(broker.read(), want))\n"
        "    reveal_type(broker.apply(broker.plan(want)).ok)\n"
        "    broker.plan('mine.yaml')\n"
        "    broker.nothing\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file", "", str(script)]

    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path).stdout

    assert "Create | attune_infra.topology.diff.Update" in told
    assert 'Revealed type is "bool"' in told
    assert 'incompatible type "str"; expected "Topology"' in told
    assert '"Broker" has no attribute "nothing"' in told
    assert told.splitlines()[-1].startswith("Found 2 errors")


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in contract()))
