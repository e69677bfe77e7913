"""The engines, one of each for the whole suite, and one server: they are slow to start and large on disk."""

import pytest

from harness import engines, images, mounts


@pytest.fixture(scope="session")
def engine_folder(work_folder):
    """The vfs driver copies whole file systems, so its storage is in memory where there is enough."""
    reason = mounts.lacks_privileges()
    if reason:
        pytest.skip(f"container engines: {reason}")
    mounts.separate()
    storage = work_folder / "e"
    storage.mkdir()
    in_memory = mounts.available_memory() > 12 << 30
    if in_memory:
        mounts.tmpfs(storage, 8 << 30)

    def make(name):
        folder = storage / name
        folder.mkdir()
        return folder

    yield make
    if in_memory:
        mounts.unmount(storage)


def _engine(kind, folder):
    engine = kind(folder)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def docker(engine_folder):
    yield from _engine(engines.Docker, engine_folder("docker"))


@pytest.fixture(scope="session")
def podman(engine_folder):
    yield from _engine(engines.Podman, engine_folder("podman"))


@pytest.fixture(scope="session")
def buildah(engine_folder):
    yield from _engine(engines.Buildah, engine_folder("buildah"))


@pytest.fixture(scope="session")
def skopeo(engine_folder):
    yield from _engine(engines.Skopeo, engine_folder("skopeo"))


@pytest.fixture(scope="module")
def logged_in(server, alice, docker, podman, buildah, skopeo):
    """All of them, logged in as alice."""
    for engine in (docker, podman, buildah, skopeo):
        engine.login(server.address, alice)
    return server


@pytest.fixture(scope="session")
def debian():
    return images.debian_tarball()
