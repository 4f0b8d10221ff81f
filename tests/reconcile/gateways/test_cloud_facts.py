"""What a revision's template and config say, read without ever showing a value."""

from __future__ import annotations

import pytest

from reconcile.gateways.cloud_facts import config_facts, plain_credentials, unmounted
from reconcile.gateways.cloud_views import Condition, EnvValue, RevisionView, SecretFile

MACAROON = "0201036c6e64" + "ab" * 40


def revision(
    *environment: EnvValue, arguments: tuple[str, ...] = (), files: tuple[SecretFile, ...] = ()
) -> RevisionView:
    """A revision."""
    return RevisionView("svc-1", {}, "image", arguments, environment, files, Condition.SUCCEEDED, "", None)


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("debuglevel: info\ndbbackend: postgres\n", (), ("info", False, "postgres")),
        ("dbbackend: sqlite\n", (), ("", False, "sqlite")),
        ("insecure: true\n", (), ("", False, "etcd")),
        ("debuglevel: trace\n", (), ("debug", False, "etcd")),
        ("enablempp: true\n", (), ("", True, "etcd")),
        ("authenticator: {enablempp: true}\n", (), ("", True, "etcd")),
        ("debuglevel: info\n", ("aperture", "--debuglevel=TRACE"), ("trace", False, "etcd")),
        ("debuglevel: info\n", ("--debuglevel", "debug"), ("debug", False, "etcd")),
        ("a: 1\n", ("--enablempp",), ("", True, "etcd")),
        ("a: 1\n", ("--enablempp", "--dbbackend=sqlite"), ("", True, "sqlite")),
        ("not: [yaml", (), ("", False, "etcd")),
    ],
)
def test_config_and_flags_are_read_together(
    text: str, arguments: tuple[str, ...], expected: tuple[str, bool, str]
) -> None:
    """A flag of the container wins over the file."""
    facts = config_facts(text, arguments)
    assert (facts.debug_level, facts.is_mpp_enabled, facts.database) == expected


def test_plain_credentials_are_named_and_never_shown() -> None:
    """By what they look like, or by their name; a path and a secret's reference are none."""
    found = revision(
        EnvValue("A", MACAROON),
        EnvValue("B", "-----BEGIN CERTIFICATE-----"),
        EnvValue("LND_MACAROON", "zz"),
        EnvValue("LND_MACAROON_PATH", "/lnd/invoice.macaroon"),
        EnvValue("LND_MACAROON_REF", None, "secret", "3"),
        EnvValue("PORT", "8080"),
        arguments=("aperture", f"--macaroon={MACAROON}"),
    )
    assert plain_credentials(found) == ("env A", "env B", "env LND_MACAROON", "argument 2")
    assert MACAROON not in repr(found)


def test_credential_files_must_be_mounted_from_a_secret() -> None:
    """The file itself, its folder, or a folder above it."""
    files = (SecretFile("/lnd/tls", "/lnd/tls/tls.cert", "tls", "1"), SecretFile("/mac", "/mac/x.macaroon", "mac", "1"))
    names = ("/lnd/tls/tls.cert", "/mac", "/mac/", "/lnd", "/baked/tls.cert", "/lnd/tlsx")
    assert unmounted(names, revision(files=files)) == ("/baked/tls.cert", "/lnd/tlsx")
