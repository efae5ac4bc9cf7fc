"""A throwaway certificate authority (through the openssl command) for the servers of the tests."""

import dataclasses
import pathlib

from processes import find_program, run


@dataclasses.dataclass
class Leaf:
    certificate: pathlib.Path
    key: pathlib.Path
    chain: pathlib.Path     # certificate and key in one file is not what servers want: certificate, then the CA


class Authority:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.key = self.folder / "ca.key"
        self.certificate = self.folder / "ca.pem"
        run([find_program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", self.key, "-out", self.certificate, "-days", "2", "-subj", "/CN=countersign tests",
             "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"])

    def leaf(self, folder, name, hosts, usage="serverAuth", common_name="server", dates=("-days", "2")):
        """A certificate for `hosts` (names and addresses; none: no subjectAltName at all)."""
        folder = pathlib.Path(folder)
        key, request, certificate = folder / f"{name}.key", folder / f"{name}.csr", folder / f"{name}.pem"
        run([find_program("openssl"), "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", key, "-out", request, "-subj", f"/CN={common_name}"])
        names = ",".join(("IP:" if h.replace(".", "").isdigit() else "DNS:") + h for h in hosts)
        extensions = folder / f"{name}.ext"
        extensions.write_text(f"extendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n"
                              + (f"subjectAltName={names}\n" if names else ""))
        run([find_program("openssl"), "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
             "-CAcreateserial", "-out", certificate, "-extfile", extensions, *dates])
        chain = folder / f"{name}.chain.pem"
        chain.write_text(certificate.read_text() + self.certificate.read_text())
        return Leaf(certificate, key, chain)
