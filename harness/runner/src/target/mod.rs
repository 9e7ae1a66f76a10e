//! The peers behind [`Driver`](crate::driver::Driver): the engine itself, and daemons in containers.

pub mod charon_case;
pub mod charon_values;
pub mod loopback;
pub mod pair_member;
pub mod raw_ip;
pub mod shell_peer;
pub mod sockets;
pub mod strongswan;
