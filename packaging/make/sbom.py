"""What the program is made of, as an SPDX 2.3 document: the Debian packages that its libraries come from."""

import datetime
import hashlib
import json
import urllib.parse

from libraries import compiled_in, packages_of
from release import DESCRIPTION

PROGRAM = "SPDXRef-bulkhead"


def _purl(name, version, architecture):
    quoted = urllib.parse.quote(version, safe="~.-_")
    return f"pkg:deb/debian/{urllib.parse.quote(name, safe='.-_')}@{quoted}?arch={architecture}&distro=debian-12"


def _entry(package):
    return {
        "SPDXID": f"SPDXRef-{package.name.replace('+', 'p').replace('_', '-')}",
        "name": package.name,
        "versionInfo": package.version,
        "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION",
        "homepage": package.homepage or "NOASSERTION",
        "filesAnalyzed": False,
        "sourceInfo": f"made from {package.source} {package.source_version}",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": _purl(package.name, package.version, package.architecture),
            }
        ],
    }


def document(release, program, libraries, others=()):
    """`program` are its bytes as they are shipped, `libraries` the files that are shipped with it, `others` further ones."""
    loaded = packages_of(libraries)
    beside = [package for package in packages_of(others) if package not in loaded]
    headers = compiled_in()
    digest = hashlib.sha256(program).hexdigest()
    ours = {
        "SPDXID": PROGRAM,
        "name": "bulkhead",
        "versionInfo": release.version,
        "supplier": "NOASSERTION",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
        "summary": DESCRIPTION,
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "APPLICATION",
    }
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", PROGRAM)]
    for kind, packages in (("DYNAMIC_LINK", loaded), ("STATIC_LINK", headers), ("DEPENDS_ON", beside)):
        relations += [(PROGRAM, kind, _entry(package)["SPDXID"]) for package in packages]
    made = datetime.datetime.fromtimestamp(release.epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"bulkhead-{release.version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/bulkhead-{release.version}-{digest}",
        "creationInfo": {"created": made, "creators": ["Tool: bulkhead-packaging"]},
        "packages": [ours, *(_entry(package) for package in (*loaded, *headers, *beside))],
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other} for one, kind, other in relations
        ],
    }
    return json.dumps(text, indent=1) + "\n"
