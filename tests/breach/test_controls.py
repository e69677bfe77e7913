"""Weaknesses planted in what was stolen: a thief who misses one of them would prove nothing by finding none.

All are planted into one copy of the loot, each in a place of its own, and looked for in one go.
"""

import base64
import copy
import gzip
import json
import sqlite3

import pytest

from breach import crypto, filling
from breach.loot import Loot, Part, sqlite_cells
from breach.planting import badly_keyed_hash, unkeyed_hash, zstd
from breach.thief import Thief

SEED = bytes(range(7, 27))


def signing_key(installation):
    [key] = [secret.value for secret in installation.vault.of_kind("key") if secret.name.startswith("token-signing")]
    return key


def password(installation, name):
    return installation.users[name].password.encode()


def weaken_database(installation, stolen, live):
    """Columns that should not be there, in a real database file."""
    with sqlite3.connect(stolen) as database:
        database.execute("ALTER TABLE accounts ADD COLUMN api_token TEXT")
        database.execute("UPDATE accounts SET api_token = ? WHERE name = 'alice'", [live["bearer"]])
        database.execute("ALTER TABLE accounts ADD COLUMN old_hash TEXT")
        database.execute(
            "UPDATE accounts SET old_hash = ? WHERE name = 'bob'", [unkeyed_hash(password(installation, "bob"))]
        )
        database.execute(
            "UPDATE accounts SET old_hash = ? WHERE name = 'carol'",
            [badly_keyed_hash(password(installation, "carol"), b"\0" * 32)],
        )
        database.execute("CREATE TABLE settings (name TEXT, value BLOB)")
        key = signing_key(installation)
        for name, value in {
            "key_in_hex": key.hex(),
            "key_in_json": json.dumps({"keys": [{"k": crypto.b64url(key)}]}),
            "raw_key": key,
            "totp_in_base32": base64.b32encode(SEED).decode(),
            **{name: token for name, token in live.items() if name != "bearer"},
        }.items():
            database.execute("INSERT INTO settings VALUES (?, ?)", [name, value])
    database.close()


@pytest.fixture(scope="module")
def weakened(installation, loot, work_folder):
    """What the thief reports of loot with every weakness in it."""
    victim = copy.copy(installation)
    victim.vault = copy.copy(installation.vault)
    victim.vault.secrets = [*installation.vault.secrets]
    victim.vault.add("seed", "a planted seed", SEED)
    live = {"bearer": victim.bearer_of("alice")}
    if installation.tokens:
        live["access_token"] = installation.tokens["alice"]
        live["session"] = installation.sessions["alice"]

    stolen = work_folder / "weakened.db"
    [backup] = [part for part in loot.parts if part.kind == "backup" and part.name == "bulkhead.db"]
    stolen.write_bytes(backup.data)
    weaken_database(installation, stolen, live)
    log_line = json.dumps({"level": "debug", "msg": "log-in", "user": "carol", "with": victim.users["carol"].password})
    twice = base64.b64encode(password(installation, "dave").hex().encode())
    planted = Loot(
        [
            Part("database", "bulkhead.db", stolen.read_bytes()),
            Part("log", "a log", b"\n".join([b'{"level":"info","msg":"ready"}', log_line.encode()])),
            Part("metrics", "/metrics", b'logins_total{by="' + twice + b'"} 1\n'),
            Part("data", "blobs/layer", gzip.compress(b'{"signing":"%s"}' % signing_key(installation).hex().encode())),
            Part("data", "journal/1.seg.zst", zstd(b"x" * 999 + password(installation, "mallory"))),
            Part("core", "core", b"\x7fELF" + b"\0\1\2" * 999 + signing_key(installation) + b"\3\4" * 999),
        ],
        list(sqlite_cells(stolen)),
    )
    return Thief(planted, victim, filling.likely_words(8)).rob()


def found(report, how, where="", value=b""):
    same_way = [each for each in report.findings if each.how == how and where in each.where]
    return [each for each in same_way if not value or each.value == value]


def test_plaintext_token_column(weakened, installation):
    assert found(weakened, "bearer", "accounts.api_token")
    if installation.tokens:
        assert found(weakened, "token log-in", "alice")
        assert found(weakened, "bearer", "settings.value", installation.sessions["alice"].encode())


def test_unpeppered_hash(weakened, installation):
    word = password(installation, "bob")
    assert found(weakened, "cracked", "$argon2id$", word)
    assert found(weakened, "password log-in", "bob", word)


def test_hash_with_a_pepper_of_zeros(weakened, installation):
    assert found(weakened, "cracked", "$bulkhead$", password(installation, "carol"))


def test_secret_in_a_log_line(weakened, installation):
    assert found(weakened, "password stored", "log a log", b"carol")
    assert found(weakened, "password log-in", "carol", password(installation, "carol"))


def test_signing_key_in_the_database(weakened):
    assert found(weakened, "forged bearer", "settings.value")
    assert found(weakened, "key stored", "database bulkhead.db")


def test_signing_key_in_a_compressed_blob(weakened):
    assert found(weakened, "key stored", "data blobs/layer")


def test_key_in_a_core(weakened):
    assert found(weakened, "key stored", "core core")


def test_password_encoded_twice_in_a_metric(weakened):
    assert found(weakened, "password stored", "metrics", b"dave")


def test_secret_in_a_compressed_segment(weakened):
    assert found(weakened, "password stored", "data journal/1.seg.zst", b"mallory")


def test_seed_in_plain(weakened):
    assert found(weakened, "seed", "settings.value", SEED)


def test_nothing_is_found_beyond_what_was_planted(weakened):
    """No finding is a matter of chance: all of them lead to a place where something was planted."""
    planted = ("accounts.", "settings.", "log a log", "metrics", "data blobs/layer", "data journal/1", "core core")
    for finding in weakened.findings:
        if finding.how not in ("cracked", "password log-in", "token log-in"):
            assert finding.where.startswith(planted) or finding.where == "database bulkhead.db", finding
