"""The JSON schema of ``summary.json``, generated from its model: ``python -m reports.schema`` rewrites the committed file."""

from __future__ import annotations

import json
from pathlib import Path

from reconcile.record import Summary

SCHEMA_FILE = Path(__file__).with_name("summary.schema.json")


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(Summary.model_json_schema(by_alias=True, mode="serialization"), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text())
