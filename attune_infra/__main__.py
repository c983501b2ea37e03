"""python -m attune_infra, and the program itself."""

from __future__ import annotations

import gc
import sys
from typing import Final, NoReturn

from attune_infra import __version__

_SWITCH_INTERVAL: Final = 0.0005
"""Seconds. A thread that only sends the next request does not wait long for one that computes."""


def main() -> NoReturn:
    """Answer for the version at once; leave everything else to the command line."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        print(f"attune-infra {__version__}")  # noqa: T201 - what scripts ask often, they get before anything is loaded
        sys.exit()
    gc.disable()  # most commands are over before looking for garbage could pay
    sys.setswitchinterval(_SWITCH_INTERVAL)
    from attune_infra import cli

    try:
        cli.main()
    finally:
        gc.freeze()  # so that leaving does not look either


if __name__ == "__main__":
    main()
