//! An independent oracle: every derived value again, from the transcript alone.
//!
//! When the engine runs with itself, a wrong formula is wrong on both sides and every comparison holds. The oracle
//! shares no formula with the engine: it reads the recorded octets with a reader of its own and computes with hash
//! functions, HMAC and big integers directly.
//!
//! ```text
//! private exponent, KE ------> g^xy                  Ni_b, Nr_b, pre-shared key --> SKEYID
//! g^xy, SKEYID, cookies -----> SKEYID_d, SKEYID_a, SKEYID_e --> Ka
//! SAi_b, KE, ID, SKEYID -----> HASH_I, HASH_R        KE --> phase 1 IV
//! RSA private keys ----------> KE, ID, Ni_b, Nr_b with encrypted bodies, Ke_i, Ke_r
//! ciphertext, M-ID ----------> phase 2 IV, next IV   plaintext, SKEYID_a --> HASH(1), HASH(2), HASH(3)
//! SKEYID_d, SPI, nonces, g(qm)^xy --> KEYMAT and the keys in it
//! ```
//!
//! Of the values that the harness recorded it takes only its private exponents. Where an input is not in the
//! transcript, or there are several that it could be, nothing is claimed: of an exchange in which the peer sent a
//! message twice with different contents, or into which a step brought a datagram of its own.

mod binary_curve;
mod check;
mod formulas;
mod group;
mod message;
mod phase1;
mod phase2;
mod rsa;
mod sealed;
mod tape;

#[cfg(test)]
mod tests;

pub(super) use check::{Recomputed, formula, recompute};
