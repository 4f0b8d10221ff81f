"""Names on Cloud Run: the next revision's, its tag's, and how ours are told from others. Pure (CLOUD_RUN.md §1)."""

from __future__ import annotations

import re

from reconcile.compile.tag_hosts import TAG_PREFIX

_OUR_TAG = re.compile(re.escape(TAG_PREFIX) + r"[0-9]+")
ANNOTATION_PREFIX = "l402-harness/"
_RESERVED = ("run.googleapis.com", "cloud.googleapis.com", "serving.knative.dev", "autoscaling.knative.dev")


def short(name: str) -> str:
    """The last part of a resource name."""
    return name.rsplit("/", 1)[-1]


def revision_name(service_id: str, generation: int) -> str:
    """The name of the revision after ``generation``: of two runs that read the same one, only one can create it."""
    return f"{service_id}-g{generation + 1}"


def tag_name(generation: int) -> str:
    """The tag beside ``revision_name``."""
    return f"{TAG_PREFIX}{generation + 1}"


def is_our_tag(tag: str) -> bool:
    """True for a tag that only a run of ours makes."""
    return _OUR_TAG.fullmatch(tag) is not None


def is_reserved(annotation: str) -> bool:
    """True for an annotation that the API refuses to be sent."""
    return annotation.split("/")[0].endswith(_RESERVED)
