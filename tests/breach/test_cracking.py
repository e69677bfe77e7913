"""Guessing offline: with the database alone every guess is as good as any other, with the pepper it is not.

The whole list is tried against hashes whose Argon2id parameters make that quick, which is to the thief's advantage: the
pepper is what keeps them. They are made here, of the pepper of the installation's own keyring; that the server makes
them in the same way is shown with a hash of its own.
"""

import os

import pytest

from breach import cracking, crypto, filling
from breach.planting import badly_keyed_hash, unkeyed_hash

CHEAP = {"memory_kib": 8, "passes": 1}


def words():
    return [word.encode() for word in crypto.word_list()]


def pepper(installation):
    [key] = [secret.value for secret in installation.vault.of_kind("key") if secret.name.startswith("password-pepper")]
    return key


def own_hashes(loot):
    """As the server has stored them, by account."""
    names = [cell.value.decode() for cell in loot.cells if (cell.table, cell.column) == ("accounts", "name")]
    hashes = [cell.value for cell in loot.cells if (cell.table, cell.column) == ("accounts", "password_hash")]
    return {name: next(iter(cracking.stored_passwords(text)), None) for name, text in zip(names, hashes, strict=True)}


def parse(text):
    [stored] = cracking.stored_passwords(text.encode())
    return stored


def test_list_holds_the_planted_passwords(installation):
    assert len(set(words())) == 100_000
    for name, position in filling.PLANTED.items():
        assert installation.users[name].password.encode() == words()[position]


def test_own_hashes_are_what_they_are_taken_for(installation, loot):
    """With the pepper, which is not in the loot, the planted passwords are cracked: the thief knows how."""
    for name, position in filling.PLANTED.items():
        stored = own_hashes(loot)[name]
        assert stored.memory_kib == 19456 and stored.passes == 2
        near = words()[position - 3 : position + 3]
        assert cracking.crack(stored, near, [pepper(installation)]) == words()[position]
        assert cracking.crack(stored, near) is None


def test_whole_list_without_the_pepper(installation, result_line):
    secret = words()[filling.PLANTED["carol"]]
    stored = parse(badly_keyed_hash(secret, pepper(installation), **CHEAP))
    assert cracking.crack(stored, words()) is None
    result_line("a list of 100,000 words with the right one among them: no password is cracked without the pepper")


def test_whole_list_with_the_pepper(installation):
    secret = words()[filling.PLANTED["carol"]]
    stored = parse(badly_keyed_hash(secret, pepper(installation), **CHEAP))
    assert cracking.crack(stored, words(), [pepper(installation)]) == secret


def test_whole_list_against_an_unpeppered_hash():
    secret = words()[filling.PLANTED["bob"]]
    assert cracking.crack(parse(unkeyed_hash(secret, **CHEAP)), words()) == secret


@pytest.mark.skipif(
    not os.environ.get("BULKHEAD_TEST_LONG"), reason="an hour: BULKHEAD_TEST_LONG=1; test_theft.py takes a sample"
)
def test_whole_list_at_the_servers_own_cost(installation, loot):
    assert cracking.crack(own_hashes(loot)["alice"], words()) is None
