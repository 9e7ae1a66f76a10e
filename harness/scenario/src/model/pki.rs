//! What authentication with public keys takes: private keys, certificates, and whom a side believes about them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::Identity;
use super::names::{NameCertificate, SendCertificate};

/// Keys and certificates of one side. Every name is that of a file `credentials/<name>.pem` in the scenario folder; the
/// keys in there are test data and protect nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PkiConfig {
    /// This side's private key and certificates: `rsa` is the file `credentials/harness-rsa.pem` for the harness and
    /// `credentials/peer-rsa.pem` for the peer. Default: `rsa`, `dsa`, `p256`, `p384` or `p521`, whichever the
    /// authentication method of the first transform with one takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
    /// Further private keys with certificates, named as `credentials` is, one of which the other side's HASH(1) may name
    /// with public key encryption. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub further_credentials: Option<Vec<String>>,
    /// When this side's HASH(1) names the certificate that it encrypts under, as initiator of public key encryption.
    /// Default `if-several`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_certificate: Option<NameCertificate>,
    /// Authorities that chains must lead to: `root` is the file `credentials/authority-root.pem`. Default: `root`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchors: Option<Vec<String>>,
    /// Certificates that the other side need not send: files in `credentials`. Default: the other side's own with public
    /// key encryption, which takes the responder's key before anything is sent; else none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Vec<String>>,
    /// Revocation lists: `root` is the file `credentials/crl-root.pem`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crls: Option<Vec<String>>,
    /// Public keys that are believed without a certificate. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_keys: Option<Vec<RawKey>>,
    /// Refuse certificates whose authority has no revocation list that is up to date. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_crl: Option<bool>,
    /// When this side's certificates go along. Default `if-asked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_certificate: Option<SendCertificate>,
    /// Ask for the other side's certificate. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_certificate: Option<bool>,
    /// Refuse an identity that is an address other than the one that the other side speaks from. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_address_id: Option<bool>,
}

/// The public key of an identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawKey {
    /// File in `credentials` with the private key, a certificate or the public key: `peer-rsa` is
    /// `credentials/peer-rsa.pem`.
    pub key: String,
    /// Whose it is. Default: the identity that this side requires of the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Identity>,
}
