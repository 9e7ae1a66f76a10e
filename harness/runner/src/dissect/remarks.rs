//! What the payloads of a message say, in words.

use std::net::SocketAddr;

use bytes::Bytes;
use ikev1::config::NatTraversalVersion;
use ikev1::crypto::{HashAlgorithm, reference};
use ikev1::pki::{Certificate, DistinguishedName};
use ikev1::wire::{
    AhTransform, Attribute, AuthAlgorithm, AuthMethod, CertEncoding, Chain, ConfigAttribute, CookiePair,
    EncapsulationMode, EncryptionAlgorithm, EspTransform, GroupId, HashAlgorithmId, IdType, Identification,
    IpcompTransform, IpsecAttribute, LifeType, Notification, Payload, Phase1Attribute, Proposal, ProtocolId,
    SaPayload, Transform,
};
use ikev1::{VENDOR_ID_DPD, VENDOR_ID_FRAGMENTATION, VENDOR_ID_XAUTH};

/// Transforms of a proposal, SPIs and attributes that are told; the fields have all of them.
const SHOWN_MAX: usize = 6;
/// Octets of a value that are shown.
const OCTETS_MAX: usize = 16;

/// Where a message went, as NAT-D payloads know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) cookies: CookiePair,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    /// The hash of the ISAKMP SA.
    pub(super) hash: Option<HashAlgorithm>,
}

/// One line for each payload that has something to tell. Bodies are `hidden` that are encrypted one by one.
pub(super) fn remarks(chain: &Chain, hidden: bool, way: Way) -> Vec<String> {
    let (mut lines, mut vendors) = (Vec::new(), Vec::new());
    for payload in chain.iter() {
        match payload {
            Payload::Sa(sa) => lines.extend(proposals(sa)),
            Payload::Identification(id) if !hidden => lines.push(format!("ID {}", identity(id))),
            Payload::Certificate(cert) if !hidden => {
                let subject = Certificate::from_der(cert.data.clone()).ok();
                let subject = subject
                    .filter(|_| cert.encoding == CertEncoding::X509_SIGNATURE)
                    .map_or_else(|| format!("{} octets", cert.data.len()), |it| it.subject().to_string());
                lines.push(format!("CERT {}: {subject}", cert.encoding));
            }
            Payload::CertificateRequest(request) => {
                let whose = match DistinguishedName::from_der(request.authority.clone()) {
                    _ if request.authority.is_empty() => "any authority".to_owned(),
                    Ok(name) => name.to_string(),
                    Err(_) => octets(&request.authority),
                };
                lines.push(format!("asks for {}: {whose}", request.cert_type));
            }
            Payload::Notification(notification) => lines.push(notified(notification)),
            Payload::Delete(delete) => {
                let spis: Vec<_> = delete.spis.iter().take(SHOWN_MAX).map(octets).collect();
                let more = more(delete.spis.len());
                lines.push(format!("deletes {} {}{more}", delete.protocol, spis.join(", ")));
            }
            Payload::VendorId(vendor) => vendors.push(vendor_id(&vendor.data)),
            Payload::Attributes(attributes) => {
                let names: Vec<_> = attributes
                    .attributes
                    .iter()
                    .take(SHOWN_MAX)
                    .map(|attribute| ConfigAttribute(attribute.class).to_string())
                    .collect();
                let more = more(attributes.attributes.len());
                lines.push(format!("{} {}{more}", attributes.message_type, names.join(", ")));
            }
            Payload::NatOriginalAddress(address) => {
                lines.push(format!("NAT-OA {}", Identification::new(address.id_type, address.data.clone())));
            }
            Payload::Unknown(unknown) => {
                lines.push(format!(
                    "payload of type {}, {} octets",
                    unknown.payload_type.0,
                    unknown.body.len()
                ));
            }
            _ => {}
        }
    }
    if !vendors.is_empty() {
        lines.push(format!("VID {}", vendors.join(", ")));
    }
    lines.extend(nat_detection(chain, way));
    lines
}

/// Whether the addresses that NAT-D payloads are about are those of the packet (RFC 3947 section 3.2).
fn nat_detection(chain: &Chain, way: Way) -> Option<String> {
    let hash = way.hash?;
    let sent: Vec<&Bytes> = chain
        .iter()
        .filter_map(|payload| match payload {
            Payload::NatDiscovery(found) => Some(&found.hash),
            _ => None,
        })
        .collect();
    let of = |end: SocketAddr| {
        let address = match end.ip() {
            std::net::IpAddr::V4(address) => address.octets().to_vec(),
            std::net::IpAddr::V6(address) => address.octets().to_vec(),
        };
        reference().hash(hash, &[&way.cookies.to_bytes(), &address, &end.port().to_be_bytes()])
    };
    let (first, others) = sent.split_first()?;
    let word = |same: bool| if same { "as it is here" } else { "not as it is here" };
    let source = of(way.from);
    let (to, from) = (first.as_ref() == of(way.to), others.iter().any(|each| each.as_ref() == source));
    Some(format!("NAT-D: destination {}, source {}", word(to), word(from)))
}

fn proposals(sa: &SaPayload) -> Vec<String> {
    let mut lines = Vec::new();
    for proposal in &sa.proposals {
        let spi = if proposal.spi.is_empty() || proposal.protocol == ProtocolId::ISAKMP {
            String::new()
        } else {
            format!(", SPI {}", octets(&proposal.spi))
        };
        for each in proposal.transforms.iter().take(SHOWN_MAX) {
            lines.push(format!(
                "proposal {}, transform {}: {}{spi}",
                proposal.number,
                each.number,
                transform(proposal, each)
            ));
        }
        if proposal.transforms.len() > SHOWN_MAX {
            lines.push(format!("proposal {}{}", proposal.number, more(proposal.transforms.len())));
        }
    }
    lines
}

/// A transform of a proposal, in words.
pub(super) fn transform(proposal: &Proposal, transform: &Transform) -> String {
    let id = transform.id.0;
    let (mut parts, ipsec) = match proposal.protocol {
        ProtocolId::ISAKMP => (Vec::new(), false),
        ProtocolId::IPSEC_ESP => (vec![EspTransform(id).to_string()], true),
        ProtocolId::IPSEC_AH => (vec![AhTransform(id).to_string()], true),
        ProtocolId::IPCOMP => (vec![IpcompTransform(id).to_string()], true),
        other => (vec![format!("protocol {}, transform ID {id}", other.0)], true),
    };
    let mut unit = None;
    for attribute in transform.attributes.iter().take(4 * SHOWN_MAX) {
        let text = if ipsec {
            ipsec_attribute(attribute, &mut unit)
        } else {
            phase1_attribute(attribute, &mut unit)
        };
        match text {
            Some(text) if text.starts_with("-bit") => {
                // A key length belongs to the cipher in front of it.
                let bits = attribute.as_u64().unwrap_or_default();
                match parts.first_mut() {
                    Some(cipher) => *cipher = format!("{cipher} {bits}"),
                    None => parts.push(format!("{bits}-bit key")),
                }
            }
            Some(text) => parts.push(text),
            None => {}
        }
    }
    parts.join(", ")
}

/// `-bit` stands for a key length; a life type is told with the duration behind it.
fn phase1_attribute(attribute: &Attribute, unit: &mut Option<u16>) -> Option<String> {
    use Phase1Attribute as A;
    let number = attribute.as_u64().and_then(|value| u16::try_from(value).ok());
    Some(match (A(attribute.class), number) {
        (A::ENCRYPTION_ALGORITHM, Some(value)) => EncryptionAlgorithm(value).to_string(),
        (A::HASH_ALGORITHM, Some(value)) => HashAlgorithmId(value).to_string(),
        (A::AUTHENTICATION_METHOD, Some(value)) => AuthMethod(value).to_string(),
        (A::GROUP_DESCRIPTION, Some(value)) => GroupId(value).to_string(),
        (A::KEY_LENGTH, Some(_)) => "-bit".to_owned(),
        (A::LIFE_TYPE, Some(value)) => {
            *unit = Some(value);
            return None;
        }
        (A::LIFE_DURATION, _) => life(attribute, unit.take()),
        (class, _) => class.to_string(),
    })
}

fn ipsec_attribute(attribute: &Attribute, unit: &mut Option<u16>) -> Option<String> {
    use IpsecAttribute as A;
    let number = attribute.as_u64().and_then(|value| u16::try_from(value).ok());
    Some(match (A(attribute.class), number) {
        (A::AUTHENTICATION_ALGORITHM, Some(value)) => AuthAlgorithm(value).to_string(),
        (A::ENCAPSULATION_MODE, Some(value)) => EncapsulationMode(value).to_string(),
        (A::GROUP_DESCRIPTION, Some(value)) => GroupId(value).to_string(),
        (A::KEY_LENGTH, Some(_)) => "-bit".to_owned(),
        (A::SA_LIFE_TYPE, Some(value)) => {
            *unit = Some(value);
            return None;
        }
        (A::SA_LIFE_DURATION, _) => life(attribute, unit.take()),
        (class, _) => class.to_string(),
    })
}

fn life(attribute: &Attribute, unit: Option<u16>) -> String {
    let duration = attribute.as_u64().map_or_else(|| "a life of".to_owned(), |value| value.to_string());
    let unit = unit.map_or_else(|| "of no unit".to_owned(), |unit| LifeType(unit).to_string());
    format!("{duration} {unit}")
}

fn identity(id: &Identification) -> String {
    let name = DistinguishedName::from_der(id.data.clone()).ok();
    match name.filter(|_| id.id_type == IdType::DER_ASN1_DN) {
        Some(name) => format!("der_asn1_dn {name} proto {} port {}", id.protocol, id.port),
        None => id.to_string(),
    }
}

fn notified(notification: &Notification) -> String {
    let mut text = format!("N {}", notification.notify_type);
    if notification.notify_type.name().is_none() {
        text = format!("N type {}", notification.notify_type.0);
    }
    if !notification.spi.is_empty() {
        text.push_str(&format!(" for {} {}", notification.protocol, octets(&notification.spi)));
    }
    if !notification.data.is_empty() {
        text.push_str(&format!(", data {}", octets(&notification.data)));
    }
    text
}

fn vendor_id(data: &Bytes) -> String {
    let draft = NatTraversalVersion::ALL.iter().find(|version| version.vendor_id().as_slice() == data);
    if let Some(version) = draft {
        return match version {
            NatTraversalVersion::Rfc3947 => "RFC 3947 (NAT traversal)".to_owned(),
            NatTraversalVersion::Draft03 => "draft-ietf-ipsec-nat-t-ike-03".to_owned(),
            NatTraversalVersion::Draft02LineFeed => {
                "draft-ietf-ipsec-nat-t-ike-02 with a line feed".to_owned()
            }
            NatTraversalVersion::Draft02 => "draft-ietf-ipsec-nat-t-ike-02".to_owned(),
        };
    }
    let known = [
        (VENDOR_ID_DPD.as_slice(), "RFC 3706 (dead peer detection)"),
        (VENDOR_ID_FRAGMENTATION.as_slice(), "fragmentation"),
        (VENDOR_ID_XAUTH.as_slice(), "XAUTH"),
    ];
    if let Some((_, name)) = known.iter().find(|(id, _)| data.starts_with(id)) {
        return (*name).to_owned();
    }
    let printable = data.len() > 3 && data.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    if printable { format!("\"{}\"", String::from_utf8_lossy(data)) } else { octets(data) }
}

/// The first octets in hex.
fn octets(data: &Bytes) -> String {
    let more = if data.len() > OCTETS_MAX { "…" } else { "" };
    format!("{}{more}", hex::encode(data.get(..OCTETS_MAX).unwrap_or(data)))
}

/// `, and 3 more`, where there are more than are shown.
fn more(of: usize) -> String {
    if of > SHOWN_MAX { format!(", and {} more", of - SHOWN_MAX) } else { String::new() }
}
