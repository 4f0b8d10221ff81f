"""The stages' requests: health, challenges, refusals, the paid token. Each is asked once; the conductor keeps the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from reconcile.clock import Clock
from reconcile.l402 import Macaroon, build_authorization, flip_caveat_bit, flip_signature_bit
from reconcile.models import Network
from reconcile.probe.engine import Engine, Identify, Probe
from reconcile.probe.evidence import (
    ChallengeEvidence,
    Exchange,
    HealthEvidence,
    PaidEvidence,
    RefusalEvidence,
    RouteChallenge,
    RouteTarget,
    read_challenge,
)

HURRIED_TIMEOUT_S = 2.0
ZERO_PREIMAGE = "0" * 64
# The title of Google's 404 page: Cloudflare, where it stands before it, replaces the Server header.
GOOGLE_TITLE = "Error 404 (Not Found)!!1"


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """What the probes are told."""

    base_url: str
    challenge_url: str
    proxy_url: str
    health_path: str
    is_local_stack: bool
    concurrency: int
    timeout_s: float
    request_id: str
    unrouted_hosts: Literal["fail", "report"]
    network: Network
    node_pubkey: str | None
    token_timeout_s: int | None


class Prober:
    """Asks the gateway what a stage needs to know. ``invoices_minted`` counts every 402 that carried a challenge."""

    def __init__(self, settings: ProbeSettings, clock: Clock, identify: Identify | None = None) -> None:
        """``identify``: where an ID token comes from when Google's front end asks for one."""
        self._settings = settings
        self._clock = clock
        self._engine = Engine(
            settings.base_url,
            settings.request_id,
            clock,
            is_local_stack=settings.is_local_stack,
            concurrency=settings.concurrency,
            timeout_s=settings.timeout_s,
        )
        self._engine.identify = identify
        self.invoices_minted = 0

    def aim(self, base_url: str, challenge_url: str, proxy_url: str) -> None:
        """From now on ask there: a candidate's own URL, or the public ones again."""
        self._settings = replace(self._settings, base_url=base_url, challenge_url=challenge_url, proxy_url=proxy_url)
        self._engine = self._engine.aimed_at(base_url)

    def challenge(self) -> Exchange:
        """The challenge URL's answer."""
        return self._ask([self._url_probe("challenge URL", self._settings.challenge_url)])[0]

    def set_ready_deadline(self, monotonic_s: float) -> None:
        """Until then what a starting gateway answers is asked again."""
        self._engine.ready_deadline_s = monotonic_s

    def hurry(self) -> None:
        """After a signal: no probe waits longer than two seconds."""
        self._engine.timeout_s = min(self._engine.timeout_s, HURRIED_TIMEOUT_S)

    def health(self) -> HealthEvidence:
        """The health path; the challenge URL as well when Google's front end answers for the container."""
        base_host = urlsplit(self._settings.base_url).netloc
        exchange = self._ask([Probe("health", base_host, self._settings.health_path)])[0]
        if not is_google_front_end(exchange):
            return HealthEvidence(exchange)
        return HealthEvidence(exchange, self._ask([self._url_probe("challenge URL", self._settings.challenge_url)])[0])

    def challenge_status(self) -> int | None:
        """The status of the challenge URL's answer; None when there is none. For a restored gateway."""
        return self._ask([self._url_probe("challenge URL", self._settings.challenge_url)])[0].status

    def challenges(
        self, targets: Sequence[RouteTarget], suspended: Sequence[RouteTarget], probe_rule_id: str
    ) -> ChallengeEvidence:
        """Every target once, the probe route twice, and the routes of suspended paywalls."""
        probe = next(target for target in targets if target.rule.id == probe_rule_id)
        asked = [target for target in (*targets, probe, *suspended) if target.target is not None]
        probes = [Probe(target.rule.id, target.host, target.target or "/") for target in asked]
        read: dict[int, RouteChallenge] = {}

        def keep(number: int, exchange: Exchange) -> None:
            read[number] = read_challenge(asked[number], exchange)

        answers = self._ask(probes, keep)
        count = len([target for target in targets if target.target is not None]) + 1
        minting = [answer for answer in answers[:count] if answer.error != "host_not_routed"]
        is_hanging = bool(minting) and all(answer.error == "timeout" for answer in minting)
        found = iter(read[number] for number in range(len(asked)))
        challenges = [_unasked(t) if t.target is None else next(found) for t in (*targets, probe, *suspended)]
        settings = self._settings
        return ChallengeEvidence(
            routes=tuple(challenges[: len(targets)]),
            second=challenges[len(targets)],
            suspended=tuple(challenges[len(targets) + 1 :]),
            probe_rule_id=probe_rule_id,
            network=settings.network,
            node_pubkey=settings.node_pubkey,
            token_timeout_s=settings.token_timeout_s,
            unrouted_hosts=settings.unrouted_hosts,
            is_node_unavailable=self._engine.is_node_unavailable or is_hanging,
        )

    def refusals(self, macaroon_b64: str) -> RefusalEvidence:
        """The proxy URL without a credential, and with a fresh macaroon and preimages that nobody paid for."""
        url = self._settings.proxy_url
        random_preimage = self._clock.random_bytes(32).hex()
        answers = self._ask(
            [
                self._url_probe("no credential", url),
                self._url_probe("zero preimage", url, build_authorization(macaroon_b64, ZERO_PREIMAGE)),
                self._url_probe("random preimage", url, build_authorization(macaroon_b64, random_preimage)),
            ]
        )
        return RefusalEvidence(*answers)

    def paid(
        self, authorization: str, macaroon: Macaroon, preimage_hex: str, foreign: RouteTarget | None
    ) -> PaidEvidence:
        """The paid token: twice as it is, tampered with in two ways, and on another service."""
        url = self._settings.proxy_url
        served = self._ask([self._url_probe("paid", url, authorization)])[0]
        reused = self._ask([self._url_probe("paid again", url, authorization)])[0]
        flipped = build_authorization(flip_signature_bit(macaroon).encode(), preimage_hex)
        probes = [self._url_probe("tampered signature", url, flipped)]
        if macaroon.caveats:
            flipped = build_authorization(flip_caveat_bit(macaroon).encode(), preimage_hex)
            probes.append(self._url_probe("tampered caveat", url, flipped))
        if foreign is not None and foreign.target is not None:
            probes.append(Probe("another service", foreign.host, foreign.target, authorization))
        answers = {answer.subject: answer for answer in self._ask(probes)}
        return PaidEvidence(
            served,
            reused,
            answers["tampered signature"],
            answers.get("tampered caveat"),
            answers.get("another service"),
            "no_request_for_route" if foreign is not None and foreign.target is None else None,
        )

    def _url_probe(self, subject: str, url: str, authorization: str | None = None) -> Probe:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Probe(subject, parts.netloc, target, authorization)

    def _ask(self, probes: Sequence[Probe], done: Callable[[int, Exchange], None] | None = None) -> list[Exchange]:
        def counted(number: int, answer: Exchange) -> None:
            if answer.status == 402 and answer.header("www-authenticate"):
                self.invoices_minted += 1  # at once: a batch that is broken off has minted all the same
            if done is not None:
                done(number, answer)

        return self._engine.ask(probes, counted)


def is_google_front_end(exchange: Exchange) -> bool:
    """Google's own 404 page in the container's place (CLOUD_RUN.md §4)."""
    is_html = "html" in (exchange.header("content-type") or "").lower()
    server = (exchange.header("server") or "").lower()
    return exchange.status == 404 and is_html and (server == "google frontend" or GOOGLE_TITLE in exchange.text)


def _unasked(target: RouteTarget) -> RouteChallenge:
    return RouteChallenge(target.rule, target.host, None, problem="no_request_for_route")
