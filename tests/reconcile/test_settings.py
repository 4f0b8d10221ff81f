"""Settings: what is taken, what is refused, and that a refusal names the variable and echoes nothing."""

from __future__ import annotations

import pytest

from reconcile.clock import SystemClock
from reconcile.errors import UsageError
from reconcile.models import Deployer, Network, Rollout, Stack
from reconcile.settings import (
    PREFIX,
    SUPPLIED_BY_LOCAL_STACK,
    WALLET_PREFIX,
    Settings,
    choose_stack,
    peek_request_id,
    read_settings,
    unknown_settings,
)

LOCAL = {
    "KHALA_URL": "http://127.0.0.1:3210/",
    "SECRET": "ops-secret",
    "GATEWAY_BASE_URL": "http://127.0.0.1:8080",
    "CHALLENGE_URL": "http://127.0.0.1:8080/staging",
    "PROXY_URL": "http://127.0.0.1:8080/staging",
}


def read_hosted(**changes: str) -> Settings:
    """Settings of a run against the customer's hosts."""
    env = {"KHALA_URL": "https://happy-otter-1.convex.cloud", "SECRET": "s3cret", **changes}
    return read_settings({PREFIX + name: value for name, value in env.items()}, SystemClock())


def read(**changes: str | None) -> Settings:
    """Settings of a loopback run with some variables changed or left out."""
    values = {**LOCAL, **changes}
    env = {
        name if name.startswith("OA_") else PREFIX + name: value for name, value in values.items() if value is not None
    }
    return read_settings(env, SystemClock())


def test_defaults_are_the_contracts() -> None:
    """RECONCILE.md §1 fixes every default."""
    env = {PREFIX + "KHALA_URL": "https://happy-otter-1.convex.cloud", PREFIX + "SECRET": "s3cret"}
    settings = read_settings(env, SystemClock())
    assert settings.gateway_base_url == "https://l402.openagents.com"
    assert settings.challenge_url == settings.proxy_url == "https://l402.openagents.com/staging"
    assert settings.gateway_health_path == "/healthz"
    assert (settings.ready_timeout_s, settings.max_spend_msats, settings.challenge_scope) == (30, 100_000, "all")
    assert (settings.probe_concurrency, settings.probe_timeout_s, settings.max_invoices) == (16, 10, 5000)
    assert (settings.unrouted_hosts, settings.lightning_network) == ("fail", Network.MAINNET)
    assert (settings.allow_private_upstreams, settings.sub_sat_amounts, settings.token_timeout_s) == (
        False,
        "error",
        None,
    )
    assert (settings.output_dir, settings.wallet_timeout_s) == ("output", 30)
    assert settings.request_id.startswith("reconcile:")


def test_trailing_slash_of_khala_is_stripped() -> None:
    """CONVEX.md: //api/query is a 404."""
    assert read().khala_url == "http://127.0.0.1:3210"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KHALA_URL", "ftp://127.0.0.1"),
        ("KHALA_URL", "https://user:hunter2@127.0.0.1"),
        ("KHALA_URL", "http://khala.example.com"),
        ("KHALA_URL", "https://x.convex.site"),
        ("KHALA_URL", "http://127.0.0.1:99999"),
        ("KHALA_URL", "https://2130706433"),
        ("KHALA_URL", "https://0.0.0.0"),
        ("KHALA_URL", "https://127.0.0.1#x"),
        ("GATEWAY_BASE_URL", "http://127.0.0.1/?a=1"),
        ("GATEWAY_BASE_URL", "https://[::1"),
        ("CHALLENGE_URL", "http://127.0.0.1:8080/sta ging"),
        ("SECRET", 'quo"te'),
        ("SECRET", "line\nbreak"),
        ("SECRET", "umläut"),
        ("SECRET", "trailing\n"),
        ("SECRET", "back\\slash"),
        ("SECRET", "quo'te-single"),
        ("SECRET", "no-utf8-\udcff"),
        ("GATEWAY_OPS_TOKEN", "two words"),
        ("GATEWAY_OPS_TOKEN", "tok\ren"),
        (WALLET_PREFIX + "AUTH_TOKEN", "wal\nlet"),
        (WALLET_PREFIX + "AUTH_TOKEN", "wället"),
        ("PROXY_AUTHORIZATION_HEADER", "L402 a:b\n"),
        ("PROXY_AUTHORIZATION_HEADER", 'L402 "a":b'),
        ("PAYER_LND_MACAROON_HEX", "0201 0202"),
        ("PAYER_LND_MACAROON_HEX", "02010202\n"),
        ("PAYER_LND_TLS_CERT", "/nowhere/tls.cert"),
        ("PAYER_LND_TLS_CERT", "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----"),
        ("GATEWAY_HEALTH_PATH", "healthz"),
        ("PROXY_AUTHORIZATION_HEADER", "L402 a:b\r\nX: y"),
        ("READY_TIMEOUT_S", "-1"),
        ("READY_TIMEOUT_S", "soon"),
        ("READY_TIMEOUT_S", "nan"),
        ("MAX_SPEND_MSATS", "1e3"),
        ("MAX_SPEND_MSATS", "-5"),
        ("CHALLENGE_SCOPE", "0"),
        ("CHALLENGE_SCOPE", "some"),
        ("PROBE_CONCURRENCY", "0"),
        ("PROBE_TIMEOUT_S", "0"),
        ("MAX_INVOICES", "many"),
        ("UNROUTED_HOSTS", "ignore"),
        ("LIGHTNING_NETWORK", "simnet"),
        ("LND_NODE_PUBKEY", "04" + "a" * 64),
        ("ALLOW_PRIVATE_UPSTREAMS", "yes"),
        ("SUB_SAT_AMOUNTS", "floor"),
        ("TOKEN_TIMEOUT_S", "0"),
        ("REQUEST_ID", "a b"),
        ("REQUEST_ID", "a" * 91),
        ("GATEWAY_DEPLOYER", "kubernetes"),
        ("CLOUD_RUN_SERVICE", "services/s"),
        ("CLOUD_RUN_CONFIG_SECRET", "projects/p/secrets/s/versions/3"),
        ("CLOUD_RUN_ENDPOINT", "http://run.example.com"),
        ("SECRET_MANAGER_ENDPOINT", "http://10.0.0.1"),
        ("APERTURE_IMAGE", "europe-docker.pkg.dev/p/r/aperture:latest"),
        ("APERTURE_IMAGE", "aperture@sha256:12ab"),
        ("KEEP_DEPLOYMENTS", "1"),
        ("ROLLOUT", "candidate"),
        ("PAYER_LND_MACAROON_HEX", "xyz"),
        (WALLET_PREFIX + "TIMEOUT_MS", "0"),
    ],
)
def test_wrong_value_is_refused_by_name_and_not_echoed(name: str, value: str) -> None:
    """A wrong value is one line that names the variable; the value may be a secret."""
    with pytest.raises(UsageError) as caught:
        read(**{name: value})
    text = str(caught.value)
    assert name in text
    assert "\n" not in text
    assert len(value) < 5 or value not in text


@pytest.mark.parametrize("name", ["KHALA_URL", "SECRET"])
def test_required_setting_is_named_when_missing(name: str) -> None:
    """Khala's URL and the ops secret belong together."""
    with pytest.raises(UsageError, match=name):
        read(**{name: None})


@pytest.mark.parametrize("name", ["KHALA_URL", "GATEWAY_BASE_URL", "CHALLENGE_URL", "PROXY_URL"])
def test_loopback_is_never_mixed_with_other_hosts(name: str) -> None:
    """A forgotten or foreign URL beside loopback is refused, the customer's default host included."""
    with pytest.raises(UsageError, match="loopback"):
        read(**{name: "https://l402.openagents.com/staging" if name != "KHALA_URL" else "https://x.convex.cloud"})
    if name != "KHALA_URL":
        with pytest.raises(UsageError, match="loopback"):
            read(**{name: None})


@pytest.mark.parametrize("host", ["localhost", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]", "khala.localhost"])
def test_every_form_of_loopback_is_known(host: str) -> None:
    """Plain http is for loopback, in all its spellings."""
    assert read(KHALA_URL=f"http://{host}:3210").khala_url == f"http://{host}:3210"


@pytest.mark.parametrize(
    "values",
    [
        {"PAYER_LND_REST_URL": "https://127.0.0.1:8081"},
        {"PAYER_LND_MACAROON_HEX": "0201"},
        {WALLET_PREFIX + "AUTH_TOKEN": "token"},
    ],
)
def test_half_a_payer_is_refused(values: dict[str, str]) -> None:
    """Half of a payer's settings is a forgotten variable."""
    with pytest.raises(UsageError, match="is not set"):
        read(**values)


def test_scope_and_key_are_normalised() -> None:
    """``probe`` is a scope of one; a key may be written in capitals."""
    settings = read(CHALLENGE_SCOPE="probe", LND_NODE_PUBKEY="02" + "AB" * 32, SUB_SAT_AMOUNTS="ceil")
    assert (settings.challenge_scope, settings.lnd_node_pubkey) == (1, "02" + "ab" * 32)
    assert settings.sub_sat_amounts == "ceil"
    assert read(CHALLENGE_SCOPE="7", UNROUTED_HOSTS="report").challenge_scope == 7


def test_secrets_are_listed_for_redaction_and_absent_from_the_repr() -> None:
    """Secrets are SecretStr: never in a repr."""
    settings = read(GATEWAY_OPS_TOKEN="tok-1", PROXY_AUTHORIZATION_HEADER="L402 a:b", SECRET="ops-canary")
    assert settings.secrets == ("ops-canary", "tok-1", "L402 a:b")
    assert not any(secret in repr(settings) for secret in settings.secrets)


def test_stack_is_hosted_when_khala_is_set() -> None:
    """A run with KHALA_URL selects no local stack."""
    assert choose_stack({PREFIX + "KHALA_URL": "https://x"}, None, is_interactive=True) is Stack.HOSTED


@pytest.mark.parametrize("env", [{}, {PREFIX + "KHALA_URL": "  "}, {"CI": ""}])
def test_embedded_stack_is_assumed_at_a_terminal_only(env: dict[str, str]) -> None:
    """With nothing configured the embedded stack is taken at a terminal outside CI, and nowhere else."""
    assert choose_stack(env, None, is_interactive=True) is Stack.EMBEDDED
    for kwargs in ({"is_interactive": False}, {"is_interactive": True, "may_be_local": False}):
        with pytest.raises(UsageError, match="KHALA_URL"):
            choose_stack(env, None, **kwargs)
    with pytest.raises(UsageError, match="KHALA_URL"):
        choose_stack({**env, "CI": "true"}, None, is_interactive=True)


@pytest.mark.parametrize("wanted", ["hosted", "docker"])
def test_unknown_stack_is_refused(wanted: str) -> None:
    """Only what is built can be named."""
    with pytest.raises(UsageError, match="--stack"):
        choose_stack({}, wanted, is_interactive=False)


def test_script_takes_no_local_stack() -> None:
    """The runbook's script runs against hosted staging."""
    with pytest.raises(UsageError, match="--stack"):
        choose_stack({}, "embedded", is_interactive=False, may_be_local=False)


@pytest.mark.parametrize("name", [*(PREFIX + n for n in SUPPLIED_BY_LOCAL_STACK), WALLET_PREFIX + "BASE_URL"])
def test_local_stack_refuses_what_it_supplies(name: str) -> None:
    """Any variable that a local stack supplies itself, set beside it, is refused by name."""
    with pytest.raises(UsageError, match=name):
        choose_stack({name: "x"}, "embedded", is_interactive=False)


def test_request_id_is_peeked_or_made() -> None:
    """A refused run still has an id: the wanted one when it is one."""
    assert peek_request_id({PREFIX + "REQUEST_ID": "ci:77"}, SystemClock()) == "ci:77"
    assert peek_request_id({PREFIX + "REQUEST_ID": "a b"}, SystemClock()).startswith("reconcile:")


def test_misspelt_variable_is_found() -> None:
    """A variable with the prefix that nothing reads is reported, not obeyed."""
    env = {PREFIX + "MAX_SPEND": "1", PREFIX + "MAX_SPEND_MSATS": "1", PREFIX + "GATEWAY_HEALTH_PATH": "/x"}
    assert unknown_settings(env) == (PREFIX + "MAX_SPEND",)


SERVICE, CONFIG = "projects/p/locations/l/services/s", "projects/p/secrets/config"


def test_cloud_run_is_driven_where_a_service_is_named() -> None:
    """A service means Cloud Run and a candidate first; without one it is the ops API, direct."""
    settings = read_hosted(CLOUD_RUN_SERVICE=SERVICE, CLOUD_RUN_CONFIG_SECRET=CONFIG)
    assert (settings.gateway_deployer, settings.rollout) == (Deployer.CLOUD_RUN, Rollout.CANDIDATE)
    assert settings.gateway_id == SERVICE
    settings = read_hosted(CLOUD_RUN_SERVICE=SERVICE, GATEWAY_DEPLOYER="ops-http")
    assert (settings.gateway_deployer, settings.rollout) == (Deployer.OPS_HTTP, Rollout.DIRECT)
    assert settings.gateway_id == settings.gateway_base_url
    assert (
        read_hosted(CLOUD_RUN_SERVICE=SERVICE, CLOUD_RUN_CONFIG_SECRET=CONFIG, ROLLOUT="direct").rollout
        is Rollout.DIRECT
    )


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"GATEWAY_DEPLOYER": "cloud-run"}, "CLOUD_RUN_SERVICE"),
        ({"CLOUD_RUN_SERVICE": SERVICE}, "CLOUD_RUN_CONFIG_SECRET"),
        ({"CLOUD_RUN_SERVICE": SERVICE + "x" * 40, "CLOUD_RUN_CONFIG_SECRET": CONFIG}, "CLOUD_RUN_SERVICE"),
        (
            {
                "CLOUD_RUN_SERVICE": SERVICE,
                "CLOUD_RUN_CONFIG_SECRET": CONFIG,
                "CLOUD_RUN_ENDPOINT": "http://127.0.0.1:9",
            },
            "loopback",
        ),
    ],
)
def test_half_of_cloud_run_is_refused(env: dict[str, str], name: str) -> None:
    """Both names are needed, a tag must fit beside the service's, and an endpoint on loopback goes with loopback alone."""
    with pytest.raises(UsageError, match=name):
        read_hosted(**env)


def test_googles_endpoints_are_not_mixed_with_loopback() -> None:
    """An endpoint left at its default is Google's: a test's gateway must not have the customer's service deployed to."""
    local = dict.fromkeys(("KHALA_URL", "GATEWAY_BASE_URL", "CHALLENGE_URL", "PROXY_URL"), "http://127.0.0.1:9")
    run = {"CLOUD_RUN_SERVICE": SERVICE, "CLOUD_RUN_CONFIG_SECRET": CONFIG, "CLOUD_RUN_ENDPOINT": "http://127.0.0.1:9"}
    with pytest.raises(UsageError, match="SECRET_MANAGER_ENDPOINT"):
        read(**local, **run)
    assert read(**local, **run, SECRET_MANAGER_ENDPOINT="http://[::1]:9").cloud_run_endpoint == "http://127.0.0.1:9"
