//! What must hold of an endpoint's tables after anything at all.

use std::collections::BTreeSet;

use ikev1::config::{IntegrityAlgorithm, IpsecTransform, Phase1Mode};
use proptest::prelude::*;

use super::Endpoint;
use crate::common::{self, From, Pair};
use crate::event::{IsakmpSaId, Role};
use crate::timer::Timer;

/// Each index leads to an SA that leads back, nothing is counted wrong, reserved or timed for an SA that is gone.
fn assert_consistent(endpoint: &Endpoint) {
    let standing = |id: &IsakmpSaId| endpoint.isakmp.contains_key(id);
    assert!(endpoint.by_cookies.values().all(standing));
    assert!(endpoint.by_first_message.values().all(standing));
    assert!(endpoint.by_initiator_cookie.values().all(standing));
    for sa in endpoint.isakmp.values() {
        let by_cookies = endpoint.by_cookies.get(&sa.cookies) == Some(&sa.id);
        let by_initiator = endpoint.by_initiator_cookie.get(&sa.cookies.initiator) == Some(&sa.id);
        assert_eq!((by_cookies, by_initiator), (!by_initiator, sa.cookies.responder.is_zero()));
        assert!(sa.used_m_ids.len() <= endpoint.core.limits.finished_m_ids_max);
        let finished = sa.phase2.values().filter(|exchange| exchange.state.reserved_spi().is_none()).count();
        assert!(finished <= endpoint.core.limits.duplicates_max, "{finished} finished exchanges are kept");
        assert!(sa.established().is_none() || sa.early.is_empty());
    }
    let half_open = |sa: &&crate::sa::IsakmpSa| sa.role == Role::Responder && sa.established().is_none();
    assert_eq!(endpoint.half_open, endpoint.isakmp.values().filter(half_open).count());
    let held: BTreeSet<u32> = endpoint
        .isakmp
        .values()
        .flat_map(|sa| sa.phase2.values().filter_map(|exchange| exchange.state.reserved_spi()))
        .collect();
    assert_eq!(endpoint.ipsec.reserved(), held, "reserved SPIs and those that running quick modes hold");
    for timer in endpoint.core.timers.all() {
        match timer {
            Timer::RetransmitPhase1(id) | Timer::ExpireIsakmp(id) | Timer::RekeyIsakmp(id) => {
                assert!(standing(&id), "{timer:?}");
            }
            Timer::HalfOpen(id) => assert!(endpoint.isakmp[&id].established().is_none(), "{timer:?}"),
            Timer::RetransmitPhase2(id, m_id) => {
                assert!(endpoint.isakmp[&id].phase2[&m_id].state.reserved_spi().is_some(), "{timer:?}");
            }
            Timer::RekeyIpsec(id) | Timer::ExpireIpsec(id) => {
                assert!(endpoint.ipsec.get(id).is_some(), "{timer:?}");
            }
        }
    }
}

fn assert_both_consistent(pair: &Pair) {
    assert_consistent(&pair.alice.endpoint);
    assert_consistent(&pair.bob.endpoint);
}

#[test]
fn a_policy_that_cannot_be_offered_leaves_no_spi_reserved() {
    let mut pair = Pair::with(ikev1::crypto::reference(), |who, peer| {
        if who == From::Alice {
            // ESP_NULL without integrity does not exist.
            peer.ipsec[0].transforms = vec![IpsecTransform { cipher: None, integrity: None }];
        }
    });
    pair.establish();
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    assert!(pair.alice.endpoint.initiate_quick_mode(pair.now, sa, "net").is_err());
    assert_both_consistent(&pair);
}

#[test]
fn a_refused_quick_mode_leaves_nothing_behind() {
    let mut pair = Pair::with(ikev1::crypto::reference(), |who, peer| {
        if who == From::Alice {
            peer.ipsec[0].transforms[0].integrity = Some(IntegrityAlgorithm::HmacMd5);
        }
    });
    pair.establish();
    assert_eq!((pair.alice.isakmp_count(), pair.alice.ipsec_count()), (1, 0));
    assert!(pair.alice.endpoint.ipsec.reserved().is_empty());
    assert_both_consistent(&pair);
}

#[test]
fn finished_exchanges_are_forgotten_together_with_their_m_ids() {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    pair.bob.endpoint.core.limits.finished_m_ids_max = 8;
    pair.bob.endpoint.core.limits.duplicates_max = 2;
    for _ in 0..4 {
        pair.alice.endpoint.initiate_quick_mode(pair.now, sa, "net").unwrap();
        pair.run(pair.now + core::time::Duration::from_secs(1));
        // Each pair that is deleted uses up an M-ID on both sides.
        for _ in 0..8 {
            let notify = ikev1::wire::Notification::isakmp(ikev1::wire::NotifyType::CONNECTED);
            pair.alice.endpoint.send_notify(pair.now, sa, notify).unwrap();
        }
        pair.run(pair.now + core::time::Duration::from_secs(1));
        assert_both_consistent(&pair);
        assert!(pair.bob.endpoint.isakmp.values().all(|sa| sa.phase2.is_empty()));
    }
}

#[test]
fn sas_in_all_are_limited() {
    let mut pair = Pair::new(|_| {});
    pair.bob.endpoint.core.limits.ipsec_sas_max = 2;
    pair.bob.endpoint.core.limits.isakmp_sas_max = 1;
    pair.establish();
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    for _ in 0..3 {
        pair.alice.endpoint.initiate_quick_mode(pair.now, sa, "net").unwrap();
    }
    pair.alice.endpoint.initiate_phase1(pair.now, "peer").unwrap();
    pair.run(pair.now + core::time::Duration::from_secs(100));
    assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), (1, 2));
    let refusals = pair.bob.refusals();
    assert!(refusals.contains(&"limit reached: IPsec SAs".to_owned()), "{refusals:?}");
    assert!(refusals.contains(&"limit reached: ISAKMP SAs".to_owned()), "{refusals:?}");
    assert_both_consistent(&pair);
}

#[test]
fn identifiers_that_wrap_do_not_meet_one_in_use() {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    let first = pair.bob.endpoint.isakmp_sas().next().unwrap().id;
    pair.bob.endpoint.next_isakmp_id = first.0;
    let pair_id = pair.bob.endpoint.ipsec_sas().next().unwrap().id;
    pair.bob.endpoint.next_ipsec_id = pair_id.0;
    pair.alice.endpoint.initiate_phase1(pair.now, "peer").unwrap();
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(pair.now + core::time::Duration::from_secs(1));
    assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), (2, 2));
    assert_both_consistent(&pair);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn tables_stay_consistent_whatever_the_link_does(
        seed in 1..u64::MAX,
        aggressive in any::<bool>(),
        deletes in proptest::collection::vec(0..4_u8, 0..3),
    ) {
        let mut pair = Pair::new(|peer| {
            peer.mode = if aggressive { Phase1Mode::Aggressive } else { Phase1Mode::Main };
            peer.phase1[0].group = ikev1::crypto::Group::Modp768;
            peer.phase1_lifetime = core::time::Duration::from_secs(300);
            peer.ipsec[0].lifetime = core::time::Duration::from_secs(150);
        });
        common::unreliable(&mut pair, seed, 40);
        pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
        pair.bob.endpoint.initiate(pair.now, "peer", "net").unwrap();
        for delete in deletes {
            for _ in 0..40 {
                pair.run(pair.now + core::time::Duration::from_secs(1));
                assert_both_consistent(&pair);
            }
            let side = if delete & 1 == 0 { &mut pair.alice } else { &mut pair.bob };
            if delete & 2 == 0 {
                let sa = side.endpoint.isakmp_sas().next();
                if let Some(sa) = sa {
                    side.endpoint.delete_isakmp_sa(pair.now, sa.id).unwrap();
                }
            } else {
                let sa = side.endpoint.ipsec_sas().next();
                if let Some(sa) = sa {
                    side.endpoint.delete_ipsec_sa(pair.now, sa.id).unwrap();
                }
            }
        }
        pair.run(pair.now + core::time::Duration::from_secs(400));
        assert_both_consistent(&pair);
    }
}
