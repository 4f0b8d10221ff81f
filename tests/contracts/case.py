"""What a case of the fidelity suite is: requests as they go over the wire, and what the upstream does meanwhile."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
RECORDING = DATA / "aperture-v0.5.0.jsonl"  # the contract's; never written
HOST = "Host: 127.0.0.1:8080"
CLOSE = "Connection: close"


@dataclass(frozen=True, slots=True)
class Reached:
    """The client waits until the upstream has received these bytes."""

    text: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The upstream waits until the client has received these bytes: whoever holds them back stalls the case."""

    text: str


class Do(StrEnum):
    """What else may stand between texts."""

    AWAIT_CONTINUE = "await 100"  # the client waits for the interim answer
    AWAIT_EXPIRY = "await expiry"  # the client waits until the token of the service with a timeout of 1 s is too old
    FINISH = "finish"  # the client closes its sending side
    CLOSE = "close"  # the upstream closes the connection
    RESET = "reset"  # the upstream resets it


class Field(StrEnum):
    """What Aperture itself does not answer alike each time, and a case therefore leaves out."""

    CONTENT_TYPE = "content type"  # sniffed only if the first write outruns the first flush (Go's reverse proxy)
    UPSTREAM = "upstream"  # whether the upstream got a request, or how much of it, is a race
    BODY = "body"  # how much of a body arrives before it is cut


ECHO = ("echo",)  # answers as the upstream of the contract's recording did

Part = str | Reached | Seen | Do


@dataclass(frozen=True, slots=True)
class Step:
    """One connection: requests one after another, each sent when the one before is answered.

    A request is a text, or a tuple of texts and waits. ``copies`` such connections run at once. With ``is_pipelined``
    all requests are sent before the first answer is read. ``script``: what the upstream does with each request.
    """

    requests: tuple[str | tuple[Part, ...], ...]
    script: tuple[Part, ...] = ECHO
    copies: int = 1
    is_pipelined: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """Steps in their order, on one gateway. ``{name}`` in a text is a token, an upstream or bytes (values.py)."""

    id: str
    rule: str
    steps: tuple[Step, ...]
    varies: frozenset[Field] = field(default_factory=frozenset)


def case(id: str, rule: str, *requests: str, varies: tuple[Field, ...] = ()) -> Case:
    """Requests on a connection each."""
    return Case(id, rule, tuple(Step((request,)) for request in requests), frozenset(varies))


def request(line: str, *headers: str, body: str = "", host: str = HOST, is_last: bool = True) -> str:
    """A request of one text; the last on its connection unless said otherwise."""
    lines = [f"{line} HTTP/1.1", host, *headers, *([CLOSE] if is_last else [])]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def paid(token: str) -> str:
    """The line that carries a paid token."""
    return f"Authorization: L402 {{{token}.macaroon}}:{{{token}.preimage}}"


# Cases of the recording that count something: they only mean anything in their order.
_SEQUENCES = re.compile(r"(freebie|limit)\.")


def recorded_cases() -> list[Case]:
    """The contract's 122 requests; those that belong together are one case."""
    cases: dict[str, Case] = {}
    for line in RECORDING.read_text().splitlines():
        entry = json.loads(line)
        found = _SEQUENCES.match(entry["id"])
        name = found[1] if found else entry["id"]
        before = cases.get(name)
        steps = (*(before.steps if before else ()), Step((entry["request"],)))
        cases[name] = Case(name, entry["rule"] if before is None else before.rule, steps)
    return list(cases.values())
