//! The key schedule of IKEv1: from the phase 1 secrets to the keys of the IPsec SAs.
//!
//! ```text
//! pre-shared key, Ni_b, Nr_b --> SKEYID --+--> SKEYID_d --> KEYMAT (RFC 2409 section 5.5)
//! g^xy, CKY-I, CKY-R ---------------------+--> SKEYID_a --> HASH(1), HASH(2), HASH(3)
//!                                         +--> SKEYID_e --> Ka (RFC 2409 Appendix B)
//! SKEYID, g^xi, g^xr, cookies, SAi_b, IDii_b or IDir_b --> HASH_I, HASH_R
//! Ni_b, CKY-I --> Ne_i --> Ke_i;  Nr_b, CKY-R --> Ne_r --> Ke_r (revised public key encryption)
//! g^xi, g^xr --> phase 1 IV --> ... last phase 1 block, M-ID --> phase 2 IV
//! ```
//!
//! Each function's first doc line is its formula. `|` joins bytes, `prf` is the HMAC of the negotiated hash, and a
//! `_b` marks a payload's body without its generic header. The keys are types that can only come out of the step
//! before them, so a key cannot be used earlier than it exists.

mod auth_hash;
mod ephemeral;
mod iv;
mod keymat;
mod quick_hash;
mod skeyid;
#[cfg(test)]
mod tests;

pub use auth_hash::{AuthHashInput, hash_i, hash_r};
pub use ephemeral::{certificate_hash, ephemeral_key, ne};
pub use iv::{IvChain, last_block, phase1_iv, phase2_iv};
pub use keymat::{KeymatInput, keymat};
pub use quick_hash::{hash_1, hash_2, hash_3};
pub use skeyid::{
    Cookies, PhaseOneKeys, Skeyid, SkeyidA, SkeyidD, SkeyidE, encryption_key, is_weak_des_key,
    skeyid_encryption, skeyid_psk, skeyid_signature,
};
