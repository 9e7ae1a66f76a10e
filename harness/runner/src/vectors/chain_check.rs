//! The check of a whole negotiation: every value from the inputs, and every message opened.

use ikev1::crypto::{CryptoProvider, Group, Secret};
use ikev1::keys::last_block;

use super::chain::{
    ChainGroup, ChainTest, DerivedPhaseOne, EncryptedMessage, Exchange, InformationalValues, PhaseOneValues,
    QuickMode, QuickModeValues, Side,
};
use super::check::Comparison;
use super::encryption;
use super::model::Authentication;
use super::signature;
use super::transaction::Transaction;
use super::values::Hex;

/// The names that `reported_by_peer` may use.
const REPORTABLE: [&str; 20] = [
    "g_xy",
    "skeyid",
    "skeyid_d",
    "skeyid_a",
    "skeyid_e",
    "ka",
    "iv",
    "last_block",
    "hash_i",
    "hash_r",
    "transaction.iv",
    "transaction.hash",
    "quick_mode.iv",
    "quick_mode.hash_1",
    "quick_mode.hash_2",
    "quick_mode.hash_3",
    "quick_mode.g_xy",
    "keymat",
    "encryption_key",
    "authentication_key",
];

/// Derives everything from the inputs, opens each message, and looks inside.
pub(super) fn chain(c: &mut Comparison, p: &dyn CryptoProvider, group: &ChainGroup, test: &ChainTest) {
    for name in &test.reported_by_peer {
        let known = REPORTABLE.contains(&name.as_str());
        c.holds("reported_by_peer", known, format!("one of {}", REPORTABLE.join(", ")), name.clone());
    }
    let inputs = &test.phase1;
    let derived = match group.derive_phase1(p, inputs) {
        Ok(derived) => derived,
        Err(error) => return c.fail("phase1", "inputs that derive keys".to_owned(), error.to_string()),
    };
    own_public(c, p, &group.group.0, inputs.recorder, &inputs.exponent, &inputs.g_xi, &inputs.g_xr);
    phase_one_values(c, &test.phase1_values, &derived.values);
    messages(c, p, group, &test.phase1_values.iv, &test.phase1_values.ka, &inputs.messages);
    for (index, message) in inputs.messages.iter().enumerate() {
        let (id, hash) = match message.sender {
            Side::Initiator => (&inputs.idii_b, &test.phase1_values.hash_i),
            Side::Responder => (&inputs.idir_b, &test.phase1_values.hash_r),
        };
        let whole = message.plaintext.as_bytes();
        match &inputs.signature {
            None => carries(c, &format!("messages[{index}] carries its HASH"), whole, hash),
            Some(signature) => {
                let (key, signature) = signature.of(message.sender);
                carries(c, &format!("messages[{index}] carries its SIG"), whole, signature);
                carries(c, &format!("messages[{index}] carries its key"), whole, key);
            }
        }
        // Aggressive mode sends its IDs before, public key encryption too.
        if group.exchange == Exchange::Main && group.authentication != Authentication::Encryption {
            carries(c, &format!("messages[{index}] carries its ID"), whole, id);
        }
    }
    match group.authentication {
        Authentication::Psk => {}
        Authentication::Signature => match &inputs.signature {
            Some(signature) => signature::check(c, p, test, signature),
            None => c.fail("signature", "keys and signatures".to_owned(), "none".to_owned()),
        },
        Authentication::Encryption => {
            c.prefix = "encryption.".to_owned();
            // Without them nothing was derived.
            inputs.encryption.iter().for_each(|own| encryption::check(c, p, group, test, own));
        }
    }
    for (index, vector) in test.transactions.iter().enumerate() {
        c.prefix = format!("transactions[{index}].");
        transaction(c, p, group, test, &derived, vector);
    }
    for (index, quick_mode_vector) in test.quick_modes.iter().enumerate() {
        c.prefix = format!("quick_modes[{index}].");
        quick_mode(c, p, group, test, &derived, quick_mode_vector);
    }
    for (index, informational) in test.informationals.iter().enumerate() {
        c.prefix = format!("informationals[{index}].");
        match group.derive_informational(p, &derived, &informational.inputs) {
            Ok(InformationalValues { iv, hash_1 }) => {
                c.equal("iv", &informational.values.iv, iv.as_bytes());
                c.equal("hash_1", &informational.values.hash_1, hash_1.as_bytes());
            }
            Err(error) => c.fail("inputs", "inputs that derive keys".to_owned(), error.to_string()),
        }
        let message = std::slice::from_ref(&informational.inputs.message);
        messages(c, p, group, &informational.values.iv, &test.phase1_values.ka, message);
        let after = &informational.inputs.after_hash_1;
        starts_with_hash(c, "message", &message[0], &informational.values.hash_1, after);
    }
}

fn transaction(
    c: &mut Comparison,
    p: &dyn CryptoProvider,
    group: &ChainGroup,
    test: &ChainTest,
    phase1: &DerivedPhaseOne,
    transaction: &Transaction,
) {
    let Transaction { inputs, values } = transaction;
    let count = inputs.messages.len();
    c.holds("messages", count == 2, "2 messages", count.to_string());
    c.holds("after_hashes", inputs.after_hashes.len() == count, count.to_string(), "another number");
    c.holds("hashes", values.hashes.len() == count, count.to_string(), "another number");
    match group.derive_transaction(p, phase1, inputs) {
        Ok(derived) => {
            c.equal("iv", &values.iv, derived.iv.as_bytes());
            for (index, (expected, got)) in values.hashes.iter().zip(&derived.hashes).enumerate() {
                c.equal(&format!("hashes[{index}]"), expected, got.as_bytes());
            }
        }
        Err(error) => return c.fail("inputs", "inputs that derive keys".to_owned(), error.to_string()),
    }
    messages(c, p, group, &values.iv, &test.phase1_values.ka, &inputs.messages);
    let parts = values.hashes.iter().zip(&inputs.after_hashes);
    for (index, (message, (hash, after))) in inputs.messages.iter().zip(parts).enumerate() {
        starts_with_hash(c, &format!("messages[{index}]"), message, hash, after);
    }
}

/// The recorder's exponent gives the recorder's public value.
fn own_public(
    c: &mut Comparison,
    p: &dyn CryptoProvider,
    group: &Group,
    recorder: Side,
    exponent: &Hex,
    g_xi: &Hex,
    g_xr: &Hex,
) {
    let (name, own) = match recorder {
        Side::Initiator => ("g_xi", g_xi),
        Side::Responder => ("g_xr", g_xr),
    };
    match p.dh_public(group, &Secret::from(exponent.as_bytes())) {
        Ok(public) => c.equal(name, own, &public),
        Err(error) => c.fail(name, hex::encode(own.as_bytes()), error.to_string()),
    }
}

fn phase_one_values(c: &mut Comparison, expected: &PhaseOneValues, got: &PhaseOneValues) {
    let PhaseOneValues {
        g_xy,
        skeyid,
        skeyid_d,
        skeyid_a,
        skeyid_e,
        ka,
        iv,
        hash_i,
        hash_r,
        last_block,
        encryption,
    } = expected;
    c.equal("g_xy", g_xy, got.g_xy.as_bytes());
    c.equal("skeyid", skeyid, got.skeyid.as_bytes());
    c.equal("skeyid_d", skeyid_d, got.skeyid_d.as_bytes());
    c.equal("skeyid_a", skeyid_a, got.skeyid_a.as_bytes());
    c.equal("skeyid_e", skeyid_e, got.skeyid_e.as_bytes());
    c.equal("ka", ka, got.ka.as_bytes());
    c.equal("iv", iv, got.iv.as_bytes());
    c.equal("hash_i", hash_i, got.hash_i.as_bytes());
    c.equal("hash_r", hash_r, got.hash_r.as_bytes());
    c.equal("last_block", last_block, got.last_block.as_bytes());
    encryption::values_equal(c, encryption.as_ref(), got.encryption.as_ref());
}

fn quick_mode(
    c: &mut Comparison,
    p: &dyn CryptoProvider,
    group: &ChainGroup,
    test: &ChainTest,
    phase1: &DerivedPhaseOne,
    quick_mode: &QuickMode,
) {
    let QuickMode { inputs, values } = quick_mode;
    c.holds("ipsec_sas", values.ipsec_sas.len() >= 2, "at least 2", values.ipsec_sas.len().to_string());
    match group.derive_quick_mode(p, phase1, inputs, &values.ipsec_sas) {
        Ok(derived) => quick_mode_values(c, values, &derived),
        Err(error) => return c.fail("inputs", "inputs that derive keys".to_owned(), error.to_string()),
    }
    if let Some(pfs) = &inputs.pfs {
        own_public(c, p, &pfs.group.0, inputs.recorder, &pfs.exponent, &pfs.g_xi, &pfs.g_xr);
    }
    messages(c, p, group, &values.iv, &test.phase1_values.ka, &inputs.messages);
    c.holds("messages", inputs.messages.len() == 3, "3 messages", inputs.messages.len().to_string());
    let empty = Hex::default();
    let parts = [
        (&values.hash_1, &inputs.after_hash_1),
        (&values.hash_2, &inputs.after_hash_2),
        (&values.hash_3, &empty),
    ];
    for (index, (message, (hash, after))) in inputs.messages.iter().zip(parts).enumerate() {
        starts_with_hash(c, &format!("messages[{index}]"), message, hash, after);
    }
    carries(c, "after_hash_1 carries ni_b", inputs.after_hash_1.as_bytes(), &inputs.ni_b);
    carries(c, "after_hash_2 carries nr_b", inputs.after_hash_2.as_bytes(), &inputs.nr_b);
    for (name, id) in [("idci_b", &inputs.idci_b), ("idcr_b", &inputs.idcr_b)] {
        if let Some(id) = id {
            carries(c, &format!("after_hash_1 carries {name}"), inputs.after_hash_1.as_bytes(), id);
            carries(c, &format!("after_hash_2 carries {name}"), inputs.after_hash_2.as_bytes(), id);
        }
    }
    if let Some(pfs) = &inputs.pfs {
        carries(c, "after_hash_1 carries g_xi", inputs.after_hash_1.as_bytes(), &pfs.g_xi);
        carries(c, "after_hash_2 carries g_xr", inputs.after_hash_2.as_bytes(), &pfs.g_xr);
    }
}

fn quick_mode_values(c: &mut Comparison, expected: &QuickModeValues, got: &QuickModeValues) {
    c.equal("iv", &expected.iv, got.iv.as_bytes());
    c.equal("hash_1", &expected.hash_1, got.hash_1.as_bytes());
    c.equal("hash_2", &expected.hash_2, got.hash_2.as_bytes());
    c.equal("hash_3", &expected.hash_3, got.hash_3.as_bytes());
    match (&expected.g_xy, &got.g_xy) {
        (Some(expected), Some(got)) => c.equal("g_xy", expected, got.as_bytes()),
        (expected, got) => {
            let there = |value: &Option<Hex>| if value.is_some() { "a value (PFS)" } else { "none (no PFS)" };
            c.holds("g_xy", expected.is_some() == got.is_some(), there(expected), there(got));
        }
    }
    for (index, (expected, got)) in expected.ipsec_sas.iter().zip(&got.ipsec_sas).enumerate() {
        c.equal(&format!("ipsec_sas[{index}].keymat"), &expected.keymat, got.keymat.as_bytes());
        c.equal(
            &format!("ipsec_sas[{index}].encryption_key"),
            &expected.encryption_key,
            got.encryption_key.as_bytes(),
        );
        c.equal(
            &format!("ipsec_sas[{index}].authentication_key"),
            &expected.authentication_key,
            got.authentication_key.as_bytes(),
        );
    }
}

/// Decrypts the messages of one exchange, each under the last block of the one before.
fn messages(
    c: &mut Comparison,
    p: &dyn CryptoProvider,
    group: &ChainGroup,
    iv: &Hex,
    ka: &Hex,
    messages: &[EncryptedMessage],
) {
    let mut iv = iv.as_bytes();
    for (index, message) in messages.iter().enumerate() {
        let name = format!("messages[{index}].plaintext");
        let ciphertext = message.ciphertext.as_bytes();
        let mut data = ciphertext.to_vec();
        match p.cbc_decrypt(group.cipher.0, ka.as_bytes(), iv, &mut data) {
            Ok(()) => c.equal(&name, &message.plaintext, &data),
            Err(error) => c.fail(&name, hex::encode(message.plaintext.as_bytes()), error.to_string()),
        }
        iv = last_block(group.cipher.0, ciphertext).unwrap_or(iv);
    }
}

/// A plaintext begins with a HASH payload of that value, and goes on with those payloads.
fn starts_with_hash(c: &mut Comparison, name: &str, message: &EncryptedMessage, hash: &Hex, after: &Hex) {
    let plaintext = message.plaintext.as_bytes();
    let body = plaintext.get(4..).unwrap_or_default();
    let expected = [hash.as_bytes(), after.as_bytes()].concat();
    let got = body.get(..expected.len()).unwrap_or(body);
    c.equal(&format!("{name} carries its HASH and payloads"), &Hex(expected), got);
}

/// `whole` contains `part`.
pub(super) fn carries(c: &mut Comparison, name: &str, whole: &[u8], part: &Hex) {
    let part = part.as_bytes();
    let found = part.is_empty() || whole.windows(part.len()).any(|window| window == part);
    c.holds(name, found, hex::encode(part), format!("not in {}", hex::encode(whole)));
}
