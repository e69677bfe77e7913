"""The OCI distribution-spec conformance suite, for the released and for the coming version, everything turned on.

go.mod beside this file fixes the suite's version and go.sum its contents. Without a recent Go the suite is skipped.
"""

import os
import re
import shutil
import xml.etree.ElementTree

import pytest

from harness import paths
from harness.process import run

HERE = paths.ROOT / "tests" / "conformance"
PACKAGE = "github.com/opencontainers/distribution-spec/conformance"
NEEDED = (1, 24)

SWITCHES = """
API_PING API_PULL API_PUSH
API_BLOBS_ATOMIC API_BLOBS_DELETE API_BLOBS_DIGEST_HEADER API_BLOBS_MOUNT_ANONYMOUS API_BLOBS_UPLOAD_CANCEL
API_MANIFESTS_ATOMIC API_MANIFESTS_DELETE API_MANIFESTS_DIGEST_HEADER API_MANIFESTS_TAG_PARAM
API_TAGS_ATOMIC API_TAGS_DELETE API_TAGS_LIST API_REFERRER
DATA_IMAGE DATA_INDEX DATA_INDEX_LIST DATA_SPARSE DATA_ARTIFACT DATA_SUBJECT DATA_SUBJECT_MISSING DATA_ARTIFACT_LIST
DATA_SUBJECT_LIST DATA_DATA_FIELD DATA_NONDISTRIBUTABLE DATA_CUSTOM_FIELDS DATA_NO_LAYERS DATA_EMPTY_BLOB DATA_SHA512
""".split()


@pytest.fixture(scope="module")
def conformance():
    """The suite's program, built once."""
    if not shutil.which("go"):
        pytest.skip("the OCI conformance suite needs Go, which is not installed")
    local = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    version = run("go", "env", "GOVERSION", env=local, cwd=HERE.parent).stdout
    found = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if found < NEEDED:
        pytest.skip(f"the OCI conformance suite needs Go {NEEDED[0]}.{NEEDED[1]}; here is {version.strip()}")
    program = paths.CACHE / "conformance"
    paths.CACHE.mkdir(parents=True, exist_ok=True)
    run("go", "build", "-o", program, PACKAGE, env=local, cwd=HERE)
    return program


@pytest.mark.parametrize("version", ["1.1", "dev"])
def test_conformance(conformance, launch, folder, result_line, version):
    # The suite's sparse manifests are refused by default: a missing child is more often a mistake than a mirror.
    server = launch({"storage.sparse_manifests": "true"})
    alice = server.create_user("alice")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OCI_")}
    environment |= {f"OCI_{switch}": "true" for switch in SWITCHES}
    environment |= {
        "OCI_VERSION": version,
        "OCI_REGISTRY": server.address,
        "OCI_TLS": "disabled",
        "OCI_REPO1": f"{alice.name}/conformance-{version}-one",
        "OCI_REPO2": f"{alice.name}/conformance-{version}-two",
        "OCI_USERNAME": alice.name,
        "OCI_PASSWORD": alice.password,
        "OCI_RESULTS_DIR": str(folder),
    }
    done = run(conformance, env=environment, cwd=folder, check=False)
    suite = xml.etree.ElementTree.parse(folder / "junit.xml").getroot().find("testsuite")
    # An attribute that would be 0 is left out.
    counts = {name: int(suite.get(name) or 0) for name in ("tests", "failures", "errors", "skipped")}
    passed = counts["tests"] - counts["failures"] - counts["errors"] - counts["skipped"]
    result_line(
        f"OCI conformance {version}: {passed} of {counts['tests']} passed, "
        f"{counts['failures'] + counts['errors']} failed, {counts['skipped']} skipped"
    )
    # What the suite says of each interface and kind of content, without the passes.
    closing = done.stdout.partition("API conformance:")[2]
    remarks = re.findall(r"^ +(.+?)\.*: +(?!Pass)(\w+)$", closing, re.MULTILINE)
    for name, remark in remarks:
        result_line(f"  {name}: {remark}")
    failed = [case.get("name") for case in suite.iter("testcase") if case.get("status") not in ("passed", "skipped")]
    if failed or done.returncode != 0:
        shutil.copytree(folder, paths.RESULTS / f"conformance-{version}", dirs_exist_ok=True)
    assert failed == [], f"the whole report is in {paths.RESULTS / f'conformance-{version}' / 'report.html'}"
    assert done.returncode == 0, done.stdout[-3000:]
