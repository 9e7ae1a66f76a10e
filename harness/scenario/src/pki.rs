//! Keys and certificates of a case: the files of `credentials`, and which of them a side uses.
//!
//! A case holds the text of the files, so that it can be run and judged again from its folder alone.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use ikev1::pki::{Certificate, Crl};
use serde::{Deserialize, Serialize};

use crate::case::ResolvedSide;
use crate::model::{
    Authentication, EditOp, Identity, NameCertificate, PkiConfig, SendCertificate, Side, SideConfig, Step,
};

/// The folder of PEM files below the scenario folder.
pub const CREDENTIALS_FOLDER: &str = "credentials";

/// The texts of all files of the folder, by name without `.pem`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialFiles(BTreeMap<String, String>);

impl CredentialFiles {
    /// Reads each file with the extension `pem` of a folder; none when there is no such folder.
    ///
    /// # Errors
    /// With the path that could not be read.
    pub fn load(folder: &Path) -> Result<Self, (std::path::PathBuf, io::Error)> {
        let mut files = BTreeMap::new();
        if !folder.is_dir() {
            return Ok(Self(files));
        }
        let at = |path: &Path| {
            let path = path.to_owned();
            |error| (path, error)
        };
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let path = entry.map_err(at(folder))?.path();
            let name = path.file_stem().and_then(|stem| stem.to_str());
            if let Some(name) = name.filter(|_| path.extension().is_some_and(|e| e == "pem")) {
                files.insert(name.to_owned(), fs::read_to_string(&path).map_err(at(&path))?);
            }
        }
        Ok(Self(files))
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A file, with an empty text when there is none of that name.
    fn file(&self, name: String) -> PemFile {
        let pem = self.0.get(&name).cloned().unwrap_or_default();
        PemFile { name, pem }
    }
}

/// Number of the CERT payload (RFC 2408 section 3.1).
const CERT: u8 = 6;

/// The steps with each insertion of a certificate as one of plain bytes, so that they stand alone. An insertion of a
/// file that has no certificate is left as it is.
pub(crate) fn with_certificates(files: &CredentialFiles, steps: &[Step]) -> Vec<Step> {
    let mut steps = steps.to_vec();
    for step in &mut steps {
        let Step::Edit(edit) = step else { continue };
        for op in &mut edit.apply {
            let EditOp::InsertCertificate { at, file, encoding } = &*op else { continue };
            if let Some((usual, der)) = certificate_payload(files, file) {
                let hex = hex::encode([&[encoding.unwrap_or(usual)], der.as_slice()].concat());
                *op = EditOp::InsertPayload { at: *at, payload_type: CERT, hex };
            }
        }
    }
    steps
}

/// The first certificate of a file, or its first revocation list, with its Certificate Encoding.
fn certificate_payload(files: &CredentialFiles, name: &str) -> Option<(u8, Vec<u8>)> {
    let pem = files.0.get(name)?;
    let certificate = Certificate::from_pem(pem).map(|certificate| (4, certificate.as_der().to_vec()));
    certificate.or_else(|_| Crl::from_pem(pem).map(|crl| (7, crl.as_der().to_vec()))).ok()
}

/// A file of `credentials`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PemFile {
    /// Its name without `.pem`.
    pub name: String,
    /// Its text. What private keys it holds are test data; empty where the folder has no such file.
    pub pem: String,
}

/// A public key that is believed without a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedRawKey {
    /// The file with the key.
    pub key: PemFile,
    /// Whose it is; [`Identity::Address`] is the other side's address.
    pub id: Identity,
}

/// Keys and certificates of one side, complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedPki {
    /// Private key and certificates of this side; `None` where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<PemFile>,
    /// Further ones that HASH(1) may name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_credentials: Vec<PemFile>,
    /// When HASH(1) names the other side's certificate.
    #[serde(default = "if_several", skip_serializing_if = "is_if_several")]
    pub name_certificate: NameCertificate,
    /// Authorities that chains must lead to.
    pub anchors: Vec<PemFile>,
    /// Certificates that the other side need not send.
    pub certificates: Vec<PemFile>,
    /// Revocation lists.
    pub crls: Vec<PemFile>,
    /// Public keys that are believed without a certificate.
    pub raw_keys: Vec<ResolvedRawKey>,
    /// Refuse certificates whose authority has no revocation list that is up to date.
    pub require_crl: bool,
    /// When this side's certificates go along.
    pub send_certificate: SendCertificate,
    /// Ask for the other side's certificate.
    pub request_certificate: bool,
    /// Refuse an identity that is an address other than the one that the other side speaks from.
    pub verify_address_id: bool,
}

/// The default of [`ResolvedPki::name_certificate`].
const fn if_several() -> NameCertificate {
    NameCertificate::IfSeveral
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_if_several(name: &NameCertificate) -> bool {
    *name == if_several()
}

impl ResolvedPki {
    /// Every file with the JSON path of what names it, below `pki`.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &PemFile)> {
        let own = self.credentials.iter().map(|file| ("credentials", file));
        let further = self.further_credentials.iter().map(|file| ("further_credentials", file));
        let anchors = self.anchors.iter().map(|file| ("anchors", file));
        let certificates = self.certificates.iter().map(|file| ("certificates", file));
        let crls = self.crls.iter().map(|file| ("crls", file));
        let raw_keys = self.raw_keys.iter().map(|raw| ("raw_keys", &raw.key));
        own.chain(further).chain(anchors).chain(certificates).chain(crls).chain(raw_keys)
    }
}

/// The identity that a side with public keys sends when a scenario says nothing: a dNSName of its certificates.
#[must_use]
pub fn default_identity(side: Side) -> Identity {
    Identity::Fqdn(format!("{side}.example.org"))
}

/// The credentials that go with an authentication method.
fn default_credentials(method: Authentication) -> Option<&'static str> {
    match method {
        Authentication::Psk => None,
        Authentication::RsaSignature
        | Authentication::RsaEncryption
        | Authentication::RevisedRsaEncryption => Some("rsa"),
        Authentication::DssSignature => Some("dsa"),
        Authentication::EcdsaP256 => Some("p256"),
        Authentication::EcdsaP384 => Some("p384"),
        Authentication::EcdsaP521 => Some("p521"),
    }
}

/// Whether a side uses public keys: an authentication method takes one, or the scenario gives it some.
pub(crate) fn uses_public_keys(side: &ResolvedSide, layers: [&SideConfig; 2]) -> bool {
    own_name(side, &merged(layers)).is_some() || layers.iter().any(|layer| layer.pki.is_some())
}

/// What a side uses, by its own configuration over the common one. The identity required of the other side must be
/// resolved.
pub(crate) fn resolve(
    files: &CredentialFiles,
    side: Side,
    this: &ResolvedSide,
    layers: [&SideConfig; 2],
    other: (&ResolvedSide, [&SideConfig; 2]),
) -> Option<ResolvedPki> {
    if !uses_public_keys(this, layers) {
        return None;
    }
    let config = merged(layers);
    let prefixed = |prefix: &str, names: &[String]| -> Vec<PemFile> {
        names.iter().map(|name| files.file(format!("{prefix}-{name}"))).collect()
    };
    let own = |side: Side, name: String| files.file(format!("{side}-{name}"));
    let others = || {
        let encrypts = this.phase1.transforms.iter().any(|t| t.authentication.encrypts());
        let name = encrypts.then(|| own_name(other.0, &merged(other.1))).flatten();
        name.map(|name| own(side.other(), name)).into_iter().collect()
    };
    let raw_keys = config.raw_keys.unwrap_or_default().into_iter().map(|raw| ResolvedRawKey {
        key: files.file(raw.key),
        id: raw.id.unwrap_or_else(|| this.remote_id.clone()),
    });
    Some(ResolvedPki {
        credentials: own_name(this, &merged(layers)).map(|name| own(side, name)),
        further_credentials: config
            .further_credentials
            .unwrap_or_default()
            .into_iter()
            .map(|name| own(side, name))
            .collect(),
        name_certificate: config.name_certificate.unwrap_or(if_several()),
        anchors: prefixed("authority", &config.anchors.unwrap_or_else(|| vec!["root".to_owned()])),
        certificates: match config.certificates {
            Some(names) => names.into_iter().map(|name| files.file(name)).collect(),
            None => others(),
        },
        crls: prefixed("crl", &config.crls.unwrap_or_default()),
        raw_keys: raw_keys.collect(),
        require_crl: config.require_crl.unwrap_or(false),
        send_certificate: config.send_certificate.unwrap_or(SendCertificate::IfAsked),
        request_certificate: config.request_certificate.unwrap_or(true),
        verify_address_id: config.verify_address_id.unwrap_or(true),
    })
}

/// The name of a side's own credentials.
fn own_name(side: &ResolvedSide, config: &PkiConfig) -> Option<String> {
    let methods = side.phase1.transforms.iter().map(|t| t.authentication);
    config.credentials.clone().or_else(|| methods.filter_map(default_credentials).next().map(str::to_owned))
}

/// The fields of the layers, the last one first.
fn merged(layers: [&SideConfig; 2]) -> PkiConfig {
    let mut all = PkiConfig::default();
    for layer in layers.iter().filter_map(|layer| layer.pki.as_ref()) {
        let PkiConfig {
            credentials,
            further_credentials,
            name_certificate,
            anchors,
            certificates,
            crls,
            raw_keys,
            require_crl,
            send_certificate,
            request_certificate,
            verify_address_id,
        } = layer.clone();
        all = PkiConfig {
            credentials: credentials.or(all.credentials),
            further_credentials: further_credentials.or(all.further_credentials),
            name_certificate: name_certificate.or(all.name_certificate),
            anchors: anchors.or(all.anchors),
            certificates: certificates.or(all.certificates),
            crls: crls.or(all.crls),
            raw_keys: raw_keys.or(all.raw_keys),
            require_crl: require_crl.or(all.require_crl),
            send_certificate: send_certificate.or(all.send_certificate),
            request_certificate: request_certificate.or(all.request_certificate),
            verify_address_id: verify_address_id.or(all.verify_address_id),
        };
    }
    all
}
