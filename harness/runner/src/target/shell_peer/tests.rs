//! libreswan's templates, filled in for whatever can be asked of it.

use std::collections::BTreeMap;
use std::path::Path;

use ikev1_scenario::expand::default_group;
use ikev1_scenario::judge::unsupported;
use ikev1_scenario::{Library, expand_all};
use rstest::rstest;

use super::*;
use crate::docker::{Control, PeerDir, Templates};

/// Every case that a release of libreswan can take, in both roles, with its templates.
fn cases(release: &str) -> (Vec<Case>, Templates) {
    let peer = PeerDir::of_this_source("libreswan").unwrap();
    let profile = peer.profile(release, "libreswan", release);
    let Control::Shell(control) = &peer.manifest.control else { unreachable!("it has a shell") };
    let templates = Templates::load(&peer, control).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut cases = expand_all(&Library::load(&root).unwrap().scenarios, default_group(&profile));
    cases.retain(|case| unsupported(case, &profile).is_none());
    (cases, templates)
}

fn context(case: &Case, release: &str) -> Context {
    let [peer, harness] = [2, 1].map(|last| Ipv4Addr::new(172, 22, 0, last));
    Context::new(case, release, peer, harness, ISAKMP_PORT)
}

/// The settings of a rendered connection, which must be one of them, each set once.
fn settings(rendered: &str) -> BTreeMap<&str, &str> {
    let mut lines = rendered.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#'));
    assert_eq!(lines.next(), Some("conn clients"), "{rendered}");
    let mut settings = BTreeMap::new();
    for line in lines {
        let setting = line.strip_prefix('\t').and_then(|setting| setting.split_once('='));
        let (key, value) = setting.unwrap_or_else(|| panic!("no setting: {line:?} in\n{rendered}"));
        assert!(!value.trim().is_empty(), "{key} has no value in\n{rendered}");
        assert_eq!(settings.insert(key, value), None, "{key} is set twice in\n{rendered}");
    }
    settings
}

#[rstest]
#[case::bullseye("4.3")]
#[case::bookworm("4.10")]
#[case::trixie("5.2")]
fn every_case_that_libreswan_can_take_fills_its_templates_in(#[case] release: &str) {
    let (cases, templates) = cases(release);
    let (mut roles, mut with_xauth, mut with_mode_config) = (BTreeMap::new(), 0, 0);
    for case in &cases {
        let context = context(case, release);
        let render = |name: &str| {
            let rendered = templates.command(name, &context);
            rendered.unwrap_or_else(|error| panic!("{} {}: {error}", case.role, case.id))
        };
        let connection = render("clients.conf");
        let set = settings(&connection);
        let (side, is) = (&case.config.peer, |key: &str| set.get(key) == Some(&"yes"));
        let host = |host| host == context.role;
        if let Some(xauth) = &side.xauth {
            with_xauth += 1;
            let host = host(xauth.host());
            assert_eq!((is("leftxauthclient"), is("rightxauthserver")), (host, host), "{connection}");
            assert_eq!((is("leftxauthserver"), is("rightxauthclient")), (!host, !host), "{connection}");
            let user = format!("@{} : XAUTH", xauth.user().name);
            assert_eq!(render("clients.secrets").contains(&user), host, "{}", case.id);
        }
        if let Some(settings) = &side.mode_config {
            with_mode_config += 1;
            let host = host(settings.host());
            assert_eq!((is("leftmodecfgclient"), is("leftmodecfgserver")), (host, !host), "{connection}");
            let pool = settings.pool.filter(|_| !host).map(|pool| format!("{}-{}", pool.first, pool.last));
            assert_eq!(set.get("rightaddresspool").copied(), pool.as_deref(), "{connection}");
        }
        let secrets = render("clients.secrets");
        assert!(secrets.starts_with(": PSK \"") && !secrets.contains("{{"), "{secrets}");
        let load = render("load");
        let loads_users = load.contains("/etc/ipsec.d/passwd");
        assert_eq!(loads_users, side.xauth.is_some(), "{}: {load}", case.id);
        *roles.entry(case.role.to_string()).or_insert(0) += 1;
    }
    println!("{release}: {roles:?}, {with_xauth} with XAUTH, {with_mode_config} with Mode-Config");
    // The loop has something of each to look at.
    assert!(roles.values().all(|count| *count > 300) && roles.len() == 2, "{roles:?}");
    assert!(with_xauth > 20 && with_mode_config > 10, "{with_xauth}, {with_mode_config}");
}

#[rstest]
#[case::of_an_sa("rekey_ipsec")]
#[case::of_none("state")]
fn a_command_takes_the_sa_that_it_is_about(#[case] name: &str) {
    let (cases, templates) = cases("4.10");
    let context = context(&cases[0], "4.10");
    let sa = OfSa { spi_in: "0000abcd".to_owned(), ..OfSa::default() };
    let command = templates.command(name, &WithSa { context: &context, sa }).unwrap();
    assert_eq!(command.contains("id=0000abcd"), name == "rekey_ipsec", "{command}");
}
