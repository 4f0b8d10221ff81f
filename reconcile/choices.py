"""What a run can be told to work on, and how: the values of options and settings. Imported to collect."""

from __future__ import annotations

from enum import StrEnum


class Stack(StrEnum):
    """What the run works on."""

    HOSTED = "hosted"
    EMBEDDED = "embedded"
    REGTEST = "regtest"


class Deployer(StrEnum):
    """Which adapter drives the gateway."""

    OPS_HTTP = "ops-http"
    CLOUD_RUN = "cloud-run"


class Rollout(StrEnum):
    """Whether the checks come before the traffic moves (RECONCILE.md §1, ROLLOUT)."""

    CANDIDATE = "candidate"
    DIRECT = "direct"


class Network(StrEnum):
    """Lightning network of every invoice, with its BOLT11 prefix in ``INVOICE_PREFIXES``."""

    MAINNET = "mainnet"
    TESTNET = "testnet"
    SIGNET = "signet"
    REGTEST = "regtest"
