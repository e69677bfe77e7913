"""The Debian package, with Debian's own tool and without what builds packages from sources."""

import email.utils
import hashlib
import pathlib
import re
import tempfile
import textwrap

from release import DESCRIPTION, PACKAGING, ROOT, changes, output_of
from tree import Tree, zipped

COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/bulkhead",
    "zsh": "usr/share/zsh/vendor-completions/_bulkhead",
    "fish": "usr/share/fish/vendor_completions.d/bulkhead.fish",
}
MAINTAINER = "Bulkhead contributors <bulkhead@bulkhead.invalid>"
SCRIPTS = ("postinst", "prerm", "postrm")


def debian_changelog(epoch):
    """CHANGELOG.md in the form that Debian's tools read; versions have no dates of their own, so all bear the newest's."""
    out = []
    for version, body in changes():
        items = re.split(r"^- ", body, flags=re.MULTILINE)[1:] or [body]
        lines = "\n".join(textwrap.fill(item, 78, initial_indent="  * ", subsequent_indent="    ") for item in items)
        date = email.utils.formatdate(epoch)
        out.append(f"bulkhead ({version}) bookworm; urgency=medium\n\n{lines}\n\n -- {MAINTAINER}  {date}\n")
    return "\n".join(out)


def copyright_file():
    # The license's text is Debian's to have: /usr/share/common-licenses.
    return (PACKAGING / "deb" / "copyright").read_text(encoding="utf-8")


def contents(release):
    tree = Tree(release.epoch)
    tree.file("usr/bin/bulkhead", release.stripped(), 0o755)
    # The same program, which docker calls by this name for passwords.
    tree.link("usr/bin/docker-credential-bulkhead", "bulkhead")
    tree.copy("lib/systemd/system/bulkhead.service", PACKAGING / "systemd" / "bulkhead.service")
    # Passwords of other services may come to stand in it: postinst gives it to the service's group.
    tree.folder("etc/bulkhead", 0o750)
    example = release.run("config", "example", "--data", "/var/lib/bulkhead")
    tree.file("etc/bulkhead/bulkhead.toml", example, 0o640)
    for shell, text in release.completions().items():
        tree.file(COMPLETIONS[shell], text)
    for name, page in release.manual_pages().items():
        tree.file(f"usr/share/man/man{name.rpartition('.')[2]}/{name}.gz", zipped(page))
    tree.file("usr/share/doc/bulkhead/copyright", copyright_file())
    tree.file("usr/share/doc/bulkhead/changelog.gz", zipped(debian_changelog(release.epoch)))
    for page in sorted((ROOT / "docs" / "guide").glob("*.md")):
        tree.copy(f"usr/share/doc/bulkhead/guide/{page.name}", page)
    for file in sorted((PACKAGING / "monitoring").iterdir()):
        tree.copy(f"usr/share/bulkhead/monitoring/{file.name}", file)
    return tree


def dependencies(release, folder):
    """What the libraries' own packages say that a program built with them needs."""
    (folder / "debian").mkdir()
    (folder / "debian" / "control").write_text("Source: bulkhead\n\nPackage: bulkhead\nArchitecture: amd64\n")
    done = output_of("sh", "-c", 'cd "$1" && exec dpkg-shlibdeps -O "$2"', "sh", folder, release.binary.resolve())
    return done.strip().removeprefix("shlibs:Depends=")


def control(release, tree, depends):
    return f"""Package: bulkhead
Version: {release.version}
Architecture: amd64
Maintainer: {MAINTAINER}
Installed-Size: {-(-tree.size() // 1024)}
Depends: adduser, {depends}
Recommends: ca-certificates
Suggests: postgresql
Section: net
Priority: optional
Description: {DESCRIPTION[0].lower() + DESCRIPTION[1:]}
 Bulkhead is a registry that docker, podman, Kubernetes and other OCI clients
 push images to and pull them from. It has organizations, teams and robots,
 single sign-on, second factors, and evidence of every change.
 .
 This package has the program, which is server and command line in one, and a
 service that keeps its data in /var/lib/bulkhead.
"""


def make(release, into):
    """The path of the package."""
    tree = contents(release)
    package = into / f"bulkhead_{release.version}_amd64.deb"
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        depends = dependencies(release, folder)
        about = Tree(release.epoch)
        about.file("DEBIAN/control", control(release, tree, depends))
        about.file("DEBIAN/conffiles", "/etc/bulkhead/bulkhead.toml\n")
        about.file("DEBIAN/md5sums", tree.sums(hashlib.md5, without="etc/"))
        for name in SCRIPTS:
            about.copy(f"DEBIAN/{name}", PACKAGING / "deb" / name, 0o755)
        root = folder / "root"
        root.mkdir()
        tree.write_to(root)
        about.write_to(root)
        # One thread: how many there are would show in the bytes.
        output_of("env", f"SOURCE_DATE_EPOCH={release.epoch}", "dpkg-deb", "--root-owner-group", "-Zxz", "--threads-max=1",
                  "--build", root, package)
    return package
