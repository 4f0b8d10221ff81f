"""Tokens: right ones, foreign ones, damaged ones, narrowed and widened ones, and what counts per token."""

from __future__ import annotations

from tests.contracts.case import Case, Do, Step, case, paid, request
from tests.contracts.values import FLIPPED

_S = "pw_staging/r_exact"

# Caveats that anybody may add to a paid token for staging. A plus stands between several.
_CAVEATS = {
    f"services={_S}:1": "another tier of the same service",
    f"services={_S}:x": "a tier that is no number",
    f"services={_S}": "no tier",
    "services=": "no service",
    f"services={_S}:0,{_S}:0": "the service twice",
    f"services={_S}:0,pw_premium/r_prefix:0": "a wider list",
    f"services={_S}:0,": "an empty second service",
    f"services={_S}:0+services={_S}:0": "the same twice over",
    f"services=:0,{_S}:0": "an empty name",
    f"services={_S}:-1": "a negative tier",
    f"services={_S}:256": "a tier beyond a byte",
    f"services={_S}:+1": "a tier with a sign",
    f"services={_S}:0:0": "two tiers",
    f"{_S}_valid_until=99999999999+{_S}_valid_until=9999999999": "a later caveat that ends earlier",
    f"{_S}_valid_until=9999999999+{_S}_valid_until=99999999999": "a later caveat that ends later",
    f"{_S}_valid_until=9999999999+{_S}_valid_until=9999999999": "the same end twice",
    f"{_S}_valid_until=": "no end",
    f"{_S}_valid_until=soon": "an end that is no number",
    f"{_S}_valid_until=+9999999999": "an end with a sign",
    f"{_S}_valid_until=-1": "a negative end",
    f"{_S}_valid_until=1e10": "an end with an exponent",
    f"{_S}_valid_until=9_999_999_999": "an end with underscores",
    f"{_S}_valid_until=99999999999999999999": "an end beyond 63 bits",
    f"{_S}_valid_until=09999999999": "an end with a zero in front",
    "pw_premium/r_prefix_valid_until=1000000000": "another service's end",
    "valid_until=1000000000": "an end of no service",
    f"{_S}_capabilities=read": "capabilities are not looked at",
    f"{_S}_capabilities=": "nor are the same",
    "valid_for=0": "constraints are not looked at",
    "nothing": "a caveat without an equals sign",
    "=": "an equals sign alone",
    "a=b=c": "two equals signs",
    "preimage=00": "a preimage caveat beside a preimage",
}
_FORMS = ("foreign", "v1", "truncated", "trailing", "twice", "HEX")

TOKENS: list[Case] = [
    *(
        case(
            f"token.plus.{number:02}",
            rule,
            request("GET /staging", f"Authorization: L402 {{staging.macaroon.plus.{caveat}}}:{{staging.preimage}}"),
        )
        for number, (caveat, rule) in enumerate(_CAVEATS.items())
    ),
    *(
        case(
            f"token.flip.{what}",
            f"one bit of the {what} is flipped",
            request("GET /staging", f"Authorization: L402 {{staging.macaroon.flip.{what}}}:{{staging.preimage}}"),
        )
        for what in FLIPPED
    ),
    *(
        case(
            f"token.form.{form}",
            f"a token in the form {form}",
            request("GET /staging", f"Authorization: L402 {{staging.macaroon.{form}}}:{{staging.preimage}}"),
        )
        for form in _FORMS
    ),
    case(
        "token.hex.upper", "an upper-case Macaroon header", request("GET /staging", "Macaroon: {staging.macaroon.HEX}")
    ),
    case(
        "token.preimage.other",
        "a preimage of nothing",
        request("GET /staging", "Authorization: L402 {staging.macaroon}:{staging.preimage.other}"),
    ),
    case(
        "token.two.services",
        "each token opens its own service",
        request("GET /staging", paid("staging")),
        request("GET /premium/a", paid("premium")),
        request("GET /premium/a", paid("staging")),
        request("GET /staging", paid("premium")),
    ),
    case(
        "token.two.same",
        "two tokens of one service both work",
        request("GET /staging", paid("staging")),
        request("GET /staging", paid("staging2")),
    ),
    case(
        "token.two.mixed",
        "the preimage of the other token of the service",
        request("GET /staging", "Authorization: L402 {staging.macaroon}:{staging2.preimage}"),
        request("GET /staging", "Authorization: L402 {staging2.macaroon}:{staging.preimage}"),
    ),
    case(
        "token.name.twice",
        "two services of one name take each other's tokens, and charge their own price",
        request("GET /twin-a"),
        request("GET /twin-b"),
    ),
    Case(
        "token.expired",
        "a token of a service with a timeout is good until its second comes",
        (
            Step(
                (
                    (
                        "GET /brief HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n",
                        Do.AWAIT_EXPIRY,
                        paid("brief") + "\r\nConnection: close\r\n\r\n",
                    ),
                )
            ),
        ),
    ),
    case("token.head", "HEAD with a paid token", request("HEAD /staging", paid("staging"))),
    case(
        "token.methods",
        "any method with a paid token",
        *(
            request(f"{method} /staging", paid("staging"))
            for method in ("DELETE", "PATCH", "PUT", "POST", "TRACE", "FOO")
        ),
    ),
    Case(
        "limit.burst",
        "a limit without a burst takes as many at once as in its time; a second token has its own",
        tuple(Step((request("GET /twice", paid(token)),)) for token in (*["twice"] * 4, "twice2")),
    ),
    Case(
        "limit.rules",
        "every rule for the path must let it pass; those that do count it, refused by another or not",
        tuple(Step((request(f"GET /twice{path}", paid("twice3")),)) for path in ("/few", "/few", "", "", "")),
    ),
    Case(
        "limit.grpc",
        "a limit told to a gRPC client",
        tuple(Step((request("POST /twice/few", "Content-Type: application/grpc", paid("twice4")),)) for _ in range(2)),
    ),
    Case(
        "limit.open",
        "without a charge the address counts, and a token changes nothing",
        (
            *(Step((request("GET /open-limited"),)) for _ in range(3)),
            Step((request("GET /open-limited", paid("staging")),)),
        ),
    ),
    Case(
        "limit.freebie",
        "a freebie is counted, then limited by address",
        tuple(Step((request("GET /free-limited"),)) for _ in range(2)),
    ),
    Case(
        "limit.race",
        "of ten at once the limit lets two pass",
        (Step((request("GET /limited", paid("limited2")),), copies=10),),
    ),
    case("free.none", "freebie 0 charges the first", request("GET /free-none")),
    case(
        "free.bad",
        "a bad credential uses a freebie up",
        request("GET /free-bad", "Authorization: L402 garbage"),
        request("GET /free-bad"),
    ),
    case("free.paid", "a good credential opens it when no freebie is left", request("GET /free-paid", paid("gratis"))),
    case("free.options", "OPTIONS uses none", request("OPTIONS /free-none")),
    case(
        "auth.whitelist",
        "a whitelisted path is free",
        request("GET /whitelist/free"),
        request("GET /whitelist/charged"),
        request("GET /whitelist/free", paid("whitelist")),
        request("GET /whitelist/charged", paid("whitelist")),
    ),
    case(
        "auth.skip",
        "a path that never mints an invoice answers 401 to whoever has no token",
        request("GET /skip/never"),
        request("GET /skip/charged"),
        request("GET /skip/never", paid("skip")),
        request("POST /skip/never", "Content-Type: application/grpc"),
    ),
    case("auth.maybe", "an auth that is none serves everybody", request("GET /maybe")),
    case(
        "auth.secure",
        "an upstream behind TLS, its certificate unknown; a price of 0 is 1, and its tokens are unrestricted",
        request("GET /secure"),
        request("GET /secure", paid("secure")),
    ),
    case("auth.fraction", "a price of 1.5", request("GET /fraction")),
    case("challenge.many", "each challenge is another", *(request("GET /staging"),) * 5),
    Case("challenge.race", "thirty challenges at once", (Step((request("GET /staging"),), copies=30),)),
    Case("token.race", "thirty paid requests at once", (Step((request("GET /staging", paid("staging")),), copies=30),)),
    Case(
        "token.race.mixed",
        "tokens of two services on one connection each, at once",
        (
            Step(
                (
                    request("GET /staging", paid("staging"), is_last=False),
                    request("GET /premium/a", paid("premium"), is_last=False),
                    request("GET /premium/a", paid("staging")),
                ),
                copies=8,
            ),
        ),
    ),
]
