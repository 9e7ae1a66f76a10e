//! XAUTH and Mode-Config.

names! {
    /// Who begins with the configuration of a host (Mode-Config draft section 2).
    ConfigMethod {
        /// The host asks: REQUEST and REPLY.
        Pull = "pull",
        /// The edge device tells: SET and ACK.
        Push = "push",
    }
}

names! {
    /// An attribute of Mode-Config (Mode-Config draft section 3.4).
    ModeConfigAttribute {
        /// An IPv4 address within the internal network.
        Ip4Address = "INTERNAL_IP4_ADDRESS",
        /// Its netmask.
        Ip4Netmask = "INTERNAL_IP4_NETMASK",
        /// A DNS server.
        Ip4Dns = "INTERNAL_IP4_DNS",
        /// A NetBIOS name server.
        Ip4Nbns = "INTERNAL_IP4_NBNS",
        /// How long the address may be used.
        AddressExpiry = "INTERNAL_ADDRESS_EXPIRY",
        /// Where DHCP requests go.
        Ip4Dhcp = "INTERNAL_IP4_DHCP",
        /// The version of the other side.
        ApplicationVersion = "APPLICATION_VERSION",
        /// An IPv6 address within the internal network.
        Ip6Address = "INTERNAL_IP6_ADDRESS",
        /// Its netmask.
        Ip6Netmask = "INTERNAL_IP6_NETMASK",
        /// A DNS server.
        Ip6Dns = "INTERNAL_IP6_DNS",
        /// A NetBIOS name server.
        Ip6Nbns = "INTERNAL_IP6_NBNS",
        /// Where DHCP requests go.
        Ip6Dhcp = "INTERNAL_IP6_DHCP",
        /// A network behind the edge device.
        Ip4Subnet = "INTERNAL_IP4_SUBNET",
        /// The attributes that the other side knows.
        SupportedAttributes = "SUPPORTED_ATTRIBUTES",
        /// A network behind the edge device.
        Ip6Subnet = "INTERNAL_IP6_SUBNET",
    }
}

names! {
    /// What an edge device can ask of a user (XAUTH draft section 6.2).
    XauthAttribute {
        /// The user's name.
        UserName = "XAUTH-USER-NAME",
        /// The password.
        UserPassword = "XAUTH-USER-PASSWORD",
        /// A token card's passcode.
        Passcode = "XAUTH-PASSCODE",
        /// The domain to be authenticated in.
        Domain = "XAUTH-DOMAIN",
        /// A new PIN.
        NextPin = "XAUTH-NEXT-PIN",
        /// An answer to the message.
        Answer = "XAUTH-ANSWER",
    }
}

names! {
    /// Type of extended authentication (XAUTH draft section 6.3).
    XauthType {
        /// Whatever needs no processing of its own.
        Generic = "generic",
        /// The challenge hides the password as in RADIUS.
        RadiusChap = "radius-chap",
        /// One-time passwords.
        Otp = "otp",
    }
}
