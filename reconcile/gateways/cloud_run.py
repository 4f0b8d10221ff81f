"""Cloud Run's Admin API v2 and Secret Manager over REST: the one module that imports google.*, when it is first used.

Each method is one call with a deadline of its own; no exception of a library leaves it (cloud_errors.py sorts them).
Payloads of secrets leave it as SecretStr only. Source: CLOUD_RUN.md §6.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from reconcile.errors import GatewayError
from reconcile.gateways.cloud_errors import Failure, sorted_error
from reconcile.gateways.cloud_messages import revision_view, service_update, service_view
from reconcile.gateways.cloud_names import short
from reconcile.gateways.cloud_views import (
    FormerTemplate,
    OperationView,
    RevisionView,
    SecretView,
    ServiceTarget,
    ServiceView,
    TemplateChange,
)
from reconcile.urls import host_of, is_loopback_host

READ_TIMEOUT_S, WRITE_TIMEOUT_S, POLL_TIMEOUT_S = 10.0, 15.0, 5.0
CLOUD_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
CHECKSUM_ERROR = "the secret's payload does not match its checksum"


class CloudRunApi:
    """The calls that a deploy makes. ``endpoint``: None for Google's; a loopback one is asked without credentials."""

    def __init__(
        self, service: str, secret: str, run_endpoint: str | None, secret_endpoint: str | None, request_id: str
    ) -> None:
        self.secret = secret  # its resource name
        self._service = service
        self._endpoints = (run_endpoint, secret_endpoint)
        self._metadata = [("x-oa-request-id", request_id)]
        self._made: dict[str, Any] = {}

    # --- Cloud Run

    def get_service(self, timeout_s: float | None = None) -> ServiceView:
        """GET the service."""
        found = self._ask("GetService", "services", timeout_s or READ_TIMEOUT_S, name=self._service)
        return service_view(found)

    def get_revision(self, name: str) -> RevisionView:
        """GET a revision by its short name."""
        path = f"{self._service}/revisions/{name}"
        return revision_view(self._ask("GetRevision", "revisions", READ_TIMEOUT_S, name=path))

    def list_revisions(self) -> list[RevisionView]:
        """The service's revisions, as many as one page of 100 holds, the newest first."""
        request = {"parent": self._service, "page_size": 100}
        pager = self._ask("ListRevisions", "revisions", READ_TIMEOUT_S, request=request)
        return [revision_view(found) for found in next(iter(pager.pages)).revisions]

    def update_service(
        self,
        service: ServiceView,
        *,
        template: TemplateChange | FormerTemplate | None = None,
        traffic: Sequence[ServiceTarget] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> str:
        """PATCH what is given, with the etag of ``service``; the operation's name. Does not wait for it."""
        body, mask = service_update(service, template, traffic, annotations)
        asked = self._ask("UpdateService", "services", WRITE_TIMEOUT_S, is_write=True, service=body, update_mask=mask)
        return str(asked.operation.name)

    def get_operation(self, name: str) -> OperationView:
        """GET a long-running operation; its answer is parsed strictly."""
        found = self._ask("GetOperation", "services", POLL_TIMEOUT_S, request={"name": name})
        return OperationView(bool(found.done), int(found.error.code), str(found.error.message))

    # --- Secret Manager

    def get_secret(self) -> SecretView:
        """GET the config secret, without payload."""
        found = self._ask("GetSecret", "secrets", READ_TIMEOUT_S, name=self.secret)
        return SecretView(str(found.name), str(found.etag), dict(found.annotations), found)

    def annotate_secret(self, secret: SecretView, annotations: Mapping[str, str]) -> None:
        """PATCH the config secret's annotations under its etag."""
        body = {"name": self.secret, "etag": secret.etag, "annotations": dict(annotations)}
        mask = {"paths": ["annotations"]}
        self._ask(
            "UpdateSecret", "secrets", WRITE_TIMEOUT_S, is_write=True, has_etag=True, secret=body, update_mask=mask
        )

    def add_version(self, payload: SecretStr) -> str:
        """Add a version of the config secret; its number."""
        import google_crc32c

        data = payload.get_secret_value().encode()
        body = {"data": data, "data_crc32c": int(google_crc32c.value(data))}
        asked = self._ask(
            "AddSecretVersion", "secrets", WRITE_TIMEOUT_S, is_write=True, parent=self.secret, payload=body
        )
        return short(str(asked.name))

    def access_version(self, version: str) -> SecretStr:
        """A version's payload, its checksum verified."""
        import google_crc32c

        name = f"{self.secret}/versions/{version}"
        payload = self._ask("AccessSecretVersion", "secrets", READ_TIMEOUT_S, name=name).payload
        data = bytes(payload.data)
        if payload.data_crc32c and int(payload.data_crc32c) != google_crc32c.value(data):
            raise GatewayError(CHECKSUM_ERROR, reason="invalid_gateway_payload")
        with contextlib.suppress(UnicodeDecodeError):
            return SecretStr(data.decode())
        raise GatewayError("the config secret holds no text", reason="base_config_not_strict_yaml")

    def disable_version(self, version: str) -> None:
        """Disable a version of the config secret."""
        name = f"{self.secret}/versions/{version}"
        self._ask("DisableSecretVersion", "secrets", WRITE_TIMEOUT_S, is_write=True, name=name)

    # --- the service's own callers

    def id_token(self, audience: str) -> SecretStr:
        """An ID token for a service that requires IAM; ``audience``: its base URL, for tag URLs too (CLOUD_RUN.md §4)."""
        try:
            return SecretStr(_fetched_id_token(audience, is_local=self._is_local("services")))
        except Exception as error:  # see ``_failure``
            raise sorted_error("an ID token", _failure(error), is_write=False) from error

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        made, self._made = self._made, {}
        for client in made.values():
            with contextlib.suppress(Exception):  # whatever a library's close meets, nothing is left to do
                client.transport.close()

    # --- inside

    def _client(self, kind: str) -> Any:
        """The client of that kind, made when it is first asked for."""
        if kind not in self._made:
            self._made[kind] = self._make(kind)
        return self._made[kind]

    def _is_local(self, kind: str) -> bool:
        endpoint = self._endpoints[1 if kind == "secrets" else 0]
        return endpoint is not None and is_loopback_host(host_of(endpoint))

    def _make(self, kind: str) -> Any:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import run_v2

        from reconcile.gateways.cloud_transport import bind

        endpoint, is_local = self._endpoints[1 if kind == "secrets" else 0], self._is_local(kind)
        options: dict[str, Any] = {"transport": "rest"}
        if endpoint is not None:
            options["client_options"] = {"api_endpoint": endpoint if is_local else endpoint.removeprefix("https://")}
        if is_local:
            options["credentials"] = AnonymousCredentials()  # type: ignore[no-untyped-call]  # google.auth has no types
        if kind == "secrets":
            from google.cloud import secretmanager_v1

            client: Any = secretmanager_v1.SecretManagerServiceClient(**options)
        else:
            client = (run_v2.RevisionsClient if kind == "revisions" else run_v2.ServicesClient)(**options)
        session = client.transport._session
        if is_local:
            session.trust_env = False  # a proxy variable must not catch loopback
        if not session.is_mtls:  # a client certificate is bound to its own adapter
            bind(session)
        return client

    def _ask(
        self, what: str, kind: str, timeout_s: float, *, is_write: bool = False, has_etag: bool = False, **sent: Any
    ) -> Any:
        """Make one call, with its deadline and no retry of the library's own; what it raises becomes a GatewayError."""
        method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in what).lstrip("_")
        try:
            call = getattr(self._client(kind), method)
            return call(**sent, timeout=timeout_s, retry=None, metadata=self._metadata)
        except Exception as error:  # the libraries raise a dozen unrelated classes: ``_failure`` knows each
            raise sorted_error(what, _failure(error), is_write=is_write, has_etag=has_etag) from error


def _fetched_id_token(audience: str, *, is_local: bool) -> str:
    """From a service account's key, an impersonated account, the metadata server, or Workload Identity's own account."""
    import google.auth
    from google.auth import exceptions, impersonated_credentials
    from google.auth.transport import requests as transport
    from google.oauth2 import id_token

    class LoopbackOnly(transport.Request):
        """Beside an endpoint on loopback nothing else is asked, the metadata server neither."""

        def __call__(self, url: str, *arguments: Any, **options: Any) -> Any:
            """Send, or refuse."""
            if not is_loopback_host(host_of(url)):
                raise exceptions.TransportError("not on loopback")  # type: ignore[no-untyped-call]  # google.auth has no types
            return super().__call__(url, *arguments, **options)  # type: ignore[no-untyped-call]  # as above

    request = (LoopbackOnly if is_local else transport.Request)()
    try:
        return str(id_token.fetch_id_token(request, audience))  # type: ignore[no-untyped-call]  # as above
    except exceptions.DefaultCredentialsError:
        if is_local:
            raise
        found, _ = google.auth.default(scopes=[CLOUD_SCOPE])
        if getattr(found, "service_account_email", None) is None:
            raise
        # Private: the one way from Workload Identity's account to an ID token of its service account.
        account = found._initialize_impersonated_credentials()  # type: ignore[attr-defined]
        token = impersonated_credentials.IDTokenCredentials(account, audience, include_email=True)  # type: ignore[no-untyped-call]  # as above
        token.refresh(request)
        return str(token.token)


def _failure(error: Exception) -> Failure:
    """What an exception of google.*, requests or protobuf says; the message is the server's, never a payload's."""
    import requests
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from google.protobuf import json_format  # type: ignore[import-untyped]  # its types are a package of their own

    from reconcile.gateways.cloud_transport import was_sent

    if isinstance(error, api.GoogleAPICallError):
        response = error.response
        status = int(error.code) if error.code is not None else None
        retry_after = response.headers.get("retry-after") if hasattr(response, "headers") else None
        return Failure("status", status, _word(response), str(error.message), retry_after)
    if isinstance(error, (requests.exceptions.Timeout, api.RetryError, TimeoutError)):
        is_connecting = isinstance(error, requests.exceptions.ConnectTimeout)
        return Failure("connection_failed" if is_connecting else "timeout", was_sent=not is_connecting)
    if isinstance(error, requests.exceptions.RequestException):
        return Failure("connection_failed", was_sent=was_sent(error))
    if isinstance(error, ConnectionError):
        return Failure("connection_failed")
    if isinstance(error, auth.GoogleAuthError):
        return Failure("credentials")
    if isinstance(error, (json_format.ParseError, ValueError, TypeError, AttributeError, KeyError)):
        return Failure("payload")
    raise error


def _word(response: Any) -> str:
    """The status word of an error's body, such as ``FAILED_PRECONDITION``."""
    try:
        return str(response.json()["error"]["status"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
