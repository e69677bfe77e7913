"""0 done, 1 failed, 2 not understood, 3 not logged in: what scripts go by, as docs/guide/cli.md says it."""


def status(cli, *words, **more):
    return cli.run(*words, check=False, **more).returncode


def test_each_status_means_one_thing(cli, alice, server):
    assert status(cli, "whoami") == 3
    assert status(cli, "repo", "list", "--server", server.url) == 3
    cli.log_in(alice)
    assert status(cli, "repo", "list") == 0
    assert status(cli, "repo", "rename", "alice/none", "alice/other") == 1
    assert status(cli, "user", "list") == 1, "refused"
    assert status(cli, "repo", "liist") == 2
    assert status(cli, "repo", "list", "--nonsense") == 2
    assert status(cli, "repo", "list", "--data", cli.home, env={"BULKHEAD_LIMITS_PAGE_SIZE": "none"}) == 2
    assert status(cli, "repo", "list", "--server", "https://127.0.0.1:1") == 3
    assert status(cli, "login", "https://127.0.0.1:1", "--name", "a", "--password-stdin", stdin="a password") == 1


def test_an_ended_log_in_is_no_log_in(cli, alice, server):
    cli.log_in(alice)
    server.run("user", "password", "alice", "--password-stdin", stdin=alice.password + "\n")
    refused = cli.run("repo", "list", check=False)
    assert refused.returncode == 3 and "log in" in refused.stderr
