"""The layer between the HTTP server and moto: rules, tokens, pages, log, control."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

from moto.core.parse import RequestParserError

from . import fault_control, inventory, kubernetes_control, moto_bridge, pagination, stale, tokens
from .clock import CLOCK
from .errors import AwsError, error_answer
from .faults import FAULTS, Rule, delay
from .moto_bridge import NotImplementedByMoto
from .request_log import LOG
from .rules import AFTER, AFTER_ANSWER, ANSWER, BEFORE, ON_RESET
from .seeds import control as seed_control
from .seeds import inside
from .wire import Answer, Call, Http, scope_of, serialize, service_model, understand

#: Look-ups of things that never change: no need to hold up the others.
_UNLOCKED = {("ec2", "DescribeInstanceTypes"), ("ec2", "DescribeInstanceTypeOfferings"), ("ec2", "DescribeImages"),
             ("sts", "GetCallerIdentity")}
_CODE = re.compile(rb"<Code>([^<]+)</Code>|\"__type\": ?\"(?:[^\"#]*#)?([^\"]+)\"")


def _code_of(answer: Answer) -> str | None:
    """The code of an error, also of one that moto wrote."""
    if answer.status < 400 or answer.code:
        return answer.code
    match = _CODE.search(answer.body[:4000])
    return (match[1] or match[2]).decode() if match else answer.headers.get("X-Amzn-ErrorType")


class Emulator:
    """Answers every request of the one HTTP server."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._s3_settings: set[str] = set()
        self._s3_lock = threading.Lock()
        inside.answer_with(self._answer)

    def handle(self, http: Http) -> Answer:
        if http.path.startswith("/_emulator/"):
            return self._control(http)
        started = time.perf_counter()
        service, region = scope_of(http)
        try:
            call = understand(http)
        except Exception as error:
            return self._not_understood(service, region, http, error, started)
        return self.take(call, started)

    def take(self, call: Call, started: float) -> Answer:
        """A client's call, from faults to log."""
        rule = FAULTS.claim(call)
        answer = self._struck(call, rule) if rule else self._answer(call)
        LOG.add(call, answer.status, _code_of(answer), started, call.region)
        if rule:  # noted and told first: who waits for the fault finds all of it in the log and the inventory
            delay(rule, FAULTS.strike(rule, call))
        return answer

    def _struck(self, call: Call, rule: Rule) -> Answer:
        """The answer to a call that a fault strikes, which perhaps is none."""
        call.fault = rule.mode
        real = self._answer(call) if rule.takes_effect else None
        if real:
            real.code = _code_of(real)
        call.effect = real is not None and real.status < 400
        return rule.answer(call, real)

    def _answer(self, call: Call) -> Answer:
        try:
            if call.key in _UNLOCKED:
                return self.act(call)
            with self._s3_setting(call), self._lock:
                CLOCK.run_due()
                return self.act(call)
        except AwsError as error:
            return error_answer(call.service, error, call.http.method)
        except NotImplementedByMoto as error:
            refusal = AwsError("NotImplementedByEmulator", str(error), 501)
            return error_answer(call.service, refusal, call.http.method)
        except Exception as error:  # a bug, of moto or of ours: never an HTML page, never a retried 500
            traceback.print_exc(file=sys.stderr)
            refusal = AwsError("NotImplementedByEmulator", f"{call.service}:{call.operation} broke: {error!r}", 501)
            return error_answer(call.service, refusal, call.http.method)

    def act(self, call: Call) -> Answer:
        """The call itself; the caller holds the lock."""
        pagination.check(call)
        replay = tokens.recall(call)
        if replay:
            return replay
        stale.check(call)
        for check in BEFORE.get(call.key, ()):
            check(call)
        reply = ANSWER.get(call.key)
        result: Any = reply(call) if reply else self._forward(call)
        if not isinstance(result, Answer):
            result = dict(result or {})
            stale.hide(call, result)
            pagination.page(call, result)
            result = serialize(call.service, call.operation, result)
        tokens.remember(call, result)
        stale.note(call, result)
        pagination.note_issued(call, result.body)
        return result

    def _forward(self, call: Call) -> Answer:
        """moto's answer, with our steps after it and our pages."""
        seen = []

        def look(result: Any) -> None:
            seen.append(result)
            for step in AFTER.get(call.key, ()):
                step(call, result)
            stale.hide(call, result)
            pagination.page(call, result)

        call.result_hook = look
        answer = moto_bridge.forward(call, pagination.dropped(call), self._with_smaller_limit(call))
        if not seen and answer.status < 300:
            self._look_at_json(call, answer, look)
        if answer.status >= 500 or answer.body[:9].lower() == b"<!doctype":
            raise NotImplementedByMoto(f"{call.service}:{call.operation}: status {answer.status} of moto")
        if answer.status < 300:
            for check in AFTER_ANSWER.get(call.key, ()):
                check(call)
        return answer

    @staticmethod
    def _look_at_json(call: Call, answer: Answer, look: Any) -> None:
        """Some services of moto answer with finished JSON."""
        if not answer.body.startswith(b"{") or "json" not in str(service_model(call.service).protocol):
            return
        result = json.loads(answer.body)
        look(result)
        answer.body = json.dumps(result).encode()

    @staticmethod
    def _with_smaller_limit(call: Call) -> Http | None:
        found = pagination.smaller_limit(call)
        if not found:
            return None
        name, size = found
        http = call.http
        if http.body.startswith(b"{"):
            body = json.dumps(json.loads(http.body) | {name: size}).encode()
            return Http(http.method, http.path, http.query, http.headers, body)
        member = service_model(call.service).operation_model(call.operation).input_shape.members[name]
        wire = member.serialization.get("name", name)
        query = dict(parse_qsl(http.query, keep_blank_values=True)) | {wire: str(size)}
        return Http(http.method, http.path, urlencode(query), http.headers, http.body)

    @contextmanager
    def _s3_setting(self, call: Call):
        """Two changes of one bucket's settings at a time: S3 refuses the second."""
        bucket = call["Bucket"] if call.service == "s3" and call.operation.startswith(("PutBucket", "PutPublic", "DeleteBucket")) else None
        if not bucket:
            yield
            return
        with self._s3_lock:
            if bucket in self._s3_settings:
                raise AwsError("OperationAborted", "A conflicting conditional operation is currently in progress against "
                               "this resource. Please try again.", 409)
            self._s3_settings.add(bucket)
        try:
            time.sleep(0.004)  # long enough for an overlap to be seen
            yield
        finally:
            with self._s3_lock:
                self._s3_settings.discard(bucket)

    @staticmethod
    def _not_understood(service: str, region: str, http: Http, error: Exception, started: float) -> Answer:
        try:
            service_model(service)
        except Exception:
            service = "sts"
        call = Call(service, f"{http.method} {http.path}"[:100], region, http, {})
        refusal = AwsError("NotImplementedByEmulator", str(error) or repr(error), 501)
        if service == "s3" and isinstance(error, RequestParserError):
            refusal = AwsError("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", 400)
        answer = error_answer(service, refusal, http.method)
        LOG.add(call, answer.status, answer.code, started, region)
        return answer

    def _control(self, http: Http) -> Answer:
        name = http.path.removeprefix("/_emulator/")
        status = 200
        if name == "health":
            value: Any = {"status": "ok", "scale": CLOCK.scale, "page_size": pagination.PAGE_SIZE}
        elif name == "inventory":
            with self._lock:
                CLOCK.run_due()
                value = inventory.collect()
        elif name == "requests":
            value = LOG.since(int(parse_qs(http.query).get("since", ["0"])[0]))
        elif name == "reset" and http.method == "POST":
            self.reset()
            value = {"status": "ok"}
        elif name == "seed":
            with self._lock:
                CLOCK.run_due()
                status, value = seed_control.control(http.method, http.body)
        elif name == "faults" or name.startswith("faults/"):
            status, value = fault_control.control(http)
        elif name == "kubernetes":
            with self._lock:
                CLOCK.run_due()
                status, value = kubernetes_control.control(http)
        else:
            status, value = 404, {"error": "no such control"}
        return Answer(status, {"Content-Type": "application/json"}, json.dumps(value, default=str).encode())

    def reset(self) -> None:
        with self._lock:
            CLOCK.reset()
            moto_bridge.reset()
            for forget in ON_RESET:
                forget()
            LOG.clear()
