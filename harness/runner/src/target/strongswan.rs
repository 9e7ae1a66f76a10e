//! charon of strongSwan in a container: real sockets, the machine's clock, control over VICI.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ikev1::event::Role;
use ikev1::io::{Datagram, Timestamp};
use ikev1::wire::{Cookie, CookiePair, ProtocolId};
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{self, Step, Which};
use ikev1_scenario::verdict::PeerProfile;

use super::pair_member::{PairMember, ping_command};
use super::sockets::{ISAKMP_PORT, NAT_T_PORT, Sockets};
use super::{charon_case, charon_values};
use crate::docker::{
    CHARON_PROTECTED, Charon, CharonIpsecSa, CharonIsakmpSa, ChosenPeer, DockerError, ExecOutput,
    IsakmpSaState, PeerContainer, Place, Section, ViciError,
};
use crate::driver::{
    Addresses, Driver, Ending, InfraError, IpsecSaView, IsakmpSaView, PeerCommand, PeerValues, SaView,
};
use crate::settings::POLICY_NAME;

/// A daemon that does not answer may be about to end, and its last lines say why.
pub(super) const ENDING_TIME_MAX: Duration = Duration::from_secs(5);

/// charon's words for IPsec SAs that are installed, replaced ones that still stand among them.
const STANDING: &[&str] = &["INSTALLED", "REKEYING", "REKEYED"];

/// charon in a container; see the module documentation.
#[derive(Debug)]
pub struct Strongswan {
    profile: PeerProfile,
    peer: ChosenPeer,
    run_id: String,
    charon: Charon,
    protected: Ipv4Addr,
    place: Place,
    /// It did not answer, or kept SAs that it was told to give up; nothing but a new container helps.
    lost: AtomicBool,
    /// It has no SA and no connection: none was loaded since its start or the last reset.
    clean: bool,
    /// How much of its log earlier cases have had.
    log_seen: usize,
    session: Option<Session>,
}

/// One case.
#[derive(Debug)]
struct Session {
    /// None where the other side is another daemon.
    sockets: Option<Sockets>,
    start: Instant,
    log_offset: usize,
}

impl Strongswan {
    /// Starts charon in a container, labelled with `run_id`, on a network of its own.
    ///
    /// # Errors
    /// When the container or charon in it does not start.
    pub async fn start(peer: &ChosenPeer, run_id: String) -> Result<Self, DockerError> {
        Self::start_at(peer, run_id, CHARON_PROTECTED, Place::Apart).await
    }

    /// As [`Self::start`], with `protected` behind charon, and in a network of the caller's choice.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_at(
        peer: &ChosenPeer,
        run_id: String,
        protected: Ipv4Addr,
        place: Place,
    ) -> Result<Self, DockerError> {
        peer.restore_image().await?;
        let charon = Charon::start_at(&peer.image, &run_id, protected, place.clone()).await?;
        let profile = peer.profile(&charon.version().version);
        let (peer, lost) = (peer.clone(), AtomicBool::new(false));
        let log_seen = charon.container().log_len();
        Ok(Self {
            profile,
            peer,
            run_id,
            charon,
            protected,
            place,
            lost,
            clean: true,
            log_seen,
            session: None,
        })
    }

    /// The daemon.
    pub fn charon(&self) -> &Charon {
        &self.charon
    }

    fn session(&self) -> Result<&Session, InfraError> {
        self.session.as_ref().ok_or(InfraError::NotPrepared)
    }

    fn sockets(&self) -> Result<&Sockets, InfraError> {
        self.session()?.sockets.as_ref().ok_or(InfraError::NotPrepared)
    }

    /// Begins a case whose other side is at `other`.
    async fn load(
        &mut self,
        case: &Case,
        other: Ipv4Addr,
        other_port: u16,
        sockets: Option<Sockets>,
    ) -> Result<(), InfraError> {
        let address = self.charon.container().address();
        let connection = charon_case::connection(case, address, other, other_port);
        self.clean = false;
        self.session = Some(Session { sockets, start: Instant::now(), log_offset: self.log_seen });
        let loaded = self.charon.load(&connection).await;
        if let Err(error @ DockerError::Vici(ViciError::Refused { .. })) = &loaded {
            return Err(InfraError::Refused {
                what: "charon: load the connection".to_owned(),
                problem: error.to_string(),
                log: self.charon.container().log_tail(10),
            });
        }
        self.checked("load the connection", loaded).await?;
        // Its time begins when it is configured.
        self.session.iter_mut().for_each(|session| session.start = Instant::now());
        Ok(())
    }

    /// Has charon give up SAs and connections; gives what is left of them.
    async fn give_up(&mut self) -> Result<Option<String>, InfraError> {
        let left = match self.charon.reset().await {
            Ok(()) => {
                let listed = self.charon.list_policies().await;
                let policies = self.checked("list policies", listed).await?;
                (!policies.is_empty()).then(|| format!("policies: {}", policies.join(", ")))
            }
            Err(DockerError::Vici(error @ ViciError::Left { .. })) => Some(error.to_string()),
            Err(error) => return Err(self.failure("give up everything", &error).await),
        };
        self.lost.fetch_or(left.is_some(), Ordering::Relaxed);
        self.clean = left.is_none();
        Ok(left)
    }

    /// Leaves charon without SA and connection; in a new container when the present one does not manage.
    async fn renew(&mut self) -> Result<(), InfraError> {
        // What was left is told where a case ends.
        if !self.is_lost() && (self.clean || matches!(self.give_up().await, Ok(None))) {
            return Ok(());
        }
        let (peer, run_id, protected) = (&self.peer, &self.run_id, self.protected);
        let fresh = async {
            peer.restore_image().await?;
            Charon::start_at(&peer.image, run_id, protected, self.place.clone()).await
        };
        let fresh = fresh.await;
        self.charon = fresh.map_err(|error| InfraError::peer("restart charon", error))?;
        self.lost = AtomicBool::new(false);
        self.log_seen = self.charon.container().log_len();
        self.clean = true;
        Ok(())
    }

    fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Saves the wait for a charon that did not answer before.
    fn must_answer(&self) -> Result<(), InfraError> {
        if self.is_lost() { Err(InfraError::peer("charon", "did not answer before")) } else { Ok(()) }
    }

    async fn sas(&self) -> Result<Vec<CharonIsakmpSa>, InfraError> {
        self.must_answer()?;
        let mut sas = self.checked("list SAs", self.charon.list_sas().await).await?;
        sas.sort_by_key(|sa| sa.unique_id);
        Ok(sas)
    }

    /// charon's failure, with the end of its log.
    async fn failure(&self, what: &str, error: &DockerError) -> InfraError {
        let container = self.charon.container();
        let mut trouble = String::new();
        if !matches!(error, DockerError::Vici(ViciError::Refused { .. })) {
            self.lost.store(true, Ordering::Relaxed);
            trouble = container.trouble().await;
        }
        InfraError::peer(format!("charon: {what}"), format!("{trouble}{error}\n{}", container.log_tail(10)))
    }

    /// A result of charon's, whose error comes with the end of its log.
    async fn checked<T>(&self, what: &str, result: Result<T, DockerError>) -> Result<T, InfraError> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(self.failure(what, &error).await),
        }
    }

    async fn act_on_isakmp(&self, command: &str, which: Which) -> Result<(), InfraError> {
        let sas = self.sas().await?;
        let mut established = sas.iter().filter(|sa| sa.state == IsakmpSaState::Established);
        let sa = match which {
            Which::Newest => established.next_back(),
            Which::Oldest => established.next(),
        };
        let id = sa.ok_or(InfraError::NoSuchSa("ISAKMP SA"))?.unique_id;
        let mut section = Section::new().value("ike-id", id.to_string());
        if command == "rekey" {
            section = section.value("reauth", "yes");
        }
        self.act(command, section).await
    }

    async fn act_on_ipsec(&self, command: &str, which: Which) -> Result<(), InfraError> {
        let sas = self.sas().await?;
        let mut ids: Vec<u32> = sas.iter().flat_map(standing).map(|sa| sa.unique_id).collect();
        ids.sort_unstable();
        let id = match which {
            Which::Newest => ids.last(),
            Which::Oldest => ids.first(),
        };
        let id = id.ok_or(InfraError::NoSuchSa("IPsec SA"))?;
        self.act(command, Section::new().value("child-id", id.to_string())).await
    }

    async fn act(&self, command: &str, section: Section) -> Result<(), InfraError> {
        // "-1" lets the command return at once, while the exchange goes on.
        let section = section.value("timeout", "-1");
        let done = self.charon.vici().request(command, &section).await;
        self.checked(command, done.map(drop).map_err(DockerError::from)).await
    }
}

#[async_trait]
impl Driver for Strongswan {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    async fn prepare(&mut self, case: &Case, _seed: u64) -> Result<Addresses, InfraError> {
        self.session = None;
        self.renew().await?;
        let (address, gateway) = (self.charon.container().address(), self.charon.container().gateway());
        let sockets = Sockets::open(gateway, address, peer_initiates(case)).await?;
        let (harness, harness_nat_t) = sockets.local()?;
        self.load(case, gateway, harness.port(), Some(sockets)).await?;
        Ok(Addresses {
            harness,
            harness_nat_t,
            peer: at(address, ISAKMP_PORT),
            peer_nat_t: at(address, NAT_T_PORT),
        })
    }

    fn now(&self) -> Timestamp {
        self.session.as_ref().map_or(Timestamp::ZERO, |session| Timestamp(session.start.elapsed()))
    }

    async fn send(&mut self, datagram: &Datagram) -> Result<(), InfraError> {
        self.sockets()?.send(datagram).await
    }

    async fn wait(&mut self, until: Timestamp) -> Result<Option<Datagram>, InfraError> {
        let until = self.session()?.start + until.0;
        self.sockets()?.receive(until).await
    }

    async fn command(&mut self, command: PeerCommand) -> Result<(), InfraError> {
        self.must_answer()?;
        match command {
            PeerCommand::InitiatePhase1 => {
                let told = self.charon.initiate_phase1(POLICY_NAME).await;
                self.checked("initiate phase 1", told).await
            }
            PeerCommand::InitiateQuickMode => {
                let told = self.charon.initiate(POLICY_NAME).await;
                self.checked("initiate quick mode", told).await
            }
            PeerCommand::RekeyIsakmp(which) => self.act_on_isakmp("rekey", which).await,
            PeerCommand::RekeyIpsec(which) => self.act_on_ipsec("rekey", which).await,
            PeerCommand::DeleteIsakmp(which) => self.act_on_isakmp("terminate", which).await,
            PeerCommand::DeleteIpsec(which) => self.act_on_ipsec("terminate", which).await,
            PeerCommand::NewGroup => Err(InfraError::Unsupported("start New Group mode")),
            PeerCommand::Probe => Err(InfraError::Unsupported("ask whether the harness lives")),
        }
    }

    async fn rebind(&mut self) -> Result<(), InfraError> {
        let sockets = self.session.as_mut().and_then(|session| session.sockets.as_mut());
        sockets.ok_or(InfraError::NotPrepared)?.rebind().await
    }

    async fn state(&mut self) -> Result<SaView, InfraError> {
        let sas = self.sas().await?;
        let mut ipsec: Vec<&CharonIpsecSa> = sas.iter().flat_map(standing).collect();
        ipsec.sort_by_key(|sa| sa.unique_id);
        Ok(SaView {
            reports: Vec::new(),
            isakmp_sas: sas.iter().map(isakmp_view).collect(),
            ipsec_sas: ipsec.into_iter().map(ipsec_view).collect(),
        })
    }

    async fn values(&mut self) -> Result<PeerValues, InfraError> {
        self.must_answer()?;
        let log = self.charon.settled_log(self.session()?.log_offset).await;
        let values = charon_values::values(&self.checked("read the log", log).await?);
        Ok(PeerValues { values, installed: Vec::new() })
    }

    fn death(&self, log: &str) -> Option<String> {
        self.peer.dir.death(log)
    }

    fn alarms(&self, log: &str) -> Vec<String> {
        self.peer.dir.alarms(log)
    }

    async fn finish(&mut self) -> Ending {
        let mut ending = Ending::default();
        let Some(Session { log_offset, .. }) = self.session.take() else { return ending };
        if !self.is_lost() {
            match self.give_up().await {
                Ok(left) => ending.left = left,
                Err(fault) => ending.fault = Some(fault),
            }
        }
        // A charon that does not answer any more may be about to end, and has still written a log.
        if self.is_lost() && ending.left.is_none() {
            self.charon.container().wait_until_ended(ENDING_TIME_MAX).await;
        }
        // Without a log nobody knows what the daemon has met, in this case and all that follow.
        if !self.is_lost() && self.charon.container().log_has_ended() {
            self.lost.store(true, Ordering::Relaxed);
            let problem = "it broke off while the daemon runs: was the Docker engine restarted?";
            ending.fault = Some(InfraError::peer("the container's log", problem));
        }
        if !self.is_lost() {
            // What it logged is complete then; a failure shows in the next case.
            let _ = self.charon.settled_log(log_offset).await;
        }
        (ending.log, self.log_seen) = self.charon.container().log_from(log_offset);
        ending
    }
}

#[async_trait(?Send)]
impl PairMember for Strongswan {
    fn container(&self) -> &PeerContainer {
        self.charon.container()
    }

    async fn reset(&mut self) -> Result<(), InfraError> {
        self.session = None;
        self.renew().await
    }

    async fn load_against(&mut self, case: &Case, other: Ipv4Addr) -> Result<(), InfraError> {
        self.load(case, other, ISAKMP_PORT, None).await
    }

    async fn ping(&self, from: Ipv4Addr, to: Ipv4Addr, pattern: &str) -> Result<ExecOutput, InfraError> {
        let words = ping_command(from, to, pattern);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.checked("ping", self.charon.container().exec(&words).await).await
    }
}

/// Whether the peer sends the first message of some exchange of phase 1, which it sends to ports 500 and 4500.
pub(super) fn peer_initiates(case: &Case) -> bool {
    let starts = |step: &Step| matches!(step, Step::Start(start) if start.by == Some(model::Side::Peer));
    case.role == model::Role::Responder || case.steps.iter().any(starts)
}

fn standing(sa: &CharonIsakmpSa) -> impl Iterator<Item = &CharonIpsecSa> {
    sa.ipsec_sas.iter().filter(|sa| STANDING.contains(&sa.state.as_str()))
}

fn isakmp_view(sa: &CharonIsakmpSa) -> IsakmpSaView {
    IsakmpSaView {
        cookies: CookiePair { initiator: Cookie(sa.cky_i), responder: Cookie(sa.cky_r) },
        role: if sa.initiator { Role::Initiator } else { Role::Responder },
        established: matches!(sa.state, IsakmpSaState::Established | IsakmpSaState::Rekeying),
    }
}

fn ipsec_view(sa: &CharonIpsecSa) -> IpsecSaView {
    IpsecSaView {
        protocol: if sa.protocol == "AH" { ProtocolId::IPSEC_AH } else { ProtocolId::IPSEC_ESP },
        spi_in: sa.spi_in,
        spi_out: sa.spi_out,
        packets_in: Some(sa.packets_in),
        packets_out: Some(sa.packets_out),
    }
}

pub(super) fn at(address: Ipv4Addr, port: u16) -> SocketAddr {
    (address, port).into()
}
