"""Print by how many MiB the memory of a process grows while it checks a body of 4 MB."""

import sys
from resource import RUSAGE_SELF, getrusage

from attune_infra.worker.body import check

body = b"[" + 300_000 * b'{"a":[[0]]},' + b"0]"
before = getrusage(RUSAGE_SELF).ru_maxrss
for _ in check(body):
    pass
sys.stdout.write(f"{(getrusage(RUSAGE_SELF).ru_maxrss - before) // 1024}\n")
