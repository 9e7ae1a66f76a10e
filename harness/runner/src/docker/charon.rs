//! Control of a charon in a container: configuration, exchanges and SAs, over VICI.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{
    charon_config::CharonConnection,
    container::{ContainerRequest, PeerContainer, Place, control_port},
    error::{DockerError, ViciError},
    vici::Vici,
    vici_message::Section,
};

const READY_TIME_MAX: Duration = Duration::from_secs(15);
const RESET_TIME_MAX: Duration = Duration::from_secs(3);
const LOG_TIME_MAX: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(10);
const LOG_TAIL_LINES: usize = 25;

/// The host behind charon, unless a case says otherwise.
pub const CHARON_PROTECTED: Ipv4Addr = Ipv4Addr::new(10, 12, 0, 1);

/// The host behind the harness, in the network that [`CharonConnection::new`] gives it.
pub const HARNESS_PROTECTED: Ipv4Addr = Ipv4Addr::new(10, 11, 0, 1);

/// Begins the name of an ISAKMP SA that is never there. charon logs at level 1 that it is told to end it, as it does few
/// commands; [`Charon::settled_log`] looks for it.
const MARK: &str = "end-of-log";

/// What a charon says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharonVersion {
    /// `charon`.
    pub daemon: String,
    /// strongSwan's version, for example `5.9.8`.
    pub version: String,
}

/// The state of an ISAKMP SA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IsakmpSaState {
    /// Phase 1 is under way.
    Connecting,
    /// Phase 1 is complete.
    Established,
    /// Being replaced by a new phase 1.
    Rekeying,
    /// Being deleted.
    Deleting,
    /// Any other word of charon's.
    Other(String),
}

/// One ISAKMP SA, as charon lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharonIsakmpSa {
    /// Name of its connection.
    pub name: String,
    /// charon's number of the SA: N of `(name|N)` in the log.
    pub unique_id: u32,
    /// Its state.
    pub state: IsakmpSaState,
    /// Whether charon is the initiator of this phase 1.
    pub initiator: bool,
    /// CKY-I.
    pub cky_i: [u8; 8],
    /// CKY-R; zero before the first answer.
    pub cky_r: [u8; 8],
    /// charon's port.
    pub local_port: Option<u16>,
    /// The harness' port.
    pub remote_port: Option<u16>,
    /// Its IPsec SAs.
    pub ipsec_sas: Vec<CharonIpsecSa>,
    /// The whole listing.
    pub raw: Section,
}

/// One pair of IPsec SAs, as charon lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharonIpsecSa {
    /// charon's number: N of `{N}` in the log.
    pub unique_id: u32,
    /// charon's word for the state: `INSTALLED`, `REKEYED`, `CREATED`, ...
    pub state: String,
    /// `ESP` or `AH`.
    pub protocol: String,
    /// `TUNNEL` or `TRANSPORT`.
    pub mode: String,
    /// Whether ESP is encapsulated in UDP.
    pub encap: bool,
    /// SPI of the SA on which charon receives.
    pub spi_in: u32,
    /// SPI of the SA on which charon sends.
    pub spi_out: u32,
    /// Octets received through the SA.
    pub bytes_in: u64,
    /// Octets sent through the SA.
    pub bytes_out: u64,
    /// Packets received through the SA.
    pub packets_in: u64,
    /// Packets sent through the SA.
    pub packets_out: u64,
}

/// A charon that runs in a container of its own.
#[derive(Debug)]
pub struct Charon {
    container: PeerContainer,
    vici: Vici,
    version: CharonVersion,
    /// How many marks its log has.
    marks: AtomicU64,
}

impl Charon {
    /// Starts a container and waits until charon answers on its control socket.
    ///
    /// `protected` is the host of the network behind charon, an address on its loopback interface that
    /// answers an ICMP echo. It must lie in the connection's `local_ts`: charon cannot install IPsec SAs for a
    /// network of which it has no address.
    ///
    /// # Errors
    /// The container does not start, ends at once, or does not become ready within 15 s (with its log).
    pub async fn start(image: &str, run_id: &str, protected: Ipv4Addr) -> Result<Self, DockerError> {
        Self::start_at(image, run_id, protected, Place::Bridge).await
    }

    /// As [`Self::start`], with a network for this container alone: the harness has an address there that it
    /// shares with no other peer, and so its own ports 500 and 4500.
    ///
    /// # Errors
    /// As [`Self::start`], or the network cannot be made.
    pub async fn start_apart(image: &str, run_id: &str, protected: Ipv4Addr) -> Result<Self, DockerError> {
        Self::start_at(image, run_id, protected, Place::Apart).await
    }

    /// As [`Self::start`], in a network of the caller's choice.
    ///
    /// # Errors
    /// As [`Self::start_apart`].
    pub async fn start_at(
        image: &str,
        run_id: &str,
        protected: Ipv4Addr,
        place: Place,
    ) -> Result<Self, DockerError> {
        let vici_port = control_port();
        let request = ContainerRequest {
            image: image.to_owned(),
            run_id: run_id.to_owned(),
            environment: vec![
                ("PROTECTED_ADDRESS".to_owned(), format!("{protected}/32")),
                ("VICI_PORT".to_owned(), vici_port.to_string()),
            ],
            tmpfs: Vec::new(),
            place,
        };
        let container = PeerContainer::start(&request).await?;
        let vici = Vici::new(SocketAddr::from((container.address(), vici_port)));
        let started = Instant::now();
        let version = loop {
            let error = match query_version(&vici).await {
                Ok(version) => break version,
                Err(error) => error,
            };
            let (id, waited) = (container.id().to_owned(), started.elapsed());
            if !container.is_running().await? {
                return Err(DockerError::NotRunning { id, log: container.log_tail(LOG_TAIL_LINES) });
            }
            if waited > READY_TIME_MAX {
                let log = container.log_tail(LOG_TAIL_LINES);
                return Err(DockerError::NotReady { id, waited, detail: error.to_string(), log });
            }
            sleep(POLL).await;
        };
        Ok(Self { container, vici, version, marks: AtomicU64::new(0) })
    }

    /// The container.
    #[must_use]
    pub const fn container(&self) -> &PeerContainer {
        &self.container
    }

    /// The control connection, for commands that this type does not know.
    #[must_use]
    pub const fn vici(&self) -> &Vici {
        &self.vici
    }

    /// The daemon's version.
    #[must_use]
    pub const fn version(&self) -> &CharonVersion {
        &self.version
    }

    /// Makes `connection` the only one: removes all others, and all keys, first. SAs stay.
    ///
    /// # Errors
    /// charon refuses a value, or does not answer.
    pub async fn load(&self, connection: &CharonConnection) -> Result<(), DockerError> {
        self.unload().await?;
        self.add(connection).await
    }

    /// Adds `connection` to those that are loaded.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn add(&self, connection: &CharonConnection) -> Result<(), DockerError> {
        match &connection.keys {
            None => drop(self.vici.request("load-shared", &connection.load_shared()).await?),
            Some(keys) => {
                for (command, message) in keys.loads() {
                    self.vici.request(command, &message).await?;
                }
            }
        }
        for user in connection.load_users() {
            self.vici.request("load-shared", &user).await?;
        }
        if let Some(pool) = connection.load_pool() {
            self.vici.request("load-pool", &pool).await?;
        }
        self.vici.request("load-conn", &connection.load_conn()).await?;
        Ok(())
    }

    async fn unload(&self) -> Result<(), DockerError> {
        let loaded = self.vici.request("get-conns", &Section::new()).await?;
        for name in loaded.get_list("conns") {
            self.vici.request("unload-conn", &Section::new().value("name", name)).await?;
        }
        self.vici.request("clear-creds", &Section::new()).await?;
        let pools = self.vici.request("get-pools", &Section::new()).await?;
        for (name, _) in pools.sections() {
            let unload = Section::new().value("name", name);
            match self.vici.request("unload-pool", &unload).await {
                // In use by an SA that is still to go; it is unloaded with the next connection.
                Ok(_) | Err(ViciError::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Tells charon to initiate phase 1 only, and returns at once.
    ///
    /// # Errors
    /// charon does not answer. That the exchange fails later is no error here.
    pub async fn initiate_phase1(&self, name: &str) -> Result<(), DockerError> {
        self.act("initiate", &Section::new().value("ike", name)).await
    }

    /// Tells charon to initiate quick mode, after a phase 1 if there is no ISAKMP SA, and returns at once.
    ///
    /// # Errors
    /// As [`Self::initiate_phase1`].
    pub async fn initiate(&self, name: &str) -> Result<(), DockerError> {
        self.act("initiate", &Section::new().value("child", name).value("ike", name)).await
    }

    /// Tells charon to replace the ISAKMP SA of `name` by a new phase 1.
    ///
    /// # Errors
    /// There is no such SA, or no answer.
    pub async fn rekey_isakmp_sa(&self, name: &str) -> Result<(), DockerError> {
        self.act("rekey", &Section::new().value("ike", name).value("reauth", "yes")).await
    }

    /// Tells charon to replace the IPsec SAs of `name` by a new quick mode.
    ///
    /// # Errors
    /// There is no such SA, or no answer.
    pub async fn rekey_ipsec_sa(&self, name: &str) -> Result<(), DockerError> {
        self.act("rekey", &Section::new().value("child", name)).await
    }

    /// Tells charon to delete the ISAKMP SA of `name`, which takes its IPsec SAs along.
    ///
    /// # Errors
    /// There is no such SA, or no answer.
    pub async fn terminate_isakmp_sa(&self, name: &str) -> Result<(), DockerError> {
        self.act("terminate", &Section::new().value("ike", name)).await
    }

    /// Tells charon to delete the IPsec SAs of `name`.
    ///
    /// # Errors
    /// There is no such SA, or no answer.
    pub async fn terminate_ipsec_sa(&self, name: &str) -> Result<(), DockerError> {
        self.act("terminate", &Section::new().value("child", name)).await
    }

    /// A command that starts something and must not wait for its end.
    async fn act(&self, command: &str, what: &Section) -> Result<(), DockerError> {
        let message = what.clone().value("timeout", "-1");
        self.vici.request(command, &message).await?;
        Ok(())
    }

    /// All ISAKMP SAs, half-open ones too, with their IPsec SAs.
    ///
    /// # Errors
    /// charon does not answer.
    pub async fn list_sas(&self) -> Result<Vec<CharonIsakmpSa>, DockerError> {
        let reply = self.vici.stream("list-sas", "list-sa", &Section::new()).await?;
        let sas = reply.events.iter().flat_map(Section::sections);
        Ok(sas.map(|(name, sa)| isakmp_sa(name, sa)).collect())
    }

    /// The daemon's counters of threads, jobs and SAs.
    ///
    /// # Errors
    /// charon does not answer.
    pub async fn stats(&self) -> Result<Section, DockerError> {
        Ok(self.vici.request("stats", &Section::new()).await?)
    }

    /// Brings charon back to where it was after its start: deletes every SA without waiting for the peer,
    /// then unloads every connection and key.
    ///
    /// # Errors
    /// charon does not answer, or SAs are left after 3 s.
    pub async fn reset(&self) -> Result<(), DockerError> {
        // Without connections, nothing can start again while the SAs go.
        self.unload().await?;
        let started = Instant::now();
        loop {
            let left = self.list_sas().await?;
            if left.is_empty() {
                return Ok(());
            }
            if started.elapsed() > RESET_TIME_MAX {
                return Err(ViciError::Left { count: left.len() }.into());
            }
            for sa in &left {
                let which = Section::new().value("ike-id", sa.unique_id.to_string()).value("force", "yes");
                match self.act("terminate", &which).await {
                    // Gone between the listing and now.
                    Ok(()) | Err(DockerError::Vici(ViciError::Refused { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
            sleep(POLL).await;
        }
    }

    /// The names of the policies that charon has without an SA: trap, drop and pass policies.
    ///
    /// # Errors
    /// charon does not answer.
    pub async fn list_policies(&self) -> Result<Vec<String>, DockerError> {
        let kinds = Section::new().value("trap", "yes").value("drop", "yes").value("pass", "yes");
        let reply = self.vici.stream("list-policies", "list-policy", &kinds).await?;
        let policies = reply.events.iter().flat_map(Section::sections);
        Ok(policies.map(|(name, _)| name.to_owned()).collect())
    }

    /// The log from `offset` on, complete up to the moment of the call.
    ///
    /// The log comes through pipes and the engine, some milliseconds late. So a command is sent that charon
    /// logs, and its line awaited: what charon logged before it is then there too.
    ///
    /// # Errors
    /// charon does not answer: take [`PeerContainer::log_since`] then. A line that does not arrive within 2 s
    /// is no error; the log as it is then is returned.
    pub async fn settled_log(&self, offset: usize) -> Result<String, DockerError> {
        let before = self.container.log_len();
        let mark = format!("{MARK}-{}", self.marks.fetch_add(1, Ordering::Relaxed));
        match self.vici.request("terminate", &Section::new().value("ike", &mark)).await {
            Ok(_) | Err(ViciError::Refused { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let logged = format!("'{mark}'");
        self.container.wait_for_log(before, LOG_TIME_MAX, |log| log.contains(&logged)).await;
        Ok(self.container.log_since(offset))
    }

    /// Removes the container now; dropping does the same, but cannot report an error.
    ///
    /// # Errors
    /// The engine refuses.
    pub async fn remove(self) -> Result<(), DockerError> {
        self.container.remove().await
    }
}

async fn query_version(vici: &Vici) -> Result<CharonVersion, ViciError> {
    let reply = vici.request("version", &Section::new()).await?;
    let text = |key| reply.get(key).unwrap_or("unknown").to_owned();
    Ok(CharonVersion { daemon: text("daemon"), version: text("version") })
}

fn isakmp_sa(name: &str, sa: &Section) -> CharonIsakmpSa {
    let state = match sa.get("state").unwrap_or_default() {
        "CONNECTING" => IsakmpSaState::Connecting,
        "ESTABLISHED" => IsakmpSaState::Established,
        "REKEYING" | "REKEYED" => IsakmpSaState::Rekeying,
        "DELETING" => IsakmpSaState::Deleting,
        other => IsakmpSaState::Other(other.to_owned()),
    };
    let cookie = |key| {
        let value = sa.get(key).and_then(|hex| u64::from_str_radix(hex, 16).ok());
        value.unwrap_or_default().to_be_bytes()
    };
    let ipsec_sas = sa.get_section("child-sas").into_iter().flat_map(Section::sections);
    CharonIsakmpSa {
        name: name.to_owned(),
        unique_id: number(sa, "uniqueid").unwrap_or_default(),
        state,
        initiator: sa.get("initiator") == Some("yes"),
        cky_i: cookie("initiator-spi"),
        cky_r: cookie("responder-spi"),
        local_port: number(sa, "local-port"),
        remote_port: number(sa, "remote-port"),
        ipsec_sas: ipsec_sas.map(|(_, sa)| ipsec_sa(sa)).collect(),
        raw: sa.clone(),
    }
}

fn ipsec_sa(sa: &Section) -> CharonIpsecSa {
    let text = |key| sa.get(key).unwrap_or_default().to_owned();
    let spi = |key| sa.get(key).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or_default();
    CharonIpsecSa {
        unique_id: number(sa, "uniqueid").unwrap_or_default(),
        state: text("state"),
        protocol: text("protocol"),
        mode: text("mode"),
        encap: sa.get("encap") == Some("yes"),
        spi_in: spi("spi-in"),
        spi_out: spi("spi-out"),
        bytes_in: number(sa, "bytes-in").unwrap_or_default(),
        bytes_out: number(sa, "bytes-out").unwrap_or_default(),
        packets_in: number(sa, "packets-in").unwrap_or_default(),
        packets_out: number(sa, "packets-out").unwrap_or_default(),
    }
}

fn number<T: std::str::FromStr>(section: &Section, key: &str) -> Option<T> {
    section.get(key)?.parse().ok()
}
