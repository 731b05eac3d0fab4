"""A W&B server on loopback that knows as much of the protocol as the client needs, and keeps what it is told.

    with WandbServer() as server:
        ...  # with server.environment: runs online, `wandb sync`, Workspace.save, Report.save
    server.runs["identity"].summary["test/nll"]

GraphQL is answered by the name of the operation; an operation it does not know is answered with an error and noted
in `unknown`, so that a test can see what a new version of the client asks for.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

ENTITY = "tester"
_FLAT = {"wandb-history.jsonl": "history", "wandb-events.jsonl": "events", "output.log": "output"}


@dataclass
class Run:
    """What the server knows of one run."""

    identity: str
    project: str
    display_name: str = ""
    group: str | None = None
    job_type: str | None = None
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, dict[int, str]] = field(default_factory=lambda: {"history": {}, "events": {}, "output": {}})
    exit_code: int | None = None
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def history(self) -> list[dict[str, Any]]:
        """Rows in their order."""
        lines = self.streams["history"]
        return [json.loads(lines[number]) for number in sorted(lines)]


class WandbServer:
    """The server; entered, it answers on a free port."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.artifacts: list[dict[str, Any]] = []
        self.uploads: dict[str, bytes] = {}
        self.views: list[dict[str, Any]] = []
        self.operations: list[str] = []
        self.unknown: list[str] = []
        self.projects: set[str] = set()
        self.lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> WandbServer:
        handler = type("Handler", (_Handler,), {"state": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What a client has to have in its environment; the key is any of the right length."""
        key = "local" + "0" * 35
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": key, "WANDB_MODE": "online", "WANDB_ENTITY": ENTITY}

    # ---- GraphQL

    def answer(self, operation: str, variables: dict[str, Any]) -> dict[str, Any] | None:
        """The data of an answer; None for an operation it does not know."""
        self.operations.append(operation)
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()
        method = getattr(self, f"_on_{name}", None)
        if method is None:
            self.unknown.append(operation)
            return None
        return method(variables)

    def _on_viewer(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"viewer": _user()}

    def _on_get_viewer(self, variables: dict[str, Any]) -> dict[str, Any]:
        return self._on_viewer(variables)

    def _on_get_default_entity(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"viewer": {"id": _id("User", ENTITY), "entity": ENTITY}}

    def _on_server_features_query(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"serverInfo": {"features": []}}

    def _on_org_feature_flags(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"organization": {"featureFlags": []}}

    def _on_organization_core_weave_organization_id(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"organization": None}

    def _on_artifact_type(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"project": {"artifact": None}}

    def _on_run_resume_status(self, variables: dict[str, Any]) -> dict[str, Any]:
        run = self.runs.get(variables["name"])
        project = variables.get("project") or "uncategorized"
        model = {
            "id": _id("Project", project),
            "name": project,
            "entity": {"id": _id("Entity", ENTITY), "name": ENTITY},
        }
        return {"model": model | {"bucket": None if run is None else _bucket(run) | _progress(run)}}

    def _on_upsert_bucket(self, variables: dict[str, Any]) -> dict[str, Any]:
        name = variables.get("name") or _decoded(variables.get("id")) or f"run{len(self.runs)}"
        project = variables.get("project") or "uncategorized"
        self.projects.add(project)
        inserted = name not in self.runs
        run = self.runs.setdefault(name, Run(name, project, display_name=name))
        run.display_name = variables.get("displayName") or run.display_name
        run.group = variables.get("groupName") or run.group
        run.job_type = variables.get("jobType") or run.job_type
        run.tags = variables.get("tags") or run.tags
        if variables.get("config"):
            run.config.update({key: node.get("value") for key, node in json.loads(variables["config"]).items()})
        if variables.get("summaryMetrics"):
            run.summary.update(json.loads(variables["summaryMetrics"]))
        return {"upsertBucket": {"bucket": _bucket(run), "inserted": inserted}}

    def _on_create_run_files(self, variables: dict[str, Any]) -> dict[str, Any]:
        run = variables["run"]
        files = [{"name": name, "uploadUrl": f"{self.url}/upload/{run}/{name}"} for name in variables["files"]]
        return {"createRunFiles": {"runID": _id("Run", run), "uploadHeaders": [], "files": files}}

    def _on_mark_run_files_uploaded(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"markRunFilesUploaded": {"success": True}}

    def _on_create_artifact(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.artifacts.append({**variables["input"], "state": "PENDING"})
        sequence = {"latestArtifact": None}
        artifact = {"id": _id("Artifact", len(self.artifacts)), "state": "PENDING", "artifactSequence": sequence}
        return {"createArtifact": {"artifact": artifact}}

    def _on_create_artifact_manifest(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"createArtifactManifest": self._manifest(variables["artifactID"])}

    def _on_update_artifact_manifest(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"updateArtifactManifest": self._manifest(variables["artifactManifestID"])}

    def _on_create_artifact_files(self, variables: dict[str, Any]) -> dict[str, Any]:
        edges = []
        for one in variables["input"]["artifactFiles"]:
            url = f"{self.url}/upload/artifact/{_decoded(one['artifactID'])}/{one['name']}"
            place = {"storagePath": one["name"], "uploadUrl": url, "uploadHeaders": [], "uploadMultipartUrls": None}
            edges.append({"node": {**place, "artifact": {"id": one["artifactID"]}}})
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def _on_commit_artifact(self, variables: dict[str, Any]) -> dict[str, Any]:
        artifact = self.artifacts[int(_decoded(variables["artifactID"]) or 0) - 1]
        artifact["state"] = "COMMITTED"
        return {"commitArtifact": {"artifact": {"id": variables["artifactID"], "digest": artifact["digest"]}}}

    def _on_upsert_view2(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"upsertView": {"view": {"id": self._view(variables), "name": variables["name"]}, "inserted": True}}

    def _on_upsert_view(self, variables: dict[str, Any]) -> dict[str, Any]:
        identity, project = self._view(variables), variables["projectName"]
        place = {"id": _id("Project", project), "name": project, "entityName": variables["entityName"]}
        view = {key: variables[key] for key in ("name", "displayName", "description", "spec", "type")}
        view |= {
            "id": identity,
            "project": place,
            "updatedAt": "2026-01-01T00:00:00",
            "createdAt": "2026-01-01T00:00:00",
        }
        return {"upsertView": {"view": view, "inserted": True}}

    def _on_project_internal_id(self, variables: dict[str, Any]) -> dict[str, Any]:
        name = variables["projectName"]
        found = {"id": _id("Project", name), "internalId": _id("ProjectInternalId", name)}
        return {"project": found if name in self.projects else None}

    def _on_get_projects(self, variables: dict[str, Any]) -> dict[str, Any]:
        edges = [{"node": _project(name), "cursor": name} for name in sorted(self.projects)]
        return {"models": {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}}

    def _on_upsert_model(self, variables: dict[str, Any]) -> dict[str, Any]:
        name = variables.get("name") or variables["input"]["name"]
        self.projects.add(name)
        return {"upsertModel": {"project": _project(name), "model": _project(name), "inserted": True}}

    def _manifest(self, artifact: str) -> dict[str, Any]:
        url = f"{self.url}/upload/manifest/{_decoded(artifact)}"
        return {"artifactManifest": {"id": artifact, "file": {"id": artifact, "uploadUrl": url, "uploadHeaders": []}}}

    def _view(self, variables: dict[str, Any]) -> str:
        self.views.append({**variables, "spec": json.loads(variables["spec"])})
        return _id("View", len(self.views))

    # ---- what is streamed and uploaded

    def stream(self, identity: str, body: dict[str, Any]) -> None:
        """Takes a piece of a run's file stream."""
        run = self.runs[identity]
        for name, piece in (body.get("files") or {}).items():
            if name == "wandb-summary.json":
                run.summary.update(json.loads(piece["content"][-1]))
                continue
            lines = run.streams[_FLAT.get(name, name)]
            lines.update(dict(enumerate(piece["content"], piece["offset"])))
        if body.get("complete"):
            run.exit_code = body.get("exitcode")

    def upload(self, path: str, content: bytes) -> None:
        """Takes a file of a run or an artifact."""
        self.uploads[path] = content
        owner, _, name = path.partition("/")
        if owner in self.runs:
            self.runs[owner].files[name] = content


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that end leave open connections behind; anything else is a fault of this file."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    state: WandbServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        path, body = urlsplit(self.path).path, json.loads(self._body() or b"{}")
        with self.state.lock:
            if path == "/graphql":
                found = re.search(r"(?:query|mutation)\s+(\w+)", body.get("query", ""))
                operation = body.get("operationName") or (found.group(1) if found else "")
                data = self.state.answer(operation, body.get("variables") or {})
                errors = [] if data is not None else [{"message": f"unknown operation {operation}"}]
                self._reply({"data": data, **({"errors": errors} if errors else {})})
            elif path.endswith("/file_stream"):
                self.state.stream(path.split("/")[-2], body)
                self._reply({})
            else:
                self._reply({}, 404)

    def do_PUT(self) -> None:
        content = self._body()
        with self.state.lock:
            self.state.upload(unquote(urlsplit(self.path).path).removeprefix("/upload/"), content)
        self._reply({})

    def do_GET(self) -> None:
        self._reply({}, 200 if urlsplit(self.path).path in ("/", "/healthz") else 404)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            content = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(content) if self.headers.get("Content-Encoding") == "gzip" else content

    def _reply(self, content: dict[str, Any], code: int = 200) -> None:
        data = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


def _id(kind: str, name: object) -> str:
    return base64.b64encode(f"{kind}:{name}".encode()).decode()


def _decoded(identity: str | None) -> str | None:
    return None if not identity else base64.b64decode(identity).decode().partition(":")[2]


def _user() -> dict[str, Any]:
    return {
        "id": _id("User", ENTITY),
        "entity": ENTITY,
        "username": ENTITY,
        "name": ENTITY,
        "email": "tester@example.org",
        "admin": False,
        "flags": "{}",
        "deletedAt": None,
        "apiKeys": {"edges": []},
        "teams": {"edges": [{"node": {"name": ENTITY}}]},
    }


def _project(name: str) -> dict[str, Any]:
    return {
        "id": _id("Project", name),
        "internalId": _id("ProjectInternalId", name),
        "name": name,
        "entityName": ENTITY,
        "createdAt": "2026-01-01T00:00:00",
        "isBenchmark": False,
        "user": _user(),
    }


def _bucket(run: Run) -> dict[str, Any]:
    entity = {"id": _id("Entity", ENTITY), "name": ENTITY}
    return {
        "id": _id("Run", run.identity),
        "name": run.identity,
        "displayName": run.display_name,
        "description": None,
        "config": json.dumps({key: {"value": value} for key, value in run.config.items()}),
        "sweepName": None,
        "project": {"id": _id("Project", run.project), "name": run.project, "entity": entity},
        "historyLineCount": len(run.streams["history"]),
    }


def _progress(run: Run) -> dict[str, Any]:
    """How far a run is, for a client that goes on with it."""
    lines = run.streams
    last = [lines["history"][max(lines["history"])]] if lines["history"] else []
    return {
        "summaryMetrics": json.dumps(run.summary),
        "logLineCount": len(lines["output"]),
        "eventsLineCount": len(lines["events"]),
        "historyTail": json.dumps(last),
        "eventsTail": json.dumps([]),
        "tags": run.tags,
        "notes": None,
        "wandbConfig": json.dumps({"t": 1}),
    }
