//! The peers behind [`Driver`](crate::driver::Driver): the engine itself, daemons in containers, and
//! devices somewhere on the network.

pub mod charon_case;
pub mod charon_values;
pub mod device;
pub mod host_command;
pub mod loopback;
pub mod pair_member;
pub mod quirks;
pub mod raw_ip;
pub mod shell_peer;
pub mod sockets;
pub mod strongswan;
