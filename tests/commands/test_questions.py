"""What cannot be undone is asked about at a terminal, in words that say what goes with it; scripts are not asked."""

import pytest

from harness.terminal import at_terminal

CASES = [
    (("repo", "delete", "alice/app"), "every tag and manifest", ("repo", "list"), "alice/app"),
    (("team", "delete", "acme/devs"), "the roles that it was given", ("team", "list", "acme"), "devs"),
    (("robot", "delete", "acme+ci"), "tokens, trusts and roles", ("robot", "list", "--org", "acme"), "acme+ci"),
]


@pytest.fixture
def stocked(cli, alice, server):
    cli.log_in(alice)
    for words in (
        ("org", "create", "acme", "--owner", "alice"),
        ("team", "create", "acme/devs"),
        ("robot", "create", "ci", "--org", "acme"),
        ("repo", "create", "alice/app"),
    ):
        server.run(*words, check=False)
    return cli


@pytest.mark.parametrize("command, told, listing, name", CASES, ids=lambda value: value if isinstance(value, str) else " ".join(value))
def test_it_is_asked_first_and_done_on_yes(stocked, server, command, told, listing, name):
    for answer in ("n\n", "\n", "\x04"):
        shown = stocked.at_terminal(*command, answers=[("Go on? [y/N]", answer)])
        assert shown.returncode == 1 and f"On {server.url}, this" in shown.text and told in shown.text, shown.text
        assert "nothing was done" in shown.text
        assert name in stocked.run(*listing).stdout
    shown = stocked.at_terminal(*command, answers=[("Go on? [y/N]", "y\n")])
    assert shown.returncode == 0 and name not in stocked.run(*listing).stdout


def test_the_flag_answers(stocked):
    shown = stocked.at_terminal("team", "delete", "acme/devs", "--yes")
    assert shown.returncode == 0 and "Go on" not in shown.text


def test_an_organization_says_how_much_goes_with_it(stocked, server):
    server.run("org", "create", "doomed", "--owner", "alice")
    server.run("team", "create", "doomed/one")
    shown = stocked.at_terminal("org", "delete", "doomed", answers=[("Go on? [y/N]", "y\n")])
    assert "1 team, 1 membership" in shown.text and shown.returncode == 0


def test_scripts_are_not_asked(stocked, server):
    assert stocked.run("robot", "delete", "acme+ci").stdout == "acme+ci is deleted\n"
    refused = stocked.run("repo", "delete", "alice/app", check=False)
    assert refused.returncode == 1 and "--yes" in refused.stderr
    assert stocked.run("repo", "delete", "alice/app", "--yes").returncode == 0
    server.create_user("stopped", password="a password of good length")
    assert server.run("user", "disable", "stopped").returncode == 0


def test_the_data_of_this_machine_is_asked_about_too(stocked, server):
    server.create_user("here", password="a password of good length")
    command = ("user", "disable", "here", "--data", server.data)
    shown = stocked.at_terminal(*command, answers=[("Go on? [y/N]", "n\n")])
    assert f"On the data in {server.data}, this ends every session and token of here" in shown.text and shown.returncode == 1
    assert stocked.at_terminal(*command, answers=[("Go on? [y/N]", "y\n")]).returncode == 0


def test_who_does_not_see_the_question_has_not_said_yes(stocked, server):
    program = " ".join(server.command("repo", "delete", "alice/app"))
    shown = at_terminal(["sh", "-c", f"{program} 2>said"], stocked.environment(TERM="xterm"), cwd=stocked.home)
    assert shown.returncode == 1 and "--yes" in (stocked.home / "said").read_text()
    assert "alice/app" in stocked.run("repo", "list").stdout
