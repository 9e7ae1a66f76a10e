//! Keys and certificates of a case as those of an endpoint.
//!
//! The cases share a few files, so what is read of a text is kept and shared. The text is the key: a file that changes
//! is read again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ikev1::config::{NameCertificate, PeerConfig, SendCertificate};
use ikev1::crypto::{PrivateKey, PublicKey};
use ikev1::pki::{Certificate, CertificatePolicy, Credentials, Crl, TrustStore};
use ikev1_scenario::model;
use ikev1_scenario::pki::{PemFile, ResolvedPki};

use super::{Context, identification};
use crate::driver::InfraError;

/// Sets what a peer of an endpoint has of keys and certificates; `remote` is the other side's address.
pub(super) fn set(
    peer: &mut PeerConfig,
    context: Context,
    pki: &ResolvedPki,
    remote: IpAddr,
) -> Result<(), InfraError> {
    let all = |files: &[PemFile]| -> Result<Vec<Certificate>, InfraError> {
        let bundles = files.iter().map(|file| certificates(context, file));
        Ok(bundles.collect::<Result<Vec<_>, _>>()?.concat())
    };
    let crls = pki
        .crls
        .iter()
        .map(|file| Crl::bundle_from_pem(&file.pem).map_err(|error| refused(context, file, &error)));
    let raw_keys = pki
        .raw_keys
        .iter()
        .map(|raw| Ok((identification(context, &raw.id, remote)?, public_key(context, &raw.key)?)));
    peer.credentials = pki.credentials.as_ref().map(|file| credentials(context, file)).transpose()?;
    let further = pki.further_credentials.iter().map(|file| credentials(context, file));
    peer.further_credentials = further.collect::<Result<_, _>>()?;
    peer.name_certificate = match pki.name_certificate {
        model::NameCertificate::IfSeveral => NameCertificate::IfSeveral,
        model::NameCertificate::Always => NameCertificate::Always,
        model::NameCertificate::Never => NameCertificate::Never,
    };
    peer.trust = Arc::new(TrustStore {
        anchors: all(&pki.anchors)?,
        certificates: all(&pki.certificates)?,
        crls: crls.collect::<Result<Vec<_>, _>>()?.concat(),
        raw_keys: raw_keys.collect::<Result<_, InfraError>>()?,
        policy: CertificatePolicy { require_crl: pki.require_crl, ..CertificatePolicy::default() },
    });
    peer.send_certificate = match pki.send_certificate {
        model::SendCertificate::IfAsked => SendCertificate::IfAsked,
        model::SendCertificate::Always => SendCertificate::Always,
        model::SendCertificate::Never => SendCertificate::Never,
    };
    peer.request_certificate = pki.request_certificate;
    peer.verify_address_id = pki.verify_address_id;
    Ok(())
}

/// What was read of PEM texts so far.
#[derive(Debug)]
struct Known<T>(LazyLock<Mutex<HashMap<String, T>>>);

impl<T: Clone> Known<T> {
    const fn new() -> Self {
        Self(LazyLock::new(Mutex::default))
    }

    /// What `read` gives of a file, unless its text was read before. A refused text is not kept.
    fn read(
        &self,
        file: &PemFile,
        read: impl FnOnce(&PemFile) -> Result<T, InfraError>,
    ) -> Result<T, InfraError> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known().get(&file.pem) {
            return Ok(value.clone());
        }
        let value = read(file)?;
        known().insert(file.pem.clone(), value.clone());
        Ok(value)
    }
}

/// Private key and certificates of one file.
fn credentials(context: Context, file: &PemFile) -> Result<Credentials, InfraError> {
    static KNOWN: Known<Credentials> = Known::new();
    KNOWN.read(file, |file| read_credentials(context, file))
}

fn read_credentials(context: Context, file: &PemFile) -> Result<Credentials, InfraError> {
    let key = PrivateKey::from_pem(&file.pem).map_err(|error| refused(context, file, &error))?;
    let chain = certificates(context, file)?;
    if chain.is_empty() {
        return Ok(Credentials::raw(key));
    }
    Credentials::new(key, chain).map_err(|error| refused(context, file, &error))
}

/// The certificates of a file, leaving out its keys.
fn certificates(context: Context, file: &PemFile) -> Result<Vec<Certificate>, InfraError> {
    static KNOWN: Known<Vec<Certificate>> = Known::new();
    KNOWN.read(file, |file| {
        Certificate::bundle_from_pem(&file.pem).map_err(|error| refused(context, file, &error))
    })
}

/// The public key of a file: that of its private key, of its certificate, or itself.
fn public_key(context: Context, file: &PemFile) -> Result<PublicKey, InfraError> {
    static KNOWN: Known<PublicKey> = Known::new();
    KNOWN.read(file, |file| read_public_key(context, file))
}

fn read_public_key(context: Context, file: &PemFile) -> Result<PublicKey, InfraError> {
    if let Ok(private) = PrivateKey::from_pem(&file.pem) {
        return Ok(private.public().clone());
    }
    if let Some(certificate) = certificates(context, file)?.first() {
        return certificate.public_key().map_err(|error| refused(context, file, &error));
    }
    PublicKey::from_pem(&file.pem).map_err(|error| refused(context, file, &error))
}

fn refused(context: Context, file: &PemFile, error: &dyn core::fmt::Display) -> InfraError {
    if file.pem.is_empty() {
        return context.error(format!("credentials/{}.pem is missing or empty", file.name));
    }
    context.error(format!("credentials/{}.pem: {error}", file.name))
}
