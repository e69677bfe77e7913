"""Files that are to be installed, as one archive has them: in one order, of one time, owned by numbers."""

import gzip
import io
import os
import tarfile



class Tree:
    """What an archive holds, by path without a leading slash. Folders above a path are made with it.

    `epoch` is the time of everything in it, in seconds since 1970, so that what is made twice is the same.
    """

    def __init__(self, epoch):
        self.epoch = epoch
        self._entries = {}

    def _add(self, path, kind, *, mode, content=b"", target="", owner=0):
        path = str(path).strip("/")
        assert path not in self._entries or kind == tarfile.DIRTYPE, f"{path} twice"
        above = os.path.dirname(path)
        if above and above not in self._entries:
            self.folder(above)
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode, entry.mtime, entry.size = kind, mode, self.epoch, len(content)
        entry.linkname, entry.uid, entry.gid = target, owner, owner
        self._entries[path] = (entry, content)

    def file(self, path, content, mode=0o644):
        self._add(path, tarfile.REGTYPE, mode=mode, content=content.encode() if isinstance(content, str) else content)

    def copy(self, path, source, mode=0o644):
        self.file(path, source.read_bytes(), mode)

    def link(self, path, target):
        self._add(path, tarfile.SYMTYPE, mode=0o777, target=target)

    def folder(self, path, mode=0o755, owner=0):
        self._add(path, tarfile.DIRTYPE, mode=mode, owner=owner)

    def paths(self):
        return sorted(self._entries)

    def size(self):
        """Bytes of the files."""
        return sum(len(content) for _, content in self._entries.values())

    def sums(self, algorithm, without):
        """A line for each file, as md5sum and its like write them."""
        files = ((path, content) for path, (entry, content) in sorted(self._entries.items()) if entry.isreg())
        return "".join(f"{algorithm(content).hexdigest()}  {path}\n" for path, content in files if not path.startswith(without))

    def tar(self):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for path in self.paths():
                entry, content = self._entries[path]
                archive.addfile(entry, io.BytesIO(content))
        return buffer.getvalue()

    def write_to(self, directory):
        """As files; their owner is whoever runs this."""
        directory.chmod(0o755)
        for path in self.paths():
            entry, content = self._entries[path]
            at = directory / path
            if entry.isdir():
                at.mkdir(exist_ok=True)
            elif entry.issym():
                at.symlink_to(entry.linkname)
            else:
                at.write_bytes(content)
            if not entry.issym():
                at.chmod(entry.mode)
        for path in reversed(self.paths()):  # a folder after what is in it
            os.utime(directory / path, (self.epoch, self.epoch), follow_symlinks=False)
        os.utime(directory, (self.epoch, self.epoch))


def zipped(content):
    """gzip without a name and a time in it."""
    return gzip.compress(content.encode() if isinstance(content, str) else content, 9, mtime=0)
