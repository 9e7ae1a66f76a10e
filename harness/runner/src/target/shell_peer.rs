//! A daemon in a container that is controlled through a shell: real sockets, the machine's clock, and commands from the
//! peer's manifest.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use ikev1::io::{Datagram, Timestamp};
use ikev1_scenario::case::{Case, ResolvedSide};
use ikev1_scenario::model::{Role, Side, Which};
use ikev1_scenario::verdict::PeerProfile;
use serde::Serialize;

use super::pair_member::{PairMember, ping_command};
use super::sockets::{ISAKMP_PORT, NAT_T_PORT, Sockets};
use super::strongswan::{ENDING_TIME_MAX, at, peer_initiates};
use crate::docker::{
    CHARON_PROTECTED, ChosenPeer, DockerError, ExecOutput, LEFT, PeerContainer, Place, SCRIPT_TIME_MAX,
    ShellControl, ShellDaemon, ShellError, parse_state, parse_values,
};
use crate::driver::{Addresses, Driver, Ending, InfraError, PeerCommand, PeerValues, SaView};
use crate::settings::POLICY_NAME;

/// A daemon with a control shell; see the module documentation.
#[derive(Debug)]
pub struct ShellPeer {
    profile: PeerProfile,
    peer: ChosenPeer,
    control: ShellControl,
    run_id: String,
    daemon: ShellDaemon,
    protected: Ipv4Addr,
    place: Place,
    /// It did not answer, or kept what it was told to give up; nothing but a new container helps.
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
    context: Context,
}

/// What the templates of a peer are filled in with.
#[derive(Debug, Clone, Serialize)]
struct Context {
    /// The name of the connection.
    name: &'static str,
    /// The case's ID.
    case: String,
    /// The peer's release, as its manifest has it.
    release: String,
    /// The peer's role in phase 1.
    role: Role,
    /// The peer's IKE address.
    peer_address: Ipv4Addr,
    /// The harness' IKE address and port.
    harness_address: Ipv4Addr,
    harness_port: u16,
    /// The peer's configuration, as in the case's file.
    side: ResolvedSide,
}

impl Context {
    /// For a case of a peer of `release` at `peer_address`, whose other side is at the address and port behind that.
    fn new(
        case: &Case,
        release: &str,
        peer_address: Ipv4Addr,
        harness_address: Ipv4Addr,
        harness_port: u16,
    ) -> Self {
        Self {
            name: POLICY_NAME,
            case: case.id.clone(),
            release: release.to_owned(),
            role: case.role_of(Side::Peer),
            peer_address,
            harness_address,
            harness_port,
            side: case.config.peer.clone(),
        }
    }
}

/// The SA that a command is about.
#[derive(Debug, Clone, Default, Serialize)]
struct OfSa {
    #[serde(skip_serializing_if = "String::is_empty")]
    cky_i: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    cky_r: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    spi_in: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    spi_out: String,
}

/// A case's context with the SA that a command is about.
#[derive(Debug, Serialize)]
struct WithSa<'a> {
    #[serde(flatten)]
    context: &'a Context,
    sa: OfSa,
}

impl ShellPeer {
    /// Starts the daemon in a container, labelled with `run_id`, on a network of its own.
    ///
    /// # Errors
    /// When the peer has no control shell, or the container or the daemon in it does not start.
    pub async fn start(
        peer: &ChosenPeer,
        control: &ShellControl,
        run_id: String,
    ) -> Result<Self, DockerError> {
        Self::start_at(peer, control, run_id, CHARON_PROTECTED, Place::Apart).await
    }

    /// As [`Self::start`], with `protected` behind the daemon, and in a network of the caller's choice.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_at(
        peer: &ChosenPeer,
        control: &ShellControl,
        run_id: String,
        protected: Ipv4Addr,
        place: Place,
    ) -> Result<Self, DockerError> {
        let daemon = {
            let _turn = peer.turn().await;
            ShellDaemon::start(peer, control, &run_id, protected, place.clone()).await?
        };
        let mut profile = peer.profile(daemon.version());
        profile.kernel = daemon.kernel();
        let log_seen = daemon.container().log_len();
        Ok(Self {
            profile,
            peer: peer.clone(),
            control: control.clone(),
            run_id,
            daemon,
            protected,
            place,
            lost: AtomicBool::new(false),
            clean: true,
            log_seen,
            session: None,
        })
    }

    /// The daemon.
    pub const fn daemon(&self) -> &ShellDaemon {
        &self.daemon
    }

    fn session(&self) -> Result<&Session, InfraError> {
        self.session.as_ref().ok_or(InfraError::NotPrepared)
    }

    fn sockets(&self) -> Result<&Sockets, InfraError> {
        self.session()?.sockets.as_ref().ok_or(InfraError::NotPrepared)
    }

    /// Has the daemon give up SAs and connections; gives what is left of them.
    async fn give_up(&mut self) -> Result<Option<String>, InfraError> {
        let reset = {
            let _turn = self.peer.turn().await;
            self.daemon.command("reset", &()).await
        };
        let left = match reset {
            Ok(_) => None,
            Err(DockerError::Shell(ShellError::Failed { code: LEFT, output, .. })) => Some(output),
            Err(error) => {
                self.lost.store(true, Ordering::Relaxed);
                return Err(self.failure("reset", &error).await);
            }
        };
        self.lost.fetch_or(left.is_some(), Ordering::Relaxed);
        self.clean = left.is_none();
        Ok(left)
    }

    /// Leaves the daemon without SA and connection; in a new container when the present one does not manage.
    async fn renew(&mut self) -> Result<(), InfraError> {
        // What was left is told where a case ends.
        if !self.is_lost() && (self.clean || matches!(self.give_up().await, Ok(None))) {
            return Ok(());
        }
        let (run_id, place) = (&self.run_id, self.place.clone());
        let turn = self.peer.turn().await;
        let fresh = ShellDaemon::start(&self.peer, &self.control, run_id, self.protected, place).await;
        drop(turn);
        self.daemon = fresh.map_err(|error| InfraError::peer("restart the daemon", error))?;
        self.lost = AtomicBool::new(false);
        self.log_seen = self.daemon.container().log_len();
        self.clean = true;
        Ok(())
    }

    fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Runs a command of the manifest, which has the capability's name in `what`.
    async fn run(&self, name: &'static str, sa: OfSa) -> Result<String, InfraError> {
        if self.is_lost() {
            return Err(InfraError::peer("the daemon", "did not answer before"));
        }
        if !self.control.commands().any(|(known, _)| known == name) {
            return Err(InfraError::Unsupported(name));
        }
        let context = WithSa { context: &self.session()?.context, sa };
        self.checked(name, self.daemon.command(name, &context).await).await
    }

    /// Begins a case whose other side is at `other`.
    async fn load(
        &mut self,
        case: &Case,
        other: Ipv4Addr,
        other_port: u16,
        sockets: Option<Sockets>,
    ) -> Result<(), InfraError> {
        let address = self.daemon.container().address();
        let context = Context::new(case, &self.peer.release, address, other, other_port);
        self.clean = false;
        let (start, log_offset) = (Instant::now(), self.log_seen);
        let session = self.session.insert(Session { sockets, start, log_offset, context });
        let turn = self.peer.turn().await;
        let loaded = self.daemon.load(&session.context).await;
        drop(turn);
        // Its time begins when it is configured.
        session.start = Instant::now();
        if let Err(error @ DockerError::Shell(ShellError::Failed { .. })) = &loaded {
            // The line that says why may come after the end of the script.
            let (log, _) = self.daemon.settled_log(log_offset).await;
            return Err(InfraError::Refused {
                what: format!("{}: load the connection", self.profile.name),
                problem: self.peer.dir.refusal(&log).unwrap_or_else(|| error.to_string()),
                log: self.daemon.container().log_tail(10),
            });
        }
        self.checked("load the connection", loaded).await
    }

    /// The daemon's failure, with the end of its log.
    async fn failure(&self, what: &str, error: &DockerError) -> InfraError {
        let container = self.daemon.container();
        let mut trouble = String::new();
        if matches!(error, DockerError::Shell(error) if !matches!(error, ShellError::Failed { .. })) {
            self.lost.store(true, Ordering::Relaxed);
            trouble = container.trouble().await;
        }
        let what = format!("{}: {what}", self.profile.name);
        InfraError::peer(what, format!("{trouble}{error}\n{}", container.log_tail(10)))
    }

    /// A result of the daemon's, whose error comes with the end of its log.
    async fn checked<T>(&self, what: &str, result: Result<T, DockerError>) -> Result<T, InfraError> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(self.failure(what, &error).await),
        }
    }

    async fn act_on_isakmp(&mut self, name: &'static str, which: Which) -> Result<(), InfraError> {
        let sas = self.state().await?.isakmp_sas;
        let mut established = sas.iter().filter(|sa| sa.established);
        let sa = match which {
            Which::Newest => established.next_back(),
            Which::Oldest => established.next(),
        };
        let cookies = sa.ok_or(InfraError::NoSuchSa("ISAKMP SA"))?.cookies;
        let (cky_i, cky_r) = (hex::encode(cookies.initiator.0), hex::encode(cookies.responder.0));
        self.run(name, OfSa { cky_i, cky_r, ..OfSa::default() }).await.map(drop)
    }

    async fn act_on_ipsec(&mut self, name: &'static str, which: Which) -> Result<(), InfraError> {
        let sas = self.state().await?.ipsec_sas;
        let sa = match which {
            Which::Newest => sas.last(),
            Which::Oldest => sas.first(),
        };
        let sa = sa.ok_or(InfraError::NoSuchSa("IPsec SA"))?;
        let (spi_in, spi_out) = (format!("{:08x}", sa.spi_in), format!("{:08x}", sa.spi_out));
        self.run(name, OfSa { spi_in, spi_out, ..OfSa::default() }).await.map(drop)
    }
}

#[async_trait]
impl Driver for ShellPeer {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    async fn prepare(&mut self, case: &Case, _seed: u64) -> Result<Addresses, InfraError> {
        self.session = None;
        self.renew().await?;
        let (address, gateway) = (self.daemon.container().address(), self.daemon.container().gateway());
        let mut sockets = Sockets::open(gateway, address, peer_initiates(case)).await?;
        let needs = &self.peer.dir.manifest.container;
        if needs.kernel || needs.raw_esp {
            sockets = sockets.with_esp(gateway, address)?;
        }
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
        let done = match command {
            PeerCommand::InitiatePhase1 => self.run("initiate_phase1", OfSa::default()).await,
            PeerCommand::InitiateQuickMode => self.run("initiate_quick_mode", OfSa::default()).await,
            PeerCommand::RekeyIsakmp(which) => return self.act_on_isakmp("rekey_isakmp", which).await,
            PeerCommand::RekeyIpsec(which) => return self.act_on_ipsec("rekey_ipsec", which).await,
            PeerCommand::DeleteIsakmp(which) => return self.act_on_isakmp("delete_isakmp", which).await,
            PeerCommand::DeleteIpsec(which) => return self.act_on_ipsec("delete_ipsec", which).await,
            PeerCommand::Probe => self.run("probe", OfSa::default()).await,
            PeerCommand::NewGroup => return Err(InfraError::Unsupported("start New Group mode")),
        };
        done.map(drop)
    }

    async fn rebind(&mut self) -> Result<(), InfraError> {
        let sockets = self.session.as_mut().and_then(|session| session.sockets.as_mut());
        sockets.ok_or(InfraError::NotPrepared)?.rebind().await
    }

    async fn state(&mut self) -> Result<SaView, InfraError> {
        let output = self.run("state", OfSa::default()).await?;
        parse_state(&output).map_err(|error| InfraError::peer("list the peer's SAs", error))
    }

    async fn values(&mut self) -> Result<PeerValues, InfraError> {
        let output = self.run("values", OfSa::default()).await?;
        let (values, installed) = parse_values(&output)
            .map_err(|error| InfraError::peer("read the peer's derived values", error))?;
        Ok(PeerValues { values, installed })
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
        if self.is_lost() && ending.left.is_none() {
            self.daemon.container().wait_until_ended(ENDING_TIME_MAX).await;
        }
        // Without a log nobody knows what the daemon has met, in this case and all that follow.
        if !self.is_lost() && self.daemon.container().log_has_ended() {
            self.lost.store(true, Ordering::Relaxed);
            let problem = "it broke off while the daemon runs: was the Docker engine restarted?";
            ending.fault = Some(InfraError::peer("the container's log", problem));
        }
        (ending.log, self.log_seen) = self.daemon.settled_log(log_offset).await;
        ending
    }
}

#[async_trait(?Send)]
impl PairMember for ShellPeer {
    fn container(&self) -> &PeerContainer {
        self.daemon.container()
    }

    async fn reset(&mut self) -> Result<(), InfraError> {
        self.session = None;
        self.renew().await
    }

    async fn load_against(&mut self, case: &Case, other: Ipv4Addr) -> Result<(), InfraError> {
        self.load(case, other, ISAKMP_PORT, None).await
    }

    async fn ping(&self, from: Ipv4Addr, to: Ipv4Addr, pattern: &str) -> Result<ExecOutput, InfraError> {
        // In the kernel that has the SAs, which `docker exec` does not reach where it is a guest.
        let script =
            format!("{} 2>&1 && echo code 0 || echo code $?", ping_command(from, to, pattern).join(" "));
        let printed = self.daemon.script(&script, SCRIPT_TIME_MAX).await;
        let printed = self.checked("ping", printed).await?;
        let (stdout, code) = printed.trim_end().rsplit_once("code ").unwrap_or((&printed, ""));
        Ok(ExecOutput { exit_code: code.parse().ok(), stdout: stdout.to_owned(), stderr: String::new() })
    }
}

#[cfg(test)]
mod tests;
