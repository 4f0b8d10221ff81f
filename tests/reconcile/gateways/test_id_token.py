"""An ID token of the deployer's, from Workload Identity Federation: no key file, and the service account that CI may act as."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.auth import iam
from google.auth.compute_engine import _metadata

from reconcile.errors import GatewayError
from reconcile.gateways.cloud_run import CloudRunApi

SERVICE, SECRET = "projects/p/locations/l/services/s", "projects/p/secrets/c"
ACCOUNT, AUDIENCE = "deployer@p.iam.gserviceaccount.com", "https://s-x.a.run.app"
CLAIMS = base64.urlsafe_b64encode(b'{"exp": 4102444800}').decode().rstrip("=")
TOKEN = f"e30.{CLAIMS}.c2ln"


class Google:
    """Security Token Service and IAM Credentials on loopback; ``asked``: path, Authorization and body of each call."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None, str]] = []
        self.refuses = False
        google = self

        class Handler(BaseHTTPRequestHandler):
            """Answers both."""

            def do_POST(self) -> None:
                """A federated token for the job's own; an ID token for a federated one."""
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                google.asked.append((self.path, self.headers["authorization"], body))
                told: dict[str, Any] = {"token": TOKEN}
                if self.path == "/sts":
                    told = {"access_token": "federated", "token_type": "Bearer", "expires_in": 600}
                    told["issued_token_type"] = "urn:ietf:params:oauth:token-type:access_token"
                answer = json.dumps(told).encode()
                self.send_response(403 if google.refuses else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """What google-github-actions/auth leaves behind, pointing at loopback."""
    found = Google()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.01,))
    thread.start()
    (tmp_path / "jwt").write_text("the-jobs-own")
    told = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/locations/global/workloadIdentityPools/p/providers/g",  # no project: it is not looked up
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{found.url}/sts",
        "service_account_impersonation_url": f"{found.url}/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken",
        "credential_source": {"file": str(tmp_path / "jwt")},
    }
    (tmp_path / "adc.json").write_text(json.dumps(told))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "adc.json"))
    monkeypatch.setattr(_metadata, "ping", lambda *_: False)  # no metadata server; nothing outside loopback is asked
    monkeypatch.setattr(iam, "_IAM_IDTOKEN_ENDPOINT", f"{found.url}/v1/projects/-/serviceAccounts/{{}}:generateIdToken")
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def test_federated_job_gets_an_id_token_of_its_service_account(google: Google) -> None:
    """For the service's base URL; the job's own token is exchanged, and that of the exchange signs for the account."""
    token = CloudRunApi(SERVICE, SECRET, None, None, "reconcile:test").id_token(AUDIENCE)
    assert token.get_secret_value() == TOKEN
    (exchange, _, sent), (minting, authorization, wanted) = google.asked
    assert exchange == "/sts"
    assert "the-jobs-own" in sent
    assert minting == f"/v1/projects/-/serviceAccounts/{ACCOUNT}:generateIdToken"
    assert authorization == "Bearer federated"
    assert json.loads(wanted)["audience"] == AUDIENCE


def test_federated_job_that_is_refused_says_so_without_a_secret(google: Google) -> None:
    """Of the job's token nothing is in the error."""
    google.refuses = True
    with pytest.raises(GatewayError) as caught:
        CloudRunApi(SERVICE, SECRET, None, None, "reconcile:test").id_token(AUDIENCE)
    assert caught.value.reason == "unauthorized"
    assert "the-jobs-own" not in repr(caught.value)
