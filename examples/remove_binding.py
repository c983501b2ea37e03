"""Remove the binding of a worker's queue, as an accident would: python remove_binding.py WORKER_ID."""

import os
import sys

import amqp

from attune_infra.settings import resolve


def main(worker_id: str) -> None:
    settings = resolve({}, os.environ)
    with amqp.Connection(
        settings.amqp.netloc,
        userid=settings.amqp.user,
        password=settings.amqp.password,
        virtual_host=settings.virtual_host,
    ) as connection:
        connection.channel().queue_unbind(
            f"worker.{worker_id}.executions", "attune.executions", f"worker.{worker_id}"
        )
    print(f"removed the binding attune.executions -> worker.{worker_id}.executions")


if __name__ == "__main__":
    main(sys.argv[1])
