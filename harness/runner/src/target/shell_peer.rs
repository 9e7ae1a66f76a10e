//! A daemon in a container that is controlled through a shell: real sockets, the machine's clock, and commands from the
//! peer's manifest.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ikev1::io::{Datagram, Timestamp};
use ikev1_scenario::case::{Case, ResolvedSide};
use ikev1_scenario::model::{Role, Side, Which};
use ikev1_scenario::verdict::PeerProfile;
use serde::Serialize;

use super::pair_member::{PairMember, ping_command};
use super::sockets::{ISAKMP_PORT, NAT_T_PORT, Sockets};
use super::strongswan::{at, peer_initiates};
use crate::docker::{
    CHARON_PROTECTED, ChosenPeer, DockerError, ExecOutput, PeerContainer, Place, SCRIPT_TIME_MAX,
    ShellControl, ShellDaemon, ShellError, parse_state, parse_values,
};
use crate::driver::{Addresses, Driver, InfraError, PeerCommand, PeerValues, SaView};
use crate::settings::POLICY_NAME;

/// A daemon that does not answer may be about to end, and its last lines say why.
const ENDING_TIME_MAX: Duration = Duration::from_secs(5);

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
    /// It did not answer; nothing but a new container helps.
    lost: AtomicBool,
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
        let daemon = ShellDaemon::start(peer, control, &run_id, protected, place.clone()).await?;
        let mut profile = peer.profile(daemon.version());
        profile.kernel = daemon.kernel();
        Ok(Self {
            profile,
            peer: peer.clone(),
            control: control.clone(),
            run_id,
            daemon,
            protected,
            place,
            lost: AtomicBool::new(false),
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

    /// Leaves the daemon without SA and connection; in a new container when the present one does not manage.
    async fn clean(&mut self) -> Result<(), InfraError> {
        if !self.is_lost() && self.daemon.command("reset", &()).await.is_ok() {
            return Ok(());
        }
        let (run_id, place) = (&self.run_id, self.place.clone());
        let fresh = ShellDaemon::start(&self.peer, &self.control, run_id, self.protected, place).await;
        self.daemon = fresh.map_err(|error| InfraError::peer("restart the daemon", error))?;
        self.lost = AtomicBool::new(false);
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
        self.daemon.command(name, &context).await.map_err(|error| self.failure(name, &error))
    }

    /// Begins a case whose other side is at `other`.
    async fn load(
        &mut self,
        case: &Case,
        other: Ipv4Addr,
        other_port: u16,
        sockets: Option<Sockets>,
    ) -> Result<(), InfraError> {
        let context = Context {
            name: POLICY_NAME,
            case: case.id.clone(),
            release: self.peer.release.clone(),
            role: case.role_of(Side::Peer),
            peer_address: self.daemon.container().address(),
            harness_address: other,
            harness_port: other_port,
            side: case.config.peer.clone(),
        };
        let log_offset = self.daemon.container().log_len();
        if let Err(error) = self.daemon.load(&context).await {
            return Err(match error {
                DockerError::Shell(ShellError::Failed { .. }) => {
                    // The line that says why may come after the end of the script.
                    let log = self.daemon.settled_log(log_offset).await;
                    InfraError::Refused {
                        what: format!("{}: load the connection", self.profile.name),
                        problem: self.peer.dir.refusal(&log).unwrap_or_else(|| error.to_string()),
                        log: self.daemon.container().log_tail(10),
                    }
                }
                error => self.failure("load the connection", &error),
            });
        }
        self.session = Some(Session { sockets, start: Instant::now(), log_offset, context });
        Ok(())
    }

    /// The daemon's failure, with the end of its log.
    fn failure(&self, what: &str, error: &DockerError) -> InfraError {
        if matches!(error, DockerError::Shell(error) if !matches!(error, ShellError::Failed { .. })) {
            self.lost.store(true, Ordering::Relaxed);
        }
        let tail = self.daemon.container().log_tail(10);
        InfraError::peer(format!("{}: {what}", self.profile.name), format!("{error}\n{tail}"))
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
        self.clean().await?;
        let (address, gateway) = (self.daemon.container().address(), self.daemon.container().gateway());
        let mut sockets = Sockets::open(gateway, address, peer_initiates(case)).await?;
        if self.peer.dir.manifest.container.kernel {
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

    async fn finish(&mut self) -> Result<String, InfraError> {
        let Some(session) = self.session.take() else { return Ok(String::new()) };
        if self.is_lost() {
            self.daemon.wait_until_ended(ENDING_TIME_MAX).await;
        }
        Ok(self.daemon.settled_log(session.log_offset).await)
    }
}

#[async_trait(?Send)]
impl PairMember for ShellPeer {
    fn container(&self) -> &PeerContainer {
        self.daemon.container()
    }

    async fn reset(&mut self) -> Result<(), InfraError> {
        self.session = None;
        self.clean().await
    }

    async fn load_against(&mut self, case: &Case, other: Ipv4Addr) -> Result<(), InfraError> {
        self.load(case, other, ISAKMP_PORT, None).await
    }

    async fn ping(&self, from: Ipv4Addr, to: Ipv4Addr, pattern: &str) -> Result<ExecOutput, InfraError> {
        // In the kernel that has the SAs, which `docker exec` does not reach where it is a guest.
        let script =
            format!("{} 2>&1 && echo code 0 || echo code $?", ping_command(from, to, pattern).join(" "));
        let printed = self.daemon.script(&script, SCRIPT_TIME_MAX).await;
        let printed = printed.map_err(|error| self.failure("ping", &error))?;
        let (stdout, code) = printed.trim_end().rsplit_once("code ").unwrap_or((&printed, ""));
        Ok(ExecOutput { exit_code: code.parse().ok(), stdout: stdout.to_owned(), stderr: String::new() })
    }
}
