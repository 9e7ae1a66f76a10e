#!/bin/sh
# Makes the keys, certificates and revocation lists of this directory with the openssl command (3.0).
#
#     cd scenarios/credentials && ./make-credentials.sh
#
# Everything comes out new, so all of it is committed together. The keys protect nothing.
set -eu
cd "$(dirname "$0")"
rm -f ./*.pem
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

LABEL='Test data of the IKEv1 harness: this private key is public and protects nothing.'
FROM=20200101000000Z
UNTIL=20491231235959Z

cat > "$work/openssl.cnf" <<END
[ca_root]
certificate = $work/root.crt
private_key = $work/root.key
default_md = sha256
database = $work/index.txt
new_certs_dir = $work
serial = $work/serial
crlnumber = $work/crlnumber
policy = any
unique_subject = no
crl_extensions = crl
[ca_other]
certificate = $work/other.crt
private_key = $work/other.key
default_md = sha256
database = $work/index.txt
new_certs_dir = $work
serial = $work/serial
policy = any
unique_subject = no
[ca_intermediate]
certificate = $work/intermediate.crt
private_key = $work/intermediate.key
default_md = sha256
database = $work/index.txt
new_certs_dir = $work
serial = $work/serial
policy = any
unique_subject = no
[ca_impostor]
certificate = $work/impostor.crt
private_key = $work/impostor.key
default_md = sha256
database = $work/index.txt
new_certs_dir = $work
serial = $work/serial
policy = any
unique_subject = no
[ca_second]
certificate = $work/second.crt
private_key = $work/second.key
default_md = sha256
database = $work/index.txt
new_certs_dir = $work
serial = $work/serial
policy = any
unique_subject = no
[ca_third]
certificate = $work/third.crt
private_key = $work/third.key
default_md = sha256
database = $work/index.txt
new_certs_dir = $work
serial = $work/serial
policy = any
unique_subject = no
[ca_harness-rsa]
certificate = $work/harness-rsa.crt
private_key = $work/harness-rsa.key
default_md = sha256
database = $work/index.txt
new_certs_dir = $work
serial = $work/serial
policy = any
unique_subject = no
[ca_peer-rsa]
certificate = $work/peer-rsa.crt
private_key = $work/peer-rsa.key
default_md = sha256
database = $work/index.txt
new_certs_dir = $work
serial = $work/serial
policy = any
unique_subject = no
[any]
countryName = optional
organizationName = optional
commonName = optional
[req]
distinguished_name = req_dn
[req_dn]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[crl]
authorityKeyIdentifier = keyid
END
: > "$work/index.txt"
echo 1000 > "$work/serial"
echo 01 > "$work/crlnumber"

key() { # name, kind
    case $2 in
        rsa) openssl genrsa -out "$work/$1.key" 2048 ;;
        dsa)
            openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 \
                -pkeyopt dsa_paramgen_q_bits:160 -out "$work/params"
            openssl genpkey -paramfile "$work/params" -out "$work/$1.key"
            ;;
        p*)
            openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-${2#p}" \
                -pkeyopt ec_param_enc:named_curve -out "$work/$1.key"
            ;;
    esac
}

sign() { # name, authority, subject, section of extensions, from, until
    openssl req -config "$work/openssl.cnf" -new -key "$work/$1.key" -subj "$3" -out "$work/$1.csr"
    self=$([ "$2" = self ] && echo "-selfsign -keyfile $work/$1.key" || true)
    authority=$([ "$2" = self ] && echo root || echo "$2")
    # shellcheck disable=SC2086
    openssl ca -config "$work/openssl.cnf" -name "ca_$authority" $self -batch -notext -in "$work/$1.csr" \
        -extensions "$4" -startdate "${5:-$FROM}" -enddate "${6:-$UNTIL}" -out "$work/$1.crt"
}

pem() { # input, output: without the text that openssl puts around
    sed -n '/-----BEGIN/,/-----END/p' "$1" >> "$2"
}

# Authorities.
for name in root other second third intermediate; do key "$name" rsa; done
sign root self "/C=ZZ/O=IKEv1 harness/CN=root" authority
sign other self "/C=ZZ/O=IKEv1 harness/CN=other root" authority
sign second self "/C=ZZ/O=IKEv1 harness/CN=second root" authority
sign third self "/C=ZZ/O=IKEv1 harness/CN=third root" authority
sign intermediate root "/C=ZZ/O=IKEv1 harness/CN=intermediate" authority
for name in root other second third intermediate; do pem "$work/$name.crt" "authority-$name.pem"; done
# One that calls itself root and is not: what it signs is forged.
key impostor rsa
sign impostor self "/C=ZZ/O=IKEv1 harness/CN=root" authority

# Both sides' credentials: key, own certificate, certificates of the authorities between it and the root.
credential() { # side, kind of key, name, authority, extensions, from, until
    name=$1-$3
    host=$1.example.org
    address=192.0.2.$([ "$1" = harness ] && echo 1 || echo 2)
    case $3 in
        other-name) host=other.example.org ;;
        other-address) address=192.0.2.99 ;;
    esac
    {
        echo "[$name]"
        echo "subjectAltName = DNS:$host, email:$1@example.org, IP:$address"
        echo "$5" | tr ';' '\n'
    } >> "$work/openssl.cnf"
    key "$name" "$2"
    sign "$name" "$4" "/C=ZZ/O=IKEv1 harness/CN=$name" "$name" "${6:-$FROM}" "${7:-$UNTIL}"
    # Text before the first block is skipped by all who read PEM, and goes along wherever the file is copied.
    echo "$LABEL" >> "$name.pem"
    pem "$work/$name.key" "$name.pem"
    pem "$work/$name.crt" "$name.pem"
    case $4 in intermediate | *-rsa) pem "$work/$4.crt" "$name.pem" ;; esac
}
USAGE='keyUsage = critical, digitalSignature, keyEncipherment'
for side in harness peer; do
    credential $side rsa rsa root "$USAGE"
    credential $side dsa dsa root 'keyUsage = critical, digitalSignature'
    for curve in p256 p384 p521; do
        credential $side $curve $curve root 'keyUsage = critical, digitalSignature'
    done
    credential $side rsa intermediate intermediate "$USAGE"
    credential $side rsa untrusted other "$USAGE"
    credential $side rsa expired root "$USAGE" $FROM 20210101000000Z
    credential $side rsa not-yet-valid root "$USAGE" 20490101000000Z $UNTIL
    credential $side rsa revoked root "$USAGE"
    credential $side rsa other-name root "$USAGE"
    credential $side rsa encryption-only root 'keyUsage = critical, keyEncipherment'
    credential $side rsa signature-only third 'keyUsage = critical, digitalSignature'
    credential $side rsa web-server root "$USAGE;extendedKeyUsage = serverAuth"
    credential $side rsa other-address second "$USAGE"
    credential $side rsa forged impostor "$USAGE"
    # Its issuer is no authority.
    credential $side rsa no-authority $side-rsa "$USAGE"
    credential $side rsa critical-extension root "$USAGE;1.2.3.4.5 = critical, ASN1:NULL"
done

# Keys without a certificate.
for side in harness peer; do
    key $side-raw rsa
    echo "$LABEL" >> $side-raw.pem
    pem "$work/$side-raw.key" $side-raw.pem
done

# The root's revocation list.
for side in harness peer; do
    openssl ca -config "$work/openssl.cnf" -name ca_root -revoke "$work/$side-revoked.crt"
done
openssl ca -config "$work/openssl.cnf" -name ca_root -gencrl -crl_lastupdate $FROM -crl_nextupdate $UNTIL \
    -out "$work/root.crl"
pem "$work/root.crl" crl-root.pem
