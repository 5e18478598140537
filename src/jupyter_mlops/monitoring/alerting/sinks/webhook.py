"""JSON, posted to an address: signed with HMAC-SHA256 over the time and the body, and tried again where that may help.

``Mlops-Signature: t=UNIX_TIME,v1=HEX``, where HEX is that of ``f"{UNIX_TIME}.{body}"``: whoever knows the key can tell
that it is ours, whole and new. ``Mlops-Delivery`` is the same each time that it is sent.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from ....ways import WebhookSettings
from ..message import Message
from .way import NotSent, secret

_TIMEOUT: Final = (1.5, 2.5)
_RETRY: Final = Retry(
    total=2,
    read=0,  # what hangs will hang again
    redirect=0,
    backoff_factor=0.2,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=("POST",),
    respect_retry_after_header=False,  # it is tried again with the next look
    raise_on_status=False,
)


def send(message: Message, settings: WebhookSettings) -> None:
    """Post it."""
    url = settings.url or secret(settings.url_env or "")
    body = json.dumps(message.to_dict(), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "jupyter-mlops", "Mlops-Delivery": message.id}
    if settings.secret_env is not None:
        headers["Mlops-Signature"] = signature(body, secret(settings.secret_env), round(time.time()))
    host = urlsplit(url).hostname or "the address"
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=_RETRY))
        session.auth = _nobody  # what a .netrc says of the host is not for it
        try:
            with session.post(url, data=body, headers=headers, timeout=_TIMEOUT, stream=True, allow_redirects=False) as answer:  # fmt: skip
                status = answer.status_code
        except requests.RequestException as error:
            raise NotSent(_reason(error, host)) from None
    if not 200 <= status < 300:
        more = ": the address leads elsewhere" if 300 <= status < 400 else ""
        raise NotSent(f"{host} answered {status}{more}")


def signature(body: bytes, key: str, at: int) -> str:
    """Sign a body."""
    signed = hmac.new(key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _reason(error: requests.RequestException, host: str) -> str:
    """Say why in our own words: the library's quote the address, which may be a secret."""
    if isinstance(error, requests.exceptions.SSLError):
        return f"the certificate of {host} is not one to trust"
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy before {host} does not let it through"
    if isinstance(error, requests.exceptions.ReadTimeout):
        return f"{host} did not answer within {_TIMEOUT[1]:g} s"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"{host} can't be reached within {_TIMEOUT[0]:g} s"
    if isinstance(error, requests.exceptions.ConnectionError):
        hung = "timed out" in str(error).lower() and "read" in str(error).lower()
        return f"{host} did not answer within {_TIMEOUT[1]:g} s" if hung else f"{host} can't be reached"
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema | requests.exceptions.InvalidSchema):  # fmt: skip
        return "the address is none"
    return f"{host}: {type(error).__name__}"
