"""The Debian package: what is in it, and its life on a Debian that systemd runs, and in one where nothing runs."""

import re

import pytest

from harness import process

DATA = "/var/lib/bulkhead"
CONFIG = "/etc/bulkhead/bulkhead.toml"
SETUP_TOKEN = re.compile(r"bhsetup_[0-9A-Za-z]+")


def entries(deb):
    """Mode, owner and what a link leads to, by path."""
    out = {}
    for line in process.run("dpkg-deb", "--contents", deb).stdout.splitlines():
        mode, owner, _, _, _, path = line.split(maxsplit=5)
        name, _, target = path.partition(" -> ")
        out[name.removeprefix(".")] = (mode, owner, target)
    return out


def active(system):
    return system.run("systemctl", "is-active", "bulkhead", check=False).stdout.strip()


def main_process(system):
    return system.run("systemctl", "show", "--property=MainPID", "--value", "bulkhead").stdout.strip()


def ready(system):
    process.wait_until(lambda: system.run("bulkhead", "health", check=False).stdout == "ready\n", "the service to be ready")


def people(system):
    return system.run("bulkhead", "user", "list", user="bulkhead").stdout


def test_the_package_holds_the_program_its_service_and_its_configuration(deb):
    found = entries(deb)
    assert found["/usr/bin/bulkhead"][0] == "-rwxr-xr-x"
    assert found["/usr/bin/docker-credential-bulkhead"][2] == "bulkhead"
    assert "/lib/systemd/system/bulkhead.service" in found
    assert found[CONFIG][0] == "-rw-r-----"
    assert {owner for _, owner, _ in found.values()} == {"root/root"}
    assert process.run("dpkg-deb", "--info", deb, "conffiles").stdout == CONFIG + "\n"


def test_completion_and_manual_pages_are_packaged(deb):
    assert {
        "/usr/share/bash-completion/completions/bulkhead",
        "/usr/share/zsh/vendor-completions/_bulkhead",
        "/usr/share/fish/vendor_completions.d/bulkhead.fish",
        "/usr/share/man/man1/bulkhead.1.gz",
        "/usr/share/man/man1/bulkhead-user.1.gz",
    } <= set(entries(deb))


def test_the_dependencies_are_those_of_the_libraries(deb):
    depends = process.run("dpkg-deb", "--field", deb, "Depends").stdout
    assert re.search(r"\blibssl3 \(>= 3\.", depends), depends
    assert re.search(r"\blibc6 \(>= 2\.", depends), depends


def test_the_configuration_explains_every_setting_and_sets_the_data(deb, binary, folder):
    process.run("dpkg-deb", "--extract", deb, folder)
    config = folder / CONFIG.lstrip("/")
    lines = config.read_text().splitlines()
    reference = process.run(binary, "config", "reference").stdout
    assert len(re.findall(r"^### `", reference, re.MULTILINE)) == sum(bool(re.match(r"#?[a-z0-9_]+ = ", line)) for line in lines)
    assert [line for line in lines if re.match(r"[a-z]", line)] == [f'data = "{DATA}"']
    assert "the settings are right" in process.run(binary, "config", "check", "--config", config).stdout


def test_a_life_under_systemd(booted, older_deb, deb, version):
    """In one piece, because each step stands on the one before."""
    # An older version is installed, and serves.
    booted.dpkg("--install", older_deb)
    ready(booted)
    token = SETUP_TOKEN.search(booted.run("journalctl", "--unit=bulkhead").stdout).group()
    booted.run("bulkhead", "setup", "root-admin", "--token", token, "--password-stdin", input="correct horse battery staple\n")
    booted.run("sh", "-c", f"echo '# ours' >>{CONFIG}")
    first = main_process(booted)

    # The newer one is installed over it while it runs: another process, the same people, the administrator's file.
    booted.dpkg("--install", deb)
    ready(booted)
    assert main_process(booted) != first
    assert "root-admin" in people(booted)
    assert booted.run("tail", "-n1", CONFIG).stdout == "# ours\n"
    assert booted.run("dpkg-query", "-W", "-f", "${Version} ${Status}", "bulkhead").stdout == f"{version} install ok installed"

    # Removed while it runs: the service is gone, configuration and data are not.
    booted.dpkg("--remove", "bulkhead")
    assert active(booted) == "inactive"
    booted.run("test", "-e", CONFIG)
    booted.run("test", "-e", f"{DATA}/bulkhead.db")

    # Purged: the configuration goes, too, and what is left is said.
    said = booted.dpkg("--purge", "bulkhead").stdout
    assert f"are still in {DATA}" in said
    assert booted.run("test", "-e", "/etc/bulkhead", check=False).returncode == 1
    booted.run("test", "-e", f"{DATA}/bulkhead.db")

    # Installed once more, it goes on with the data that stayed.
    booted.dpkg("--install", deb)
    ready(booted)
    assert "root-admin" in people(booted)


@pytest.fixture
def installed(booted, older_deb):
    """The older version, as it is after a first installation."""
    booted.dpkg("--purge", "bulkhead", check=False)
    booted.run("rm", "-rf", DATA)
    booted.dpkg("--install", older_deb)
    ready(booted)
    return booted


def test_a_service_that_was_disabled_and_stopped_stays_so(installed, deb):
    installed.run("systemctl", "disable", "--now", "bulkhead")
    installed.dpkg("--install", deb)
    assert installed.run("systemctl", "is-enabled", "bulkhead", check=False).stdout.strip() == "disabled"
    assert active(installed) == "inactive"


def test_the_service_runs_as_its_own_user_and_its_data_is_closed(installed):
    assert installed.run("stat", "-c", "%U", f"/proc/{main_process(installed)}").stdout == "bulkhead\n"
    assert installed.run("stat", "-c", "%a %U", DATA).stdout == "700 bulkhead\n"
    assert installed.run("stat", "-c", "%a %U %G", CONFIG).stdout == "640 root bulkhead\n"


def test_a_service_that_cannot_start_does_not_break_the_installation(installed, deb):
    installed.run("systemctl", "stop", "bulkhead")
    installed.run("sh", "-c", f"echo 'lisen = 1' >>{CONFIG}")
    installed.dpkg("--install", deb)
    assert active(installed) != "active"


def test_without_systemd_it_is_installed_and_run_by_hand(chroot, deb, version):
    chroot.dpkg("--install", deb)
    assert chroot.run("bulkhead", "--version").stdout == f"bulkhead {version}\n"
    checked = chroot.run("bulkhead", "config", "check", "--config", CONFIG, user="bulkhead:bulkhead")
    assert "the settings are right" in checked.stdout
    chroot.run("bulkhead", "user", "create", "alice", "--admin", "--password-stdin", user="bulkhead:bulkhead",
               input="correct horse battery staple\n")
    assert "alice" in chroot.run("bulkhead", "user", "list", user="bulkhead:bulkhead").stdout
    # Again, and away.
    chroot.dpkg("--install", deb)
    chroot.dpkg("--purge", "bulkhead")
    assert (chroot.folder / DATA.lstrip("/") / "bulkhead.db").exists()


def test_nothing_is_said_of_data_where_there_is_none(chroot, deb):
    chroot.dpkg("--install", deb)
    assert "still in" not in chroot.dpkg("--purge", "bulkhead").stdout
    assert not (chroot.folder / DATA.lstrip("/")).exists()
