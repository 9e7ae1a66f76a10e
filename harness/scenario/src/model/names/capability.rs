//! What peers can do.

names! {
    /// What a peer must be able to do for a case to make sense with it.
    Capability {
        /// It speaks IKEv1, and takes part in its exchanges to their end. Every case needs it that does not say
        /// `first-messages` or `refuses-ikev1` instead.
        Ikev1 = "ikev1",
        /// It sends the first message of phase 1. A case that needs this of it takes a peer that goes no further.
        FirstMessages = "first-messages",
        /// It speaks no IKEv1, and is to refuse it.
        RefusesIkev1 = "refuses-ikev1",
        /// It takes first messages of the other side.
        Responder = "responder",
        /// Main mode.
        MainMode = "main-mode",
        /// Aggressive mode.
        AggressiveMode = "aggressive-mode",
        /// Authentication with a pre-shared key.
        Psk = "psk",
        /// Authentication with DSS signatures.
        DssSignature = "dss-signature",
        /// Authentication with RSA signatures.
        RsaSignature = "rsa-signature",
        /// Authentication with public key encryption.
        RsaEncryption = "rsa-encryption",
        /// Authentication with the revised mode of public key encryption.
        RevisedRsaEncryption = "revised-rsa-encryption",
        /// Authentication with ECDSA on P-256.
        EcdsaP256 = "ecdsa-p256",
        /// Authentication with ECDSA on P-384.
        EcdsaP384 = "ecdsa-p384",
        /// Authentication with ECDSA on P-521.
        EcdsaP521 = "ecdsa-p521",
        /// Public keys that are known beforehand, without certificates.
        RawPublicKeys = "raw-public-keys",
        /// It uses certificates of the other side that it has beforehand.
        KnownCertificates = "known-certificates",
        /// It can be told to refuse certificates whose authority has no revocation list.
        RequiredCrls = "required-crls",
        /// Revocation lists in CERT payloads count.
        CrlPayloads = "crl-payloads",
        /// Its address is the one in its test certificates, 192.0.2.2, and the harness' 192.0.2.1.
        CertifiedAddresses = "certified-addresses",
        /// It can be told to let an identity be an address other than the one that it comes from.
        AnyAddressId = "any-address-id",
        /// It takes exchanges from any address, and knows the peer by its identity.
        AnyAddress = "any-address",
        /// DES-CBC in phase 1.
        Des = "des",
        /// 3DES-CBC in phase 1.
        TripleDes = "3des",
        /// IDEA-CBC in phase 1.
        Idea = "idea",
        /// RC5-R16-B64-CBC in phase 1, 40-bit key.
        Rc5With40 = "rc5-40",
        /// RC5-R16-B64-CBC in phase 1, 128-bit key.
        Rc5With128 = "rc5-128",
        /// CAST-CBC in phase 1, 40-bit key.
        Cast40 = "cast40",
        /// CAST-CBC in phase 1, 128-bit key.
        Cast128 = "cast128",
        /// Blowfish-CBC in phase 1, 40-bit key.
        Blowfish40 = "blowfish40",
        /// Blowfish-CBC in phase 1, 128-bit key.
        Blowfish128 = "blowfish128",
        /// Blowfish-CBC in phase 1, 256-bit key.
        Blowfish256 = "blowfish256",
        /// Blowfish-CBC in phase 1, 448-bit key.
        Blowfish448 = "blowfish448",
        /// CAMELLIA-CBC in phase 1, 128-bit key.
        Camellia128 = "camellia128",
        /// CAMELLIA-CBC in phase 1, 192-bit key.
        Camellia192 = "camellia192",
        /// CAMELLIA-CBC in phase 1, 256-bit key.
        Camellia256 = "camellia256",
        /// Phase 1 transforms without a Key Length attribute, where the cipher has a length for that case.
        DefaultKeyLength = "default-key-length",
        /// AES-CBC-128 in phase 1.
        Aes128 = "aes128",
        /// AES-CBC-192 in phase 1.
        Aes192 = "aes192",
        /// AES-CBC-256 in phase 1.
        Aes256 = "aes256",
        /// MD5 in phase 1.
        Md5 = "md5",
        /// SHA-1 in phase 1.
        Sha1 = "sha1",
        /// Tiger in phase 1.
        Tiger = "tiger",
        /// SHA-256 in phase 1.
        Sha2_256 = "sha2-256",
        /// SHA-384 in phase 1.
        Sha2_384 = "sha2-384",
        /// SHA-512 in phase 1.
        Sha2_512 = "sha2-512",
        /// Group 1, in either phase.
        Modp768 = "modp768",
        /// Group 2, in either phase.
        Modp1024 = "modp1024",
        /// Group 5, in either phase.
        Modp1536 = "modp1536",
        /// Group 14, in either phase.
        Modp2048 = "modp2048",
        /// Group 15, in either phase.
        Modp3072 = "modp3072",
        /// Group 16, in either phase.
        Modp4096 = "modp4096",
        /// Group 17, in either phase.
        Modp6144 = "modp6144",
        /// Group 18, in either phase.
        Modp8192 = "modp8192",
        /// Group 22, in either phase.
        Modp1024Subgroup160 = "modp1024s160",
        /// Group 23, in either phase.
        Modp2048Subgroup224 = "modp2048s224",
        /// Group 24, in either phase.
        Modp2048Subgroup256 = "modp2048s256",
        /// Group 19, in either phase.
        Ecp256 = "ecp256",
        /// Group 20, in either phase.
        Ecp384 = "ecp384",
        /// Group 21, in either phase.
        Ecp521 = "ecp521",
        /// Group 3, in either phase.
        Ec2n155 = "ec2n155",
        /// Group 4, in either phase.
        Ec2n185 = "ec2n185",
        /// A private MODP group, given by its numbers in phase 1 or defined by New Group mode.
        PrivateGroup = "private-group",
        /// A private EC2N group, in the same ways.
        PrivateEc2nGroup = "private-ec2n-group",
        /// New Group mode.
        NewGroupMode = "new-group-mode",
        /// Groups 19, 20 and 21 in quick mode.
        EcpPfs = "ecp-pfs",
        /// Diffie-Hellman in quick mode.
        Pfs = "pfs",
        /// Lives of SAs of more than a day.
        LongLifetimes = "long-lifetimes",
        /// Lives of IPsec SAs in kilobytes.
        KilobyteLifetime = "kilobyte-lifetime",
        /// RESPONDER-LIFETIME, sent as responder.
        ResponderLifetime = "responder-lifetime",
        /// REPLAY-STATUS, sent as responder.
        ReplayStatus = "replay-status",
        /// The Commit bit with CONNECTED.
        CommitBit = "commit-bit",
        /// ESP.
        Esp = "esp",
        /// AH.
        Ah = "ah",
        /// AH and ESP negotiated together, all or none.
        Bundles = "bundles",
        /// Several SA payloads in one quick mode.
        SeveralSas = "several-sas",
        /// IPComp with DEFLATE, negotiated together with ESP or AH.
        Ipcomp = "ipcomp",
        /// Several proposals, under numbers of their own, offered to choose one from.
        ProposalAlternatives = "proposal-alternatives",
        /// ESP that encrypts only, without an authentication algorithm.
        EspWithoutAuthentication = "esp-without-authentication",
        /// ESP_NULL.
        EspNull = "esp-null",
        /// DES-CBC in ESP.
        EspDes = "esp-des",
        /// 3DES-CBC in ESP.
        EspTripleDes = "esp-3des",
        /// IDEA-CBC in ESP.
        EspIdea = "esp-idea",
        /// RC5-CBC in ESP, 40-bit key.
        EspRc5With40 = "esp-rc5-40",
        /// RC5-CBC in ESP, 128-bit key.
        EspRc5With128 = "esp-rc5-128",
        /// CAST-CBC in ESP, 40-bit key.
        EspCast40 = "esp-cast40",
        /// CAST-CBC in ESP, 128-bit key.
        EspCast128 = "esp-cast128",
        /// Blowfish-CBC in ESP, 40-bit key.
        EspBlowfish40 = "esp-blowfish40",
        /// Blowfish-CBC in ESP, 128-bit key.
        EspBlowfish128 = "esp-blowfish128",
        /// Blowfish-CBC in ESP, 256-bit key.
        EspBlowfish256 = "esp-blowfish256",
        /// Blowfish-CBC in ESP, 448-bit key.
        EspBlowfish448 = "esp-blowfish448",
        /// CAMELLIA-CBC in ESP, 128-bit key.
        EspCamellia128 = "esp-camellia128",
        /// CAMELLIA-CBC in ESP, 192-bit key.
        EspCamellia192 = "esp-camellia192",
        /// CAMELLIA-CBC in ESP, 256-bit key.
        EspCamellia256 = "esp-camellia256",
        /// AES-CBC-128 in ESP.
        EspAes128 = "esp-aes128",
        /// AES-CBC-192 in ESP.
        EspAes192 = "esp-aes192",
        /// AES-CBC-256 in ESP.
        EspAes256 = "esp-aes256",
        /// HMAC-MD5-96 in ESP or AH.
        HmacMd5 = "hmac-md5",
        /// HMAC-SHA-1-96 in ESP or AH.
        HmacSha1 = "hmac-sha1",
        /// HMAC-SHA-256-128 in ESP or AH.
        HmacSha2_256 = "hmac-sha2-256",
        /// HMAC-SHA-384-192 in ESP or AH.
        HmacSha2_384 = "hmac-sha2-384",
        /// HMAC-SHA-512-256 in ESP or AH.
        HmacSha2_512 = "hmac-sha2-512",
        /// AES-XCBC-MAC-96 in ESP or AH.
        AesXcbcMac = "aes-xcbc-mac",
        /// Sequence numbers of 64 bits in ESP or AH (RFC 4304).
        ExtendedSequenceNumbers = "extended-sequence-numbers",
        /// Tunnel mode.
        Tunnel = "tunnel",
        /// Transport mode.
        Transport = "transport",
        /// NAT traversal of RFC 3947 and UDP encapsulation of RFC 3948.
        NatT = "nat-t",
        /// NAT traversal of draft-ietf-ipsec-nat-t-ike-02 or -03.
        NatTDrafts = "nat-t-drafts",
        /// As initiator it announces draft 03 of NAT traversal, be it beside other versions.
        NatTDraft03 = "nat-t-draft-03",
        /// Of several versions of NAT traversal it can be told which to announce.
        NatTVersions = "nat-t-versions",
        /// It sends keep-alives through a NAT when told how often.
        NatKeepAlive = "nat-keep-alive",
        /// Dead peer detection (RFC 3706).
        Dpd = "dpd",
        /// It can be told to ask whether the other side lives, at once or when it sends packets.
        DpdOnDemand = "dpd-on-demand",
        /// Messages in fragments (payload type 132).
        Fragmentation = "fragmentation",
        /// Extended authentication (XAUTH).
        Xauth = "xauth",
        /// As edge device of extended authentication it asks in several rounds, for other than name and password, of other
        /// types than generic, more than once, or not at all where the user is known; as host it answers all that.
        XauthRounds = "xauth-rounds",
        /// Hybrid authentication.
        Hybrid = "hybrid",
        /// Hybrid authentication in which the edge device initiates phase 1.
        HybridEdgeInitiates = "hybrid-edge-initiates",
        /// It sends an empty identity when told to.
        EmptyId = "empty-id",
        /// Mode-Config that the host asks for.
        ModeConfigPull = "mode-config-pull",
        /// Mode-Config that the edge device tells unasked.
        ModeConfigPush = "mode-config-push",
        /// Of Mode-Config it tells every attribute of the draft.
        ModeConfigAttributes = "mode-config-attributes",
        /// IPsec SAs without UDP encapsulation.
        NoNat = "no-nat",
        /// Quick mode without client identities.
        NoClientIds = "no-client-ids",
        /// Clients that are IPv4 addresses or ranges, or have a protocol and port.
        ClientSelectors = "client-selectors",
        /// Clients of IPv6, and such that are named otherwise than by addresses.
        ClientNames = "client-names",
        /// Its own address as its identity in phase 1.
        AddressId = "address-id",
        /// ID_KEY_ID as its identity in phase 1.
        KeyId = "key-id",
        /// Identities other than an address or ID_KEY_ID in phase 1.
        NamedIds = "named-ids",
        /// Several acceptable transforms can be configured for one phase.
        SeveralTransforms = "several-transforms",
        /// INITIAL-CONTACT can be configured, sent or not.
        InitialContact = "initial-contact",
        /// Packets through the IPsec SAs are answered.
        Traffic = "traffic",
        /// Packets through AH reach it and come back. AH covers the IP header, so the harness must write that itself.
        AhTraffic = "ah-traffic",
        /// It replaces IPsec SAs before they expire, or when told.
        RekeyIpsec = "rekey-ipsec",
        /// It replaces ISAKMP SAs before they expire, or when told.
        RekeyIsakmp = "rekey-isakmp",
        /// It can be told to delete an SA.
        Delete = "delete",
        /// It can be told to initiate.
        Trigger = "trigger",
        /// It can be told to set up phase 1 and nothing more. A peer that goes on to quick mode is not kept from cases by this:
        /// they are `unsupported` where it really went on.
        Phase1Alone = "phase1-alone",
        /// Its SAs can be listed.
        State = "state",
        /// Its derived values (SKEYID, IVs, HASH_I ...) can be read.
        DerivedValues = "derived-values",
        /// Of its derived values those that are keys can be read too: g^xy, SKEYID, SKEYID_d, SKEYID_a, SKEYID_e.
        SecretValues = "secret-values",
        /// It says in words of its own how it reads the messages that come.
        Reports = "reports",
        /// Its clock is ours, so that hours pass at once.
        VirtualTime = "virtual-time",
    }
}
