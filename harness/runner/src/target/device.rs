//! A device somewhere on the network: real sockets, the machine's clock, and the commands of its file.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ikev1::io::{Datagram, Timestamp};
use ikev1_scenario::case::Case;
use ikev1_scenario::model::Which;
use ikev1_scenario::verdict::PeerProfile;
use tokio::task::JoinHandle;

use super::host_command::{self, COMMAND_TIME_MAX};
use super::sockets::Sockets;
use crate::device::Device;
use crate::docker::{parse_state, parse_values};
use crate::driver::{Addresses, Driver, Ending, InfraError, PeerCommand, PeerValues, SaView};
use crate::link::isakmp_message;

/// The initiator cookies of earlier cases, whose late messages are no part of the present one.
#[derive(Debug, Clone, Default)]
pub struct EarlierCookies(Arc<Mutex<HashSet<[u8; 8]>>>);

impl EarlierCookies {
    fn lock(&self) -> MutexGuard<'_, HashSet<[u8; 8]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A device for one case; see the module documentation.
#[derive(Debug)]
pub struct DevicePeer {
    device: Arc<Device>,
    profile: PeerProfile,
    earlier: EarlierCookies,
    session: Option<Session>,
}

#[derive(Debug)]
struct Session {
    sockets: Sockets,
    start: Instant,
    nat_t: SocketAddr,
    /// Commands under way, which may well wait for what the harness is to answer.
    commands: Vec<JoinHandle<Result<String, String>>>,
    cookies: HashSet<[u8; 8]>,
    /// What the device still had when the case began.
    before: SaView,
}

impl DevicePeer {
    /// The device, of which `profile` is known. Nothing is sent yet.
    pub const fn new(device: Arc<Device>, profile: PeerProfile, earlier: EarlierCookies) -> Self {
        Self { device, profile, earlier, session: None }
    }

    fn session(&self) -> Result<&Session, InfraError> {
        self.session.as_ref().ok_or(InfraError::NotPrepared)
    }

    fn text(&self, name: &'static str) -> Result<String, InfraError> {
        self.device.commands.get(name).cloned().ok_or(InfraError::Unsupported(name))
    }

    /// Runs a command of the file to its end.
    async fn run(&self, name: &'static str) -> Result<String, InfraError> {
        let command = self.text(name)?;
        let done = host_command::run(&command, &[], COMMAND_TIME_MAX).await;
        done.map_err(|error| InfraError::peer(format!("command `{name}` of {}", self.profile.name), error))
    }

    /// Starts a command of the file.
    fn start(
        &mut self,
        name: &'static str,
        environment: Vec<(&'static str, String)>,
    ) -> Result<(), InfraError> {
        let command = self.text(name)?;
        let task = tokio::spawn(async move {
            let done = host_command::run(&command, &environment, COMMAND_TIME_MAX).await;
            done.map_err(|error| format!("command `{name}`: {error}"))
        });
        self.session.as_mut().ok_or(InfraError::NotPrepared)?.commands.push(task);
        Ok(())
    }

    /// The device without SAs, as far as it can be told and asked; gives those that it has nevertheless.
    async fn clean(&self) -> Result<SaView, InfraError> {
        let has = |name| self.device.commands.contains_key(name);
        if has("reset") {
            self.run("reset").await?;
        }
        if !has("state") {
            return Ok(SaView::default());
        }
        let deadline = Instant::now() + RESET_TIME_MAX;
        loop {
            let view = self.list().await?;
            if !has("reset") || (view.isakmp_sas.is_empty() && view.ipsec_sas.is_empty()) {
                return Ok(view);
            }
            if Instant::now() > deadline {
                let problem = format!(
                    "it still lists {} ISAKMP SAs and {} pairs of IPsec SAs {} s after command `reset`",
                    view.isakmp_sas.len(),
                    view.ipsec_sas.len(),
                    RESET_TIME_MAX.as_secs()
                );
                return Err(InfraError::peer(&self.profile.name, problem));
            }
            tokio::time::sleep(RESET_POLL).await;
        }
    }

    async fn list(&self) -> Result<SaView, InfraError> {
        let output = self.run("state").await?;
        parse_state(&output).map_err(|error| InfraError::peer("list the device's SAs", error))
    }

    async fn act_on_isakmp(&mut self, name: &'static str, which: Which) -> Result<(), InfraError> {
        if !self.device.commands.contains_key("state") {
            return self.start(name, Vec::new());
        }
        let sas = self.state().await?.isakmp_sas;
        let mut established = sas.iter().filter(|sa| sa.established);
        let sa = match which {
            Which::Newest => established.next_back(),
            Which::Oldest => established.next(),
        };
        let cookies = sa.ok_or(InfraError::NoSuchSa("ISAKMP SA"))?.cookies;
        let (cky_i, cky_r) = (hex::encode(cookies.initiator.0), hex::encode(cookies.responder.0));
        self.start(name, vec![("CKY_I", cky_i), ("CKY_R", cky_r)])
    }

    async fn act_on_ipsec(&mut self, name: &'static str, which: Which) -> Result<(), InfraError> {
        if !self.device.commands.contains_key("state") {
            return self.start(name, Vec::new());
        }
        let sas = self.state().await?.ipsec_sas;
        let sa = match which {
            Which::Newest => sas.last(),
            Which::Oldest => sas.first(),
        };
        let sa = sa.ok_or(InfraError::NoSuchSa("IPsec SA"))?;
        let (spi_in, spi_out) = (format!("{:08x}", sa.spi_in), format!("{:08x}", sa.spi_out));
        self.start(name, vec![("SPI_IN", spi_in), ("SPI_OUT", spi_out)])
    }
}

/// The initiator cookie of an ISAKMP message.
fn cky_i(datagram: &Datagram, nat_t: SocketAddr) -> Option<[u8; 8]> {
    let message = isakmp_message(datagram, datagram.local == nat_t)?;
    message.get(..8)?.try_into().ok()
}

/// The outcome of a command under way.
fn outcome(
    done: Result<Result<String, String>, tokio::task::JoinError>,
    peer: &str,
) -> Result<(), InfraError> {
    match done {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(InfraError::peer(peer, error)),
        Err(error) => Err(InfraError::peer(peer, error)),
    }
}

#[async_trait]
impl Driver for DevicePeer {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    async fn prepare(&mut self, _: &Case, _: u64) -> Result<Addresses, InfraError> {
        self.session = None;
        let before = self.clean().await?;
        let device = &self.device;
        let ports = device.local_ports();
        let sockets = Sockets::open_at(device.local_address, ports, device.address).await?;
        let (harness, harness_nat_t) = sockets.local()?;
        let addresses = Addresses {
            harness,
            harness_nat_t,
            peer: SocketAddr::from((device.address, device.port)),
            peer_nat_t: SocketAddr::from((device.address, device.nat_t_port)),
        };
        let (start, cookies) = (Instant::now(), HashSet::new());
        self.session =
            Some(Session { sockets, start, nat_t: harness_nat_t, commands: Vec::new(), cookies, before });
        Ok(addresses)
    }

    fn now(&self) -> Timestamp {
        self.session.as_ref().map_or(Timestamp::ZERO, |session| Timestamp(session.start.elapsed()))
    }

    async fn send(&mut self, datagram: &Datagram) -> Result<(), InfraError> {
        let earlier = self.earlier.clone();
        let session = self.session.as_mut().ok_or(InfraError::NotPrepared)?;
        if let Some(cookie) = cky_i(datagram, session.nat_t) {
            // What we use again is of this case too.
            earlier.lock().remove(&cookie);
            session.cookies.insert(cookie);
        }
        session.sockets.send(datagram).await
    }

    async fn wait(&mut self, until: Timestamp) -> Result<Option<Datagram>, InfraError> {
        let earlier = self.earlier.clone();
        let peer = self.profile.name.clone();
        let session = self.session.as_mut().ok_or(InfraError::NotPrepared)?;
        let deadline = session.start + until.0;
        loop {
            let Session { sockets, commands, .. } = &mut *session;
            let got = match commands.last_mut() {
                None => sockets.receive(deadline).await?,
                Some(command) => tokio::select! {
                    done = command => {
                        commands.pop();
                        outcome(done, &peer)?;
                        continue;
                    }
                    got = sockets.receive(deadline) => got?,
                },
            };
            let Some(cookie) = got.as_ref().and_then(|datagram| cky_i(datagram, session.nat_t)) else {
                return Ok(got);
            };
            if !earlier.lock().contains(&cookie) {
                session.cookies.insert(cookie);
                return Ok(got);
            }
        }
    }

    async fn command(&mut self, command: PeerCommand) -> Result<(), InfraError> {
        match command {
            PeerCommand::InitiatePhase1 => self.start("initiate_phase1", Vec::new()),
            PeerCommand::InitiateQuickMode => self.start("initiate_quick_mode", Vec::new()),
            PeerCommand::RekeyIsakmp(which) => self.act_on_isakmp("rekey_isakmp", which).await,
            PeerCommand::RekeyIpsec(which) => self.act_on_ipsec("rekey_ipsec", which).await,
            PeerCommand::DeleteIsakmp(which) => self.act_on_isakmp("delete_isakmp", which).await,
            PeerCommand::DeleteIpsec(which) => self.act_on_ipsec("delete_ipsec", which).await,
            PeerCommand::Probe => self.start("probe", Vec::new()),
            PeerCommand::NewGroup => Err(InfraError::Unsupported("start New Group mode")),
        }
    }

    async fn rebind(&mut self) -> Result<(), InfraError> {
        self.session.as_mut().ok_or(InfraError::NotPrepared)?.sockets.rebind().await
    }

    async fn state(&mut self) -> Result<SaView, InfraError> {
        let mut view = self.list().await?;
        // A case is judged by its own SAs.
        let before = &self.session()?.before;
        let earlier = self.earlier.lock();
        view.isakmp_sas.retain(|sa| {
            before.isakmp_sas.iter().all(|old| old.cookies != sa.cookies)
                && !earlier.contains(&sa.cookies.initiator.0)
        });
        view.ipsec_sas.retain(|sa| before.ipsec_sas.iter().all(|old| old.spi_in != sa.spi_in));
        drop(earlier);
        Ok(view)
    }

    async fn values(&mut self) -> Result<PeerValues, InfraError> {
        self.session()?;
        let output = self.run("values").await?;
        let (values, installed) = parse_values(&output)
            .map_err(|error| InfraError::peer("read the device's derived values", error))?;
        Ok(PeerValues { values, installed })
    }

    fn keeps_sas(&self) -> bool {
        true
    }

    async fn finish(&mut self) -> Ending {
        let mut ending = Ending::default();
        let Some(session) = self.session.take() else { return ending };
        self.earlier.lock().extend(session.cookies);
        // The command's own limit ends this.
        for command in session.commands {
            if let Err(error) = outcome(command.await, &self.profile.name) {
                ending.fault.get_or_insert(error);
            }
        }
        // Deletes are on their way, and the next case begins at once.
        tokio::time::sleep(DELETES_TIME).await;
        ending
    }
}

/// What a device may take until it has no SA any more, and how often it is asked.
const RESET_TIME_MAX: Duration = Duration::from_secs(5);
const RESET_POLL: Duration = Duration::from_millis(100);

/// What a device may take to heed the Deletes at the end of a case.
const DELETES_TIME: Duration = Duration::from_millis(100);
