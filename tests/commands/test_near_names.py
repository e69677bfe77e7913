"""Of what is on the server, the name that was meant is offered, as far as whoever asks may see it."""


def test_a_mistyped_name_is_offered_the_right_one(cli, alice, server):
    server.run("org", "create", "workshop", "--owner", "alice")
    server.run("repo", "create", "alice/hammer")
    cli.log_in(alice)
    for command, meant in (
        (("repo", "set", "alice/hamer", "--contact", "x"), "alice/hammer"),
        (("org", "set", "workshpo", "--member-role", "reader"), "workshop"),
        (("team", "list", "worksop"), "workshop"),
    ):
        refused = cli.run(*command, check=False)
        assert refused.returncode == 1 and refused.stderr.endswith(f'; did you mean "{meant}"?\n'), refused.stderr


def test_what_one_may_not_see_is_not_offered(cli, alice, mallory, server):
    del alice
    server.run("repo", "create", "alice/chisel")
    cli.log_in(mallory)
    refused = cli.run("repo", "set", "alice/chisle", "--contact", "x", check=False)
    assert refused.returncode == 1 and "chisel" not in refused.stderr
