"""What the Kubernetes API server of a cluster answers: lists and deletes of Services and Ingresses, and the version."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote

from . import kubernetes_controllers as controllers
from . import kubernetes_token, pagination
from .eks.access import CREATOR
from .eks.store import Json
from .eks.versions import VERSIONS
from .errors import WORDED, AwsError
from .kubernetes_objects import APIS, KINDS, Api, Item, Kind
from .rules import answer, before
from .wire import OWN_OPERATIONS, Answer, Call, Http

_KEY = b"local-kubernetes"
#: Parameters that are taken; those without a meaning here change nothing.
_PARAMETERS = {"limit", "continue", "pretty", "timeoutSeconds", "resourceVersion", "propagationPolicy", "gracePeriodSeconds"}
_OPERATIONS = OWN_OPERATIONS["kubernetes"] = ("ListServices", "GetService", "DeleteService", "ListIngresses", "GetIngress",
                                              "DeleteIngress", "GetVersion", "GetUnknownPath", "UnknownPath")
_ONE = {"GET": "Get", "DELETE": "Delete"}


# From HTTP to a call, and from an error to HTTP.

def understand(api: Api, http: Http) -> Call:
    """The call, with the region and the name of the cluster whose API server was asked."""
    operation, params = _route(http)
    query = {name: values[-1] for name, values in parse_qs(http.query, keep_blank_values=True).items()}
    return Call("kubernetes", operation, api.cluster.region, http, query | {"cluster": api.cluster.name} | params)


def _route(http: Http) -> tuple[str, Json]:
    if (http.method, http.path) == ("GET", "/version"):
        return "GetVersion", {}
    for kind in KINDS:
        if (http.method, http.path) == ("GET", f"{kind.root}/{kind.plural}"):
            return f"List{kind.plural.title()}", {}
        match = re.fullmatch(rf"{kind.root}/namespaces/([^/]+)/{kind.plural}/([^/]+)", http.path)
        if match and http.method in _ONE:
            return f"{_ONE[http.method]}{kind.name}", {"namespace": unquote(match[1]), "name": unquote(match[2])}
    return "GetUnknownPath" if http.method == "GET" else "UnknownPath", {"method": http.method, "path": http.path}


def _json(value: Json, status: int = 200, code: str | None = None) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(value).encode(), code=code)


def _status(error: AwsError) -> Answer:
    """A refusal as Kubernetes words it: a Status, whose reason is our code."""
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": error.message, "reason": error.code}
    if error.extra:
        body["details"] = error.extra
    return _json(body | {"code": error.status}, error.status, error.code)


WORDED["kubernetes"] = _status


# Who may.

def _api(call: Call) -> Api:
    return APIS[call.region, call.params["cluster"]]


def _kind(call: Call) -> Kind | None:
    return next((kind for kind in KINDS if call.operation.endswith((kind.plural.title(), kind.name))), None)


@before("kubernetes", *_OPERATIONS)
def authenticate(call: Call) -> None:
    trouble = kubernetes_token.trouble(call.http.header("authorization"))
    if trouble:
        call.params["why"] = trouble
        raise AwsError("Unauthorized", "Unauthorized", 401)


@before("kubernetes", *_OPERATIONS)
def authorize(call: Call) -> None:
    """Who has an access entry without a policy may do nothing; the version is for everybody."""
    kind, name = _kind(call), call["name"]
    if not _api(call).forbid or kind is None:
        return
    verb = re.match("[A-Z][a-z]+", call.operation)[0].lower()
    scope = f'in the namespace "{call["namespace"]}"' if name else "at the cluster scope"
    which = f'{_resource(kind)} "{name}"' if name else _resource(kind)
    raise AwsError("Forbidden", f'{which} is forbidden: User "{CREATOR}" cannot {verb} resource "{kind.plural}" in API group '
                   f'"{kind.group}" {scope}', 403, **_details(kind, name))


@before("kubernetes", *_OPERATIONS)
def known_parameters(call: Call) -> None:
    """What we do not do must not look as if it were done (a dry run, a selector, a watch)."""
    unknown = sorted(set(parse_qs(call.http.query, keep_blank_values=True)) - _PARAMETERS)
    if unknown and _kind(call):
        raise AwsError("NotImplementedByEmulator", f"parameters {', '.join(unknown)}", 501)


def _resource(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


def _details(kind: Kind, name: str | None) -> Json:
    return {key: value for key, value in (("name", name), ("group", kind.group), ("kind", kind.plural)) if value}


# Lists.

def _bad(message: str) -> AwsError:
    return AwsError("BadRequest", message, 400)


def _token(call: Call, start: str) -> str:
    """Where the next page starts, sealed for this list of this cluster."""
    sealed = f"{call.region}/{call['cluster']}/{call.operation}/{start}"
    seal = hmac.new(_KEY, sealed.encode(), hashlib.sha256).hexdigest()[:16]
    return base64.urlsafe_b64encode(json.dumps({"v": "meta.k8s.io/v1", "start": start, "seal": seal}).encode()).decode()


def _start(call: Call) -> str:
    token = call.get("continue", "")
    if not token:
        return ""
    try:
        start = json.loads(base64.urlsafe_b64decode(token))["start"]
        if hmac.compare_digest(_token(call, start), token):
            return start
    except (ValueError, KeyError, TypeError):
        pass
    raise _bad("continue key is not valid")


def _limit(call: Call) -> int | None:
    """The page's length: the client's, ours, or none."""
    text = call.get("limit", "0")
    if not re.fullmatch(r"\d{1,9}", text):
        raise _bad(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    sizes = [size for size in (int(text), pagination.PAGE_SIZE) if size]
    return min(sizes) if sizes else None


def _place(item: Item) -> str:
    return "/".join(item.key)


@answer("kubernetes", "ListServices", "ListIngresses")
def list_items(call: Call) -> Answer:
    kind, start, limit = _kind(call), _start(call), _limit(call)
    items = [item for item in sorted(_api(call).items[kind].values(), key=_place) if _place(item) > start]
    page = items[:limit]
    metadata: Json = {"resourceVersion": str(max([1000, *(int(item.metadata["resourceVersion"]) for item in items)]))}
    if len(page) < len(items):
        metadata |= {"continue": _token(call, _place(page[-1])), "remainingItemCount": len(items) - len(page)}
    return _json({"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": metadata, "items": [item.body for item in page]})


# One object.

def _find(call: Call) -> Item:
    kind, name = _kind(call), call["name"]
    item = _api(call).items[kind].get((call["namespace"], name))
    if item is None:
        raise AwsError("NotFound", f'{_resource(kind)} "{name}" not found', 404, **_details(kind, name))
    return item


@answer("kubernetes", "GetService", "GetIngress")
def get_item(call: Call) -> Answer:
    return _json(_find(call).whole)


def _delete_options(call: Call) -> Json:
    try:
        options: Any = json.loads(call.http.body or b"{}")
    except ValueError as error:
        raise _bad(f"couldn't get version/kind; json parse error: {error}") from error
    if not isinstance(options, dict) or options.get("kind", "DeleteOptions") != "DeleteOptions":
        raise _bad("decoded object cannot be converted to DeleteOptions")
    if options.get("dryRun"):
        raise AwsError("NotImplementedByEmulator", "dryRun", 501)
    return options


def _check_preconditions(item: Item, options: Json) -> None:
    for key, words in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        wanted, real = (options.get("preconditions") or {}).get(key), item.metadata[key]
        if wanted not in (None, real):
            kind, name = item.kind, item.metadata["name"]
            raise AwsError("Conflict", f'Operation cannot be fulfilled on {_resource(kind)} "{name}": Precondition failed: {words} in '
                           f"precondition: {wanted}, {words} in object meta: {real}", 409, **_details(kind, name))


@answer("kubernetes", "DeleteService", "DeleteIngress")
def delete_item(call: Call) -> Answer:
    """Gone at once without finalizers; else marked, and gone when the controllers are done."""
    item, api = _find(call), _api(call)
    _check_preconditions(item, _delete_options(call))
    if item.deleting:
        return _json(item.whole)
    if item.finalizers:
        item.mark()
    else:
        api.remove(item)
    controllers.begin(api, item)
    if item.finalizers or item.kind.name == "Service":  # of Services the API always gives back the object
        return _json(item.whole)
    details = _details(item.kind, item.metadata["name"]) | {"uid": item.metadata["uid"]}
    return _json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})


# The rest.

@answer("kubernetes", "GetVersion")
def version(call: Call) -> Answer:
    number = _api(call).cluster.body["version"]
    major, minor = number.split(".")
    return _json({"major": major, "minor": minor, "gitVersion": f"v{VERSIONS[number][0]}-eks-0000000", "gitTreeState": "clean",
                  "platform": "linux/amd64"})


@answer("kubernetes", "GetUnknownPath", "UnknownPath")
def unknown_path(_call: Call) -> Answer:
    raise AwsError("NotFound", "the server could not find the requested resource", 404)
