"""Starts, stops and kills the server under test, and runs its operator commands."""

import dataclasses
import os
import re
import signal
import subprocess

import requests

from harness import process

# Cheap password hashing, and room for tests that fail log-ins on purpose; a test of those limits sets them itself.
FAST = {
    "auth.password_memory_kib": 19456,
    "auth.password_passes": 2,
    "auth.login_attempts_per_account": 10_000,
    "auth.login_attempts_per_network": 10_000,
}
SANITIZER_EXIT = 86
SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: ")
SETUP_TOKEN = re.compile(r"bhsetup_[0-9A-Za-z]+")


@dataclasses.dataclass(frozen=True)
class User:
    name: str
    password: str


def environment_name(key):
    """The variable of a setting: "limits.page_size" is BULKHEAD_LIMITS_PAGE_SIZE."""
    return "BULKHEAD_" + key.upper().replace(".", "_")


class Server:
    """One data directory and the server on it.

    `settings` go by their keys in the configuration file and reach both `serve` and the operator commands through the
    environment. stop() asserts a clean end; crash() is kill -9; start() may follow either.
    """

    def __init__(self, binary, folder, settings=None):
        self.binary = binary
        self.folder = folder
        self.data = folder / "data"
        self.port = process.free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.settings = {**FAST, **(settings or {})}
        self.patience_between_looks = 0.05  # seconds, while it starts
        self.daemon = None
        self._logs = []

    @property
    def sanitized(self):
        return any(part in ("asan", "tsan") for part in self.binary.parts)

    @property
    def patience(self):
        """Sanitized builds are slower; deadlines are multiplied by this."""
        return 4 if self.sanitized else 1

    @property
    def tls(self):
        return self.settings.get("tls.mode", "off") != "off"

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.address}"

    @property
    def authority(self):
        """The certificate of the local authority that `--tls auto` made."""
        return self.data / "tls" / "ca.pem"

    def environment(self):
        env = {name: value for name, value in os.environ.items() if not name.startswith("BULKHEAD_")}
        env |= {environment_name(key): str(value) for key, value in self.settings.items()}
        env["ASAN_OPTIONS"] = f"exitcode={SANITIZER_EXIT}:detect_stack_use_after_return=1"
        env["UBSAN_OPTIONS"] = "print_stacktrace=1"
        env["TSAN_OPTIONS"] = f"exitcode={SANITIZER_EXIT}:halt_on_error=0:second_deadlock_stack=1"
        return env

    def command(self, *arguments):
        # Sanitizers of Debian 12 do not cope with the address randomisation of newer kernels.
        prefix = ["setarch", "-R"] if self.sanitized else []
        return [*prefix, str(self.binary), *map(str, arguments)]

    def start(self, *flags):
        assert self.daemon is None, "already running"
        log_path = self.folder / f"server-{len(self._logs)}.log"
        self._logs.append(log_path)
        command = self.command("serve", "--data", self.data, "--listen", self.address, *flags)
        self.daemon = process.Daemon(command, log_path, self.environment())
        process.wait_until(self._ready_or_dead, "the server to be ready", 30 * self.patience, self.patience_between_looks)
        assert self.daemon.running(), f"the server ended at once:\n{self.log()[-4000:]}"
        return self

    def _ready_or_dead(self):
        if not self.daemon.running():
            return True
        try:
            return self.get("/readyz").status_code == 200
        except requests.RequestException:
            return False

    def get(self, path, **options):
        return requests.get(self.url + path, verify=False, timeout=10 * self.patience, **options)

    def stop(self, seconds=60):
        """SIGTERM, and nothing to complain about: exit status 0 and no sanitizer report."""
        daemon, self.daemon = self.daemon, None
        status = daemon.terminate(seconds)
        report = SANITIZER_REPORT.search(daemon.log())
        assert report is None, f"a sanitizer found something:\n{daemon.log()[report.start() :][:8000]}"
        assert status == 0, f"ended with {status}:\n{daemon.log()[-4000:]}"

    def crash(self):
        daemon, self.daemon = self.daemon, None
        assert daemon.running(), f"the server had ended by itself:\n{daemon.log()[-4000:]}"
        daemon.kill()

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        """The end of a test: stops the server if it still runs."""
        if self.daemon is not None:
            self.stop()

    def signal(self, number=signal.SIGTERM):
        self.daemon.signal(number)

    def log(self):
        """Everything that any start of this server has printed."""
        return "".join(path.read_text(errors="replace") for path in self._logs)

    def setup_token(self):
        # The server answers a moment before it has printed everything.
        process.wait_until(lambda: SETUP_TOKEN.search(self.log()), "a setup token in the log")
        return SETUP_TOKEN.findall(self.log())[-1]

    def memory(self):
        """Resident bytes now."""
        with open(f"/proc/{self.daemon.pid}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def run(self, *arguments, stdin="", check=True, data=True):
        """An operator command; its output, standard error included, is in .stdout."""
        command = self.command(*arguments, *(["--data", str(self.data)] if data else []))
        done = subprocess.run(
            command,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60 * self.patience,
            check=False,
            env=self.environment(),
            preexec_fn=process.die_with_parent,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}")
        return done

    def refuses_to_start(self, *flags):
        """What a start says that ends by itself, without success."""
        command = self.command("serve", "--data", self.data, "--listen", self.address, *flags)
        daemon = process.Daemon(command, self.folder / "refused.log", self.environment())
        try:
            status = daemon.process.wait(15 * self.patience)
        except subprocess.TimeoutExpired:
            daemon.kill()
            raise AssertionError(f"the server serves:\n{daemon.log()}") from None
        said = daemon.log()
        daemon.log_path.unlink()
        assert status == 1, f"ended with {status}:\n{said}"
        return said

    def create_user(self, name, admin=False, password=None):
        user = User(name, password or f"correct horse {name} staple")
        self.run("user", "create", name, *(["--admin"] if admin else []), "--password-stdin", stdin=user.password + "\n")
        return user
