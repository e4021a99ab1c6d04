"""Caseworkers as a process of its own, so that their CPU time counts on neither side.

Reads a job as JSON on stdin and prints what was seen as JSON:
job     {host, port, lifecycles, pause, threads: [[cast]]}
cast    {source: headers, target: headers, create: body, inbox: path}
answer  {seconds, milliseconds: {verb: [...]}, referrals: [id], refused: [sentence]}
One thread and one kept-alive connection for each list of casts, which take turns; `lifecycles` for each thread,
one after another, `pause` seconds between the requests of one. A lifecycle ends at its first refusal.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
import uuid
from typing import Any

OUTCOME = {"outcome": "need_met"}


class Refused(Exception):
    """An answer that was not 2xx."""


class Caseworkers:
    """The two people of one referral after another, on one connection."""

    def __init__(self, job: dict[str, Any], casts: list[dict[str, Any]]) -> None:
        self._job, self._casts, self._cast = job, casts, casts[0]
        self._connection = http.client.HTTPConnection(job["host"], job["port"], timeout=60)
        self.milliseconds: dict[str, list[float]] = {}
        self.referrals: list[str] = []
        self.refused: list[str] = []

    def work(self) -> None:
        for number in range(self._job["lifecycles"]):
            self._cast = self._casts[number % len(self._casts)]
            try:
                self._lifecycle()
            except Refused as refusal:
                self.refused.append(str(refusal))

    def _lifecycle(self) -> None:
        made = self._ask("create", "source", "POST", "/v1/referrals", self._cast["create"])
        referral, task = made["id"], made["tasks"][0]["id"]
        self._ask("accept", "target", "POST", f"/v1/tasks/{task}/accept", {})
        self._ask("start", "target", "POST", f"/v1/tasks/{task}/start", {})
        self._ask("complete", "target", "POST", f"/v1/tasks/{task}/complete", OUTCOME)
        self._ask("confirm", "source", "POST", f"/v1/referrals/{referral}/confirm", OUTCOME)
        self._ask("inbox", "target", "GET", self._cast["inbox"], None)
        self.referrals.append(referral)

    def _ask(self, verb: str, who: str, method: str, path: str, body: dict[str, Any] | None) -> Any:
        headers = dict(self._cast[who])
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        began = time.perf_counter()
        self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = self._connection.getresponse()
        content = response.read()
        self.milliseconds.setdefault(verb, []).append((time.perf_counter() - began) * 1000)
        if not 200 <= response.status < 300:
            raise Refused(f"{verb}: {response.status} {content[:300].decode(errors='replace')}")
        time.sleep(self._job["pause"])
        return json.loads(content)


def main() -> None:
    job = json.load(sys.stdin)
    everybody = [Caseworkers(job, casts) for casts in job["threads"]]
    threads = [threading.Thread(target=caseworkers.work) for caseworkers in everybody]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    milliseconds: dict[str, list[float]] = {}
    for caseworkers in everybody:
        for verb, spent in caseworkers.milliseconds.items():
            milliseconds.setdefault(verb, []).extend(spent)
    answer = {
        "seconds": seconds,
        "milliseconds": milliseconds,
        "referrals": [referral for caseworkers in everybody for referral in caseworkers.referrals],
        "refused": [sentence for caseworkers in everybody for sentence in caseworkers.refused],
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
