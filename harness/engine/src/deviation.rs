//! The one seam at which the engine can be made to check, decide or derive something wrongly on purpose.
//!
//! A test suite is worth what it catches. To measure that, the conformance harness plays its cases against this engine with one
//! [`Deviation`] at a time. Messages that are wrong in themselves need none: an [`OutgoingHook`](crate::hook::OutgoingHook)
//! makes them. Here is what no message of ours shows: a check that is left out, a decision, a formula.
//!
//! Each place asks [`deviates`]. Without the feature `deviations`, which nothing but the mutants' build switches on, that is a
//! constant `false`: nothing of the deviations is left in the program, and nobody can set one.

macro_rules! deviations {
    ($($(#[doc = $text:literal])* $variant:ident = $name:literal,)*) => {
        /// One thing that the engine does in another way than it must.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Deviation {
            $($(#[doc = $text])* $variant,)*
        }

        #[cfg(feature = "deviations")]
        impl Deviation {
            /// Every deviation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in data.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The deviation with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|deviation| deviation.name() == name)
            }
        }
    };
}

deviations! {
    /// Takes any HASH_I of the right length.
    AcceptsWrongHashI = "accepts-wrong-hash-i",
    /// Takes any HASH_R of the right length.
    AcceptsWrongHashR = "accepts-wrong-hash-r",
    /// Compares no more of HASH_I or HASH_R than the peer sent.
    AcceptsTruncatedHash = "accepts-truncated-hash",
    /// Takes any SIG_I or SIG_R of the right length.
    AcceptsWrongSignature = "accepts-wrong-signature",
    /// Does not look at the length of a signature that it does not verify either.
    AcceptsShortSignature = "accepts-short-signature",
    /// Takes an address in the ID payload that is not where the message came from, when it checks certificates.
    AcceptsAnyIdAddress = "accepts-any-id-address",
    /// Takes any identity of phase 1, whatever the policy says.
    AcceptsAnyIdentity = "accepts-any-identity",
    /// Takes any protocol and port in an ID payload of phase 1.
    AcceptsAnyIdPort = "accepts-any-id-port",
    /// Takes nonces of fewer than 8 octets.
    AcceptsShortNonce = "accepts-short-nonce",
    /// Takes nonces of more than 256 octets.
    AcceptsLongNonce = "accepts-long-nonce",
    /// Does not look at the RESERVED fields of payloads.
    IgnoresReservedFields = "ignores-reserved-fields",
    /// Goes on as if payloads of types that nobody assigned were not there.
    IgnoresUnknownPayloads = "ignores-unknown-payloads",
    /// Reads messages that must be encrypted when they are not.
    ReadsTheUnencrypted = "reads-the-unencrypted",
    /// Takes a quick mode with one ID payload, and means the peer by the other.
    AcceptsOneClientId = "accepts-one-client-id",
    /// Goes on without PFS when it is agreed on and the KE payload is missing.
    TakesNoKeForPfs = "takes-no-ke-for-pfs",
    /// KEYMAT of each SA has the SPI of the other direction.
    KeymatWithTheOtherSpi = "keymat-with-the-other-spi",
    /// Takes any HASH(1) of quick mode.
    AcceptsWrongHash1 = "accepts-wrong-hash-1",
    /// Takes any HASH(3).
    AcceptsWrongHash3 = "accepts-wrong-hash-3",
    /// Takes any clients that the initiator of quick mode names.
    AcceptsAnyClients = "accepts-any-clients",
    /// Uses the SAs as if nobody had set the Commit bit.
    IgnoresTheCommitBit = "ignores-the-commit-bit",
    /// Leaves the clients out of quick mode 2.
    SendsNoClientIds = "sends-no-client-ids",
    /// Takes any HASH(2).
    AcceptsWrongHash2 = "accepts-wrong-hash-2",
    /// Takes other clients in quick mode 2 than it named.
    AcceptsOtherClientsInTheReply = "accepts-other-clients-in-the-reply",
    /// Takes any HASH(1) of an informational exchange.
    AcceptsWrongHash1OfInformational = "accepts-wrong-hash-1-of-informational",
    /// Acts on a Delete payload of a DOI that it does not know.
    AcceptsDeleteOfAnyDoi = "accepts-delete-of-any-doi",
    /// Takes the SPI of a Delete payload for that of an IPsec SA of whatever protocol.
    DeletesWhateverTheProtocol = "deletes-whatever-the-protocol",
    /// Takes any DOI and any situation.
    AcceptsUnknownDoi = "accepts-unknown-doi",
    /// Takes a transform in the answer to its offer that it did not offer.
    AcceptsAlteredChoice = "accepts-altered-choice",
    /// Takes any phase 1 transform that it can read, whatever the policy says.
    AcceptsAnyTransform = "accepts-any-transform",
    /// Takes an authentication method that it has no credentials for.
    AcceptsMethodItCannotFinish = "accepts-method-it-cannot-finish",
    /// Goes on as if attributes of an IPsec transform that it does not support were not there.
    IgnoresUnknownAttributes = "ignores-unknown-attributes",
    /// Refuses a phase 1 transform whose Key Length comes before its Encryption Algorithm.
    WantsAttributesInOrder = "wants-attributes-in-order",
    /// Does not compare the Length of the header with the datagram.
    AcceptsWrongLength = "accepts-wrong-length",
    /// Takes another minor version.
    AcceptsMinorVersion = "accepts-minor-version",
    /// Takes another major version.
    AcceptsMajorVersion = "accepts-major-version",
    /// Acts on a Delete in an informational message in the clear.
    ActsOnClearDelete = "acts-on-clear-delete",
    /// Does nothing on a Delete.
    IgnoresDelete = "ignores-delete",
    /// Loses the ISAKMP SA when a message has two Delete payloads.
    FallsOverTwoDeletes = "falls-over-two-deletes",
    /// Deletes the SA of the first SPI of a Delete payload, and not those of the others.
    ReadsTheFirstSpiOnly = "reads-the-first-spi-only",
    /// Gives up a quick mode as soon as a message in it is refused.
    GivesUpOnForgedQuickMode = "gives-up-on-forged-quick-mode",
    /// Gives up phase 1 as soon as a message in it is refused.
    GivesUpOnForgedPhase1 = "gives-up-on-forged-phase-1",
    /// Sends nothing a second time by itself.
    NeverRetransmits = "never-retransmits",
    /// Has a responder cookie of its own making in retransmissions.
    RetransmitsWithACookie = "retransmits-with-a-cookie",
    /// Does not answer a repeated message again.
    NeverAnswersAgain = "never-answers-again",
    /// Handles a message again when it comes again.
    TakesRepeatedForNew = "takes-repeated-for-new",
    /// Names the SPI of its outbound SA in a Delete.
    DeletesWithThePeersSpi = "deletes-with-the-peers-spi",
    /// Does not tell the peer that an SA is gone.
    SendsNoDelete = "sends-no-delete",
    /// Says nothing when it refuses a message.
    SendsNoNotification = "sends-no-notification",
    /// Keeps its SAs with a peer that says INITIAL-CONTACT.
    IgnoresInitialContact = "ignores-initial-contact",
    /// Gives up a quick mode whose message 2 has RESPONDER-LIFETIME.
    RefusesResponderLifetime = "refuses-responder-lifetime",
    /// Lets an IPsec SA end a second after it stands.
    IpsecSaExpiresAtOnce = "ipsec-sa-expires-at-once",
    /// Gives SAs the life of its policy, however short the peer offered it.
    IgnoresTheOfferedLife = "ignores-the-offered-life",
    /// Does not replace an SA before it ends.
    DoesNotReplaceSas = "does-not-replace-sas",
    /// Goes on with an SA whose life is over.
    KeepsSasAfterTheirLife = "keeps-sas-after-their-life",
    /// Does not count what passes through an SA.
    IgnoresKilobytes = "ignores-kilobytes",
    /// Does not answer R-U-THERE.
    DoesNotAnswerRUThere = "does-not-answer-r-u-there",
    /// Answers R-U-THERE with a sequence number that came before.
    AnswersReplayedRUThere = "answers-replayed-r-u-there",
    /// Takes any R-U-THERE-ACK for a sign of life.
    AcceptsAnyRUThereAck = "accepts-any-r-u-there-ack",
    /// Sends R-U-THERE with the same sequence number each time.
    RepeatsDpdSequenceNumbers = "repeats-dpd-sequence-numbers",
    /// The IV of phase 1 has g^xr before g^xi.
    Phase1IvWithResponderFirst = "phase-1-iv-with-responder-first",
    /// The IV of phase 2 has no M-ID.
    Phase2IvWithoutMessageId = "phase-2-iv-without-message-id",
    /// HASH(1) does not cover the M-ID.
    Hash1WithoutMessageId = "hash-1-without-message-id",
    /// HASH(2) does not cover Ni_b.
    Hash2WithoutNi = "hash-2-without-ni",
    /// HASH(3) does not begin with a zero octet.
    Hash3WithoutZero = "hash-3-without-zero",
    /// KEYMAT does not cover the protocol.
    KeymatWithoutProtocol = "keymat-without-protocol",
    /// KEYMAT has Nr_b before Ni_b.
    KeymatWithNoncesSwapped = "keymat-with-nonces-swapped",
    /// KEYMAT does not cover g(qm)^xy.
    KeymatWithoutPfs = "keymat-without-pfs",
    /// SKEYID of pre-shared keys has Nr_b before Ni_b.
    SkeyidWithNoncesSwapped = "skeyid-with-nonces-swapped",
    /// SKEYID_a does not cover SKEYID_d.
    SkeyidAWithoutSkeyidD = "skeyid-a-without-skeyid-d",
    /// SKEYID_e does not cover SKEYID_a.
    SkeyidEWithoutSkeyidA = "skeyid-e-without-skeyid-a",
    /// SKEYID_d and what follows have CKY-R before CKY-I.
    SkeyidDWithCookiesSwapped = "skeyid-d-with-cookies-swapped",
    /// SKEYID of signatures has g^xy as its key and the nonces as its message.
    SignatureSkeyidKeyedByTheSecret = "signature-skeyid-keyed-by-the-secret",
    /// Ka of ciphers with long keys is SKEYID_e with zeros behind it.
    ExpandsKaWithoutFeedback = "expands-ka-without-feedback",
    /// HASH_I has CKY-R before CKY-I.
    HashIWithCookiesSwapped = "hash-i-with-cookies-swapped",
    /// HASH_R has its parts in the order of HASH_I.
    HashRInTheOrderOfHashI = "hash-r-in-the-order-of-hash-i",
    /// HASH_R does not cover the SA payload.
    HashRWithoutSa = "hash-r-without-sa",
    /// Sends the NAT-D of its own address in the place of the peer's.
    NatDOfItsOwnAddressFirst = "nat-d-of-its-own-address-first",
    /// The hash of NAT-D does not cover the cookies.
    NatDWithoutCookies = "nat-d-without-cookies",
    /// Uses NAT traversal although the peer did not announce it.
    UsesNatTraversalUnasked = "uses-nat-traversal-unasked",
    /// Does not announce dead peer detection.
    AnnouncesNoDpd = "announces-no-dpd",
    /// Does not verify the signatures of certificates.
    AcceptsForgedCertificates = "accepts-forged-certificates",
    /// Does not look at the validity of certificates.
    AcceptsCertificatesOutOfTime = "accepts-certificates-out-of-time",
    /// Believes certificates of authorities that it does not know.
    AcceptsUnknownAuthorities = "accepts-unknown-authorities",
    /// Does not look at the keyUsage of certificates.
    IgnoresKeyUsage = "ignores-key-usage",
    /// Goes on as if critical extensions that it does not know were not there.
    IgnoresCriticalExtensions = "ignores-critical-extensions",
    /// Takes any certificate for that of an authority.
    TakesAnyoneForAnAuthority = "takes-anyone-for-an-authority",
    /// Does not look at revocation lists.
    IgnoresRevocation = "ignores-revocation",
    /// Does not compare the identity with the names in the certificate.
    AcceptsAnyNameInCertificates = "accepts-any-name-in-certificates",
    /// Takes public values of 0, 1 and p-1.
    AcceptsWeakPublicValues = "accepts-weak-public-values",
    /// Takes public values of another length than the prime.
    AcceptsShortPublicValues = "accepts-short-public-values",
    /// Takes a transform in quick mode 2 that it did not offer.
    AcceptsAlteredIpsecChoice = "accepts-altered-ipsec-choice",
    /// Takes any IPsec transform that it can read, whatever the policy says.
    AcceptsAnyIpsecTransform = "accepts-any-ipsec-transform",
    /// Takes SPIs that are reserved.
    AcceptsReservedSpis = "accepts-reserved-spis",
    /// Answers one protocol of a bundle, and leaves the others out.
    DropsWhatABundleHasMore = "drops-what-a-bundle-has-more",
    /// Takes a phase 1 proposal for another protocol than ISAKMP.
    AcceptsInvalidProtocol = "accepts-invalid-protocol",
    /// Takes 3DES with a Key Length.
    AcceptsKeyLengthOf3des = "accepts-key-length-of-3des",
    /// Refuses phase 1 lifetimes that need more than two octets.
    RefusesVariableLifetimes = "refuses-variable-lifetimes",
    /// Does not cut the IV of phase 1 to a block when phase 2 follows aggressive mode.
    UncutIvAfterAggressiveMode = "uncut-iv-after-aggressive-mode",
    /// Refuses the last message of aggressive mode when it is in the clear.
    RefusesClearAggressiveMode3 = "refuses-clear-aggressive-mode-3",
    /// Refuses clients that are named by anything but addresses.
    RefusesNamedClients = "refuses-named-clients",
    /// Answers with a smaller client than the initiator named.
    NarrowsClients = "narrows-clients",
    /// Refuses a quick mode while another one runs.
    RunsOneQuickModeAtATime = "runs-one-quick-mode-at-a-time",
    /// Refuses a new phase 1 of a peer that it has SAs with.
    RefusesPhase1WhileSasStand = "refuses-phase-1-while-sas-stand",
    /// Takes a quick mode before extended authentication is over.
    QuickModeBeforeTheUser = "quick-mode-before-the-user",
    /// Has one responder cookie for all exchanges.
    SameCookieForEveryone = "same-cookie-for-everyone",
    /// Sends a message again after the same time each time.
    RetransmitsAtAFixedRate = "retransmits-at-a-fixed-rate",
    /// Sends a message again without end.
    RetransmitsForEver = "retransmits-for-ever",
    /// Gives up a message when one of its fragments comes again.
    ForgetsFragmentsThatComeTwice = "forgets-fragments-that-come-twice",
    /// Puts a message together only when its fragments come in order.
    TakesFragmentsInOrderOnly = "takes-fragments-in-order-only",
    /// Takes any hash of a transaction exchange.
    AcceptsWrongHashOfTransactions = "accepts-wrong-hash-of-transactions",
    /// SKEYID of public key encryption does not cover the cookies.
    EncryptionSkeyidWithoutCookies = "encryption-skeyid-without-cookies",
    /// Ne of revised public key encryption does not cover the cookie.
    NeWithoutTheCookie = "ne-without-the-cookie",
    /// Sends no NAT keep-alives.
    SendsNoKeepAlives = "sends-no-keep-alives",
    /// Stays with the address that the peer had, when the peer moves behind its NAT.
    DoesNotFollowThePeer = "does-not-follow-the-peer",
    /// Does not change to the port of NAT traversal when there is a NAT.
    StaysOnPort500 = "stays-on-port-500",
}

#[cfg(feature = "deviations")]
thread_local! {
    static CURRENT: core::cell::Cell<Option<Deviation>> = const { core::cell::Cell::new(None) };
}

/// Whether the engine is to do it in the wrong way.
#[cfg(feature = "deviations")]
pub(crate) fn deviates(deviation: Deviation) -> bool {
    CURRENT.get() == Some(deviation)
}

/// Whether the engine is to do it in the wrong way: never.
#[cfg(not(feature = "deviations"))]
pub(crate) const fn deviates(_: Deviation) -> bool {
    false
}

/// Lets every endpoint that `work` calls, on this thread, have a deviation.
#[cfg(feature = "deviations")]
pub fn during<R>(deviation: Option<Deviation>, work: impl FnOnce() -> R) -> R {
    /// Puts the former one back, after a panic too.
    struct Former(Option<Deviation>);

    impl Drop for Former {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }

    let _former = Former(CURRENT.replace(deviation));
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(feature = "deviations"))]
    #[test]
    fn a_build_without_the_feature_cannot_deviate() {
        // It is known when the engine is compiled, so every branch behind it is left out.
        const NEVER: bool = !deviates(Deviation::AcceptsWrongHashI);
        const { assert!(NEVER) };
    }

    #[cfg(feature = "deviations")]
    #[test]
    fn a_deviation_holds_for_its_work_and_no_longer() {
        assert!(!deviates(Deviation::AcceptsWrongHashI));
        let held = during(Some(Deviation::AcceptsWrongHashI), || {
            let other = during(None, || deviates(Deviation::AcceptsWrongHashI));
            (deviates(Deviation::AcceptsWrongHashI), deviates(Deviation::AcceptsWrongHashR), other)
        });
        assert_eq!(held, (true, false, false));
        assert!(!deviates(Deviation::AcceptsWrongHashI));
    }

    #[cfg(feature = "deviations")]
    #[test]
    fn every_deviation_has_a_name_of_its_own() {
        for deviation in Deviation::ALL {
            assert_eq!(Deviation::from_name(deviation.name()), Some(*deviation));
        }
    }
}
