//! Keys and certificates of a charon connection, rendered as VICI messages.

use super::vici_message::Section;

/// What charon proves its identity with, and whom it believes, where public keys authenticate. All texts are PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CharonKeys {
    /// charon's private key.
    pub private_key: Option<String>,
    /// charon's own certificate.
    pub certificate: Option<String>,
    /// Certificates of authorities that it believes.
    pub authorities: Vec<String>,
    /// Other certificates: intermediate authorities' of its own, and those that the harness need not send.
    pub certificates: Vec<String>,
    /// Revocation lists.
    pub crls: Vec<String>,
    /// charon's word for when its certificates go along: `ifasked`, `always` or `never`.
    pub send_cert: &'static str,
    /// Whether it asks for the harness' certificate.
    pub request_certificate: bool,
    /// Whether it refuses certificates without revocation information.
    pub require_crl: bool,
}

impl CharonKeys {
    /// Commands that load everything, each with its message.
    pub(super) fn loads(&self) -> impl Iterator<Item = (&'static str, Section)> {
        let key = |pem: &String| ("load-key", Section::new().value("type", "any").value("data", pem));
        let load = |kind: &'static str, flag: &'static str| {
            move |pem: &String| {
                let message = Section::new().value("type", kind).value("flag", flag).value("data", pem);
                ("load-cert", message)
            }
        };
        let keys = self.private_key.iter().map(key);
        let authorities = self.authorities.iter().map(load("X509", "CA"));
        let certificates = self.certificates.iter().map(load("X509", "NONE"));
        let crls = self.crls.iter().map(load("X509_CRL", "NONE"));
        keys.chain(authorities).chain(certificates).chain(crls)
    }

    /// The connection's own values, beside those of the two sides.
    pub(super) fn of_connection(&self, connection: Section) -> Section {
        let request = if self.request_certificate { "yes" } else { "no" };
        connection.value("send_cert", self.send_cert).value("send_certreq", request)
    }

    /// The section `local`.
    pub(super) fn local(&self, id: &str) -> Section {
        let local = Section::new().value("auth", "pubkey").value("id", id);
        match &self.certificate {
            Some(certificate) => local.list("certs", [certificate]),
            None => local,
        }
    }

    /// The section `remote`.
    pub(super) fn remote(&self, id: &str) -> Section {
        let revocation = if self.require_crl { "strict" } else { "relaxed" };
        Section::new().value("auth", "pubkey").value("id", id).value("revocation", revocation)
    }
}

/// The blocks of a PEM text with this label, such as `CERTIFICATE`; for the label's end alone, every kind of it.
pub(crate) fn pem_blocks(text: &str, label: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        if line.starts_with("-----BEGIN ") {
            block = line.ends_with(&format!("{label}-----")).then(String::new);
        }
        if let Some(open) = &mut block {
            open.push_str(line);
            open.push('\n');
        }
        if line.starts_with("-----END ") {
            blocks.extend(block.take());
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Test data\n-----BEGIN PRIVATE KEY-----\nAQ==\n-----END PRIVATE KEY-----\n\
        -----BEGIN CERTIFICATE-----\nAg==\n-----END CERTIFICATE-----\nbetween\n\
        -----BEGIN CERTIFICATE-----\nAw==\n-----END CERTIFICATE-----\n";

    #[test]
    fn blocks_of_a_label_come_alone_and_in_their_order() {
        let block = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        assert_eq!(pem_blocks(TEXT, "CERTIFICATE"), [block("Ag=="), block("Aw==")]);
        let key = "-----BEGIN PRIVATE KEY-----\nAQ==\n-----END PRIVATE KEY-----\n";
        assert_eq!(pem_blocks(TEXT, "PRIVATE KEY"), [key]);
        assert!(pem_blocks(TEXT, "X509 CRL").is_empty());
    }

    #[test]
    fn keys_and_certificates_are_loaded_as_what_they_are() {
        let keys = CharonKeys {
            private_key: Some("K".to_owned()),
            authorities: vec!["A".to_owned()],
            certificates: vec!["C".to_owned()],
            crls: vec!["L".to_owned()],
            ..CharonKeys::default()
        };
        let loads: Vec<_> = keys
            .loads()
            .map(|(command, message)| {
                let get = |key| message.get(key).unwrap_or("-").to_owned();
                format!("{command} {} {} {}", get("type"), get("flag"), get("data"))
            })
            .collect();
        assert_eq!(
            loads,
            ["load-key any - K", "load-cert X509 CA A", "load-cert X509 NONE C", "load-cert X509_CRL NONE L"]
        );
    }
}
