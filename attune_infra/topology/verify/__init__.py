"""The named checks: what a broker reported, compared with the wanted topology."""

from attune_infra.topology.verify.checks import (
    About,
    Check,
    Code,
    Consumer,
    Group,
    Named,
    Verdict,
    Verification,
)
from attune_infra.topology.verify.comparison import is_of_a_worker, verify
from attune_infra.topology.verify.inputs import Demands, Seen, Wanted

__all__ = [
    "About",
    "Check",
    "Code",
    "Consumer",
    "Demands",
    "Group",
    "Named",
    "Seen",
    "Verdict",
    "Verification",
    "Wanted",
    "is_of_a_worker",
    "verify",
]
