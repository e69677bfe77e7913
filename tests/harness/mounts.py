"""File systems in memory for a test run, in a mount namespace of its own: they end with the run, however it ends."""

import ctypes
import os

CLONE_NEWNS = 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 1 << 18
MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)
_separated = []


def lacks_privileges():
    """Why nothing can be mounted here, or "": it takes CAP_SYS_ADMIN, which root in a container may lack."""
    with open("/proc/self/status", encoding="ascii") as status:
        capabilities = int(next(line for line in status if line.startswith("CapEff:")).split()[1], 16)
    return "" if capabilities >> 21 & 1 else "needs root with CAP_SYS_ADMIN"


def _checked(result):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def separate():
    """From now on this process and its children have mounts that nobody else sees."""
    if not _separated:
        _checked(_libc.unshare(CLONE_NEWNS))
        _checked(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
        _separated.append(True)


def tmpfs(folder, size):
    separate()
    folder.mkdir(exist_ok=True)
    _checked(_libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, f"size={size},mode=700".encode()))


def bind(source, folder):
    """What is at `source` a second time, as a container's volume is."""
    separate()
    _checked(_libc.mount(str(source).encode(), str(folder).encode(), None, MS_BIND, None))


def unmount(folder):
    """What still uses it keeps it until it ends."""
    _checked(_libc.umount2(str(folder).encode(), MNT_DETACH))


def available_memory():
    with open("/proc/meminfo", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("MemAvailable:")).split()[1]) * 1024
