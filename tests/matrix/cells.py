"""The matrix: every operation of the program's own document, called by everybody on everything.

A cell that is to be refused is tried with a request that would change something, so that what is let through shows in the
database as well, and again with one that is not well-formed, which must make no difference. A cell that is to be allowed is
tried with a read, or with a change that is not well-formed: that is found out after the permission was given (400)."""

import dataclasses
import itertools
import json
import re

from harness.management import segment
from matrix import plan, rules, wire
from matrix.places import BODIES, things

PARAMETER = re.compile(r"\{(\w+)\}")
SURPRISE = json.dumps({"surprise_": 1})


@dataclasses.dataclass(frozen=True)
class Operation:
    id: str
    method: str
    template: str
    takes_body: bool
    open: bool
    proof: bool

    @property
    def parameters(self):
        return tuple(PARAMETER.findall(self.template))

    @property
    def reading(self):
        return self.method == "GET"


def operations_of(document):
    return [
        Operation(
            described["operationId"],
            method.upper(),
            template,
            "requestBody" in described,
            described.get("security") == [],
            described.get("x-bulkhead-proof", False),
        )
        for template, item in document["paths"].items()
        for method, described in item.items()
    ]


@dataclasses.dataclass(frozen=True)
class Probe:
    """One request of a cell, and the statuses of which one is expected."""

    operation: Operation
    caller: plan.Caller
    thing: rules.Thing
    kind: str  # read, real or malformed
    statuses: tuple
    hidden: bool = False  # must look as if it were not there

    @property
    def target(self):
        values = dict(self.thing.values)
        target = PARAMETER.sub(lambda match: segment(values[match.group(1)]), self.operation.template)
        return target + ("?surprise=1" if self.kind == "malformed" and not self.operation.takes_body else "")

    @property
    def body(self):
        if not self.operation.takes_body:
            return ""
        return SURPRISE if self.kind == "malformed" else json.dumps(BODIES[self.operation.id])

    def describe(self, found):
        wanted = " or ".join(map(str, self.statuses))
        return (
            f"{self.operation.id} of {self.thing.label} by {self.caller.name} ({self.kind}): {found} instead of {wanted}"
        )


def probes_of(world, operation, caller, rule):
    tried = things(world, caller, operation)
    # With a dead credential nothing is looked at: the first few things stand for all.
    for thing in tried if caller.alive else itertools.islice(tried, 3):
        outcome = rules.expected(rule, caller, thing, operation.reading)
        inside = outcome == rules.ALLOWED and thing.stray
        if inside:
            yield Probe(operation, caller, thing, "read" if operation.reading else "real", (404,))
        elif outcome == rules.ALLOWED and operation.reading:
            yield Probe(operation, caller, thing, "read", (200,))
        elif outcome == rules.ALLOWED:
            yield Probe(operation, caller, thing, "malformed", (400,))
        else:
            # On what is not there, who would be allowed is told first that the request is wrong.
            present = dataclasses.replace(thing, absent=False)
            allowed = thing.absent and rules.expected(rule, caller, present, operation.reading) == rules.ALLOWED
            seen = allowed or rules.visible(rule, thing, rules.relations(caller, thing))
            kind = "read" if operation.reading else "real"
            yield Probe(operation, caller, thing, kind, (outcome,), outcome == 404 and not seen)
            if not operation.reading and caller.alive and not thing.stray:
                yield Probe(
                    operation,
                    caller,
                    thing,
                    "malformed",
                    (400, 404) if allowed else (outcome,),
                    outcome == 404 and not seen,
                )


def answers_to(world, probes):
    return wire.answers_to(world.server, [_render(world, probe) for probe in probes])


def _render(world, probe):
    headers = ["Content-Type: application/json"]
    if probe.operation.method in ("PATCH", "PUT", "DELETE"):
        headers.append("If-Match: *")
    if credential := world.credentials[probe.caller.name]:
        headers.append(f"Authorization: Bearer {credential}")
    return wire.render(world.server, probe.operation.method, probe.target, headers, probe.body)


def mismatches(probes, answers):
    """Cells that are not as they should be; and hidden things that do not look like absent ones."""
    wrong = [
        probe.describe(f"{answer.status} {answer.body[:200].decode()}")
        for probe, answer in zip(probes, answers, strict=True)
        if answer.status not in probe.statuses
    ]
    seen = {}
    for probe, answer in zip(probes, answers, strict=True):
        if probe.hidden and answer.status in probe.statuses:
            seen.setdefault(told(answer), probe)
    if len(seen) > 1:
        wrong += [probe.describe(f"{text}, which tells it from others") for text, probe in seen.items()]
    return wrong


def told(answer):
    """All of a problem but the number of the request."""
    document = json.loads(answer.body)
    return json.dumps({name: value for name, value in document.items() if name != "instance"}, sort_keys=True)


def listing(wrong):
    """For people: pytest's own would be cut short."""
    return f"{len(wrong)} unexpected cells:\n" + "\n".join(wrong)
