"""The library `requests`, loaded without the libraries that guess encodings."""

from __future__ import annotations

import sys
import warnings
from contextlib import suppress
from typing import Final

_GUESSING: Final = ("chardet", "charset_normalizer")


def load_requests() -> None:
    """Load `requests` as where no library that guesses encodings is installed, which takes an eighth less.

    RabbitMQ's answers are JSON, in UTF-8. Only the program does so: another one may want the guesses.
    """
    if "requests" in sys.modules or any(name in sys.modules for name in _GUESSING):
        return
    hidden: dict[str, None] = dict.fromkeys(_GUESSING)
    sys.modules.update(hidden)  # type: ignore[arg-type] # None: not to be found
    try:
        with warnings.catch_warnings(), suppress(ImportError):  # a release before 2.32 insists on one
            warnings.simplefilter("ignore")  # it warns that there is none
            import requests  # noqa: F401 - to be found by others
    finally:
        for name in _GUESSING:
            del sys.modules[name]
