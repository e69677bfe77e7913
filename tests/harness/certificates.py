"""Certificates of one's own, with openssl."""

import time

from harness import process


def make_certificate(folder, days, name="registry", names="", begins=-400):
    """One that ends, and begins, in so many days, before today for a negative number, for names such as "DNS:localhost"; with its key."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    process.run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    request = folder / f"{name}.csr"
    process.run("openssl", "req", "-new", "-key", key, "-subj", f"/CN={name}.example.com", "-out", request)
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400 + 60))
    start = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + begins * 86400))
    config = folder / "ca.cnf"
    config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndir={folder}\ndatabase={folder}/index.txt\nserial={folder}/serial\n"
                      f"new_certs_dir={folder}\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
                      f"[x]\nsubjectAltName={names}\n")
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("01\n")
    process.run("openssl", "ca", "-batch", "-config", config, "-selfsign", "-keyfile", key, "-in", request, "-notext",
                "-startdate", start, "-enddate", end, "-out", certificate, *(("-extensions", "x") if names else ()))
    return certificate, key
