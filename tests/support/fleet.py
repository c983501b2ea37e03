"""Real worker processes, observed by the messages they handle and by their standard error."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import amqp

from support.as_a_user import Command
from support.eventually import eventually

_LOG_LINE = re.compile(
    r"^time=\S+ level=\w+ worker=\S+ msg=(\".*?(?<!\\\\)\"|\S+)(?: hint=(\".*\"))?$", re.MULTILINE
)


def _sentence(line: re.Match[str]) -> str:
    message, hint = (json.loads(part) if part and part.startswith('"') else part for part in line.groups())
    return f"error: {message}\nhint:  {hint}" if hint else str(message)


class Fleet:
    """Worker processes; all write each message they handle to one file, and each its standard error to another."""

    def __init__(self, run: Command, folder: Path) -> None:
        self.run, self.folder = run, folder
        self._processes: list[subprocess.Popen[str]] = []
        (folder / "handled").touch()

    def start(self, name: str, *options: str, command: str | None = ":") -> subprocess.Popen[str]:
        """Start a worker that writes down each message and runs a command; None is a worker without a command."""
        record = f"read -r line; printf '%s\\n' \"$line\" >>{self.folder}/handled; {command}"
        execute = () if command is None else ("--exec", f"sh -c {shlex.quote(record)}")
        arguments = ("worker", "run", "--name", name, *execute, *options)
        with (self.folder / name).open("a", encoding="utf-8") as talk:
            process = self.run.start(*arguments, talk=talk)
        self._processes.append(process)
        return process

    def talk(self, name: str) -> str:
        """Return the sentences of a worker's log, one a line."""
        return _LOG_LINE.sub(_sentence, (self.folder / name).read_text(encoding="utf-8"))

    def wait_until_consuming(self, name: str, times: int = 1) -> None:
        """Wait until a worker has reported so many times that it consumes."""
        eventually(lambda: self.talk(name).count(" consumes\n"), times.__le__, within=40)

    def wait_for_words(self, name: str, words: str) -> None:
        """Wait until the standard error of a worker has these words."""
        eventually(lambda: self.talk(name), lambda talk: words in talk, within=60)

    def handled_ids(self) -> list[Any]:
        """Return the ids of the handled messages, in order."""
        lines = (self.folder / "handled").read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["message_id"] for line in lines]

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()


def send(channel: amqp.Channel, *message_ids: object, key: str = "worker.1") -> None:
    """Publish a message with each of these ids to a worker; the broker confirms each."""
    channel.confirm_select()
    for message_id in message_ids:
        body = json.dumps({"message_id": message_id})
        channel.basic_publish_confirm(amqp.Message(body, delivery_mode=2), "attune.executions", key)


def statuses(run: Command) -> list[tuple[int, str]]:
    """Return the id and the status of each worker that `worker list` prints."""
    workers = run("worker", "list", "-o", "json").json["workers"]
    return [(each["id"], each["status"]) for each in workers]
