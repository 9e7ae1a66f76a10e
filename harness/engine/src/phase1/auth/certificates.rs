//! CERT and CR payloads in phase 1 (RFC 2408 sections 5.9 and 5.10, RFC 4945 sections 3.2 and 3.3).
//!
//! ```text
//!                     asks for the other's certificate     sends its own
//!  main mode          initiator in 5, responder in 4       initiator in 5, responder in 6
//!  aggressive mode    initiator in 1, responder in 2       initiator in 3, responder in 2
//! ```
//!
//! A request counts in whatever message it comes, as RFC 2408 section 3.10 has it.

use bytes::Bytes;

use crate::config::{PeerConfig, SendCertificate};
use crate::crypto::PublicKey;
use crate::error::ExchangeError;
use crate::event::Event;
use crate::phase1::Cx;
use crate::pki::{KeyPurpose, Received};
use crate::wire::{CertEncoding, Certificate, CertificateRequest, Chain, Identification, Payload};

/// What the peer asked for so far, each request once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requests(Vec<CertificateRequest>);

impl Requests {
    /// These and the CR payloads of a further message, as far as the limit goes.
    pub(crate) fn and(&self, cx: &Cx<'_>, chain: &Chain) -> Self {
        let mut all = self.0.clone();
        for payload in chain.iter() {
            if let Payload::CertificateRequest(request) = payload
                && all.len() < cx.core.limits.certificate_requests_max
                && !all.contains(request)
            {
                // A copy, as a slice would hold the whole datagram for as long as the exchange takes.
                let authority = Bytes::copy_from_slice(&request.authority);
                all.push(CertificateRequest { authority, ..request.clone() });
            }
        }
        Self(all)
    }
}

/// Our CERT payloads, by configuration and what the peer asked for. Requests of no use are discarded.
pub(super) fn own_certificates(cx: &mut Cx<'_>, requests: &Requests) -> Vec<Payload> {
    let Some(credentials) = &cx.peer.credentials else { return Vec::new() };
    let mut payloads = match cx.peer.send_certificate {
        SendCertificate::Never => return Vec::new(),
        SendCertificate::Always => credentials.payloads(),
        SendCertificate::IfAsked => Vec::new(),
    };
    for request in &requests.0 {
        match credentials.answer(request) {
            Ok(answer) => payloads = answer,
            Err(error) => discarded(cx, error.into()),
        }
    }
    payloads.into_iter().map(Payload::Certificate).collect()
}

/// An answer without a certificate to each request, for a side that shows none (hybrid draft section 4.2).
pub(super) fn empty_certificates(requests: &Requests) -> Vec<Payload> {
    let empty = |request: &CertificateRequest| Certificate::new(request.cert_type, Bytes::new());
    requests.0.iter().map(empty).map(Payload::Certificate).collect()
}

/// Our CR payloads: one for each trust anchor of these peers that wants certificates. Where these are too many, one for
/// any authority (RFC 4945 section 3.2.7.2).
pub(super) fn own_requests<'a>(cx: &Cx<'_>, peers: impl IntoIterator<Item = &'a PeerConfig>) -> Vec<Payload> {
    let mut requests: Vec<CertificateRequest> = Vec::new();
    for peer in peers.into_iter().filter(|peer| peer.request_certificate) {
        for request in peer.trust.requests() {
            if !requests.contains(&request) {
                requests.push(request);
            }
        }
    }
    if requests.len() > cx.core.limits.certificate_requests_max {
        requests = vec![CertificateRequest::new(CertEncoding::X509_SIGNATURE, Bytes::new())];
    }
    requests.into_iter().map(Payload::CertificateRequest).collect()
}

/// The key of the peer with this identity: known beforehand, or from a certificate that comes along or is known. CERT
/// payloads of no use are discarded (RFC 4945 section 3.3.10).
pub(super) fn peer_key(
    cx: &mut Cx<'_>,
    chain: &Chain,
    id: &Identification,
) -> Result<PublicKey, ExchangeError> {
    let trust = &cx.peer.trust;
    if let Some(key) = trust.raw_key(id) {
        return Ok(key.clone());
    }
    let payloads: Vec<_> = chain
        .iter()
        .filter_map(|payload| match payload {
            Payload::Certificate(certificate) => Some(certificate.clone()),
            _ => None,
        })
        .collect();
    let Received { certificates, crls, discarded: refused } =
        Received::from_payloads(&payloads, &trust.policy.limits)?;
    // Nothing but useless payloads: the first says why.
    if certificates.is_empty()
        && trust.certificates.is_empty()
        && let Some(error) = refused.first()
    {
        return Err(error.clone().into());
    }
    for error in refused {
        discarded(cx, error.into());
    }
    let at = cx.core.calendar().ok_or(ExchangeError::CalendarUnknown)?;
    let trust = &cx.peer.trust;
    Ok(trust.validate(cx.core.provider, &certificates, &crls, id, at, KeyPurpose::Signature)?)
}

fn discarded(cx: &mut Cx<'_>, error: ExchangeError) {
    if let Some(notify_type) = error.notify_type()
        && !cx.discarded.contains(&notify_type)
    {
        cx.discarded.push(notify_type);
    }
    cx.core.event(Event::PayloadDiscarded { sa: cx.sa, error });
}
