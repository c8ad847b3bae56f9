"""The other side of the service: a real client of AWS (boto3), driven by the tests.

Reads one JSON request per line on standard input and answers each with one JSON line, in whatever
order they end:

    {"id": 1, "service": "s3", "call": "put_object", "with": {"Bucket": "b", "Key": "k", "Body": ...}}
    {"id": 1, "ok": {...}}          or {"id": 1, "error": {"code": ..., "status": ..., "message": ...}}

Any operation of any boto3 client may be called; `"call": "upload"` is a PUT in several parts and
answers like the call that completes it. Bytes are described rather than sent:

    {"$text": "hello"}   {"$file": "path"}   {"$zeros": 1000}   {"$json": {...}} (a JSON text)
    {"$png": {"kind": "passport", "variant": 3, "width": 480, "height": 360}}

`"service": "template", "call": "read"` answers with a CloudFormation template as JSON, its short tags
written out (`!Ref x` is `{"Ref": "x"}`).

A body that comes back is told as {"length", "sha256", "text"}, the text if it is UTF-8.
The pictures speak the language that the stand-in for Bedrock reads (tests/standins), painted here
with nothing but zlib: what the tests upload has never passed through code of the project.
"""

import datetime
import hashlib
import json
import os
import random
import struct
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

WORKERS = 16
# A part that others follow is at least 5 MiB on AWS.
PART = 5 << 20

PANELS = {
    "clean": (30, 160, 70),
    "photo": None,
    "passport": (220, 20, 40),
    "doubtful": (220, 20, 40),
    "face": (30, 60, 220),
    "credentials": (220, 0, 200),
}
YELLOW = (250, 210, 0)
# Grain between 90 and 121 in each channel: never a strong colour, black or white.
GRAIN = bytes(90 + value % 32 for value in range(256))


def png(kind, variant=0, width=480, height=360):
    """A picture of a kind; another variant is other bytes that say the same."""
    grain = random.Random(variant)
    panel = PANELS[kind]
    left, right = width // 6, width - width // 6
    rows = []
    for y in range(height):
        row = grain.randbytes(width * 3).translate(GRAIN)
        if kind == "doubtful" and y >= height * 4 // 5:
            row = bytes(YELLOW) * width
        elif panel and height // 6 <= y < height * 3 // 4:
            row = row[: left * 3] + bytes(panel) * (right - left) + row[right * 3 :]
        rows.append(b"\0" + row)

    def chunk(name, data):
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"".join(rows), 1))
        + chunk(b"IEND", b"")
    )


MAKERS = {
    "$text": lambda text: text.encode(),
    "$file": lambda path: open(path, "rb").read(),
    "$zeros": lambda length: bytes(length),
    "$json": json.dumps,
    "$png": lambda how: png(**how),
}


def made(value):
    """Replaces descriptions of bytes by the bytes."""
    if isinstance(value, dict):
        if len(value) == 1:
            (name, what), = value.items()
            if name in MAKERS:
                return MAKERS[name](what)
        return {name: made(part) for name, part in value.items()}
    if isinstance(value, list):
        return [made(part) for part in value]
    return value


def upload(s3, Bucket, Key, Body):
    """Uploads in parts, the way transfer managers do."""
    where = {"Bucket": Bucket, "Key": Key}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    parts = []
    for at in range(0, len(Body), PART):
        number = len(parts) + 1
        part = s3.upload_part(PartNumber=number, Body=Body[at : at + PART], **where)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    return s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **where)


class Template(yaml.SafeLoader):
    """YAML with the short tags of CloudFormation."""

    def tag(self, suffix, node):
        name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
        if isinstance(node, yaml.ScalarNode):
            value = self.construct_scalar(node)
            # "A.B" is short for the attribute B of A.
            return {name: value.split(".", 1) if suffix == "GetAtt" else value}
        if isinstance(node, yaml.SequenceNode):
            return {name: self.construct_sequence(node, deep=True)}
        return {name: self.construct_mapping(node, deep=True)}


Template.add_multi_constructor("!", Template.tag)


def template(Path):
    with open(Path, encoding="utf-8") as file:
        return yaml.load(file, Template)


def told(value):
    """Replaces what JSON cannot hold."""
    if isinstance(value, dict):
        return {name: told(part) for name, part in value.items()}
    if isinstance(value, list):
        return [told(part) for part in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if hasattr(value, "read"):
        body = value.read()
        about = {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        try:
            about["text"] = body.decode()
        except UnicodeDecodeError:
            pass
        return about
    return value


class Clients:
    """One boto3 client per service, made when it is first needed."""

    def __init__(self):
        self.made = {}
        self.lock = threading.Lock()

    def of(self, service):
        with self.lock:
            if service not in self.made:
                self.made[service] = boto3.client(
                    service,
                    endpoint_url=os.environ["S3_WARDEN_TEST_ENDPOINT"],
                    region_name="us-east-1",
                    aws_access_key_id="test",
                    aws_secret_access_key="test",
                    config=Config(
                        max_pool_connections=WORKERS,
                        s3={"addressing_style": "path"},
                        retries={"max_attempts": 3, "mode": "standard"},
                    ),
                )
            return self.made[service]


def main():
    clients = Clients()
    out = threading.Lock()

    def called(service, call, args):
        if service == "template":
            return template(**args)
        client = clients.of(service)
        if call == "upload":
            return upload(client, **args)
        return getattr(client, call)(**args)

    def answer(request):
        reply = {"id": request["id"]}
        try:
            reply["ok"] = told(called(request["service"], request["call"], made(request["with"])))
        except ClientError as error:
            reply["error"] = {
                "code": error.response["Error"].get("Code", ""),
                "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
                "message": str(error),
            }
        except Exception as error:  # whatever it is, the test that asked has to hear of it
            reply["error"] = {"code": type(error).__name__, "status": 0, "message": str(error)}
        with out:
            print(json.dumps(reply), flush=True)

    with ThreadPoolExecutor(WORKERS) as pool:
        for line in sys.stdin:
            pool.submit(answer, json.loads(line))


if __name__ == "__main__":
    main()
