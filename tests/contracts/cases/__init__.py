"""The table of cases: the contract's 122, and more where they are thin."""

from __future__ import annotations

from tests.contracts.case import Case, recorded_cases
from tests.contracts.cases.connections import CONNECTIONS
from tests.contracts.cases.headers import HEADERS
from tests.contracts.cases.paths import PATHS
from tests.contracts.cases.tokens import TOKENS
from tests.contracts.cases.uploads import UPLOADS
from tests.contracts.cases.upstreams import UPSTREAMS

CASES: list[Case] = [*recorded_cases(), *PATHS, *HEADERS, *TOKENS, *UPSTREAMS, *UPLOADS, *CONNECTIONS]

__all__ = ["CASES"]
