"""What every answer to a hostile request has to be."""

import httpx

RETRY = {"retry-after", "x-should-retry"}
"""A 503 says when to come again, or that it is no use."""


def fault(answer: httpx.Response, method: str = "POST") -> str:
    """What is wrong with the answer; empty: nothing."""
    if answer.status_code < 400:
        return ""
    if answer.status_code >= 500 and not (answer.status_code == 503 and RETRY & set(answer.headers)):
        return f"{answer.status_code} {answer.text[:200]}"
    if "x-request-id" not in answer.headers:
        return f"{answer.status_code} without an X-Request-Id"
    if method == "HEAD":
        return ""
    try:
        error = answer.json()["error"]
        shaped = isinstance(error["code"], str) and isinstance(error["message"], str)
    except (ValueError, KeyError, TypeError):
        shaped = False
    return "" if shaped else f"{answer.status_code} out of the error shape: {answer.text[:200]}"
