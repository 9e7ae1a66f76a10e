//! A client of charon's control protocol, VICI, over TCP.
//!
//! Each command uses a connection of its own. Inside one machine that costs well under a millisecond, and it
//! leaves nothing behind when a command is cancelled, times out or the daemon dies: no reply of an old
//! command can be taken for the reply of the next. (The crate `rsvici` was looked at: its reader is not
//! cancel-safe and spins when the daemon closes the connection.)

use std::{net::SocketAddr, time::Duration};

#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{error::ViciError, vici_message::Section};

const CMD_REQUEST: u8 = 0;
const CMD_RESPONSE: u8 = 1;
const CMD_UNKNOWN: u8 = 2;
const EVENT_REGISTER: u8 = 3;
const EVENT_CONFIRM: u8 = 5;
const EVENT_UNKNOWN: u8 = 6;
const EVENT: u8 = 7;

/// charon itself refuses packets longer than 512 KiB.
const PACKET_MAX: usize = 512 * 1024;

/// The time that one command may take, unless [`Vici::with_timeout`] says otherwise.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);

/// A client of one charon.
#[derive(Debug, Clone)]
pub struct Vici {
    address: SocketAddr,
    timeout: Duration,
}

/// What a streaming command returned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The messages of the event that the command streams, in order.
    pub events: Vec<Section>,
    /// The message that ended the command.
    pub response: Section,
}

impl Vici {
    /// A client of the charon whose VICI socket listens on `address`. No connection is made yet.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self { address, timeout: COMMAND_TIMEOUT }
    }

    /// The same client with another time limit for each command.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends `command` and returns its response.
    ///
    /// # Errors
    /// Connection errors, no answer in time, malformed answers, and `success = no` as [`ViciError::Refused`].
    pub async fn request(&self, command: &str, message: &Section) -> Result<Section, ViciError> {
        Ok(self.run(command, None, message).await?.response)
    }

    /// Sends `command`, collecting the `event` messages that it streams before its response.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub async fn stream(&self, command: &str, event: &str, message: &Section) -> Result<Reply, ViciError> {
        self.run(command, Some(event), message).await
    }

    async fn run(&self, command: &str, event: Option<&str>, message: &Section) -> Result<Reply, ViciError> {
        let reply = timeout(self.timeout, exchange(self.address, command, event, message))
            .await
            .map_err(|_| ViciError::Timeout { command: command.to_owned(), waited: self.timeout })??;
        if reply.response.get("success") == Some("no") {
            let message = reply.response.get("errmsg").unwrap_or("no reason given").to_owned();
            return Err(ViciError::Refused { command: command.to_owned(), message });
        }
        Ok(reply)
    }
}

async fn exchange(
    address: SocketAddr,
    command: &str,
    event: Option<&str>,
    message: &Section,
) -> Result<Reply, ViciError> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    if let Some(event) = event {
        send(&mut stream, EVENT_REGISTER, event, &[]).await?;
        match receive(&mut stream).await?.first() {
            Some(&EVENT_CONFIRM) => {}
            Some(&EVENT_UNKNOWN) => return Err(ViciError::Unknown(event.to_owned())),
            _ => return Err(ViciError::Malformed("an unexpected packet type")),
        }
    }
    send(&mut stream, CMD_REQUEST, command, &message.encode()?).await?;
    let mut events = Vec::new();
    loop {
        let packet = receive(&mut stream).await?;
        match packet.split_first() {
            Some((&CMD_RESPONSE, body)) => return Ok(Reply { events, response: Section::decode(body)? }),
            Some((&CMD_UNKNOWN, _)) => return Err(ViciError::Unknown(command.to_owned())),
            Some((&EVENT, body)) => {
                let (len, body) = body.split_first().ok_or(ViciError::Malformed("a truncated event name"))?;
                let body =
                    body.get(usize::from(*len)..).ok_or(ViciError::Malformed("a truncated event name"))?;
                events.push(Section::decode(body)?);
            }
            _ => return Err(ViciError::Malformed("an unexpected packet type")),
        }
    }
}

async fn send(stream: &mut TcpStream, kind: u8, name: &str, body: &[u8]) -> Result<(), ViciError> {
    let name_len =
        u8::try_from(name.len()).map_err(|_| ViciError::TooLong { what: "name", len: name.len() })?;
    let len = 2 + name.len() + body.len();
    let counted = u32::try_from(len).ok().filter(|_| len <= PACKET_MAX);
    let counted = counted.ok_or(ViciError::TooLarge { len, max: PACKET_MAX })?;
    let mut packet = counted.to_be_bytes().to_vec();
    packet.extend_from_slice(&[kind, name_len]);
    packet.extend_from_slice(name.as_bytes());
    packet.extend_from_slice(body);
    Ok(stream.write_all(&packet).await?)
}

async fn receive(stream: &mut TcpStream) -> Result<Vec<u8>, ViciError> {
    // charon writes a packet's length and the packet by two calls, and its kernel holds the second back until the first is
    // acknowledged, which ours would put off for 40 ms. Where that cannot be had it only takes longer.
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(&*stream).set_tcp_quickack(true);
    let announced = stream.read_u32().await?;
    let len = usize::try_from(announced).unwrap_or(usize::MAX);
    if len > PACKET_MAX {
        return Err(ViciError::TooLarge { len, max: PACKET_MAX });
    }
    let mut packet = vec![0; len];
    stream.read_exact(&mut packet).await?;
    Ok(packet)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers one connection with `answer`, after it has read `expected`.
    async fn server(expected: Vec<u8>, answer: Vec<u8>) -> Vici {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut got = vec![0; expected.len()];
            stream.read_exact(&mut got).await.unwrap();
            assert_eq!(got, expected);
            stream.write_all(&answer).await.unwrap();
        });
        Vici::new(address).with_timeout(Duration::from_millis(500))
    }

    #[tokio::test]
    async fn returns_the_response_of_a_command() {
        let vici =
            server(b"\0\0\0\x09\0\x07version".to_vec(), b"\0\0\0\x07\x01\x03\x01k\0\x01v".to_vec()).await;
        let response = vici.request("version", &Section::new()).await.unwrap();
        assert_eq!(response.get("k"), Some("v"));
    }

    #[tokio::test]
    async fn turns_a_failed_command_into_its_message() {
        let body = Section::new().value("success", "no").value("errmsg", "nothing there").encode().unwrap();
        let mut answer = u32::try_from(body.len() + 1).unwrap().to_be_bytes().to_vec();
        answer.push(CMD_RESPONSE);
        answer.extend(body);
        let vici = server(Vec::new(), answer).await;
        let error = vici.request("terminate", &Section::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "command terminate was refused: nothing there");
    }

    #[tokio::test]
    async fn refuses_a_packet_of_absurd_length() {
        let vici = server(Vec::new(), b"\xff\xff\xff\xff".to_vec()).await;
        assert!(matches!(vici.request("stats", &Section::new()).await, Err(ViciError::TooLarge { .. })));
    }

    #[tokio::test]
    async fn reports_a_daemon_that_closes_the_connection() {
        let vici = server(Vec::new(), b"\0\0".to_vec()).await;
        assert!(matches!(vici.request("stats", &Section::new()).await, Err(ViciError::Io(_))));
    }

    #[tokio::test]
    async fn gives_up_on_a_daemon_that_says_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let vici = Vici::new(listener.local_addr().unwrap()).with_timeout(Duration::from_millis(50));
        assert!(matches!(vici.request("stats", &Section::new()).await, Err(ViciError::Timeout { .. })));
    }
}
