//! A capture file, pcap or pcapng, as the frames in it.

use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::pcap::{PcapParser, PcapTsResolution, RawPcapPacket};
use pcap_file::pcapng::{Block, PcapNgParseError, PcapNgParser};

/// A frame as it was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its time, from any beginning.
    pub(super) at: Duration,
    /// What its first octets are.
    pub(super) link: DataLink,
    /// The octets that were captured.
    pub(super) data: Vec<u8>,
    /// How many there were more on the wire.
    pub(super) missing: u32,
}

/// What a capture file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CaptureFile {
    /// `pcap` or `pcapng`.
    pub(super) format: &'static str,
    /// Its frames.
    pub(super) frames: Vec<Frame>,
    /// What could not be read.
    pub(super) notes: Vec<String>,
}

/// Why a file is no capture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureFileError {
    /// It begins as neither format does.
    #[error("is neither pcap nor pcapng: it begins with {begins}")]
    Unknown {
        /// Its first octets in hex.
        begins: String,
    },
    /// Its first structure cannot be read.
    #[error("cannot be read as {format}: {why}")]
    Header {
        /// The format that it begins as.
        format: &'static str,
        /// What is wrong.
        why: String,
    },
}

/// The first octets of a pcapng file: the type of a section header block.
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// The first octets of a pcap file, in microseconds and nanoseconds, of either byte order.
const PCAP: [[u8; 4]; 4] =
    [[0xa1, 0xb2, 0xc3, 0xd4], [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d], [0x4d, 0x3c, 0xb2, 0xa1]];

/// The frames of a capture file. One that breaks off gives those in front of the break, and a note.
pub(super) fn read(bytes: &[u8]) -> Result<CaptureFile, CaptureFileError> {
    match bytes.first_chunk::<4>() {
        Some(magic) if *magic == PCAPNG => pcapng(bytes),
        Some(magic) if PCAP.contains(magic) => pcap(bytes),
        _ => {
            let begins = hex::encode(bytes.get(..4).unwrap_or(bytes));
            let begins = if begins.is_empty() { "nothing, as it is empty".to_owned() } else { begins };
            Err(CaptureFileError::Unknown { begins })
        }
    }
}

fn pcap(bytes: &[u8]) -> Result<CaptureFile, CaptureFileError> {
    let (mut rest, parser) = PcapParser::new(bytes)
        .map_err(|error| CaptureFileError::Header { format: "pcap", why: error.to_string() })?;
    let header = parser.header();
    let (mut frames, mut notes) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        // What a strict reader objects to, such as more octets than the snapshot length, does no harm here.
        let Ok((behind, packet)) = parser.next_raw_packet(rest) else {
            notes.push(format!("the file breaks off behind packet {}", frames.len()));
            break;
        };
        rest = behind;
        frames.push(pcap_frame(frames.len(), &packet, header.ts_resolution, known(header.datalink)));
    }
    Ok(CaptureFile { format: "pcap", frames, notes })
}

fn pcap_frame(before: usize, packet: &RawPcapPacket<'_>, unit: PcapTsResolution, link: DataLink) -> Frame {
    let fraction = u64::from(packet.ts_frac);
    let fraction = match unit {
        PcapTsResolution::MicroSecond => Duration::from_micros(fraction),
        PcapTsResolution::NanoSecond => Duration::from_nanos(fraction),
    };
    Frame {
        number: number(before),
        at: Duration::from_secs(u64::from(packet.ts_sec)).saturating_add(fraction),
        link,
        missing: packet.orig_len.saturating_sub(packet.incl_len),
        data: packet.data.to_vec(),
    }
}

fn pcapng(bytes: &[u8]) -> Result<CaptureFile, CaptureFileError> {
    let (mut rest, mut parser) = PcapNgParser::new(bytes)
        .map_err(|error| CaptureFileError::Header { format: "pcapng", why: error.to_string() })?;
    let (mut frames, mut notes): (Vec<Frame>, Vec<String>) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        let (behind, block) = match parser.next_block(rest) {
            Ok(next) => next,
            Err(PcapNgParseError::IncompleteBuffer(..)) => {
                notes.push(format!("the file breaks off behind packet {}", frames.len()));
                break;
            }
            Err(error) => {
                notes.push(format!("a block behind packet {} cannot be read: {error}", frames.len()));
                // The block behind it may be whole.
                let Ok((behind, _)) = parser.next_raw_block(rest) else { break };
                rest = behind;
                continue;
            }
        };
        rest = behind;
        let interface = |index: usize| parser.interfaces().get(index).map(|known| known.linktype);
        let (index, at, original, data) = match block {
            Block::EnhancedPacket(packet) => {
                (packet.interface_id as usize, packet.timestamp, packet.original_len, packet.data)
            }
            Block::Packet(packet) => {
                (usize::from(packet.interface_id), packet.timestamp, packet.original_len, packet.data)
            }
            // Such a packet has no time; it stands where the one before it does.
            Block::SimplePacket(packet) => {
                let at = frames.last().map_or(Duration::ZERO, |frame| frame.at);
                (0, at, packet.original_len, packet.data)
            }
            _ => continue,
        };
        let Some(link) = interface(index) else { continue };
        let captured = u32::try_from(data.len()).unwrap_or(u32::MAX);
        frames.push(Frame {
            number: number(frames.len()),
            at,
            link: known(link),
            missing: original.saturating_sub(captured),
            data: data.into_owned(),
        });
    }
    Ok(CaptureFile { format: "pcapng", frames, notes })
}

fn number(before: usize) -> u64 {
    u64::try_from(before).unwrap_or(u64::MAX).saturating_add(1)
}

/// The link type without what some writers put into its upper bits, and with the other numbers that raw IP has.
fn known(link: DataLink) -> DataLink {
    match link {
        DataLink::Unknown(12 | 14) => DataLink::RAW,
        DataLink::Unknown(other) if other > 0xffff => DataLink::from(other & 0xffff),
        known => known,
    }
}
