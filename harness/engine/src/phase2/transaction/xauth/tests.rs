//! Who gets in, and what hosts answer.

use rstest::rstest;

use super::*;
use crate::crypto::{Secret, providers, reference};

const NAME: ConfigAttribute = ConfigAttribute::XAUTH_USER_NAME;
const PASSWORD: ConfigAttribute = ConfigAttribute::XAUTH_USER_PASSWORD;
const PASSCODE: ConfigAttribute = ConfigAttribute::XAUTH_PASSCODE;

fn joe() -> XauthUser {
    let mut user = XauthUser::with_password("joe", "foobar");
    user.answers.push((PASSCODE, Secret::new(b"3412".to_vec())));
    user
}

fn server(rounds: Vec<XauthRound>, retries: u8) -> XauthServer {
    let users = vec![XauthUser::with_password("ann", "other"), joe()];
    XauthServer { rounds, users, retries, any_identifier: false }
}

fn simple(retries: u8) -> XauthServer {
    server(vec![XauthRound::name_and_password()], retries)
}

fn reply_with(attributes: Vec<Attribute>) -> AttributesPayload {
    AttributesPayload { message_type: ConfigType::REPLY, identifier: 5, attributes }
}

fn text(class: ConfigAttribute, value: &[u8]) -> Attribute {
    Attribute::variable(class, value.to_vec())
}

fn judge(asking: &Asking, server: &XauthServer, attributes: Vec<Attribute>) -> Judgement {
    asking.judge(server, reference(), &reply_with(attributes), &[1; 8])
}

#[rstest]
#[case::right("joe", b"foobar", true)]
#[case::null_terminated("joe", b"foobar\0", true)]
#[case::null_twice("joe", b"foobar\0\0", false)]
#[case::wrong("joe", b"foobaz", false)]
#[case::a_prefix("joe", b"fooba", false)]
#[case::another_users("joe", b"other", false)]
#[case::unknown_user("eve", b"foobar", false)]
#[case::empty("joe", b"", false)]
fn name_and_password_must_fit(#[case] name: &str, #[case] password: &[u8], #[case] right: bool) {
    let answers = vec![text(NAME, name.as_bytes()), text(PASSWORD, password)];
    match judge(&Asking::new(5, &[0; 8]), &simple(0), answers) {
        Judgement::Passed(user) => assert!(right && user.as_deref() == Some("joe"), "{user:?}"),
        Judgement::Failed => assert!(!right),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::no_password(vec![text(NAME, b"joe")])]
#[case::no_name(vec![text(PASSWORD, b"foobar")])]
#[case::basic_name(vec![Attribute::short(NAME, 0x6a6f_u16), text(PASSWORD, b"foobar")])]
#[case::another_type(vec![
    Attribute::short(ConfigAttribute::XAUTH_TYPE, 1_u16), text(NAME, b"joe"), text(PASSWORD, b"foobar")
])]
fn a_reply_that_lacks_something_is_wrong(#[case] answers: Vec<Attribute>) {
    assert!(matches!(judge(&Asking::new(5, &[0; 8]), &simple(0), answers), Judgement::Failed));
}

#[rstest]
#[case::type_left_out(None)]
#[case::type_in_it(Some(Attribute::short(ConfigAttribute::XAUTH_TYPE, 0_u16)))]
#[case::type_in_long_form(Some(Attribute::variable(ConfigAttribute::XAUTH_TYPE, vec![0, 0])))]
fn generic_may_be_said_or_not(#[case] xauth_type: Option<Attribute>) {
    let mut answers = vec![text(NAME, b"joe"), text(PASSWORD, b"foobar")];
    answers.extend(xauth_type);
    assert!(matches!(judge(&Asking::new(5, &[0; 8]), &simple(0), answers), Judgement::Passed(_)));
}

#[rstest]
#[case::fail(0)]
#[case::ok(1)]
fn a_host_can_say_nothing_but_fail(#[case] status: u16) {
    let mut answers = vec![text(NAME, b"joe"), text(PASSWORD, b"foobar")];
    answers.push(Attribute::short(ConfigAttribute::XAUTH_STATUS, status));
    assert!(matches!(judge(&Asking::new(5, &[0; 8]), &simple(3), answers), Judgement::GivenUp));
}

/// The edge device has no answer of its own to compare with.
#[rstest]
#[case::chosen_by_the_user(ConfigAttribute::XAUTH_NEXT_PIN, true)]
#[case::named_by_the_user(ConfigAttribute::XAUTH_DOMAIN, true)]
#[case::a_secret_that_the_user_does_not_have(ConfigAttribute::XAUTH_PASSCODE, false)]
fn an_answer_that_is_not_known_is_right_only_where_the_user_chooses(
    #[case] class: ConfigAttribute,
    #[case] right: bool,
) {
    let mut round = XauthRound::name_and_password();
    round.asked = vec![NAME, class];
    let answers = vec![text(NAME, b"ann"), text(class, b"1234")];
    let judged = judge(&Asking::new(5, &[0; 8]), &server(vec![round], 0), answers);
    assert_eq!(matches!(judged, Judgement::Passed(_)), right, "{judged:?}");
}

#[test]
fn random_octets_are_written_as_two_hexadecimal_digits_each() {
    assert_eq!(ascii(&[0x1f, 0xa0, 0x00, 0x9c]), b"1fa0009c");
}

#[test]
fn wrong_answers_are_asked_again_until_the_retries_are_used_up() {
    let server = simple(2);
    let mut asking = Asking::new(5, &[0; 8]);
    let wrong = || vec![text(NAME, b"joe"), text(PASSWORD, b"x")];
    for _ in 0..2 {
        let Judgement::Ask(again) = judge(&asking, &server, wrong()) else { panic!("given up too early") };
        let (before, after) = (asking.request(&server).unwrap(), again.request(&server).unwrap());
        assert_eq!(before, after, "the same request in the same transaction");
        asking = again;
    }
    assert!(matches!(judge(&asking, &server, wrong()), Judgement::Failed));
    let right = vec![text(NAME, b"joe"), text(PASSWORD, b"foobar")];
    assert!(matches!(judge(&asking, &server, right), Judgement::Passed(_)));
}

#[test]
fn several_rounds_ask_the_same_user() {
    let pin = XauthRound {
        xauth_type: None,
        asked: vec![ConfigAttribute::XAUTH_NEXT_PIN],
        message: Some("Choose a PIN".into()),
    };
    let code = XauthRound { xauth_type: None, asked: vec![PASSCODE], message: None };
    let server = server(vec![XauthRound::name_and_password(), pin, code], 0);
    let first = vec![text(NAME, b"joe"), text(PASSWORD, b"foobar")];
    let Judgement::Ask(asking) = judge(&Asking::new(5, &[0; 8]), &server, first) else { panic!() };
    let request = asking.request(&server).unwrap();
    assert_eq!((request.identifier, message(&request).as_deref()), (5, Some("Choose a PIN")));
    assert_eq!(request.attributes.len(), 2, "NEXT-PIN goes with MESSAGE alone");
    assert!(matches!(
        judge(&asking, &server, vec![text(ConfigAttribute::XAUTH_NEXT_PIN, b"")]),
        Judgement::Failed
    ));
    let chosen = vec![text(ConfigAttribute::XAUTH_NEXT_PIN, b"1234")];
    let Judgement::Ask(asking) = judge(&asking, &server, chosen) else { panic!() };
    assert!(matches!(judge(&asking, &server, vec![text(PASSCODE, b"1111")]), Judgement::Failed));
    let Judgement::Passed(user) = judge(&asking, &server, vec![text(PASSCODE, b"3412")]) else { panic!() };
    assert_eq!(user.as_deref(), Some("joe"));
}

/// MD5 of `0x61`, `foobar`, `616263`: computed with `printf 'afoobar616263' | md5sum`.
#[test]
fn chap_hides_the_password() {
    for provider in providers() {
        let hidden = chap_password(*provider, b'a', b"foobar", b"616263");
        assert_eq!(hex::encode(hidden), CHAP_OF_JOE, "{}", provider.name());
    }
}

const CHAP_OF_JOE: &str = "610a14f8f8a11f6ad3af17db7ded5e7cca";

#[test]
fn chap_is_answered_with_the_challenge_of_the_request() {
    let round = XauthRound { xauth_type: Some(XauthType::RADIUS_CHAP), ..XauthRound::name_and_password() };
    let server = server(vec![round], 1);
    let asking = Asking::new(5, &[0xab; 8]);
    let request = asking.request(&server).unwrap();
    let answers = reply(Some(&joe()), reference(), &request);
    assert!(!answers.contains(&text(PASSWORD, b"foobar")), "the password stays hidden");
    assert!(matches!(judge(&asking, &server, answers.clone()), Judgement::Passed(_)));
    let Judgement::Ask(again) = judge(&asking, &server, vec![text(NAME, b"joe")]) else { panic!() };
    assert_ne!(again.request(&server), Some(request), "each request has a challenge of its own");
    assert!(
        matches!(judge(&again, &server, answers), Judgement::Failed),
        "an answer is good for one challenge"
    );
}

#[test]
fn a_host_answers_what_it_is_asked() {
    let request = AttributesPayload {
        message_type: ConfigType::REQUEST,
        identifier: 9,
        attributes: vec![
            Attribute::variable(ConfigAttribute::XAUTH_MESSAGE, "Welcome"),
            Attribute::variable(PASSCODE, ""),
            Attribute::variable(NAME, ""),
            Attribute::short(30_000_u16, 1_u16),
        ],
    };
    assert_eq!(reply(Some(&joe()), reference(), &request), [text(PASSCODE, b"3412"), text(NAME, b"joe")]);
}

#[rstest]
#[case::one_time_password(vec![Attribute::short(ConfigAttribute::XAUTH_TYPE, 2_u16), text(NAME, b"")])]
#[case::chap_without_a_challenge(vec![Attribute::short(ConfigAttribute::XAUTH_TYPE, 1_u16), text(PASSWORD, b"")])]
#[case::no_such_answer(vec![text(ConfigAttribute::XAUTH_ANSWER, b"")])]
fn a_host_that_cannot_answer_says_fail(#[case] attributes: Vec<Attribute>) {
    let request = AttributesPayload { message_type: ConfigType::REQUEST, identifier: 9, attributes };
    let fail = [Attribute::short(ConfigAttribute::XAUTH_STATUS, 0_u16)];
    let answers = reply(Some(&joe()), reference(), &request);
    assert_eq!(answers, fail);
    assert!(gives_up(&answers));
    assert_eq!(reply(None, reference(), &request), fail, "nor can one without a user");
}

#[rstest]
#[case::ok(Attribute::short(ConfigAttribute::XAUTH_STATUS, 1_u16), Some(true))]
#[case::ok_in_long_form(Attribute::variable(ConfigAttribute::XAUTH_STATUS, vec![0, 1]), Some(true))]
#[case::fail(Attribute::short(ConfigAttribute::XAUTH_STATUS, 0_u16), Some(false))]
#[case::something_else(Attribute::short(ConfigAttribute::XAUTH_STATUS, 2_u16), Some(false))]
#[case::empty(Attribute::variable(ConfigAttribute::XAUTH_STATUS, ""), Some(false))]
#[case::none(Attribute::variable(ConfigAttribute::XAUTH_MESSAGE, "x"), None)]
fn only_ok_is_ok(#[case] attribute: Attribute, #[case] expected: Option<bool>) {
    assert_eq!(status(&reply_with(vec![attribute])), expected);
}
