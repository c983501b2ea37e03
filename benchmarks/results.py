"""Results as values: samples, their targets, and a whole run. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Final, Self, TypeAlias

SCHEMA: Final = "attune-infra/benchmark/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The measurements of one contestant: the wall time and the peak of memory of each turn."""

    name: str
    subject: bool
    """True for the program itself, doing the job of the case."""
    seconds: tuple[float, ...]
    megabytes: tuple[float, ...]

    @property
    def milliseconds(self) -> float:
        return median(self.seconds) * 1000

    @property
    def spread(self) -> tuple[float, float]:
        """The fastest and the slowest turn, in ms."""
        return min(self.seconds) * 1000, max(self.seconds) * 1000

    @property
    def peak(self) -> float:
        return max(self.megabytes)

    @classmethod
    def of(cls, name: str, turns: Iterable[tuple[float, float]], *, subject: bool = True) -> Self:
        """Return the samples of turns, each given as (seconds, MB)."""
        seconds, megabytes = zip(*turns, strict=True)
        return cls(name=name, subject=subject, seconds=seconds, megabytes=megabytes)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "seconds": tuple(data["seconds"]), "megabytes": tuple(data["megabytes"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class AtMost:
    """A target: the median is at most `times` the lowest median of some others, plus the median of one more."""

    subject: str
    times: float
    fastest_of: tuple[str, ...]
    called: str = ""
    """The common name of those others, if there are several."""
    plus: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The contestants whose samples the verdict needs."""
        return (self.subject, *self.fastest_of, *([self.plus] if self.plus else ()))

    def judge(self, measured: Mapping[str, Samples]) -> tuple[bool, str]:
        """Return true if the target is met, and the figures."""
        ours = measured[self.subject].milliseconds
        on_top, fastest = self._others(measured)
        ratio = self.ratio(measured)
        return ratio <= self.times, f"{ratio:.2f}x, {ours:,.0f} of {self.times * fastest + on_top:,.0f} ms"

    def ratio(self, measured: Mapping[str, Samples]) -> float:
        """Return the number that `times` bounds."""
        on_top, fastest = self._others(measured)
        return (measured[self.subject].milliseconds - on_top) / fastest

    def _others(self, measured: Mapping[str, Samples]) -> tuple[float, float]:
        """Return the time that is added, and the fastest of the others, in ms."""
        on_top = measured[self.plus].milliseconds if self.plus else 0.0
        return on_top, min(measured[name].milliseconds for name in self.fastest_of)

    def __str__(self) -> str:
        other = f"the fastest {self.called}" if self.called else self.fastest_of[0]
        return f"{self.subject} at most {self.times:g}x {other}" + (f", plus {self.plus}" if self.plus else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """A target: the peak of memory stays below so many MB."""

    subject: str
    megabytes: float

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.subject,)

    def judge(self, measured: Mapping[str, Samples]) -> tuple[bool, str]:
        peak = measured[self.subject].peak
        return peak < self.megabytes, f"{peak:,.0f} MB"

    def ratio(self, measured: Mapping[str, Samples]) -> float:
        """Return the peak of memory as a share of what is allowed."""
        return measured[self.subject].peak / self.megabytes

    def __str__(self) -> str:
        return f"{self.subject} below {self.megabytes:g} MB"


Target: TypeAlias = AtMost | Below


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a target: met, missed, or None if a contestant that it names was not measured."""

    target: Target
    met: bool | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a case: the samples, the absent contestants with their reasons, and the targets."""

    name: str
    title: str
    samples: tuple[Samples, ...]
    absent: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()

    @property
    def subjects(self) -> tuple[Samples, ...]:
        return tuple(each for each in self.samples if each.subject)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        measured = {each.name: each for each in self.samples}
        return tuple(_judge(target, measured, self.absent) for target in self.targets)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            name=data["name"],
            title=data["title"],
            samples=tuple(map(Samples.read, data["samples"])),
            absent=data["absent"],
            targets=tuple(map(_read_target, data["targets"])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The samples of provisioning so many workers at once, and of comparing them."""

    workers: int
    provision: Samples
    diff: Samples

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            workers=data["workers"], provision=Samples.read(data["provision"]), diff=Samples.read(data["diff"])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All results from one broker, with its machine and the versions of the programs."""

    machine: Mapping[str, str]
    versions: Mapping[str, str]
    results: tuple[Result, ...]
    growth: tuple[Size, ...] = ()

    def to_json(self) -> str:
        cases = [
            {
                **asdict(result),
                "verdicts": [{"target": str(each.target), "met": each.met} for each in result.verdicts],
            }
            for result in self.results
        ]
        growth = [asdict(size) for size in self.growth]
        whole = {
            "schema": SCHEMA,
            "machine": self.machine,
            "versions": self.versions,
            "cases": cases,
            "growth": growth,
        }
        return json.dumps(whole, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        data = json.loads(text)
        if data.get("schema") != SCHEMA:
            raise ValueError(f"this is no {SCHEMA}")
        return cls(
            machine=data["machine"],
            versions=data["versions"],
            results=tuple(map(Result.read, data["cases"])),
            growth=tuple(map(Size.read, data["growth"])),
        )


def _read_target(data: Mapping[str, Any]) -> Target:
    if "megabytes" in data:
        return Below(**data)
    return AtMost(**{**data, "fastest_of": tuple(data["fastest_of"])})


def _judge(target: Target, measured: Mapping[str, Samples], absent: Mapping[str, str]) -> Verdict:
    if missing := [name for name in target.needs if name not in measured]:
        return Verdict(target, None, "; ".join(f"{name}: {absent.get(name, 'not measured')}" for name in missing))
    return Verdict(target, *target.judge(measured))
