"""A Hub on 127.0.0.1, in memory: as much of it as `huggingface_hub` and `datasets` use to push and to load.

    with FakeHub() as hub:
        hub.fail("PUT", "/lfs/", status=500)        # the next such request fails, once
        ...
        hub.repo("dataset", "user/name").files()    # what a visitor sees on main

Its answers have the shape of the real Hub's, as `huggingface_hub` 2.4 reads them; what the real one accepts or refuses
beyond that (licence names, quotas) it does not know.
"""

# A handler answers and returns in one statement here.
# ruff: noqa: RET502, RET503

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

TOKEN = "hf_RECOGNISABLE0token0never0to0be0seen"


@dataclass
class Repo:
    """One repository: its commits, newest last, each a mapping from path to content."""

    private: bool
    commits: list[dict[str, bytes]] = field(default_factory=lambda: [{".gitattributes": b"*.parquet filter=lfs\n"}])
    titles: list[str] = field(default_factory=lambda: ["initial commit"])
    pulls: list[dict[str, bytes]] = field(default_factory=list)

    @property
    def head(self) -> str:
        return self.sha(len(self.commits) - 1)

    def sha(self, index: int) -> str:
        return hashlib.sha1(f"{index} {self.titles[index]}".encode()).hexdigest()

    def files(self, revision: str = "main") -> dict[str, bytes]:
        known = {self.sha(index): commit for index, commit in enumerate(self.commits)}
        known["main"] = self.commits[-1]
        known |= {f"refs/pr/{number}": files for number, files in enumerate(self.pulls, start=1)}
        return known[revision]


@dataclass
class Failure:
    """What happens to the next requests that match, `times` of them."""

    method: str
    part: str
    status: int | None = None
    reset: bool = False
    silent: bool = False
    after: bool = False
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1


class FakeHub:
    """Serves until its `with` block ends; every request is noted in `requests` as (method, path)."""

    def __init__(self, token: str = TOKEN, writable: tuple[str, ...] = ("user",)) -> None:
        self.token, self.writable = token, writable
        self.repos: dict[tuple[str, str], Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.failures: list[Failure] = []
        self.lock = threading.RLock()
        self.closing = threading.Event()

    def __enter__(self) -> FakeHub:
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def fail(self, method: str, part: str, **how: Any) -> None:
        """Fails the next request of this method whose path contains `part`.

        Args:
            how: `status` (with `body`, `headers`), `reset` (the connection is cut), `silent` (no answer at all);
                `after`: the request is carried out first, and only its answer is lost; `times`: so often.
        """
        self.failures.append(Failure(method, part, **how))

    def repo(self, kind: str, name: str) -> Repo:
        return self.repos[kind, name]

    def count(self, method: str, part: str) -> int:
        return sum(method == verb and part in path for verb, path in self.requests)

    def failure(self, method: str, path: str) -> Failure | None:
        with self.lock:
            for failure in self.failures:
                if failure.times > 0 and failure.method == method and failure.part in path:
                    failure.times -= 1
                    return failure
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer in one piece: header and body apart wait for each other's acknowledgement, 40 ms a request.
    wbufsize = -1
    disable_nagle_algorithm = True
    hub: FakeHub

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._handle("GET")

    def do_HEAD(self) -> None:
        self._handle("HEAD")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_PUT(self) -> None:
        self._handle("PUT")

    def _handle(self, method: str) -> None:
        address = urlsplit(self.path)
        path, self.query = unquote(address.path), parse_qs(address.query)
        self.body = self._read_body()
        self.muted = False
        with self.hub.lock:
            self.hub.requests.append((method, path))
        failure = self.hub.failure(method, path)
        if failure is None:
            return self._route(method, path)
        if failure.after:
            self.muted = True
            self._route(method, path)
            self.muted = False
        if failure.silent:
            self.hub.closing.wait(20)
        if failure.status is not None:
            return self._json(failure.status, failure.body or {"error": "made to fail"}, failure.headers)
        # A reset instead of an orderly end, as from a router that gives up.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
        return None

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self._bytes(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _bytes(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        if self.muted:
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def _route(self, method: str, path: str) -> None:
        if method == "PUT":
            return self._store(path)
        given = self.headers.get("Authorization")
        if given is not None and given != f"Bearer {self.hub.token}":
            why = {"X-Error-Message": "Invalid credentials in Authorization header"}
            return self._json(401, {"error": f"Invalid credentials: {given}"}, why)
        with self.hub.lock:
            for pattern, name in _ROUTES:
                match = re.fullmatch(pattern, path)
                if match and name.startswith(f"_{method.lower().replace('head', 'get')}"):
                    return getattr(self, name)(**match.groupdict())
        return self._json(404, {"error": f"the fake Hub knows no {method} {path}"})

    # ---- repositories ----

    def _known(self, kind: str | None, repo: str) -> Repo | None:
        """The repository, where the caller may see it; otherwise answers 404, as the Hub does for private ones."""
        found = self.hub.repos.get(("dataset" if kind and kind.startswith("dataset") else "model", repo))
        if found is None or (found.private and not self.headers.get("Authorization")):
            self._json(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
            return None
        return found

    def _may_write(self, repo: str) -> bool:
        if repo.split("/")[0] in self.hub.writable:
            return True
        message = f"You don't have the rights to write to {repo}"
        self._json(403, {"error": message}, {"X-Error-Message": message})
        return False

    def _post_create(self) -> None:
        wanted = json.loads(self.body)
        name = f"{wanted['organization']}/{wanted['name']}"
        key = (wanted.get("type", "model"), name)
        url = f"{self.hub.url}/{'datasets/' if key[0] == 'dataset' else ''}{name}"
        if not self._may_write(name):
            return
        if key in self.hub.repos:
            return self._json(409, {"error": "You already created this repo", "url": url})
        private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        self.hub.repos[key] = Repo(private)
        self._json(200, {"url": url})

    def _get_info(self, kind: str, repo: str, revision: str = "main") -> None:
        found = self._known(kind, repo)
        if found is None:
            return
        siblings = [{"rfilename": path} for path in sorted(found.files(revision))]
        sha = found.head if revision == "main" else revision
        self._json(200, {
            "id": repo, "sha": sha, "private": found.private, "siblings": siblings, "tags": [], "downloads": 0,
            "likes": 0, "disabled": False, "gated": False,
        })  # fmt: skip

    def _get_tree(self, kind: str, repo: str, revision: str, folder: str | None = None) -> None:
        found = self._known(kind, repo)
        if found is None:
            return
        prefix = f"{folder}/" if folder else ""
        inside = {path: content for path, content in found.files(revision).items() if path.startswith(prefix)}
        if folder and not inside:
            return self._json(404, {"error": "no such folder"}, {"X-Error-Code": "EntryNotFound"})
        recursive = self.query.get("recursive", ["false"])[0].lower() == "true"
        entries, folders = [], set()
        for path, content in sorted(inside.items()):
            head, slash, _ = path[len(prefix) :].partition("/")
            if slash:
                folders.add(prefix + head)
            if recursive or not slash:
                oid = hashlib.sha1(content).hexdigest()
                entries.append({"type": "file", "path": path, "size": len(content), "oid": oid})
        entries += [{"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in sorted(folders)]
        self._json(200, entries)

    def _get_resolve(self, repo: str, revision: str, file: str, kind: str | None = None) -> None:
        found = self._known(kind, repo)
        if found is None:
            return
        content = found.files(revision).get(file)
        commit = {"X-Repo-Commit": found.head if revision == "main" else revision}
        if content is None:
            return self._json(404, {"error": "no such file"}, {"X-Error-Code": "EntryNotFound", **commit})
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        self._bytes(200, content, {"ETag": etag, "Accept-Ranges": "bytes", **commit})

    # ---- uploads ----

    def _post_preupload(self, kind: str, repo: str, revision: str) -> None:
        found = self._known(kind, repo)
        if found is None or not (self.query.get("create_pr") or self._may_write(repo)):
            return
        present = found.files()
        files = []
        for file in json.loads(self.body)["files"]:
            large = file["path"].endswith((".parquet", ".safetensors", ".npy"))
            answer = {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
            if file["path"] in present:
                content = present[file["path"]]
                blob = b"blob %d\0" % len(content) + content
                answer["oid"] = hashlib.sha256(content).hexdigest() if large else hashlib.sha1(blob).hexdigest()
            files.append(answer)
        self._json(200, {"files": files})

    def _post_batch(self, repo: str, kind: str | None = None) -> None:
        if self._known(kind, repo) is None:
            return
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            entry = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in self.hub.blobs:
                upload = f"{self.hub.url}/lfs/{wanted['oid']}?X-Signature=SIGNED"
                entry["actions"] = {"upload": {"href": upload}, "verify": {"href": f"{self.hub.url}/lfs-verify"}}
            objects.append(entry)
        self._json(200, {"transfer": "basic", "objects": objects})

    def _store(self, path: str) -> None:
        oid = path.removeprefix("/lfs/")
        if hashlib.sha256(self.body).hexdigest() != oid:
            return self._json(400, {"error": "the content is not that of the oid"})
        with self.hub.lock:
            self.hub.blobs[oid] = self.body
        self._bytes(200, b"", {})

    def _post_verify(self) -> None:
        asked = json.loads(self.body)
        whole = len(self.hub.blobs.get(asked["oid"], b"")) == asked["size"]
        self._json(200 if whole else 404, {})

    def _post_yaml(self) -> None:
        content = json.loads(self.body)["content"]
        try:
            # A line that is only `---` ends it; the text may end a value just as well.
            metadata = yaml.safe_load(re.split(r"^---$", content, flags=re.MULTILINE)[1])
        except (yaml.YAMLError, IndexError) as error:
            return self._json(400, {"errors": [{"message": str(error)}], "warnings": []})
        licence = metadata.get("license")
        if licence is not None and licence not in ("apache-2.0", "mit", "cc-by-4.0", "unknown", "other"):
            return self._json(400, {"errors": [{"message": f'"license" must not be {licence}'}], "warnings": []})
        return self._json(200, {"errors": [], "warnings": []})

    def _post_commit(self, kind: str, repo: str, revision: str) -> None:
        found = self._known(kind, repo)
        pull = bool(self.query.get("create_pr"))
        if found is None or not (pull or self._may_write(repo)):
            return
        lines = [json.loads(line) for line in self.body.splitlines() if line.strip()]
        header = lines[0]["value"]
        if header.get("parentCommit") not in (None, found.head):
            return self._json(412, {"error": "A commit has happened since. Please refresh and try again."})
        files = dict(found.files())
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.blobs[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        answer = {"commitUrl": f"{self.hub.url}/{kind}/{repo}/commit/x"}
        if pull:
            found.pulls.append(files)
            answer["pullRequestUrl"] = f"{self.hub.url}/{kind}/{repo}/discussions/{len(found.pulls)}"
            answer["commitOid"] = "f" * 40
        else:
            found.commits.append(files)
            found.titles.append(f"{header['summary']} {time.time_ns()}")
            answer["commitOid"] = found.head
        return self._json(200, answer)


_REPO = r"(?P<repo>[^/]+/[^/]+)"
_ROUTES = [
    (r"/api/repos/create", "_post_create"),
    (r"/api/validate-yaml", "_post_yaml"),
    (r"/lfs-verify", "_post_verify"),
    (rf"/api/(?P<kind>datasets|models)/{_REPO}", "_get_info"),
    (rf"/api/(?P<kind>datasets|models)/{_REPO}/revision/(?P<revision>.+)", "_get_info"),
    (rf"/api/(?P<kind>datasets|models)/{_REPO}/tree/(?P<revision>[^/]+)(/(?P<folder>.+))?", "_get_tree"),
    (rf"/api/(?P<kind>datasets|models)/{_REPO}/preupload/(?P<revision>.+)", "_post_preupload"),
    (rf"/api/(?P<kind>datasets|models)/{_REPO}/commit/(?P<revision>.+)", "_post_commit"),
    (rf"/(?P<kind>datasets/)?{_REPO}\.git/info/lfs/objects/batch", "_post_batch"),
    (rf"/(?P<kind>datasets/)?{_REPO}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", "_get_resolve"),
]
