#!/usr/bin/env python3
"""Computes chain/encryption.json: whole negotiations with public key encryption, by the text of RFC 2409 alone.

    pip install cryptography
    cd vectors/chain && ./make-encryption.py

No daemon at hand speaks authentication methods 4 and 5, so no transcript of theirs can be recorded. This script plays
both sides itself. Hashes and HMAC are Python's; RSA, Diffie-Hellman and PKCS #1 are integers here; `cryptography` gives
the block ciphers and signs the certificates. Nothing of it is code of this project. Primes of RSA keys, nonces,
exponents, cookies and paddings come from SHA-256 over a label, so that every run makes the same file.
"""

import datetime
import hashlib
import hmac
import json
import math
import pathlib

from cryptography import x509
from cryptography.hazmat.decrepit.ciphers import algorithms as old
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

HERE = pathlib.Path(__file__).parent
HASHES = {"md5": ("md5", 1), "sha1": ("sha1", 2), "sha2-256": ("sha256", 4), "sha2-384": ("sha384", 5),
          "sha2-512": ("sha512", 6)}
# Algorithm, bytes of the key, number in the SA payload, whether Key Length goes along (RFC 2409 Appendix A, IANA).
CIPHERS = {
    "des": (lambda key: old.TripleDES(key * 3), 8, 1, False),
    "idea": (old.IDEA, 16, 2, False),
    "blowfish448": (old.Blowfish, 56, 3, True),
    "3des": (old.TripleDES, 24, 5, False),
    "cast128": (old.CAST5, 16, 6, True),
    "aes128": (algorithms.AES, 16, 7, True),
    "aes256": (algorithms.AES, 32, 7, True),
    "camellia256": (old.Camellia, 32, 8, True),
}
PRIMES = {test["name"]: test for test in json.loads(
    (HERE / "../primes/modp.json").read_text())["testGroups"][0]["tests"]}
SA, KE, ID, CERT, HASH, NONCE, DELETE = 1, 4, 5, 6, 8, 10, 12
MAIN_MODE, AGGRESSIVE_MODE = 2, 4


class Stream:
    """Octets that depend on the label only."""

    def __init__(self, label):
        self.label, self.count = label, 0

    def take(self, length):
        out = b""
        while len(out) < length:
            out += hashlib.sha256(f"{self.label}/{self.count}".encode()).digest()
            self.count += 1
        return out[:length]

    def nonzero(self, length):
        out = b""
        while len(out) < length:
            out += self.take(length).replace(b"\0", b"")
        return out[:length]


# RSA ------------------------------------------------------------------------------------------------------------------


def is_prime(number):
    if any(number % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in range(2, 42):
        power = pow(base, odd, number)
        if power in (1, number - 1):
            continue
        if not any((power := power * power % number) == number - 1 for _ in range(twos - 1)):
            return False
    return True


class RsaKey:
    """n, e, d, p, q, and the two operations that RFC 2409 section 5.2 needs (RFC 8017 section 7.2)."""

    def __init__(self, label, bits):
        stream, self.e = Stream(label), 65537
        def prime():
            while True:
                number = int.from_bytes(stream.take(bits // 16), "big") | 1 | 3 << bits // 2 - 2
                if math.gcd(number - 1, self.e) == 1 and is_prime(number):
                    return number
        self.p, self.q = prime(), prime()
        self.n = self.p * self.q
        self.d = pow(self.e, -1, math.lcm(self.p - 1, self.q - 1))
        self.length = bits // 8
        assert self.n.bit_length() == bits

    def encrypt(self, body, stream):
        block = b"\0\2" + stream.nonzero(self.length - 3 - len(body)) + b"\0" + body
        sealed = pow(int.from_bytes(block, "big"), self.e, self.n).to_bytes(self.length, "big")
        assert self.decrypt(sealed) == body
        return sealed

    def decrypt(self, sealed):
        block = pow(int.from_bytes(sealed, "big"), self.d, self.n).to_bytes(self.length, "big")
        assert block[:2] == b"\0\2" and b"\0" not in block[2:10]
        return block[block.index(b"\0", 2) + 1:]

    def numbers(self):
        return {name: number(getattr(self, name)) for name in "nedpq"}

    def certificate(self, name, serial):
        """A certificate for that name, signed by the key itself: RSA PKCS #1 has no randomness."""
        private = rsa.RSAPrivateNumbers(
            self.p, self.q, self.d, self.d % (self.p - 1), self.d % (self.q - 1), pow(self.q, -1, self.p),
            rsa.RSAPublicNumbers(self.e, self.n)).private_key()
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        day = lambda year: datetime.datetime(year, 1, 1)
        usage = {field: field == "key_encipherment" for field in (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")}
        signed = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
                  .public_key(private.public_key()).serial_number(serial)
                  .not_valid_before(day(2020)).not_valid_after(day(2049))
                  .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
                  .add_extension(x509.KeyUsage(**usage), critical=True)
                  .sign(private, hashes.SHA256()))
        return signed.public_bytes(serialization.Encoding.DER)


def number(value):
    return value.to_bytes((value.bit_length() + 7) // 8, "big").hex()


# Messages (RFC 2408 section 3) ----------------------------------------------------------------------------------------


def chain(payloads):
    """Payloads as (type, body), with their generic headers."""
    out = b""
    for place, (_, body) in enumerate(payloads):
        following = payloads[place + 1][0] if place + 1 < len(payloads) else 0
        out += bytes([following, 0]) + (len(body) + 4).to_bytes(2, "big") + body
    return out


def message(cky_i, cky_r, exchange, payloads):
    body = chain(payloads)
    header = cky_i + cky_r + bytes([payloads[0][0], 0x10, exchange, 0]) + bytes(4)
    return header + (28 + len(body)).to_bytes(4, "big") + body


def attribute(kind, value):
    return (0x8000 | kind).to_bytes(2, "big") + value.to_bytes(2, "big")


def phase1_sa(cipher, hash_name, method, group):
    _, key_length, number_of_cipher, variable = CIPHERS[cipher]
    attributes = attribute(1, number_of_cipher) + attribute(2, HASHES[hash_name][1]) + attribute(3, method)
    attributes += attribute(4, PRIMES[group]["id"])
    attributes += attribute(14, key_length * 8) if variable else b""
    attributes += attribute(11, 1) + attribute(12, 3600)
    transform = bytes([0, 0, 0, 8 + len(attributes), 1, 1, 0, 0]) + attributes
    proposal = bytes([0, 0, 0, 8 + len(transform), 1, 1, 0, 1]) + transform
    return (1).to_bytes(4, "big") + (1).to_bytes(4, "big") + proposal


def ipsec_sa(protocol, spi, group):
    attributes = attribute(4, 1) + attribute(5, 2) + (attribute(3, PRIMES[group]["id"]) if group else b"")
    # ESP_AES with 128 bits, or AH_SHA; HMAC-SHA either way.
    attributes += attribute(6, 128) if protocol == 3 else b""
    transform = bytes([0, 0, 0, 8 + len(attributes), 1, 12 if protocol == 3 else 3, 0, 0]) + attributes
    proposal = bytes([0, 0, 0, 12 + len(transform), 1, protocol, 4, 1]) + spi + transform
    return (1).to_bytes(4, "big") + (1).to_bytes(4, "big") + proposal


# Keys (RFC 2409 section 5 and Appendix B) ------------------------------------------------------------------------------


class Suite:
    def __init__(self, hash_name, cipher):
        self.hash_name = HASHES[hash_name][0]
        self.algorithm, self.key_length, _, _ = CIPHERS[cipher]
        self.block = self.algorithm(bytes(range(self.key_length))).block_size // 8

    def hash(self, data):
        return hashlib.new(self.hash_name, data).digest()

    def prf(self, key, data):
        return hmac.new(key, data, self.hash_name).digest()

    def cipher_key(self, material):
        if len(material) < self.key_length:
            block = self.prf(material, b"\0")
            out = block
            while len(out) < self.key_length:
                block = self.prf(material, block)
                out += block
            material = out
        # None of the DES keys here is weak: those have only the octets 01 1f e0 fe 0e f1.
        assert set(material[:8]) - set(b"\x01\x1f\xe0\xfe\x0e\xf1\x00\x1e\xe1\xff\x0f\xf0")
        return material[:self.key_length]

    def encrypt(self, key, iv, data):
        encryptor = Cipher(self.algorithm(key), modes.CBC(iv)).encryptor()
        return encryptor.update(data) + encryptor.finalize()

    def padded(self, data):
        return data + bytes(-len(data) % self.block)

    def seal(self, key, iv, plaintext):
        """Ciphertext and padded plaintext of HDR*."""
        plaintext = self.padded(plaintext)
        return self.encrypt(key, iv, plaintext), plaintext


class Group:
    def __init__(self, name):
        self.p = int(PRIMES[name]["prime"], 16)
        self.length = PRIMES[name]["n"] // 8

    def public(self, exponent):
        return pow(2, int.from_bytes(exponent, "big"), self.p).to_bytes(self.length, "big")

    def shared(self, exponent, public):
        return pow(int.from_bytes(public, "big"), int.from_bytes(exponent, "big"), self.p).to_bytes(
            self.length, "big")


# A negotiation --------------------------------------------------------------------------------------------------------


def fqdn(name):
    return b"\2\0\0\0" + name.encode()


def address(last):
    return b"\1\0\0\0" + bytes([192, 0, 2, last])


def network(third):
    return b"\4\0\0\0" + bytes([10, third, 0, 0, 255, 255, 255, 0])


def negotiate(tc_id, case):
    stream = Stream(f"{tc_id} {case['comment']}")
    suite, group = Suite(case["hash"], case["cipher"]), Group(case["group"])
    revised, main = case["method"] == 5, case["exchange"] == "main"
    key_i, key_r = KEYS[case["bits"]]
    cky_i, cky_r = stream.take(8), stream.take(8)
    ni_b, nr_b = stream.take(case.get("ni", 16)), stream.take(case.get("nr", 20))
    x_i, x_r = stream.take(32), stream.take(32)
    g_xi, g_xr = group.public(x_i), group.public(x_r)
    g_xy = group.shared(x_i, g_xr)
    assert g_xy == group.shared(x_r, g_xi)
    idii_b, idir_b = case.get("ids", (fqdn("initiator.example.org"), fqdn("responder.example.org")))
    sa_b = phase1_sa(case["cipher"], case["hash"], case["method"], case["group"])

    # SKEYID and what follows from it.
    skeyid = suite.prf(suite.hash(ni_b + nr_b), cky_i + cky_r)
    skeyid_d = suite.prf(skeyid, g_xy + cky_i + cky_r + b"\0")
    skeyid_a = suite.prf(skeyid, skeyid_d + g_xy + cky_i + cky_r + b"\1")
    skeyid_e = suite.prf(skeyid, skeyid_a + g_xy + cky_i + cky_r + b"\2")
    ka = suite.cipher_key(skeyid_e)
    iv = suite.hash(g_xi + g_xr)[:suite.block]
    hash_i = suite.prf(skeyid, g_xi + g_xr + cky_i + cky_r + sa_b + idii_b)
    hash_r = suite.prf(skeyid, g_xr + g_xi + cky_r + cky_i + sa_b + idir_b)
    values = dict(g_xy=g_xy, skeyid=skeyid, skeyid_d=skeyid_d, skeyid_a=skeyid_a, skeyid_e=skeyid_e, ka=ka, iv=iv,
                  hash_i=hash_i, hash_r=hash_r)

    # The key messages: bodies in the clear, then sealed.
    encryption_values = {}
    certificate = key_r.certificate("responder.example.org", 2) if case["hash_1"] else None
    hash_1 = suite.hash(certificate) if certificate else None
    named = [(HASH, hash_1)] if certificate else []
    if certificate:
        encryption_values["hash_1"] = hash_1
    if revised:
        ne_i, ne_r = suite.prf(ni_b, cky_i), suite.prf(nr_b, cky_r)
        ke_i, ke_r = suite.cipher_key(ne_i), suite.cipher_key(ne_r)
        encryption_values |= dict(ne_i=ne_i, ne_r=ne_r, ke_i=ke_i, ke_r=ke_r)
        behind = [(KE, g_xi), (ID, idii_b)]
        if case.get("cert_i"):
            behind.append((CERT, b"\4" + key_i.certificate("initiator.example.org", 1)))
        open_i = named + [(NONCE, ni_b)] + behind
        open_r = [(NONCE, nr_b), (KE, g_xr), (ID, idir_b)]
    else:
        ke_i = ke_r = None
        if main:
            open_i = [(KE, g_xi)] + named + [(ID, idii_b), (NONCE, ni_b)]
        else:
            open_i = named + [(KE, g_xi), (ID, idii_b), (NONCE, ni_b)]
        open_r = [(KE, g_xr), (ID, idir_b), (NONCE, nr_b)]

    def sealed(payloads, key, ke):
        """Section 5.2: ID and nonce under RSA. Section 5.3: the nonce under RSA, what follows under Ke."""
        out, iv = [], bytes(suite.block)
        for kind, body in payloads:
            if kind == NONCE or (kind == ID and not revised):
                body = key.encrypt(body, stream)
            elif revised and kind != HASH:
                zeros = -(len(body) + 1) % suite.block
                body = suite.encrypt(ke, iv, body + bytes(zeros) + bytes([zeros]))
                iv = body[-suite.block:]
            out.append((kind, body))
        return out

    exchange = MAIN_MODE if main else AGGRESSIVE_MODE
    nobody = bytes(8)
    sealed_i, sealed_r = sealed(open_i, key_r, ke_i), sealed(open_r, key_i, ke_r)
    def clear(sender, cky_r, payloads, opened=None):
        sent = {"sender": sender, "message": message(cky_i, cky_r, exchange, payloads)}
        if opened:
            sent["opened"] = message(cky_i, cky_r, exchange, opened)
        return sent
    messages, last = [], iv
    def under_ka(sender, payloads):
        nonlocal last
        ciphertext, plaintext = suite.seal(ka, last, chain(payloads))
        last = ciphertext[-suite.block:]
        messages.append({"sender": sender, "ciphertext": ciphertext, "plaintext": plaintext})
    sa = [(SA, sa_b)]
    if main:
        clear_messages = [
            clear("initiator", nobody, sa), clear("responder", cky_r, sa),
            clear("initiator", cky_r, sealed_i, open_i), clear("responder", cky_r, sealed_r, open_r)]
        under_ka("initiator", [(HASH, hash_i)])
        under_ka("responder", [(HASH, hash_r)])
    else:
        proof = [(HASH, hash_r)]
        clear_messages = [
            clear("initiator", nobody, sa + sealed_i, sa + open_i),
            clear("responder", cky_r, sa + sealed_r + proof, sa + open_r + proof)]
        # Section 5.2 shows message 3 in the clear; section 5 lets it be encrypted.
        if case["message_3"] == "clear":
            clear_messages.append(clear("initiator", cky_r, [(HASH, hash_i)]))
        else:
            under_ka("initiator", [(HASH, hash_i)])
    values |= {"last_block": last, "encryption": encryption_values}

    # Quick mode (section 5.5).
    m_id, qi_b, qr_b = stream.take(4), stream.take(16), stream.take(24)
    pfs, protocol = case.get("pfs"), case.get("protocol", 3)
    idci_b, idcr_b = network(11), network(12)
    spi_i, spi_r = stream.take(4), stream.take(4)
    payloads_i, payloads_r = [(SA, ipsec_sa(protocol, spi_i, pfs)), (NONCE, qi_b)], [
        (SA, ipsec_sa(protocol, spi_r, pfs)), (NONCE, qr_b)]
    quick_values, pfs_inputs, quick_g_xy = {}, None, b""
    recorder = case.get("recorder", "initiator")
    if pfs:
        quick_group = Group(pfs)
        y_i, y_r = stream.take(32), stream.take(32)
        q_xi, q_xr = quick_group.public(y_i), quick_group.public(y_r)
        quick_g_xy = quick_group.shared(y_r, q_xi)
        payloads_i.append((KE, q_xi))
        payloads_r.append((KE, q_xr))
        pfs_inputs = dict(group=pfs, exponent=y_i if recorder == "initiator" else y_r, g_xi=q_xi, g_xr=q_xr)
    clients = [(ID, idci_b), (ID, idcr_b)]
    after_1, after_2 = chain(payloads_i + clients), chain(payloads_r + clients)
    quick_hash_1 = suite.prf(skeyid_a, m_id + after_1)
    quick_hash_2 = suite.prf(skeyid_a, m_id + qi_b + after_2)
    quick_hash_3 = suite.prf(skeyid_a, b"\0" + m_id + qi_b + qr_b)
    quick_iv = suite.hash(last + m_id)[:suite.block]
    quick_messages, block = [], quick_iv
    for sender, first, value, after in (
            ("initiator", SA, quick_hash_1, after_1), ("responder", SA, quick_hash_2, after_2),
            ("initiator", 0, quick_hash_3, b"")):
        plaintext = bytes([first, 0]) + (len(value) + 4).to_bytes(2, "big") + value + after
        ciphertext, plaintext = suite.seal(ka, block, plaintext)
        block = ciphertext[-suite.block:]
        quick_messages.append({"sender": sender, "ciphertext": ciphertext, "plaintext": plaintext})

    def ipsec_keys(receiver, spi):
        seed = quick_g_xy + bytes([protocol]) + spi + qi_b + qr_b
        cut = 16 if protocol == 3 else 0
        keymat, part = b"", b""
        while len(keymat) < cut + 20:
            part = suite.prf(skeyid_d, part + seed)
            keymat += part
        keymat = keymat[:cut + 20]
        return dict(receiver=receiver, protocol=protocol, spi=spi, keymat=keymat, encryption_key=keymat[:cut],
                    authentication_key=keymat[cut:])

    quick_values = dict(iv=quick_iv, hash_1=quick_hash_1, hash_2=quick_hash_2, hash_3=quick_hash_3)
    if pfs:
        quick_values["g_xy"] = quick_g_xy
    quick_values["ipsec_sas"] = [ipsec_keys("responder", spi_r), ipsec_keys("initiator", spi_i)]
    quick_inputs = dict(recorder=recorder, m_id=m_id, ni_b=qi_b, nr_b=qr_b, idci_b=idci_b, idcr_b=idcr_b)
    if pfs_inputs:
        quick_inputs["pfs"] = pfs_inputs
    quick_inputs |= dict(after_hash_1=after_1, after_hash_2=after_2, messages=quick_messages)

    # An informational exchange (section 5.7): Delete of the initiator's SA.
    info_id = stream.take(4)
    after = chain([(DELETE, (1).to_bytes(4, "big") + bytes([protocol, 4, 0, 1]) + spi_i)])
    info_hash = suite.prf(skeyid_a, info_id + after)
    info_iv = suite.hash(last + info_id)[:suite.block]
    ciphertext, plaintext = suite.seal(
        ka, info_iv, bytes([DELETE, 0]) + (len(info_hash) + 4).to_bytes(2, "big") + info_hash + after)
    informational = {
        "inputs": {"m_id": info_id, "after_hash_1": after,
                   "message": {"sender": "initiator", "ciphertext": ciphertext, "plaintext": plaintext}},
        "values": {"iv": info_iv, "hash_1": info_hash}}

    encryption = {"method": "revised-rsa-encryption" if revised else "rsa-encryption",
                  "key_i": key_i.numbers(), "key_r": key_r.numbers()}
    if certificate:
        encryption["certificate"] = certificate
    encryption["clear_messages"] = clear_messages
    return {
        "tcId": tc_id, "comment": case["comment"], "flags": [], "reported_by_peer": EVERY_VALUE,
        "phase1": dict(
            recorder=recorder, cky_i=cky_i, cky_r=cky_r, sai_b=sa_b, ni_b=ni_b, nr_b=nr_b, idii_b=idii_b,
            idir_b=idir_b, encryption=encryption, exponent=x_i if recorder == "initiator" else x_r, g_xi=g_xi,
            g_xr=g_xr, messages=messages),
        "phase1_values": values,
        "quick_modes": [{"inputs": quick_inputs, "values": quick_values}],
        "informationals": [informational], "result": "valid"}


EVERY_VALUE = sorted([
    "g_xy", "skeyid", "skeyid_d", "skeyid_a", "skeyid_e", "ka", "iv", "last_block", "hash_i", "hash_r",
    "quick_mode.iv", "quick_mode.hash_1", "quick_mode.hash_2", "quick_mode.hash_3", "quick_mode.g_xy", "keymat",
    "encryption_key", "authentication_key"])
ADDRESSES = (address(1), address(2))


def case(exchange, method, hash_1, cipher, hash_name, group, what, **more):
    section = "5.2" if method == 4 else "5.3"
    comment = f"RFC 2409 section {section}, {exchange} mode, {what}"
    return {"message_3": "encrypted", "bits": 1024} | dict(
        exchange=exchange, method=method, hash_1=hash_1, cipher=cipher, hash=hash_name, group=group,
        comment=comment) | more


CASES = [
    case("main", 4, False, "aes128", "sha1", "modp1024", "one key"),
    case("main", 4, True, "3des", "md5", "modp768", "HASH(1) names the certificate", recorder="responder"),
    case("main", 4, True, "aes256", "sha2-256", "modp2048", "HASH(1), keys of 2048 bits, PFS", bits=2048,
         pfs="modp1536", ids=ADDRESSES),
    case("aggressive", 4, False, "des", "sha1", "modp768", "message 3 in the clear", message_3="clear"),
    case("aggressive", 4, True, "cast128", "sha2-384", "modp1024", "HASH(1), message 3 encrypted",
         recorder="responder", protocol=2),
    case("aggressive", 4, True, "idea", "md5", "modp1024", "HASH(1), message 3 in the clear, shortest nonces",
         message_3="clear", ni=8, nr=8, ids=ADDRESSES),
    case("main", 5, False, "3des", "sha1", "modp1024", "Ke longer than Ne"),
    case("main", 5, True, "aes256", "sha1", "modp1536", "HASH(1), certificate of the initiator, PFS", cert_i=True,
         pfs="modp1024", recorder="responder"),
    case("main", 5, False, "blowfish448", "md5", "modp768", "Ke from four results of the prf", protocol=2,
         ids=ADDRESSES),
    case("main", 5, True, "aes128", "sha2-256", "modp2048", "HASH(1), keys of 2048 bits, longest nonce of a key",
         bits=2048, ni=245, nr=245),
    case("aggressive", 5, False, "des", "md5", "modp768", "message 3 in the clear", message_3="clear",
         recorder="responder"),
    case("aggressive", 5, True, "camellia256", "sha2-512", "modp1536", "HASH(1), message 3 encrypted"),
    case("aggressive", 5, True, "aes128", "sha1", "modp1024", "HASH(1), certificate of the initiator, PFS",
         message_3="clear", cert_i=True, pfs="modp1024", protocol=2),
]
KEYS = {bits: (RsaKey(f"initiator's key of {bits} bits", bits), RsaKey(f"responder's key of {bits} bits", bits))
        for bits in (1024, 2048)}


def as_hex(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: as_hex(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_hex(item) for item in value]
    return value


def main():
    groups = [
        {**{field: c[field] for field in ("exchange",)}, "authentication": "encryption",
         **{field: c[field] for field in ("hash", "cipher", "group")},
         "peer": "none: both sides are computed", "tests": [as_hex(negotiate(place + 1, c))]}
        for place, c in enumerate(CASES)]
    frame = {
        "schema": "chain-v1.schema.json",
        "description": "Whole negotiations with public key encryption (RFC 2409 sections 5.2 and 5.3).",
        "source": "computed from the text of RFC 2409 with Python's hashlib, hmac and integers, and the block "
        "ciphers of the package cryptography",
        "generator": "vectors/chain/make-encryption.py",
        "numberOfTests": len(groups),
        "testGroups": groups,
    }
    (HERE / "encryption.json").write_text(json.dumps(frame, indent=2) + "\n")


main()
