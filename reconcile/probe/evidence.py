"""What was asked of a gateway and what came back. Answers' headers and bodies may hold credentials: never in a repr."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from reconcile.errors import ChallengeError
from reconcile.l402 import Challenge, Invoice, Macaroon, decode_invoice, decode_macaroon, parse_challenges
from reconcile.models import Deployment, Network, Rule
from reconcile.service_tuple import RevisionFacts

NODE_UNAVAILABLE = "lightning_node_unavailable"


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """A route and how to ask for it. ``target``: raw request target, None when no request could be found."""

    rule: Rule
    host: str
    target: str | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, or why there is none (``error``)."""

    subject: str  # what was asked: a route id, or a phrase
    host: str
    target: str
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    error: str | None = None  # timeout, connection_failed, host_not_routed, lightning_node_unavailable, not_measured
    at_ms: int = 0
    elapsed_ms: int = 0

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def text(self) -> str:
        """The body's beginning as text."""
        return self.body[:512].decode("utf-8", "replace").strip()

    @property
    def is_challenge_failure(self) -> bool:
        """Aperture's answer when its Lightning node is gone (APERTURE.md, "Measured")."""
        return self.status == 500 and "challenge failure" in self.text

    @property
    def got(self) -> str:
        """For people: the status, or why there is none."""
        return f"status {self.status}" if self.status is not None else str(self.error)


@dataclass(frozen=True, slots=True)
class RouteChallenge:
    """A route's answer to a request without a credential, decoded as far as it goes."""

    rule: Rule
    host: str
    exchange: Exchange | None  # None: nothing was asked, ``problem`` says why
    problem: str | None = None  # no_request_for_route
    challenges: tuple[Challenge, ...] = ()
    challenge_problem: str | None = None
    macaroon: Macaroon | None = None
    macaroon_problem: str | None = None
    invoice: Invoice | None = None
    invoice_problem: str | None = None

    @property
    def chosen(self) -> Challenge | None:
        """The L402 challenge, or what there is."""
        return next((c for c in self.challenges if c.scheme == "L402"), self.challenges[0] if self.challenges else None)

    @property
    def payment_hash(self) -> str | None:
        """The payment hash in the macaroon's identifier; None when it has none that can be read."""
        try:
            return self.macaroon.read_identifier().payment_hash if self.macaroon else None
        except ChallengeError:
            return None

    @property
    def status(self) -> int | None:
        """HTTP status, None when nothing came back."""
        return self.exchange.status if self.exchange else None

    @property
    def unmeasured_reason(self) -> str | None:
        """Why there is no answer, or None when there is one."""
        return self.problem if self.exchange is None else self.exchange.error


def read_challenge(target: RouteTarget, exchange: Exchange) -> RouteChallenge:
    """Decode the challenge in an answer; what cannot be decoded is kept as a reason."""
    found = RouteChallenge(target.rule, target.host, exchange)
    if exchange.status is None:
        return found
    try:
        found = replace(found, challenges=parse_challenges(exchange.headers))
    except ChallengeError as error:
        return replace(found, challenge_problem=error.reason)
    chosen = found.chosen
    if chosen is None:
        return found
    try:
        found = replace(found, macaroon=decode_macaroon(chosen.macaroon_b64))
        if found.macaroon is not None:
            found.macaroon.read_identifier()
    except ChallengeError as error:
        found = replace(found, macaroon_problem=error.reason)
    try:
        return replace(found, invoice=decode_invoice(chosen.invoice))
    except ChallengeError as error:
        return replace(found, invoice_problem=error.reason)


@dataclass(frozen=True, slots=True)
class RolloutEvidence:
    """What the gateway names as serving after the apply, beside what was sent."""

    expected_deployment_id: str
    expected_config_hash: str
    active: Deployment | None
    error: str | None = None
    facts: RevisionFacts | None = None  # on Cloud Run: what the API shows of the revision
    is_candidate: bool = False  # it is asked at its own URL, and no user meets it yet
    charged_sat: int | None = None  # what the challenge URL asks there, from outside; None when that could not be read
    expected_sat: int | None = None


@dataclass(frozen=True, slots=True)
class HealthEvidence:
    """The health path's answer; the challenge URL's too when Google's front end answered in the container's place."""

    exchange: Exchange
    challenge: Exchange | None = None


@dataclass(frozen=True, slots=True)
class ChallengeEvidence:
    """Every challenge in scope, and what they are held against."""

    routes: tuple[RouteChallenge, ...]
    second: RouteChallenge | None  # the probe route, asked again
    suspended: tuple[RouteChallenge, ...]
    probe_rule_id: str
    network: Network
    node_pubkey: str | None
    token_timeout_s: int | None
    unrouted_hosts: Literal["fail", "report"]
    is_node_unavailable: bool = False

    def challenge_of(self, rule_id: str) -> RouteChallenge | None:
        """The answer of one route."""
        return next((found for found in self.routes if found.rule.id == rule_id), None)

    @property
    def smoke_auth(self) -> str | None:
        """The probe route's ``x-oa-smoke-auth`` (PAYERS.md)."""
        probe = self.challenge_of(self.probe_rule_id)
        return probe.exchange.header("x-oa-smoke-auth") if probe and probe.exchange else None


@dataclass(frozen=True, slots=True)
class RefusalEvidence:
    """What the proxy URL answers to no credential, and to a fresh macaroon with a preimage that nobody paid for."""

    no_credential: Exchange
    zero_preimage: Exchange
    random_preimage: Exchange


@dataclass(frozen=True, slots=True)
class PaidEvidence:
    """What the paid credential gets, what it gets tampered with, and on another service."""

    served: Exchange
    reused: Exchange
    tampered_signature: Exchange
    tampered_caveat: Exchange | None
    foreign: Exchange | None  # None: there is no other service, or none could be asked (``foreign_problem``)
    foreign_problem: str | None = None


@dataclass(frozen=True, slots=True)
class ProxyEvidence:
    """The proxy stage. ``proof_problem``: why nothing could be shown, e.g. ``missing_proxy_authorization``."""

    refusals: RefusalEvidence
    paid: PaidEvidence | None
    proof_problem: str | None = None
    is_proof_inconclusive: bool = False
    proof_remedy: str | None = None
    is_own_payment: bool = True  # False: a prepaid or smoke proof may be refused for its own reasons
