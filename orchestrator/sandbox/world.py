"""All state of one sandbox, behind one lock: nothing lives at module level, and a reset makes it anew."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import msgspec

from orchestrator.sandbox.exchange import Answer, Request, Vendor, as_json
from orchestrator.sandbox.faults import SPOKEN, Fault, Faults, Match
from orchestrator.sandbox.ledger import Ledger
from orchestrator.sandbox.options import Options, Switches
from orchestrator.sandbox.rest import Rest
from orchestrator.sandbox.salesforce.vendor import Salesforce
from orchestrator.sandbox.salesloft.vendor import Salesloft
from orchestrator.sandbox.told import Clock


class World:
    """The vendors, the clock, the orders and the ledger."""

    def __init__(self, options: Options) -> None:
        self._first = options
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Start again, as if the sandbox had just been started."""
        with self.lock:
            self.switches = Switches(self._first)
            self.clock = Clock(told=self._first.told_clock)
            self.ledger = Ledger(self._first.log_size)
            self.faults = Faults()
            self.salesloft = Salesloft(self.clock, self.switches)
            self.salesforce = Salesforce(self.clock, self.switches)
            self.rest = Rest(self.clock, self.switches)
            self.vendors: dict[str, Vendor] = {
                "salesloft": self.salesloft,
                "salesforce": self.salesforce,
                "rest": self.rest,
            }

    def change(self, changes: Mapping[str, Any]) -> Options:
        """Turn switches; seeds and clock keep what they started with. Raises ValueError for a wrong name or value."""
        with self.lock:
            before = asdict(self.switches.now)
            if unknown := sorted(set(changes) - set(before)):
                raise ValueError(f"unknown options: {', '.join(unknown)}")
            self.switches.now = msgspec.convert({**before, **changes}, Options)
            return self.switches.now

    def order(self, fault: Fault, match: Match | None = None, *, times: int | None = 1, after: int = 0) -> int:
        """Order a fault for the next `times` matching requests (None: all) behind the first `after`; return its id."""
        with self.lock:
            return self.faults.order(fault, match or Match(), times, after).id

    def begin(self, request: Request) -> tuple[Request, Ledger]:
        """Count a request in; return it with its fate, and the ledger to count it out of."""
        with self.lock:
            self.ledger.begin()
            fault = self.faults.fate(request.method, request.target, request.token)
            return replace(request, fault=fault), self.ledger

    def answer(self, request: Request) -> Answer:
        """Let the vendor that owns the path answer."""
        with self.lock:
            vendor = self._owner(request)
            if vendor is None:
                return as_json({"error": "No vendor has this path"}, 404)
            if request.fault.eat:
                vendor.eat(request.fault.eat)
            return vendor.answer(request)

    def spoken(self, request: Request) -> Mapping[int, str]:
        """Return what the vendor that owns the path says itself of a status."""
        vendor = self._owner(request)
        return vendor.spoken if vendor else SPOKEN

    def _owner(self, request: Request) -> Vendor | None:
        return next((each for each in self.vendors.values() if request.path.startswith(each.prefixes)), None)

    def end(self, request: Request, answer: Answer, ledger: Ledger) -> None:
        """Count a request out, and write it down."""
        status = 0 if request.fault.cut else answer.status
        with self.lock:
            ledger.end(self.clock.now(), request, answer, status)

    @property
    def latency(self) -> float:
        """Seconds that each answer takes longer."""
        return self.switches.now.latency
