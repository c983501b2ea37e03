"""The settings that a broker looks up in the arguments and the policy of a queue, seen by tracing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from attune_infra.sandbox import BoundSandbox

_START = """
spawn(fun() ->
    ets:new(looked_up, [named_table, public]), register(looked_up, self()), receive stop -> ok end
end),
timer:sleep(100),
Tracer = spawn(fun() ->
    Loop = fun Next(Calls) -> receive
        {trace, Process, call, {_, _, [Key, _, Queue]}} ->
            Next(Calls#{Process => {Key, element(4, element(2, Queue))}});
        {trace, Process, return_from, _, Value} when is_map_key(Process, Calls) ->
            ets:insert(looked_up, {map_get(Process, Calls), Value}), Next(Calls);
        _ -> Next(Calls)
    end end,
    Loop(#{})
end),
{module, _} = code:ensure_loaded(rabbit_queue_type_util),
erlang:trace_pattern({rabbit_queue_type_util, args_policy_lookup, 3}, [{'_', [], [{return_trace}]}], [global]),
erlang:trace(all, true, [call, {tracer, Tracer}]).
"""

_PRINT = """
lists:foreach(
    fun({{Key, Name}, Value}) when is_binary(Value) -> io:format("~ts|~ts|~ts~n", [Key, Name, Value]);
       ({{Key, Name}, Value}) -> io:format("~ts|~ts|~p~n", [Key, Name, Value])
    end, ets:tab2list(looked_up)).
"""

_STOP = "erlang:trace(all, false, [call]), looked_up ! stop."

Lookups: TypeAlias = dict[tuple[str, str], str]
"""The last value found for a queue and a key, as text; `undefined` if neither argument nor policy set it."""


@contextmanager
def lookups(sandbox: BoundSandbox) -> Iterator[Callable[[], Lookups]]:
    """Trace the broker within the block, and give it a function that returns the lookups until now."""
    sandbox.rabbitmqctl("eval", _START)

    def read() -> Lookups:
        lines = (
            line.split("|") for line in sandbox.rabbitmqctl("eval", _PRINT).splitlines() if line.count("|") == 2
        )
        return {(queue, key): value for key, queue, value in lines}

    try:
        yield read
    finally:
        sandbox.rabbitmqctl("eval", _STOP)
