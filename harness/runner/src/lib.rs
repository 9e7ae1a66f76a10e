<<<<<<< HEAD
//! Placeholder.

pub mod packet;
pub mod vectors;
=======
//! Drivers of the IKEv1 harness: containers, sockets and clocks.

pub mod docker;
>>>>>>> docker
