"""Runs a case at a gateway and says what was seen: every field of every answer, and what reached the upstream."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any

from bolt11 import decode
from pymacaroons import Macaroon
from pymacaroons.serializers import BinarySerializer

from tests.contracts.case import Case, Do, Part, Reached, Seen, Step
from tests.contracts.messages import WAIT_S, Cut, Line, Meeting, Message, Stalled, read_message
from tests.contracts.upstream import Upstream
from tests.contracts.values import Values

PROBE = b"OPTIONS /probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"
MOST_TEXT = 4096  # longer bodies are kept as length and hash
RETRY_AFTER_S = (20, 30, 45, 60)  # what the config's limits come to; less when the clock went on in between
Observed = dict[str, Any]


class Observer:
    """One gateway with its upstreams. ``lifetimes_s``: service → seconds, as its config says."""

    def __init__(self, values: Values, upstreams: list[Upstream], lifetimes_s: dict[str, int]) -> None:
        self.values = values
        self.upstreams = upstreams
        self.lifetimes_s = lifetimes_s

    def run(self, case: Case) -> list[Observed]:
        """What each step showed."""
        return [self._step(step) for step in case.steps]

    def _step(self, step: Step) -> Observed:
        meeting = Meeting()
        sent = [[self._parts(request) for request in step.requests] for _ in range(step.copies)]
        for upstream in self.upstreams:
            upstream.play(step.script, meeting)
        with ThreadPoolExecutor(step.copies) as pool:
            connections = list(pool.map(lambda requests: self._connect(requests, step, meeting), sent))
        received = [message for upstream in self.upstreams for message in upstream.settle()]
        stalled = [text for upstream in self.upstreams for text in upstream.stalled]
        if stalled:
            raise Stalled("; ".join(stalled))
        reached = [self._described(message) for message in received]
        if step.copies > 1:
            return {"connections": _counted(connections), "upstream": _counted(reached)}
        return {**connections[0], "upstream": reached}

    def _parts(self, request: str | tuple[Part, ...]) -> tuple[bytes | Part, ...]:
        parts = (request,) if isinstance(request, str) else request
        return tuple(
            self.values.filled(part) if isinstance(part, str) and not isinstance(part, Do) else part for part in parts
        )

    def _connect(self, requests: list[tuple[bytes | Part, ...]], step: Step, meeting: Meeting) -> Observed:
        """One connection: its answers, and how it ended."""
        with socket.create_connection(("127.0.0.1", self.values.port), timeout=WAIT_S) as connection:
            line = Line(connection, on_bytes=meeting.tell)
            meeting.client.append(line)
            answers: list[Observed] = []
            answer: Message | None = None
            is_over = False
            if step.is_pipelined:
                connection.sendall(b"".join(part for parts in requests for part in parts if isinstance(part, bytes)))
            for parts in requests:
                if is_over:
                    break
                interim: list[str] = []
                if not step.is_pipelined:
                    self._send(connection, line, parts, meeting, interim)
                answer = self._read(line, parts, interim)
                if answer is None:
                    return {"answers": answers, "ends": "closed without an answer"}
                answers.append(self._answer(answer, interim))
                is_over = answer.is_cut or answer.framing == "close" or _says_close(answer)
            assert answer is not None
            return {"answers": answers, "ends": self._end(connection, line, answer, is_over)}

    def _send(
        self,
        connection: socket.socket,
        line: Line,
        parts: tuple[bytes | Part, ...],
        meeting: Meeting,
        interim: list[str],
    ) -> None:
        for part in parts:
            match part:
                case bytes():
                    try:
                        connection.sendall(part)
                    except OSError:
                        return  # the gateway has answered and closed already
                case Reached():
                    meeting.wait(meeting.upstream, part.text)
                case Do.AWAIT_CONTINUE:
                    interim.append(line.until(b"\r\n\r\n").decode("latin-1"))
                case Do.AWAIT_EXPIRY:
                    self._await_expiry()
                case Do.FINISH:
                    connection.shutdown(socket.SHUT_WR)
                case Seen() | Do() | str():
                    raise AssertionError(f"{part} is not the client's to do")

    def _await_expiry(self) -> None:
        macaroon, _ = self.values.token("brief")
        deadline = time.monotonic() + WAIT_S
        until = int(_caveats(macaroon)[-1].rpartition("=")[2])
        while time.time() < until:
            assert time.monotonic() < deadline
            time.sleep(max(0.0, min(until - time.time(), 1.0)))  # the clock is the state waited for

    def _read(self, line: Line, parts: tuple[bytes | Part, ...], interim: list[str]) -> Message | None:
        method = next(part for part in parts if isinstance(part, bytes)).split(b" ", 1)[0]
        while True:
            answer = read_message(line, is_bodiless=lambda message: _is_bodiless(message, method), is_answer=True)
            if answer is None or answer.is_cut or not re.match(r"HTTP/1\.1 1(?!01)\d\d", answer.start):
                return answer
            interim.append(answer.head.decode("latin-1") + "\r\n\r\n")

    def _end(self, connection: socket.socket, line: Line, answer: Message, is_over: bool) -> str:
        """How the connection is after the last answer: closed, cut, or kept (then another request is answered)."""
        if answer.is_cut:
            return "cut"
        if answer.start.split(" ")[1] == "101":
            connection.shutdown(socket.SHUT_WR)
            return f"switched: {line.to_the_end().decode('latin-1')}"
        if is_over:
            return "closed" if not line.to_the_end() else "closed after more bytes"
        try:
            connection.sendall(PROBE)
            return "kept" if b" 200 OK\r\n" in line.until(b"\r\n\r\n") else "out of step"
        except (OSError, Cut):
            return "closed"

    def _answer(self, message: Message, interim: list[str]) -> Observed:
        """One answer, in the recording's words. Content-Length, Date, tokens and invoices are made comparable."""
        headers = [list(pair) for pair in _headers(message.head)]
        lines = [value for _, value in headers if "macaroon=" in value and "invoice=" in value]
        challenges = {tuple(re.findall(r'"([^"]*)"', value)) for value in lines}
        if message.body.startswith(b"UPSTREAM "):  # sniffed or not: see Field.CONTENT_TYPE
            headers = [pair for pair in headers if pair != ["Content-Type", "text/plain; charset=utf-8"]]
        told: Observed = {"status_line": message.start, "headers": [[n, self._value(n, v)] for n, v in headers]}
        told["body"] = self._text(message.body)
        told["framing"] = message.framing
        if interim:
            told["interim"] = [_undated(text) for text in interim]
        if message.trailers:
            told["trailers"] = message.trailers.decode("latin-1")
        if message.is_cut:
            told["is_cut"] = True
        if challenges:
            told["same_token_in_both"] = len(challenges) == 1
            told["challenge"] = self._challenge(*challenges.pop())
        return told

    def _value(self, name: str, value: str) -> str:
        if name == "Date":
            is_now = abs(parsedate_to_datetime(value).timestamp() - time.time()) < 2 * WAIT_S
            return "<now>" if is_now else value
        if name == "Www-Authenticate":
            return re.sub(r'(macaroon|invoice)="[^"]+"', r'\1="<\1>"', value)
        if name == "Trailer":
            return ", ".join(sorted(value.split(", ")))  # Go's order is that of a map: any
        if name == "Retry-After":
            at_once = min((full for full in RETRY_AFTER_S if full >= int(value)), default=int(value))
            return f"<{at_once} when asked at once>"
        known = self.values.anonymous(value)
        return known if len(known) <= MOST_TEXT else str(_digest(known.encode("latin-1")))

    def _text(self, body: bytes) -> Any:
        if len(body) > MOST_TEXT:
            told = self.values.anonymous(body[:MOST_TEXT].decode("latin-1")).encode("latin-1") + body[MOST_TEXT:]
            return _digest(told)
        return self.values.anonymous(body.decode("latin-1"))

    def _challenge(self, macaroon_b64: str, invoice_text: str) -> Observed:
        """A challenge by its meaning; lifetimes to the second."""
        macaroon: Macaroon = BinarySerializer().deserialize_raw(base64.b64decode(macaroon_b64, validate=True))
        invoice = decode(invoice_text)
        identifier = macaroon.identifier_bytes
        return {
            "macaroon": {
                "format_version": macaroon.version,
                "location": macaroon.location,
                "identifier_bytes": len(identifier),
                "identifier_version": int.from_bytes(identifier[:2], "big"),
                "caveats": [self._caveat(caveat) for caveat in _caveats(macaroon_b64)],
                "payment_hash_equals_invoice": identifier[2:34].hex() == invoice.payment_hash,
            },
            "invoice": {
                "currency": invoice.currency,
                "amount_msat": int(invoice.amount_msat or 0),
                "description": invoice.description,
                "expiry_s": invoice.expiry,
                "min_final_cltv_expiry": invoice.min_final_cltv_expiry,
                "tags": sorted(tag.char.value for tag in invoice.tags),
                "is_dated_now": abs(invoice.date - time.time()) < 2 * WAIT_S,
                "payment_secret_bytes": len(invoice.payment_secret or "") // 2,
                "features": _features(invoice.features),
            },
        }

    def _caveat(self, caveat: str) -> str:
        found = re.fullmatch(r"(.+)_valid_until=(\d+)", caveat)
        lifetime_s = self.lifetimes_s.get(found[1]) if found else None
        if found and lifetime_s and abs(int(found[2]) - time.time() - lifetime_s) < WAIT_S:
            return f"{found[1]}_valid_until=<now+timeout>"
        return caveat

    def _described(self, message: Message) -> Observed:
        """A request that reached the upstream."""
        head = self.values.anonymous(message.head.decode("latin-1"))
        told: Observed = {"head": head.split("\r\n") if len(head) <= MOST_TEXT else _digest(head.encode("latin-1"))}
        told["framing"] = message.framing
        if message.body:
            told["body"] = self._text(message.body)
        if message.trailers:
            told["trailers"] = message.trailers.decode("latin-1")
        if message.is_cut:
            told["is_cut"] = True
        return told


def _counted(told: list[Observed]) -> list[Observed]:
    """What happened at once, in whatever order: each with how often it was seen."""
    counts = Counter(json.dumps(one) for one in told)
    return [{"times": counts[text], **json.loads(text)} for text in sorted(counts)]


def _digest(what: bytes) -> Observed:
    return {"bytes": len(what), "sha256": hashlib.sha256(what).hexdigest()}


def _headers(head: bytes) -> list[tuple[str, str]]:
    pairs = [line.decode("latin-1").partition(": ") for line in head.split(b"\r\n")[1:]]
    return [(name, value) for name, _, value in pairs]


def _undated(text: str) -> str:
    return re.sub(r"(?m)^Date: .*?\r$", "Date: <now>\r", text)


def _says_close(answer: Message) -> bool:
    connection = (answer.header("connection") or "").lower()
    if answer.start.startswith("HTTP/1.0"):
        return connection != "keep-alive"
    return connection == "close"


def _is_bodiless(message: Message, method: bytes) -> bool:
    return method == b"HEAD" or re.match(r"HTTP/1\.\d (1\d\d|204|304)", message.start) is not None


def _caveats(macaroon_b64: str) -> list[str]:
    macaroon: Macaroon = BinarySerializer().deserialize_raw(base64.b64decode(macaroon_b64))
    return [caveat.caveat_id_bytes.decode() for caveat in macaroon.caveats]


def _features(features: Any) -> list[str]:
    """The feature bits that an invoice sets."""
    return sorted(f"{feature.name} {state.name}" for feature, state in features.feature_list.items())
