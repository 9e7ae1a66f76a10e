//! Two daemons on a network of their own.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ikev1_scenario::judge::unsupported;
use ikev1_scenario::verdict::{Judgement, PeerProfile};

use super::combination::Combination;
use super::sniffer::Sniffer;
use crate::docker::{
    CHARON_PROTECTED, ChosenPeer, Control, DockerError, HARNESS_PROTECTED, PeerNetwork, Place,
};
use crate::driver::InfraError;
use crate::target::pair_member::PairMember;
use crate::target::shell_peer::ShellPeer;
use crate::target::strongswan::Strongswan;

/// The host behind the initiator.
pub(super) const BEHIND_INITIATOR: Ipv4Addr = HARNESS_PROTECTED;
/// The host behind the responder.
pub(super) const BEHIND_RESPONDER: Ipv4Addr = CHARON_PROTECTED;

/// Two daemons in containers, each the other's peer.
pub struct Pair {
    pub(super) initiator: Box<dyn PairMember>,
    pub(super) responder: Box<dyn PairMember>,
    pub(super) wire: Wire,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair")
            .field("initiator", self.initiator.profile())
            .field("responder", self.responder.profile())
            .finish_non_exhaustive()
    }
}

/// What listens to the two.
#[derive(Debug)]
pub(super) enum Wire {
    /// A sniffer on the link of the container with this ID.
    Sniffed { container: String, sniffer: Sniffer },
    /// Nothing does, for this reason.
    Unheard(String),
}

impl Pair {
    /// Starts two daemons, labelled with `run_id`.
    ///
    /// # Errors
    /// When one of them does not start.
    pub async fn start(
        initiator: &ChosenPeer,
        responder: &ChosenPeer,
        run_id: &str,
    ) -> Result<Self, DockerError> {
        let network = Arc::new(PeerNetwork::create(run_id).await?);
        let (initiator, responder) = tokio::try_join!(
            member(initiator, run_id, BEHIND_INITIATOR, &network),
            member(responder, run_id, BEHIND_RESPONDER, &network),
        )?;
        let wire = Wire::Unheard("nobody has listened yet".to_owned());
        Ok(Self { initiator, responder, wire })
    }

    /// What is known of the initiator and the responder.
    #[must_use]
    pub fn profiles(&self) -> [&PeerProfile; 2] {
        [self.initiator.profile(), self.responder.profile()]
    }

    /// The judgement of a combination that one of the two cannot play.
    pub(super) fn unsupported(&self, combination: &Combination) -> Option<Judgement> {
        unsupported(&combination.initiator, self.initiator.profile())
            .or_else(|| unsupported(&combination.responder, self.responder.profile()))
    }

    /// Configures both for a combination, without any SA left from before.
    pub(super) async fn prepare(&mut self, combination: &Combination) -> Result<(), InfraError> {
        self.initiator.reset().await?;
        self.responder.reset().await?;
        self.listen().await;
        let [initiator, responder] = self.addresses();
        self.responder.load_against(&combination.responder, initiator).await?;
        self.initiator.load_against(&combination.initiator, responder).await
    }

    /// The IKE addresses of initiator and responder.
    pub(super) fn addresses(&self) -> [Ipv4Addr; 2] {
        [self.initiator.container().address(), self.responder.container().address()]
    }

    /// Listens on the link of the initiator's container, which all traffic between the two takes.
    async fn listen(&mut self) {
        let container = self.initiator.container();
        match &self.wire {
            Wire::Sniffed { container: known, sniffer } if known == container.id() => drop(sniffer.take()),
            _ => {
                self.wire = match sniff(&*self.initiator).await {
                    Ok(sniffer) => Wire::Sniffed { container: container.id().to_owned(), sniffer },
                    Err(error) => Wire::Unheard(error.to_string()),
                };
            }
        }
    }
}

async fn sniff(member: &dyn PairMember) -> io::Result<Sniffer> {
    // The other end of the container's link is an interface of the host that the engine runs on.
    let command = ["cat", "/sys/class/net/eth0/iflink"];
    let output = member.container().exec(&command).await.map_err(io::Error::other)?;
    let index = output.stdout.trim().parse().map_err(|_| {
        let said = format!("{}{}", output.stdout.trim(), output.stderr.trim());
        io::Error::other(format!("the container does not tell the index of its link's other end: {said}"))
    })?;
    Sniffer::start(index)
}

async fn member(
    peer: &ChosenPeer,
    run_id: &str,
    protected: Ipv4Addr,
    network: &Arc<PeerNetwork>,
) -> Result<Box<dyn PairMember>, DockerError> {
    let (run_id, place) = (run_id.to_owned(), Place::In(Arc::clone(network)));
    Ok(match &peer.dir.manifest.control {
        Control::Vici {} => Box::new(Strongswan::start_at(peer, run_id, protected, place).await?),
        Control::Shell(control) => {
            Box::new(ShellPeer::start_at(peer, control, run_id, protected, place).await?)
        }
    })
}
