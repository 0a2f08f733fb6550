"""A client of CONGA's REST resources, as conga-api.md describes them."""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
from typing import Any, Dict, List, Optional

Json = Dict[str, Any]


class ApiError(Exception):
    """An answer whose status is not 0."""

    def __init__(self, status: int, errors: List[str]) -> None:
        super().__init__("%d: %s" % (status, "; ".join(errors)))
        self.status = status
        self.errors = errors


def record(method: str, path: str, code: int, headers: Any, text: bytes) -> None:
    """Keeps an answer for cmd/internal/answers, which knows what is documented."""
    file = os.environ.get("CONGA_ANSWERS")
    if file:
        line = {"method": method, "path": path.split("?")[0], "code": code, "header": dict(headers.items()),
                "body": text.decode(errors="replace")}
        # At once, unbuffered: lines of others are before it or after.
        with open(file, "ab", buffering=0) as out:
            out.write(json.dumps(line).encode() + b"\n")


class Client:
    """Talks to one daemon. `ca` is the certificate to trust, for HTTPS."""

    def __init__(self, base: str, ca: Optional[str] = None) -> None:
        self.base = base
        self.key = ""
        self.project = ""
        context = ssl.create_default_context(cafile=ca) if base.startswith("https:") else None
        handlers: List[Any] = [urllib.request.ProxyHandler({})]
        if context:
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self.opener = urllib.request.build_opener(*handlers)

    def call(self, method: str, path: str, body: Optional[Json] = None, timeout: float = 15) -> List[Json]:
        """Makes a request and returns its results. Raises ApiError for a refusal
        and OSError where nothing answers."""
        request = urllib.request.Request(self.base + path, method=method)
        if self.key:
            request.add_header("Authorization", "Bearer " + self.key)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with self.opener.open(request, data, timeout=timeout) as answer:
                text = answer.read()
                record(method, path, answer.status, answer.headers, text)
        except urllib.error.HTTPError as e:
            text = e.read()
            record(method, path, e.code, e.headers, text)
            try:
                envelope = json.loads(text)
                raise ApiError(e.code, list(envelope["errors"])) from None
            except (ValueError, KeyError, TypeError):
                raise ApiError(e.code, ["no envelope: " + text[:200].decode(errors="replace")]) from None
        envelope = json.loads(text)
        if envelope["status"] != 0:
            raise ApiError(envelope["status"], envelope["errors"])
        return envelope["results"]

    def ready(self) -> bool:
        """Whether the daemon answers."""
        with self.opener.open(self.base + "/healthz", timeout=5) as answer:
            return answer.status == 200

    def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        with self.opener.open(self.base + "/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.split()[1])
        raise KeyError(name)

    def login(self, user: str, project: str, password: str = "") -> None:
        """Asks for a key and uses it from now on."""
        self.key = ""
        body = {"user_id": user, "project_id": project}
        if password:
            body["password"] = password
        self.key = self.call("POST", "/api/auth", body)[0]["api_key"]
        self.project = project

    def create(self, src: str, dst: str, duration: int = 3600, **optional: Any) -> str:
        """Asks for an allocation and returns its identifier."""
        body = {"project_id": self.project, "src_ip": src, "dst_ip": dst, "duration": duration, **optional}
        return self.call("POST", "/api/allocations", body)[0]["allocation_id"]

    def get(self, allocation: str) -> Json:
        return self.call("GET", "/api/allocations/" + allocation)[0]

    def update(self, allocation: str, **changes: Any) -> Json:
        return self.call("POST", "/api/allocations/" + allocation, changes)[0]

    def delete(self, allocation: str) -> None:
        self.call("DELETE", "/api/allocations/" + allocation)

    def list(self) -> List[Json]:
        """All allocations of the project, page by page."""
        found: List[Json] = []
        page = 1
        while True:
            part = self.call("GET", "/api/allocations?page=%d&per_page=128" % page, {"project_id": self.project})
            found += part
            if len(part) < 128:
                return found
            page += 1
