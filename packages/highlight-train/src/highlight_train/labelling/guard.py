"""Who may talk to the page's server: the browser of whoever started it, and no page of anybody else.

The server listens on loopback only, but every page that the browser has open, and every other user of the machine, can
reach that too. So each request needs the token; names the server by an address of this machine, which a foreign name
that was pointed here does not (DNS rebinding); and comes from our own page where the browser says whence it comes.
"""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
TOKEN_PARAMETER = "token"  # noqa: S105 - its name, not its value


class Guard:
    """Middleware that refuses what is not meant for us, and gives every answer the security headers."""

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        """Put it around an application.

        Args:
            app: what answers where nothing is refused.
            token: the secret; ASCII.
            port: the port that is listened on.
        """
        self._app = app
        self._token = token.encode("ascii")
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._origins = {f"http://{host}" for host in self._hosts}
        # Cookies do not tell ports apart: without its number, two servers would overwrite each other's.
        self._cookie = f"highlight_train_{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] != "http":
            return
        connection = HTTPConnection(scope)
        invited = scope["path"] == "/" and self._matches(connection.query_params.get(TOKEN_PARAMETER, ""))

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers.setdefault("cache-control", "no-store")
                if invited and message["status"] == 200:
                    cookie = f"{self._cookie}={self._token.decode('ascii')}; Path=/; HttpOnly; SameSite=Strict"
                    headers.append("set-cookie", cookie)
            await send(message)

        refusal = self._refusal(connection, invited=invited)
        if refusal is None:
            await self._app(scope, receive, send_guarded)
        else:
            invited = False
            await refusal(scope, receive, send_guarded)

    def _refusal(self, connection: HTTPConnection, *, invited: bool) -> PlainTextResponse | None:
        headers = connection.headers
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return PlainTextResponse("This address is not served here.\n", 403)
        if any(origin not in self._origins for origin in headers.getlist("origin")):
            return PlainTextResponse("Requests from other pages are refused.\n", 403)
        if not invited and headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            return PlainTextResponse("Requests from other pages are refused.\n", 403)
        if not invited and not self._matches(connection.cookies.get(self._cookie, "")):
            return PlainTextResponse(
                "Open the address that highlight-train printed when it was started: it holds the key to this page.\n",
                401,
            )
        return None

    def _matches(self, offered: str) -> bool:
        return secrets.compare_digest(offered.encode("utf-8", "surrogateescape"), self._token)
