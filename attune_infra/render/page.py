"""Which page shows what. A page is the module of one feature: `lines` and `data` of the few types it knows."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

    from attune_infra.render.showable import Showable

PAGES: Final = {
    "CheckedTexts": "check",
    "DeregisteredWorkers": "registry",
    "Dispatch": "dispatch",
    "Document": "document",
    "Enlisted": "enlist",
    "ExplainedPlan": "explain",
    "Explanation": "lint",
    "Fleet": "fleet",
    "Leftovers": "leftovers",
    "Linted": "lint",
    "Measurement": "metrics",
    "Plan": "plan",
    "Provisioned": "provision",
    "RegisteredWorker": "registry",
    "RegistryTable": "registry",
    "Report": "report",
    "SandboxStates": "sandbox",
    "SandboxVariables": "sandbox",
    "Trace": "trace",
    "Verification": "verify",
}
"""The page of each type, both by name: a command loads the page of what it shows, and no other."""


def page_of(shown: Showable) -> ModuleType:
    """Return the page of a value, loaded."""
    return import_module(f"{__package__}.pages.{PAGES[type(shown).__name__]}")
