"""python -m attune_infra, and the program itself."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

from attune_infra import __version__


def main() -> NoReturn:
    """Answer for the version at once; leave everything else to the command line."""
    if sys.argv[1:] == ["--version"]:
        print(f"attune-infra {__version__}")  # noqa: T201 - what scripts ask often, they get before anything is loaded
        sys.exit()
    from attune_infra import cli

    gc.disable()  # most commands are over before looking for garbage could pay
    try:
        cli.main()
    finally:
        gc.freeze()  # so that leaving does not look either


if __name__ == "__main__":
    main()
