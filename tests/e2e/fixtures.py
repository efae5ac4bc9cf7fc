"""Servers that several test files share: started when first asked for, ended with the test run."""

import atexit
import functools
import os
import pathlib
import shutil

import radosgw as ceph
from certificates import Authority
from processes import Program, find_program, free_ports, temporary_folder
from proxy import ROOT, SECRETS

MODULES = pathlib.Path(os.environ.get("NODE_MODULES", ROOT / ".build/npm/node_modules"))

DYNAMODB_KEYS = {"AWS_ACCESS_KEY_ID": "AKIADYNALITEEXAMPLE1",
                 "AWS_SECRET_ACCESS_KEY": "dynalite/secret/of/the/e2e/tests/123456X"}
DYNAMODB_TEMPORARY = {"AWS_ACCESS_KEY_ID": "ASIADYNALITEEXAMPLE2",
                      "AWS_SECRET_ACCESS_KEY": "dynalite/temporary/secret/of/tests/1234X",
                      "AWS_SESSION_TOKEN": "dynalite+session/token=="}
S3_KEYS = {"AWS_ACCESS_KEY_ID": ceph.ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": ceph.SECRET_ACCESS_KEY}

SECRETS |= {ceph.SECRET_ACCESS_KEY, DYNAMODB_KEYS["AWS_SECRET_ACCESS_KEY"],
            DYNAMODB_TEMPORARY["AWS_SECRET_ACCESS_KEY"], DYNAMODB_TEMPORARY["AWS_SESSION_TOKEN"]}


@functools.cache
def folder():
    made = temporary_folder("shared")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@functools.cache
def authority():
    return Authority(folder())


@functools.cache
def leaf():
    """A certificate for all of AWS."""
    return authority().leaf(folder(), "aws", ["*.amazonaws.com", "*.us-east-1.amazonaws.com",
                                              "*.s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com"])


@functools.cache
def radosgw():
    server = ceph.Radosgw(authority())
    atexit.register(server.stop)
    return server


@functools.cache
def dynamodb():
    """The port of the verified DynamoDB."""
    if not (MODULES / "dynalite").is_dir():
        raise FileNotFoundError(f"{MODULES} has no dynalite; tests/run installs it")
    port, = free_ports(1)
    server = Program([find_program("node"), pathlib.Path(__file__).parent / "dynamodb_front.js", port], folder(),
                     "dynamodb", {**os.environ, "NODE_PATH": str(MODULES)})
    atexit.register(server.kill)
    server.until_says("ready", 30)
    return port
