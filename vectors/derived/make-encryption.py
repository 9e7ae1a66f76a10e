#!/usr/bin/env python3
"""Computes derived/ikev1-encryption.json with nothing but Python's hashlib and hmac.

    cd vectors/derived && ./make-encryption.py

The cookies, nonces and shared secrets are the first of each group of NIST's ikev1-dsa.json; the formula is that of
authentication with public key encryption (RFC 2409 section 5):

    SKEYID   = prf(hash(Ni_b | Nr_b), CKY-I | CKY-R)
    SKEYID_d = prf(SKEYID, g^xy | CKY-I | CKY-R | 0)
    SKEYID_a = prf(SKEYID, SKEYID_d | g^xy | CKY-I | CKY-R | 1)
    SKEYID_e = prf(SKEYID, SKEYID_a | g^xy | CKY-I | CKY-R | 2)

Each group comes once for each hash, MD5 too, which NIST left out.
"""

import hashlib
import hmac
import json
import pathlib

TESTS_OF_A_GROUP = 3
HASHES = {"md5": "md5", "sha1": "sha1", "sha2-256": "sha256", "sha2-384": "sha384", "sha2-512": "sha512"}
HERE = pathlib.Path(__file__).parent


def derived(name, test):
    cky_i, cky_r, ni_b, nr_b, g_xy = (
        bytes.fromhex(test[field]) for field in ("cky_i", "cky_r", "ni_b", "nr_b", "g_xy")
    )

    def prf(key, data):
        return hmac.new(key, data, name).digest()

    skeyid = prf(hashlib.new(name, ni_b + nr_b).digest(), cky_i + cky_r)
    skeyid_d = prf(skeyid, g_xy + cky_i + cky_r + b"\0")
    skeyid_a = prf(skeyid, skeyid_d + g_xy + cky_i + cky_r + b"\1")
    skeyid_e = prf(skeyid, skeyid_a + g_xy + cky_i + cky_r + b"\2")
    return {"skeyid": skeyid, "skeyid_d": skeyid_d, "skeyid_a": skeyid_a, "skeyid_e": skeyid_e}


def main():
    nist = json.loads((HERE / "../nist-cavp/ikev1-dsa.json").read_text())
    groups, seen, number = [], set(), 0
    for group in nist["testGroups"]:
        lengths = {field: group[field] for field in ("gXyBits", "niBits", "nrBits")}
        if tuple(lengths.values()) in seen:
            continue
        seen.add(tuple(lengths.values()))
        for hash_name, name in HASHES.items():
            tests = []
            for test in group["tests"][:TESTS_OF_A_GROUP]:
                number += 1
                comment = f"inputs of tcId {test['tcId']} in ikev1-dsa.json"
                inputs = {field: test[field] for field in ("cky_i", "cky_r", "ni_b", "nr_b", "g_xy")}
                values = {field: value.hex() for field, value in derived(name, test).items()}
                tests.append(
                    {"tcId": number, "comment": comment, "flags": [], **inputs, **values, "result": "valid"}
                )
            groups.append({"authentication": "encryption", "hash": hash_name, **lengths, "tests": tests})
    frame = {
        "schema": "phase1-keys-v1.schema.json",
        "description": "SKEYID = prf(hash(Ni_b | Nr_b), CKY-I | CKY-R), then SKEYID_d, SKEYID_a and SKEYID_e "
        "(RFC 2409 section 5). Lengths are in bits; those of g^xy are NIST's.",
        "source": "computed with Python's hashlib and hmac; inputs of NIST's ikev1_dsa.fax",
        "generator": "vectors/derived/make-encryption.py",
        "numberOfTests": number,
        "testGroups": [],
    }
    lines = json.dumps(frame, indent=2).removesuffix("[]\n}").rstrip()
    out = [lines.removesuffix("[]").rstrip() + " ["]
    for place, group in enumerate(groups):
        tests = group.pop("tests")
        out.append("    {")
        out += [f"      {json.dumps(key)}: {json.dumps(value)}," for key, value in group.items()]
        out.append('      "tests": [')
        rows = ["        " + json.dumps(test, separators=(",", ":")) for test in tests]
        out.append(",\n".join(rows))
        out += ["      ]", "    }" + ("," if place + 1 < len(groups) else "")]
    out += ["  ]", "}"]
    (HERE / "ikev1-encryption.json").write_text("\n".join(out) + "\n")


main()
