"""A thief with everything but the keyring gets nowhere: no stored string, however it is read, is good for anything."""

from breach.filling import likely_words
from breach.thief import Thief


def rob(installation, loot):
    report = Thief(loot, installation, likely_words()).rob()
    assert report.strings > 500, f"hardly anything was taken: {report}"
    assert report.findings == [], "\n".join(map(str, report.findings))
    return report


def test_everything_that_sqlite_leaves_behind(installation, loot, result_line):
    assert loot.kinds() >= {"database", "data", "backup", "log", "audit", "metrics", "process"}
    for expected in ("blobs/staging", "blobs/sha256", "journal"):
        assert any(part.kind == "data" and part.name.startswith(expected) for part in loot.parts), expected
    assert any(part.name.endswith(".seg.zst") for part in loot.parts), "no sealed journal segment was stolen"
    assert not any("keys" in part.name.split("/")[0] for part in loot.parts)
    result_line(f"SQLite, {loot.size() >> 10} KiB: {rob(installation, loot)}; nothing opens anything")


def test_everything_that_postgresql_leaves_behind(postgres_installation, folder, result_line):
    loot = postgres_installation.steal(folder)
    assert b"PGDMP" not in loot.parts[0].data[:5]
    assert b"COPY public.accounts" in loot.parts[0].data
    result_line(f"PostgreSQL, {loot.size() >> 10} KiB: {rob(postgres_installation, loot)}; nothing opens anything")
