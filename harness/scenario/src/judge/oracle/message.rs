//! Reads payload chains, proposals and attributes, as far as the oracle needs them.

/// Length of the ISAKMP header.
pub(super) const HEADER: usize = 28;

/// Payload types (RFC 2408 section 3.1).
pub(super) const SA: u8 = 1;
pub(super) const KE: u8 = 4;
pub(super) const ID: u8 = 5;
pub(super) const HASH: u8 = 8;
pub(super) const NONCE: u8 = 10;

/// One element of a chain: a payload, a proposal or a transform.
#[derive(Debug, Clone, Copy)]
struct Link<'a> {
    kind: u8,
    /// Without the generic header.
    body: &'a [u8],
    /// Where it ends, from the start of what was read.
    end: usize,
}

/// Reads `Next, reserved, length, body` from `at` until a link names none; `None` when it does not fit.
fn chain(bytes: &[u8], mut at: usize, first: u8) -> Option<Vec<Link<'_>>> {
    let mut links = Vec::new();
    let mut kind = first;
    while kind != 0 {
        let header: [u8; 4] = bytes.get(at..)?.first_chunk().copied()?;
        let end = at.checked_add(usize::from(u16::from_be_bytes([header[2], header[3]])))?;
        let body = bytes.get(at.checked_add(4)?..end)?;
        links.push(Link { kind, body, end });
        (kind, at) = (header[0], end);
    }
    Some(links)
}

fn payloads(message: &[u8]) -> Option<Vec<Link<'_>>> {
    chain(message, HEADER, *message.get(16)?)
}

/// Types and bodies of all payloads.
pub(super) fn bodies(message: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    Some(payloads(message)?.iter().map(|payload| (payload.kind, payload.body)).collect())
}

/// The body of the only payload of a type.
pub(super) fn body(message: &[u8], kind: u8) -> Option<&[u8]> {
    let payloads = payloads(message)?;
    let mut fitting = payloads.iter().filter(|payload| payload.kind == kind);
    let only = fitting.next()?.body;
    fitting.next().is_none().then_some(only)
}

/// The bodies of all payloads of a type, in order.
pub(super) fn all(message: &[u8], kind: u8) -> Option<Vec<&[u8]>> {
    Some(
        payloads(message)?
            .iter()
            .filter(|payload| payload.kind == kind)
            .map(|payload| payload.body)
            .collect(),
    )
}

/// Whether a message reads as a chain without a payload of this type.
pub(super) fn lacks(message: &[u8], kind: u8) -> bool {
    payloads(message).is_some_and(|payloads| payloads.iter().all(|payload| payload.kind != kind))
}

/// Everything behind the HASH payload, which stands first, without padding.
pub(super) fn after_hash(message: &[u8]) -> Option<&[u8]> {
    let payloads = payloads(message)?;
    let (first, last) = (payloads.first()?, payloads.last()?);
    if first.kind != HASH {
        return None;
    }
    message.get(first.end..last.end)
}

/// Whether the encryption flag is set.
pub(super) fn is_encrypted(message: &[u8]) -> bool {
    message.get(19).is_some_and(|flags| flags & 1 == 1)
}

/// The octets behind the header.
pub(super) fn ciphertext(message: &[u8]) -> &[u8] {
    message.get(HEADER..).unwrap_or_default()
}

/// A proposal (RFC 2408 section 3.5).
#[derive(Debug, Clone)]
pub(super) struct Proposal<'a> {
    pub(super) number: u8,
    pub(super) protocol: u8,
    pub(super) spi: &'a [u8],
    pub(super) transforms: Vec<Transform<'a>>,
}

/// A transform (RFC 2408 section 3.6).
#[derive(Debug, Clone, Copy)]
pub(super) struct Transform<'a> {
    pub(super) id: u8,
    attributes: &'a [u8],
}

/// The proposals of an SA payload's body.
pub(super) fn proposals(sa: &[u8]) -> Option<Vec<Proposal<'_>>> {
    // DOI and situation, then proposals, which are payloads of type 2 and hold transforms, of type 3.
    chain(sa, 8, 2)?.iter().map(|link| proposal(link.body)).collect()
}

fn proposal(body: &[u8]) -> Option<Proposal<'_>> {
    let [number, protocol, spi_size, _] = *body.first_chunk()?;
    let start = usize::from(spi_size).checked_add(4)?;
    let links = chain(body, start, 3)?;
    let transforms = links.iter().map(|link| {
        let [_, id, _, _] = *link.body.first_chunk()?;
        Some(Transform { id, attributes: link.body.get(4..)? })
    });
    let transforms = transforms.collect::<Option<_>>()?;
    Some(Proposal { number, protocol, spi: body.get(4..start)?, transforms })
}

impl<'a> Transform<'a> {
    /// The value of a variable-length attribute (RFC 2408 section 3.3).
    pub(super) fn octets(&self, wanted: u16) -> Option<&'a [u8]> {
        let mut rest = self.attributes;
        while let Some(([t0, t1, l0, l1], behind)) = rest.split_first_chunk() {
            let (kind, field) = (u16::from_be_bytes([*t0, *t1]), u16::from_be_bytes([*l0, *l1]));
            let len = if kind & 0x8000 == 0 { usize::from(field) } else { 0 };
            let (value, next) = behind.split_at_checked(len)?;
            if kind == wanted {
                return Some(value);
            }
            rest = next;
        }
        None
    }

    /// The value of a basic attribute (RFC 2408 section 3.3).
    pub(super) fn attribute(&self, wanted: u16) -> Option<u16> {
        let mut rest = self.attributes;
        while let Some((class, basic, value, behind)) = split_attribute(rest) {
            if class == wanted && basic {
                return Some(value);
            }
            rest = behind;
        }
        None
    }

    /// Whether the attributes read to their end and none is of this class, in either form.
    pub(super) fn lacks(&self, unwanted: u16) -> bool {
        let mut rest = self.attributes;
        while let Some((class, _, _, behind)) = split_attribute(rest) {
            if class == unwanted {
                return false;
            }
            rest = behind;
        }
        rest.is_empty()
    }
}

/// Class of the first attribute, whether it is basic, its value or length, and what follows it.
fn split_attribute(bytes: &[u8]) -> Option<(u16, bool, u16, &[u8])> {
    let ([t0, t1, v0, v1], behind) = bytes.split_first_chunk()?;
    let (kind, value) = (u16::from_be_bytes([*t0, *t1]), u16::from_be_bytes([*v0, *v1]));
    let basic = kind & 0x8000 != 0;
    let skipped = if basic { 0 } else { usize::from(value) };
    Some((kind & 0x7fff, basic, value, behind.get(skipped..)?))
}
