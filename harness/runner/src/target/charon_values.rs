//! What charon logged, in the words that both sides' values are compared in.

use std::collections::{BTreeMap, BTreeSet};

use ikev1::keylog::Label;
use ikev1::wire::{Cookie, CookiePair, MessageId};

use crate::docker::{PeerValue as Logged, ValueLabel, parse_charon_log};
use crate::driver::{PeerValue, ValueSource};

/// The derived values in charon's log, each with the cookies of its ISAKMP SA.
///
/// charon's log numbers its ISAKMP SAs and does not print their cookies as such. Two inputs that it dumps begin
/// with them or have them at a known place: a NAT-D payload's, and HASH_I's. Values of an SA of which it printed
/// neither are left out. So are phase 2 values from before HASH_R: they belong to a notify in the middle of
/// phase 1, whose IV depends on which phase 1 message the sender took for the last.
pub fn values(log: &str) -> Vec<PeerValue> {
    let logged = parse_charon_log(log);
    let cookies = cookies_of(&logged);
    let mut phase2_begun = BTreeSet::new();
    let mut authenticated = BTreeSet::new();
    let mut values = Vec::new();
    for value in &logged {
        let Some(cookies) = cookies.get(&value.ike_sa) else { continue };
        let m_id = value.m_id.unwrap_or(0);
        if value.label == ValueLabel::HashR {
            authenticated.insert(value.ike_sa);
        }
        if m_id != 0 && !authenticated.contains(&value.ike_sa) {
            continue;
        }
        // Of a phase 2 exchange charon first prints the IV that its first message is encrypted with.
        let first =
            value.label == ValueLabel::NextIv && m_id != 0 && phase2_begun.insert((value.ike_sa, m_id));
        let Some(label) = label(value.label, first) else { continue };
        values.push(PeerValue {
            cookies: *cookies,
            m_id: MessageId(m_id),
            label,
            bytes: value.bytes.clone(),
            source: ValueSource::DaemonLog,
        });
    }
    values
}

fn label(label: ValueLabel, first_of_phase2: bool) -> Option<Label> {
    Some(match label {
        ValueLabel::GXy => Label::GXy,
        ValueLabel::Skeyid => Label::Skeyid,
        ValueLabel::SkeyidD => Label::SkeyidD,
        ValueLabel::SkeyidA => Label::SkeyidA,
        ValueLabel::SkeyidE => Label::SkeyidE,
        ValueLabel::Ka => Label::Ka,
        ValueLabel::InitialIv => Label::Phase1Iv,
        ValueLabel::NextIv if first_of_phase2 => Label::Phase2Iv,
        ValueLabel::NextIv => Label::NextIv,
        ValueLabel::HashI => Label::HashI,
        ValueLabel::HashR => Label::HashR,
        ValueLabel::Hash1 | ValueLabel::HashInformational => Label::Hash1,
        ValueLabel::Hash2 => Label::Hash2,
        ValueLabel::Hash3 => Label::Hash3,
        ValueLabel::QuickModeGXy => Label::QuickGXy,
        ValueLabel::EncryptionKeyInitiator => Label::EncryptionKeyInitiator,
        ValueLabel::EncryptionKeyResponder => Label::EncryptionKeyResponder,
        ValueLabel::IntegrityKeyInitiator => Label::IntegrityKeyInitiator,
        ValueLabel::IntegrityKeyResponder => Label::IntegrityKeyResponder,
        _ => return None,
    })
}

/// The cookies of each ISAKMP SA by charon's number of it.
fn cookies_of(logged: &[Logged]) -> BTreeMap<u32, CookiePair> {
    let mut cookies = BTreeMap::new();
    let mut secret_len = BTreeMap::new();
    for value in logged {
        let at = match value.label {
            ValueLabel::GXy => {
                secret_len.insert(value.ike_sa, value.bytes.len());
                None
            }
            ValueLabel::NatDData => Some(0),
            // g^xi and g^xr are as long as g^xy, and the cookies stand behind them.
            ValueLabel::HashIData => secret_len.get(&value.ike_sa).map(|len| len.saturating_mul(2)),
            _ => None,
        };
        let pair = at.and_then(|at| pair(value.bytes.get(at..)?));
        if let Some(pair) = pair.filter(|pair| !pair.responder.is_zero()) {
            cookies.insert(value.ike_sa, pair);
        }
    }
    cookies
}

fn pair(bytes: &[u8]) -> Option<CookiePair> {
    let (initiator, rest) = bytes.split_first_chunk()?;
    let (responder, _) = rest.split_first_chunk()?;
    Some(CookiePair { initiator: Cookie(*initiator), responder: Cookie(*responder) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
08[IKE] <net|2> shared Diffie Hellman secret => 2 bytes @ 0x7f25e0002940
08[IKE] <net|2>    0: AA BB                                            ..
08[IKE] <net|2> SKEYID => 2 bytes @ 0x7f25e0002940
08[IKE] <net|2>    0: 01 02                                            ..
08[IKE] <net|2> natd_chunk => 22 bytes @ 0x7f25e0002940
08[IKE] <net|2>    0: 11 11 11 11 11 11 11 11 22 22 22 22 22 22 22 22  ........
08[IKE] <net|2>   16: AC 11 00 02 01 F4                                ......
08[IKE] <net|2> next IV for MID 6 => 2 bytes @ 0x7f25e0002940
08[IKE] <net|2>    0: 0D 0E                                            ..
08[IKE] <net|2> HASH_R => 2 bytes @ 0x7f25e0002940
08[IKE] <net|2>    0: 0B 0C                                            ..
08[IKE] <net|2> next IV for MID 7 => 2 bytes @ 0x7f25e0002940
08[IKE] <net|2>    0: 03 04                                            ..
08[IKE] <net|2> next IV for MID 7 => 2 bytes @ 0x7f25e0002940
08[IKE] <net|2>    0: 05 06                                            ..
09[IKE] <net|3> SKEYID => 2 bytes @ 0x7f25e0002940
09[IKE] <net|3>    0: 07 08                                            ..
";

    #[test]
    fn values_get_the_cookies_of_their_sa_and_those_of_a_notify_in_phase_1_are_left_out() {
        let values = values(LOG);
        let expected = CookiePair { initiator: Cookie([0x11; 8]), responder: Cookie([0x22; 8]) };
        assert!(values.iter().all(|value| value.cookies == expected), "{values:?}");
        let found: Vec<_> = values.iter().map(|value| (value.label, value.m_id.0, value.bytes[0])).collect();
        assert_eq!(
            found,
            [
                (Label::GXy, 0, 0xaa),
                (Label::Skeyid, 0, 1),
                (Label::HashR, 0, 11),
                (Label::Phase2Iv, 7, 3),
                (Label::NextIv, 7, 5)
            ]
        );
    }
}
