"""Child processes that cannot outlive the tests, and free ports for them."""

import concurrent.futures
import contextlib
import ctypes
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_parent():
    """For preexec_fn: the kernel ends the child when the test run ends, however it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, seconds=30, interval=0.05):
    """Calls `condition` until it returns something true, and returns that; fails naming `what`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(interval)


def at_once(work, each, threads):
    """What `work` returns for each, in order, with so many under way at once."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, each))


def run(*command, check=True, timeout=300, **options):
    """Runs a command to its end with its output captured; a failure shows that output."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
        preexec_fn=die_with_parent,
        **options,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\nfailed with {done.returncode}:\n{done.stdout}")
    return done


class Daemon:
    """A process with a log file. Ends with the test run."""

    def __init__(self, command, log_path, env=None):
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=env,
                preexec_fn=die_with_parent,
            )

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds):
        """The exit status; kills the process and fails when it takes longer."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end within {seconds} s:\n{self.log()[-4000:]}") from None

    def kill(self):
        if self.running():
            self.process.kill()
        return self.process.wait()

    def terminate(self, seconds=30):
        if self.running():
            self.process.terminate()
        return self.wait(seconds)
