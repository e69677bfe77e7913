"""What would be wrong with the matrix if it found nothing: rules altered on purpose, each of which it must notice."""

import dataclasses

import pytest

from matrix import plan, rules
from matrix.cells import answers_to, mismatches, probes_of

# Somebody for each word of the rules.
FEW = [
    plan.BY_NAME[name]
    for name in ("alice", "boss", "member", "reader", "maintainer", "mallory", "auditor", "officer", "admin")
]


def found(world, operation, who):
    """What is unexpected in the operation, if the rule were for these."""
    rule = dataclasses.replace(rules.RULES[operation.id], who=frozenset(who))
    probes = [probe for caller in FEW for probe in probes_of(world, operation, caller, rule)]
    return mismatches(probes, answers_to(world, probes))


def test_a_rule_that_lets_in_everybody_is_noticed_for_every_operation(world, operations):
    unnoticed = [
        operation.id
        for operation in operations
        if not rules.RULES[operation.id].who & {"anyone", "account"} and not found(world, operation, {"account"})
    ]
    assert unnoticed == []


def test_an_operation_that_lets_in_more_than_the_rule_is_noticed(world, operations):
    """As if its permission had been widened: of reads, which do no harm."""
    reads = [operation for operation in operations if operation.reading and not operation.open]
    unnoticed = []
    for operation in reads:
        for word in rules.RULES[operation.id].who - {"itself"}:
            # The least role of a line stands for those above it too.
            above = set(plan.RANKS[plan.rank(word) + 1 :]) if word in plan.RANKS else set()
            if not found(world, operation, rules.RULES[operation.id].who - {word} | above):
                unnoticed.append(f"{operation.id}: {word}")
    assert unnoticed == []


@pytest.mark.parametrize("name", ["changeOrganization"])
def test_a_change_that_is_let_through_shows_in_what_is_stored(world, operations, name):
    (operation,) = [each for each in operations if each.id == name]
    before = world.digest()
    wrong = found(world, operation, set())
    assert any("boss (real): 200" in each for each in wrong), wrong
    changed = {table for table, digest in world.digest().items() if digest != before[table]}
    assert changed == {"organizations"}
    # As it was, for the other tests.
    target = "/organizations/acme"
    assert world.people["boss"].change(target, {"display_name": ""}).status_code == 200
    assert world.people["bert"].change("/organizations/other", {"display_name": ""}).status_code == 200
