//! A guide to RFC 2409 through this crate: the exchanges, their formulae, and the code that has them.
//!
//! RFC 2409 fills in the frame of RFC 2408 (header, payloads, rules of processing) with the numbers of RFC 2407 (what a
//! proposal for IPsec says). It works in two phases. Phase 1 makes an **ISAKMP SA**: keys that protect further IKE
//! messages, and the certainty of who is at the other end. Phase 2 uses it to make **IPsec SAs**, as many and as often
//! as wanted.
//!
//! ```text
//!  phase 1, one of                      phase 2, any number of
//!    main mode        (6 messages)        quick mode      a pair of IPsec SAs          section 5.5
//!    aggressive mode  (3 messages)        New Group mode  a Diffie-Hellman group       section 5.6
//!                                         informational   a notify or a delete         section 5.7
//!                                         transaction     XAUTH, Mode-Config           the drafts
//! ```
//!
//! # Notation
//!
//! | sign | meaning | here |
//! |---|---|---|
//! | `HDR` | the ISAKMP header; its cookies and message ID say what the message belongs to | [`Header`] |
//! | `HDR*` | the payloads behind it are encrypted | [`Flags::ENCRYPTION`] |
//! | `SA` | proposals with their transforms; the answer repeats one | [`SaPayload`] |
//! | `KE` | a public Diffie-Hellman value, `g^xi` of the initiator and `g^xr` of the responder | [`KeyExchange`] |
//! | `Ni`, `Nr` | nonces, 8 to 256 bytes | [`Nonce`] |
//! | `IDii`, `IDir` | who the two sides of phase 1 say they are | [`Identification`] |
//! | `IDci`, `IDcr` | for which traffic quick mode negotiates | [`Identification`] |
//! | `HASH`, `SIG` | a keyed hash, a signature | [`Hash`], [`Signature`] |
//! | `CERT`, `CERTREQ` | a certificate, the wish for one | [`Certificate`], [`CertificateRequest`] |
//! | `CKY-I`, `CKY-R` | the two cookies of the header | [`CookiePair`] |
//! | `M-ID` | the message ID of a phase 2 exchange; zero in phase 1 | [`MessageId`] |
//! | `x_b` | the body of payload x: without its generic header | |
//! | `prf(key, msg)` | HMAC of the negotiated hash; no other is defined | [`CryptoProvider::prf`] |
//! | `\|` | one after the other | |
//!
//! # Phase 1
//!
//! Both exchanges agree on cipher, hash, group and authentication method, make a Diffie-Hellman exchange, and show
//! who is who. Main mode does it in this order and hides the identities; aggressive mode does as much at once as it can.
//! Where the method differs, `AUTH` and the key message do:
//!
//! ```text
//!      main mode                                       aggressive mode
//!   1  HDR, SA                       -->            1  HDR, SA, key message, with IDii  -->
//!   2                    <--  HDR, SA               2           <--  HDR, SA, key message with IDir, AUTH
//!   3  HDR, key message              -->            3  HDR, AUTH                        -->
//!   4                    <--  HDR, key message
//!   5  HDR*, AUTH                    -->
//!   6                    <--  HDR*, AUTH
//! ```
//!
//! | method | key message | AUTH | who proves what |
//! |---|---|---|---|
//! | pre-shared key (5.4) | `KE, Nx` | `IDx, HASH_x` | only who knows the key can make SKEYID |
//! | signatures (5.1) | `KE, Nx` | `IDx, [CERT,] SIG_x` | SIG_x signs HASH_x |
//! | public key encryption (5.2) | `[HASH(1),] KE, <IDx_b>Pubkey, <Nx_b>Pubkey` | `HASH_x` | only the owner of the key can read the nonce, so only it can make SKEYID |
//! | revised mode (5.3) | `[HASH(1),] <Nx_b>Pubkey, <KE_b>Ke_x, <IDx_b>Ke_x [, <Cert_b>Ke_x]` | `HASH_x` | as before, with one RSA operation for two |
//!
//! In aggressive mode the identity goes with the key message, and AUTH has none. A method is a value of
//! [`AuthenticationMethod`]; which one an endpoint offers and takes stands in its
//! [`Phase1Transform`](crate::config::Phase1Transform)s.
//!
//! ## Keys
//!
//! ```text
//!  pre-shared key  SKEYID = prf(pre-shared-key, Ni_b | Nr_b)                  keys::skeyid_psk
//!  signatures      SKEYID = prf(Ni_b | Nr_b, g^xy)                            keys::skeyid_signature
//!  encryption      SKEYID = prf(hash(Ni_b | Nr_b), CKY-I | CKY-R)             keys::skeyid_encryption
//!
//!  SKEYID_d = prf(SKEYID,            g^xy | CKY-I | CKY-R | 0)    from which phase 2 makes its keys
//!  SKEYID_a = prf(SKEYID, SKEYID_d | g^xy | CKY-I | CKY-R | 1)    which authenticates phase 2 messages
//!  SKEYID_e = prf(SKEYID, SKEYID_a | g^xy | CKY-I | CKY-R | 2)    from which the cipher's key Ka is cut
//!
//!  HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b)
//!  HASH_R = prf(SKEYID, g^xr | g^xi | CKY-R | CKY-I | SAi_b | IDir_b)
//! ```
//!
//! [`keys::PhaseOneKeys`] holds the four keys, [`keys::encryption_key`] cuts or expands Ka (Appendix B), and
//! [`keys::hash_i`] and [`keys::hash_r`] are the hashes. Both hashes cover the *initiator's* SA payload, so what was
//! offered is what was agreed on; neither covers what else came, which is why nothing else that comes in phase 1 may
//! have an effect.
//!
//! ## Ciphers
//!
//! The bits of a key, and what a transform says about them (RFC 2409 Appendices A and B, RFC 2407 section 4.5, RFC 2451,
//! RFC 3602, RFC 4312):
//!
//! | [cipher](crate::crypto::CipherAlgorithm) | key | Key Length in phase 1 | Key Length in ESP |
//! |---|---|---|---|
//! | DES, IDEA, 3DES | 64, 128, 192 | must not be there | must not be there |
//! | Blowfish | 40 to 448 | 448 without one | must be there |
//! | CAST-128 | 40 to 128 | 128 without one | must be there |
//! | RC5, 16 rounds, 64-bit blocks | 40 to 256 here, 2040 in RFC 2451 | 128 without one | must be there |
//! | AES, Camellia | 128, 192, 256 | must be there | must be there |
//!
//! Bits come in eights. A transform that breaks one of these rules is not chosen. Ours state the length wherever it could
//! be another, unless [`omit_default_key_length`](crate::config::PeerConfig::omit_default_key_length) is set. The first
//! eight bytes of SKEYID_e that are no weak key are DES' ([`keys::is_weak_des_key`]); in ESP a weak key of DES, or one of
//! 3DES with two equal neighbours, sets up nothing ([`esp`](crate::esp)).
//!
//! ## Initialization vectors
//!
//! Ciphers run in CBC mode over a whole exchange. The first encrypted message of phase 1 starts at
//! `hash(g^xi | g^xr)`, cut to a block ([`keys::phase1_iv`]), every further one at the last ciphertext block of the one
//! before. A phase 2 exchange starts at `hash(last phase 1 block | M-ID)` ([`keys::phase2_iv`]), so exchanges can run
//! side by side. A block is kept as the next IV only once its message is authenticated: a forged message must not
//! break the chain.
//!
//! # Phase 2
//!
//! ## Quick mode
//!
//! ```text
//!   1  HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr]  -->
//!   2                       <--  HDR*, HASH(2), SA, Nr [, KE] [, IDci, IDcr]
//!   3  HDR*, HASH(3)                                -->
//!
//!  HASH(1) = prf(SKEYID_a, M-ID | everything behind HASH(1))               keys::hash_1
//!  HASH(2) = prf(SKEYID_a, M-ID | Ni_b | everything behind HASH(2))        keys::hash_2
//!  HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b)                         keys::hash_3
//!
//!  KEYMAT = K1 | K2 | ...                                                  keys::keymat
//!      K1 = prf(SKEYID_d,      [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b)
//!      K2 = prf(SKEYID_d, K1 | [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b)
//! ```
//!
//! With KE payloads the keys have perfect forward secrecy: who learns SKEYID_d later learns none of them. One quick mode
//! makes a *pair* of SAs. Each side chooses the SPI of the SA that it receives on, so the two KEYMATs differ.
//! Several SA payloads behind one another give a pair each, from the same nonces; [`FurtherSa`](crate::config::FurtherSa)
//! has them offered.
//!
//! ## Informational exchange
//!
//! `HDR*, HASH(1), N` or `HDR*, HASH(1), D`: one message, which nobody answers. Before there are keys a notify can only go in the
//! clear; then anyone may have sent it, so it is reported as an [`Event`](crate::event::Event) and ends nothing.
//!
//! ## New Group mode
//!
//! `HDR*, HASH(1), SA` and `HDR*, HASH(2), SA`: the SA payload describes a Diffie-Hellman group, which both sides may name by its
//! number afterwards.
//!
//! ## Transaction exchange
//!
//! `HDR*, HASH, ATTR` and `HDR*, HASH, ATTR`, exchange type 6 (draft-dukes-ike-mode-cfg-02): REQUEST and REPLY, or SET and
//! ACK. Both hashes are `prf(SKEYID_a, M-ID | ATTR)`. Hosts that dial in use it for two things, between phase 1 and the first
//! quick mode:
//!
//! ```text
//!      IPsec host                                   Edge device
//!                                              <--  REQUEST(NAME="", PASSWORD="")           XAUTH: who is the user?
//!      REPLY(NAME="joe", PASSWORD="...")       -->
//!                                              <--  SET(STATUS=OK)
//!      ACK                                     -->
//!      REQUEST(INTERNAL_IP4_ADDRESS="")        -->                                          Mode-Config: which address?
//!                                              <--  REPLY(INTERNAL_IP4_ADDRESS=10.3.0.7)
//! ```
//!
//! Extended authentication (XAUTH, draft-beaulieu-ike-xauth-02) is negotiated by the authentication method of phase 1: 65001
//! is a pre-shared key behind which the initiator's user is asked. Until the user is authenticated the ISAKMP SA protects
//! nothing else, and when that fails the SA is deleted. In hybrid authentication (draft-ietf-ipsec-isakmp-hybrid-auth-05)
//! phase 1 authenticates the edge device alone: it signs, and the host shows the hash that it would have signed. See
//! [`ExtendedAuthentication`] and [`ModeConfig`].
//!
//! # Where the RFCs leave a choice
//!
//! | question | what this engine does |
//! |---|---|
//! | must payloads keep an order? | SA is first in phase 1, HASH first in phase 2 (RFC 2409 section 5); the rest may come in any order |
//! | is a repeated message answered? | yes, with the same bytes, as long as the exchange or its SA stands |
//! | may the answer renumber its proposal? | yes (RFC 2408 section 4.2 only advises against it) |
//! | does a notify in the clear end an exchange? | no: nothing proves who sent it |
//! | what is the life of an SA when several are said? | the shortest one |
//! | are padding bytes checked? | no: RFC 2409 Appendix B says what a sender writes, not that a receiver looks |
//! | may the third message of aggressive mode be in the clear? | it is sent encrypted, and taken both ways |
//! | is the user asked again behind a phase 1 that replaces another? | yes: nothing shows that it is the same user |
//! | from when on may the edge device take quick modes? | from the status on that it sends, acknowledged or not |
//! | does a null octet end the user's password? | one at its end is taken as part of the password, and without it |
//! | may a transaction exchange be in the clear? | no, though the draft allows it for what is not sensitive |
//!
//! # From here
//!
//! The [crate page](crate) has a handshake in memory, [`Endpoint`](crate::Endpoint) the tables that find a message's
//! exchange, [`keys`] every formula as a function, [`wire`](crate::wire) every payload with its figure,
//! [`Limits`](crate::limits::Limits) every bound on what a peer can make an endpoint hold.
//!
//! [`AuthenticationMethod`]: crate::config::AuthenticationMethod
//! [`CryptoProvider::prf`]: crate::crypto::CryptoProvider::prf
//! [`keys`]: crate::keys
//! [`keys::PhaseOneKeys`]: crate::keys::PhaseOneKeys
//! [`keys::encryption_key`]: crate::keys::encryption_key
//! [`keys::hash_i`]: crate::keys::hash_i
//! [`keys::hash_r`]: crate::keys::hash_r
//! [`keys::is_weak_des_key`]: crate::keys::is_weak_des_key
//! [`keys::phase1_iv`]: crate::keys::phase1_iv
//! [`keys::phase2_iv`]: crate::keys::phase2_iv
//! [`Certificate`]: crate::wire::Certificate
//! [`ExtendedAuthentication`]: crate::config::ExtendedAuthentication
//! [`ModeConfig`]: crate::config::ModeConfig
//! [`CertificateRequest`]: crate::wire::CertificateRequest
//! [`CookiePair`]: crate::wire::CookiePair
//! [`Flags::ENCRYPTION`]: crate::wire::Flags::ENCRYPTION
//! [`Hash`]: crate::wire::Hash
//! [`Header`]: crate::wire::Header
//! [`Identification`]: crate::wire::Identification
//! [`KeyExchange`]: crate::wire::KeyExchange
//! [`MessageId`]: crate::wire::MessageId
//! [`Nonce`]: crate::wire::Nonce
//! [`SaPayload`]: crate::wire::SaPayload
//! [`Signature`]: crate::wire::Signature
