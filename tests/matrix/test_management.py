"""Every operation of /api/v1 x every kind of caller x one's own things and those of others."""

from matrix import plan, rules
from matrix.cells import Probe, answers_to, listing, mismatches, probes_of
from matrix.operator_socket import OperatorConnection
from matrix.places import BODIES, PATHS, things


def test_every_operation_has_a_rule_a_place_and_a_body(operations):
    """A new operation says here who may call it, or it does not pass."""
    ids = {operation.id for operation in operations}
    assert ids == set(rules.RULES)
    assert {operation.parameters for operation in operations} == PATHS
    tried = {operation.id for operation in operations if operation.takes_body and not operation.open}
    assert tried == set(BODIES)


def test_the_document_says_what_takes_a_credential_and_what_a_recent_proof(operations):
    for operation in operations:
        rule = rules.RULES[operation.id]
        assert operation.open == ("anyone" in rule.who), operation.id
        assert operation.proof == rule.proof, operation.id


def test_the_matrix_has_no_unexpected_cell(world, operations, result_line):
    before = world.digest()
    wrong, cells = [], 0
    for operation in operations:
        probes = [
            probe for caller in plan.CALLERS for probe in probes_of(world, operation, caller, rules.RULES[operation.id])
        ]
        answers = answers_to(world, probes)
        cells += len(probes)
        wrong += mismatches(probes, answers)
    result_line(f"{cells} requests in {len(operations)} operations by {len(plan.CALLERS)} callers")
    assert not wrong, listing(wrong)
    assert world.digest() == before


def test_the_operator_may_do_everything_and_is_told_what_is_not_there(world, operations):
    """Through the local socket. What is about the caller's own account has nothing to be about."""
    operator = plan.Caller("operator")
    connection = OperatorConnection(world.server)
    before = world.digest()
    wrong = []
    for operation in operations:
        own = "account" in rules.RULES[operation.id].who
        for thing in things(world, operator, operation):
            missing = thing.absent or thing.stray
            if operation.reading:
                statuses = (200, 404) if own else (404,) if missing else (200,)
            else:
                # Whether a user is there is looked at behind the permission.
                statuses = (400, 404) if thing.absent else (400,)
            probe = Probe(operation, operator, thing, "read" if operation.reading else "malformed", statuses)
            found = connection.send_probe(probe)
            if found["status"] not in statuses:
                wrong.append(probe.describe(found))
    connection.close()
    assert not wrong, listing(wrong)
    assert world.digest() == before
