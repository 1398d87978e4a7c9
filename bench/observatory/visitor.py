"""Somebody who signs in with a browser, as far as forms and cookies go."""

from __future__ import annotations

import base64
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import httpx
from django_otp.oath import totp

CSRF_COOKIE = "__Host-csrf"


class Visitor:
    """Speaks to `web` the way the proxy does: http, and the host and scheme in headers.

    Keeps the cookies itself: no library sends secure ones over http.
    """

    def __init__(self, port: int, host: str) -> None:
        self.host = host
        self.cookies: dict[str, str] = {}
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    def cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def sign_in(self, email: str, password: str, totp_uri: str) -> None:
        answer = self._send("/sign-in/", {"email": email, "password": password})
        secret = parse_qs(urlsplit(totp_uri).query)["secret"][0]
        code = totp(base64.b32decode(secret))
        self._expect_inside(self._send(answer.headers["Location"], {"code": f"{code:06}"}))

    def accept(self, invitation_url: str, *, name: str, password: str) -> None:
        path = urlsplit(invitation_url).path
        self._expect_inside(self._send(path, {"name": name, "password": password}))

    def _send(self, path: str, form: dict[str, str]) -> httpx.Response:
        """Open the page of a form, fill it in and send it."""
        self._request("GET", path)
        token = self.cookies[CSRF_COOKIE]
        return self._request("POST", path, {**form, "csrfmiddlewaretoken": token})

    def _request(
        self, method: str, path: str, form: dict[str, str] | None = None
    ) -> httpx.Response:
        headers = {
            "Host": self.host,
            "X-Forwarded-Proto": "https",
            "Referer": f"https://{self.host}/",
            "Cookie": self.cookie_header(),
        }
        answer = self.client.request(method, path, data=form, headers=headers)
        for line in answer.headers.get_list("Set-Cookie"):
            self.cookies |= {name: kept.value for name, kept in SimpleCookie(line).items()}
        return answer

    def _expect_inside(self, answer: httpx.Response) -> None:
        start = self._request("GET", "/")
        if answer.status_code != httpx.codes.FOUND or start.status_code != httpx.codes.OK:
            raise SystemExit(
                f"Nobody could sign in on {self.host}: the form was answered {answer.status_code},"
                f" the start page {start.status_code}. No page was graded."
            )
