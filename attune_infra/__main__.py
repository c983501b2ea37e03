"""python -m attune_infra."""

from attune_infra.cli import main

if __name__ == "__main__":
    main()
