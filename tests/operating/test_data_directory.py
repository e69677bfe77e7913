"""The data directory: commands that only look make none, what does not fit together is said, and nobody else gets in between."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import tempfile
import threading

import pytest

from harness import mounts, process
from harness.command_line import CommandLine
from harness.data_directory import PASSWORD, files_below, refused

NOBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="acting as another user needs root")


def run_as(server, user, *arguments, stdin="", data=None):
    """An operator command of another user of the machine."""
    return subprocess.run(
        server.command(*arguments, "--data", data or server.data),
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60 * server.patience,
        check=False,
        env=server.environment() | {"HOME": "/nonexistent"},
        user=user,
        group=user,
        extra_groups=[],
        cwd="/",
        preexec_fn=process.die_with_parent,
    )


@pytest.fixture
def open_folder():
    """A folder that other users of the machine can reach, and a copy of the program that they can run."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bh-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shared_server(new_server, open_folder):
    """A server, not started, whose program and data another user can at least see."""
    server = new_server()
    program = open_folder / "bulkhead"
    shutil.copy(server.binary, program)
    program.chmod(0o755)
    server.binary = program
    server.data = open_folder / "data"
    return server


# -- no data here

LOOKING = [
    ("repo", "list"),
    ("repo", "set", "alice/app", "--visibility", "public"),
    ("repo", "create", "alice/app"),
    ("user", "list"),
    ("user", "password", "alice", "--password-stdin"),
    ("user", "disable", "alice"),
    ("grant", "list"),
    ("namespace", "list"),
    ("token", "list", "alice"),
    ("org", "list"),
    ("sso", "provider", "list"),
    ("audit", "tail"),
    ("audit", "query"),
    ("keys", "list"),
    ("keys", "rotate"),
    ("keys", "unprotect"),
]


@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
@pytest.mark.parametrize("present", [False, True], ids=["absent", "empty"])
def test_a_command_makes_no_installation(new_server, command, present):
    server = new_server()
    server.data = server.folder / "there" / "is" / "none"
    if present:
        server.data.mkdir(parents=True, mode=0o700)
    before = files_below(server.folder)
    ended = server.run(*command, stdin=PASSWORD + "\n", check=False)
    assert ended.returncode == 1, ended.stdout
    assert f"there is no Bulkhead data in {server.data}" in ended.stdout
    assert "--data" in ended.stdout and "bulkhead login" in ended.stdout
    assert files_below(server.folder) == before


def test_a_command_names_the_directory_it_looked_in(server, folder):
    """Without anything said it is ./data: whoever is one folder off sees where."""
    ended = CommandLine(server, folder).run("repo", "list", check=False)
    assert ended.returncode == 1
    assert str(folder.resolve() / "data") in ended.stderr
    assert files_below(folder) == []


@as_root
@pytest.mark.parametrize("modes", [(0o750, 0o640), (0o755, 0o640)], ids=["folder", "file"])
@pytest.mark.parametrize("command", [("repo", "list"), ("user", "create", "eve", "--admin", "--password-stdin")], ids=" ".join)
def test_whoever_may_not_read_the_installed_configuration_gets_no_other(server, folder, modes, command):
    """/etc in a mount namespace of its own, as packaging makes it; somebody forgets sudo."""
    if reason := mounts.lacks_privileges():
        pytest.skip(reason)
    etc = folder / "etc"
    (etc / "bulkhead").mkdir(parents=True)
    for name in ("passwd", "group", "nsswitch.conf", "ld.so.cache"):
        shutil.copy(f"/etc/{name}", etc / name)
    (etc / "bulkhead" / "bulkhead.toml").write_text("")
    (etc / "bulkhead" / "bulkhead.toml").chmod(modes[1])
    (etc / "bulkhead").chmod(modes[0])
    home = folder / "home"
    home.mkdir()
    home.chmod(0o777)
    act = f'mount --bind {etc} /etc && exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups "$@"'
    ended = subprocess.run(
        ["unshare", "--mount", "sh", "-c", act, "sh", *server.command(*command)],
        input=PASSWORD + "\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False, cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
    )  # fmt: skip
    assert ended.returncode == 1 and "/etc/bulkhead/bulkhead.toml" in ended.stdout and "sudo -u bulkhead" in ended.stdout
    assert files_below(home) == []


def test_the_first_administrator_makes_an_installation_and_says_where(new_server):
    server = new_server()
    made = server.run("user", "create", "admin", "--admin", "--password-stdin", stdin=PASSWORD + "\n")
    assert f"a new installation in {server.data}" in made.stdout
    again = server.run("user", "create", "bob", "--password-stdin", stdin=PASSWORD + "\n")
    assert "new installation" not in again.stdout
    assert len(json.loads(server.run("user", "list", "--json").stdout)) == 2


def test_a_refused_first_account_leaves_nothing(new_server):
    server = new_server()
    for arguments, password in ((("Not A Name",), PASSWORD), (("admin",), "short")):
        refused = server.run("user", "create", *arguments, "--admin", "--password-stdin", stdin=password + "\n", check=False)
        assert refused.returncode == 1, refused.stdout
        assert files_below(server.folder) == []


@pytest.mark.parametrize("command", [("audit", "tail"), ("audit", "query"), ("keys", "list"), ("keys", "rotate"),
                                     ("keys", "retire", "token-hash", "1")], ids=" ".join)  # fmt: skip
def test_a_command_for_the_servers_machine_does_not_answer_about_another(server, alice, folder, command):
    cli = CommandLine(server, folder)
    cli.log_in(alice)
    before = files_below(folder)
    for more in ((), ("--server", server.url)):
        ended = cli.run(*command, *more, check=False)
        assert ended.returncode == 1
        assert "on the server's own machine" in ended.stderr and "--data" in ended.stderr
        assert server.url in ended.stderr
    assert files_below(folder) == before
    # Whoever names the data means it.
    assert cli.run(*command[:2], "--data", server.data, *(command[2:] and ("token-hash", "1")), check=False).returncode in (0, 1)


# -- who else can get in


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o720, 0o702])
def test_a_directory_that_others_may_write_to_is_refused(launch, mode):
    server = launch()
    server.create_user("admin", admin=True)
    server.stop()
    server.data.chmod(mode)
    for said in (server.refuses_to_start(), refused(server, "repo", "list")):
        assert f"chmod 700 {server.data}" in said
    server.data.chmod(0o700)
    server.start()


@pytest.mark.parametrize("name", ["journal", "blobs", "blobs/staging"])
def test_what_others_may_write_to_in_the_directory_is_refused(launch, name):
    server = launch()
    server.create_user("admin", admin=True)
    server.stop()
    path = server.data / name
    path.chmod(0o777)
    assert f"chmod 700 {path}" in server.refuses_to_start()
    path.chmod(0o700)
    server.start()


def test_a_password_is_not_sent_into_an_open_directory(launch):
    server = launch()
    server.data.chmod(0o777)
    ended = server.run("user", "create", "bob", "--password-stdin", stdin=PASSWORD + "\n", check=False)
    assert ended.returncode == 1 and "chmod 700" in ended.stdout
    server.data.chmod(0o700)


def test_a_directory_that_others_may_look_into_is_said(launch):
    server = launch()
    server.stop()
    server.data.chmod(0o755)
    server.start()
    assert "chmod 700" in server.log() and str(server.data) in server.log()


@pytest.mark.parametrize("name", ["bulkhead.db", "bulkhead.db-wal"])
def test_a_database_that_others_may_read_is_refused(launch, name):
    server = launch()
    server.create_user("admin", admin=True)
    server.stop()
    path = server.data / name
    path.touch()
    path.chmod(0o644)
    assert f"chmod 600 {path}" in server.refuses_to_start()
    path.chmod(0o600)
    server.start()


@pytest.mark.parametrize("name", ["lock", "journal", "bulkhead.db", "blobs", "blobs/staging"])
def test_a_symbolic_link_in_the_directory_is_not_followed(launch, name):
    server = launch()
    server.create_user("admin", admin=True)
    server.stop()
    elsewhere = server.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / name).parent.mkdir(exist_ok=True)
    shutil.move(server.data / name, elsewhere / name)
    (server.data / name).symlink_to(elsewhere / name)
    before = files_below(elsewhere)
    for said in (server.refuses_to_start(), refused(server, "user", "list")):
        assert str(server.data / name) in said and "symbolic link" in said
    assert files_below(elsewhere) == before


def test_a_dangling_lock_creates_nothing_elsewhere(new_server):
    server = new_server()
    server.create_user("admin", admin=True)
    (server.data / "lock").unlink()
    (server.data / "lock").symlink_to(server.folder / "planted")
    assert server.run("user", "list", check=False).returncode == 1
    assert not (server.folder / "planted").exists()


class Impostor:
    """Somebody else's server on a socket, whose file is theirs or not; remembers what it was sent."""

    def __init__(self, path, uid, own_file):
        self.received = b""
        read, write = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            with contextlib.suppress(BaseException):
                self._serve(path, uid, own_file, write)
            os._exit(0)
        os.close(write)
        assert os.read(read, 1) == b".", "the impostor did not come to listen"
        self.reader = threading.Thread(target=self._collect, args=(read,))
        self.reader.start()

    @staticmethod
    def _serve(path, uid, own_file, write):
        listener = socket.socket(socket.AF_UNIX)
        if not own_file:
            listener.bind(str(path))
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        if own_file:
            listener.bind(str(path))
        listener.listen()
        os.write(write, b".")
        connection, _ = listener.accept()
        connection.settimeout(5)
        os.write(write, connection.recv(65536))

    def _collect(self, read):
        while data := os.read(read, 65536):
            self.received += data

    def close(self):
        os.kill(self.child, 9)
        os.waitpid(self.child, 0)
        self.reader.join()


@as_root
@pytest.mark.parametrize("own_file", [True, False], ids=["another file", "the same file"])
def test_a_password_does_not_go_to_somebody_elses_socket(shared_server, own_file):
    server = shared_server
    server.create_user("admin", admin=True)
    # As if the directory had been open for a while: who listens is somebody else.
    server.data.chmod(0o777)
    impostor = Impostor(server.data / "control.sock", NOBODY, own_file)
    server.data.chmod(0o700)
    ended = server.run("user", "create", "bob", "--password-stdin", stdin=PASSWORD + "\n", check=False)
    impostor.close()
    assert PASSWORD.encode() not in impostor.received
    assert ended.returncode == 1 and "control.sock" in ended.stdout and "nobody" in ended.stdout


@as_root
def test_the_socket_answers_its_own_user_and_root_only(shared_server):
    """Even where the file's mode lets somebody in: who is there is asked of the kernel."""
    server = shared_server.start()
    server.create_user("admin", admin=True)
    server.data.chmod(0o711)
    (server.data / "control.sock").chmod(0o777)
    script = (
        "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
        "b=b'{\"command\":\"user.list\"}'; "
        "s.sendall(b'POST / HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: %d\\r\\n\\r\\n' % len(b) + b); print('sent'); "
        "print(s.recv(4096))"
    )
    done = subprocess.run(["/usr/bin/python3", "-c", script, str(server.data / "control.sock")], user=NOBODY, group=NOBODY,
                          extra_groups=[], capture_output=True, text=True, timeout=30, check=False)  # fmt: skip
    assert "admin" not in done.stdout
    assert "sent" in done.stdout or "BrokenPipe" in done.stderr or "ConnectionReset" in done.stderr, done
    server.data.chmod(0o700)
    assert "admin" in server.run("user", "list").stdout


# -- the wrong user


@as_root
def test_a_user_who_may_not_look_gets_a_sentence(shared_server):
    server = shared_server.start()
    for stopped in (False, True):
        if stopped:
            server.stop()
        ended = run_as(server, NOBODY, "repo", "list")
        assert ended.returncode == 1, ended.stdout
        assert "terminate" not in ended.stdout and len(ended.stdout.splitlines()) == 1
        assert str(server.data) in ended.stdout and "sudo -u root" in ended.stdout


@as_root
@pytest.mark.parametrize("command", [("serve", "--listen", "127.0.0.1:1"), ("repo", "list"),
                                     ("user", "create", "x", "--admin", "--password-stdin")], ids=" ".join)  # fmt: skip
def test_roots_refused_command_leaves_nothing_behind(shared_server, open_folder, command):
    server = shared_server
    server.data.mkdir(mode=0o700)
    os.chown(server.data, NOBODY, NOBODY)
    made = run_as(server, NOBODY, "user", "create", "admin", "--admin", "--password-stdin", stdin=PASSWORD + "\n")
    assert made.returncode == 0, made.stdout
    (server.data / "lock").unlink()  # what root would make anew
    before = files_below(open_folder)
    ended = server.run(*command, stdin=PASSWORD + "\n", check=False)
    assert ended.returncode == 1
    assert "sudo -u nobody" in ended.stdout and "chown" not in ended.stdout
    assert files_below(open_folder) == before
    assert run_as(server, NOBODY, "user", "list").returncode == 0


@as_root
def test_a_directory_that_cannot_be_made_is_a_sentence(shared_server, open_folder):
    ended = run_as(shared_server, NOBODY, "user", "create", "admin", "--admin", "--password-stdin", stdin=PASSWORD + "\n",
                   data=open_folder / "not" / "mine")  # fmt: skip
    assert ended.returncode == 1 and len(ended.stdout.splitlines()) == 1
    assert "Permission denied" in ended.stdout and "terminate" not in ended.stdout


def test_data_that_is_a_file_is_a_sentence(new_server):
    server = new_server()
    server.data.write_text("no directory")
    for said in (server.refuses_to_start(), refused(server, "repo", "list")):
        assert "is no directory" in said and "terminate" not in said


def test_the_directory_that_is_made_is_closed(new_server):
    server = new_server()
    server.create_user("admin", admin=True)
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700


# -- what an installed server's settings say


@as_root
def test_commands_read_the_settings_of_the_installed_server(new_server):
    """Where nothing is named: the same data, keys and database as the service; a flag means what it says."""
    server = new_server()
    server.create_user("admin", admin=True)
    etc = server.folder / "etc"
    for name in ("upper/bulkhead", "work"):
        (etc / name).mkdir(parents=True)
    (etc / "upper/bulkhead/bulkhead.toml").write_text(f'data = "{server.data}"\n')

    def run(*arguments):
        script = f"mount -t overlay overlay -o lowerdir=/etc,upperdir={etc}/upper,workdir={etc}/work /etc && exec \"$@\""
        return process.run("unshare", "--mount", "sh", "-c", script, "sh", *server.command(*arguments), check=False,
                           cwd=server.folder, env=server.environment() | {"HOME": str(server.folder)})  # fmt: skip

    listed = run("user", "list")
    if "mount:" in listed.stdout:
        pytest.skip("no overlay mounts here")
    assert listed.returncode == 0 and "admin" in listed.stdout, listed.stdout
    elsewhere = run("user", "list", "--data", "other")
    assert elsewhere.returncode == 1 and "there is no Bulkhead data" in elsewhere.stdout
