//! Extended authentication: what is asked, what is answered, and whether that is right (XAUTH draft sections 5 and 6).

use core::slice;

use subtle::ConstantTimeEq;

use crate::config::{XauthRound, XauthServer, XauthUser};
use crate::crypto::{CryptoProvider, HashAlgorithm};
use crate::wire::{Attribute, AttributeValue, AttributesPayload, ConfigAttribute, ConfigType, XauthType};

/// XAUTH-STATUS: failed, and OK.
const FAIL: u16 = 0;
const OK: u16 = 1;

/// An edge device that asks: one transaction.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    /// Of the transaction.
    identifier: u16,
    /// Index of the round.
    round: usize,
    /// Wrong answers so far.
    wrong: u8,
    /// Index of the user, once it has said who it is.
    user: Option<usize>,
    /// XAUTH-CHALLENGE, where the round has one.
    challenge: Vec<u8>,
}

/// What comes of an answer.
#[derive(Debug)]
pub(crate) enum Judgement {
    /// There is more to ask, or the same once more.
    Ask(Asking),
    /// The user is authenticated.
    Passed(Option<String>),
    /// The answers were wrong too often.
    Failed,
    /// The host cannot answer, and says so: nothing more is to be said.
    GivenUp,
}

impl Asking {
    /// The first round of a new transaction.
    pub(crate) fn new(identifier: u16, challenge: &[u8]) -> Self {
        let challenge = ascii(challenge);
        Self { identifier, round: 0, wrong: 0, user: None, challenge }
    }

    /// The request of the present round; `None` when all are over.
    pub(crate) fn request(&self, server: &XauthServer) -> Option<AttributesPayload> {
        let round = server.rounds.get(self.round)?;
        let mut attributes = Vec::new();
        if let Some(XauthType(number)) = round.xauth_type {
            attributes.push(Attribute::short(ConfigAttribute::XAUTH_TYPE, number));
        }
        if round.is_chap() {
            attributes.push(Attribute::variable(ConfigAttribute::XAUTH_CHALLENGE, self.challenge.clone()));
        }
        if let Some(message) = &round.message {
            attributes.push(Attribute::variable(ConfigAttribute::XAUTH_MESSAGE, message.clone()));
        }
        attributes.extend(round.asked.iter().map(|class| Attribute::variable(*class, "")));
        Some(AttributesPayload { message_type: ConfigType::REQUEST, identifier: self.identifier, attributes })
    }

    /// The message that ends the transaction.
    pub(crate) fn status(&self, passed: bool) -> AttributesPayload {
        let status = Attribute::short(ConfigAttribute::XAUTH_STATUS, if passed { OK } else { FAIL });
        let (message_type, identifier) = (ConfigType::SET, self.identifier);
        AttributesPayload { message_type, identifier, attributes: vec![status] }
    }

    /// Judges a reply; `challenge` is random, for the next request.
    pub(crate) fn judge(
        &self,
        server: &XauthServer,
        provider: &dyn CryptoProvider,
        reply: &AttributesPayload,
        challenge: &[u8],
    ) -> Judgement {
        // A host can say nothing but FAIL (section 6.2), whatever it says.
        if reply.attribute(ConfigAttribute::XAUTH_STATUS).is_some() {
            return Judgement::GivenUp;
        }
        let next = |round, wrong, user| {
            let challenge = ascii(challenge);
            Judgement::Ask(Self { identifier: self.identifier, round, wrong, user, challenge })
        };
        let wrong = self.wrong.saturating_add(1);
        match self.right_user(server, provider, reply) {
            Ok(user) if self.round.saturating_add(1) < server.rounds.len() => {
                next(self.round.saturating_add(1), self.wrong, user)
            }
            Ok(user) => {
                Judgement::Passed(user.and_then(|user| server.users.get(user)).map(|user| user.name.clone()))
            }
            Err(Wrong) if wrong > server.retries => Judgement::Failed,
            Err(Wrong) => next(self.round, wrong, self.user),
        }
    }

    /// The user, when all answers of the reply are right.
    fn right_user(
        &self,
        server: &XauthServer,
        provider: &dyn CryptoProvider,
        reply: &AttributesPayload,
    ) -> Result<Option<usize>, Wrong> {
        let round = server.rounds.get(self.round).ok_or(Wrong)?;
        if xauth_type(reply) != round.xauth_type.unwrap_or(XauthType::GENERIC) {
            return Err(Wrong);
        }
        let given = |class: ConfigAttribute| match &reply.attribute(class)?.value {
            AttributeValue::Variable(value) => Some(value.as_ref()),
            AttributeValue::Short(_) => None,
        };
        let user = if round.asked.contains(&ConfigAttribute::XAUTH_USER_NAME) {
            let name = given(ConfigAttribute::XAUTH_USER_NAME).ok_or(Wrong)?;
            let known = server.users.iter().position(|user| is_same(name, user.name.as_bytes()));
            Some(known.ok_or(Wrong)?)
        } else {
            self.user
        };
        let known = user.and_then(|user| server.users.get(user));
        for class in &round.asked {
            let given = given(*class).ok_or(Wrong)?;
            let right = match known.and_then(|user| user.answer(*class)) {
                Some(password) if round.is_chap() && *class == ConfigAttribute::XAUTH_USER_PASSWORD => {
                    let id = given.first().ok_or(Wrong)?;
                    bool::from(chap_password(provider, *id, password, &self.challenge).ct_eq(given))
                }
                Some(expected) => is_same(given, expected),
                None => is_free(*class) && !given.is_empty(),
            };
            if !right {
                return Err(Wrong);
            }
        }
        Ok(user)
    }
}

/// An answer was wrong, or missing.
struct Wrong;

impl XauthRound {
    fn is_chap(&self) -> bool {
        self.xauth_type == Some(XauthType::RADIUS_CHAP)
    }
}

/// What a host answers to a request; XAUTH-STATUS FAIL when it lacks something, or does not know the type.
pub(crate) fn reply(
    user: Option<&XauthUser>,
    provider: &dyn CryptoProvider,
    request: &AttributesPayload,
) -> Vec<Attribute> {
    let answers = user.and_then(|user| answers(user, provider, request));
    answers.unwrap_or_else(|| vec![Attribute::short(ConfigAttribute::XAUTH_STATUS, FAIL)])
}

fn answers(
    user: &XauthUser,
    provider: &dyn CryptoProvider,
    request: &AttributesPayload,
) -> Option<Vec<Attribute>> {
    let chap = match xauth_type(request) {
        XauthType::GENERIC => None,
        XauthType::RADIUS_CHAP => match &request.attribute(ConfigAttribute::XAUTH_CHALLENGE)?.value {
            AttributeValue::Variable(challenge) => Some(challenge.clone()),
            AttributeValue::Short(_) => return None,
        },
        _ => return None,
    };
    let mut answers = Vec::new();
    for attribute in &request.attributes {
        let class = ConfigAttribute(attribute.class);
        match class {
            // Section 6.2: there only if it was there.
            ConfigAttribute::XAUTH_TYPE => answers.push(attribute.clone()),
            ConfigAttribute::XAUTH_USER_PASSWORD if chap.is_some() => {
                let challenge = chap.as_deref().unwrap_or_default();
                let id = challenge.first().copied().unwrap_or_default();
                let password = chap_password(provider, id, user.answer(class)?, challenge);
                answers.push(Attribute::variable(class, password));
            }
            ConfigAttribute::XAUTH_USER_NAME
            | ConfigAttribute::XAUTH_USER_PASSWORD
            | ConfigAttribute::XAUTH_PASSCODE
            | ConfigAttribute::XAUTH_DOMAIN
            | ConfigAttribute::XAUTH_NEXT_PIN
            | ConfigAttribute::XAUTH_ANSWER => {
                answers.push(Attribute::variable(class, user.answer(class)?.to_vec()));
            }
            // What tells and does not ask; what is not known is discarded (Mode-Config draft section 3.4).
            _ => {}
        }
    }
    Some(answers)
}

/// XAUTH-MESSAGE, which the user is to see.
pub(crate) fn message(attributes: &AttributesPayload) -> Option<String> {
    match &attributes.attribute(ConfigAttribute::XAUTH_MESSAGE)?.value {
        AttributeValue::Variable(text) => Some(String::from_utf8_lossy(text).into_owned()),
        AttributeValue::Short(_) => None,
    }
}

/// XAUTH-STATUS of a SET: whether the user is authenticated; `None` without one. Only OK is OK.
pub(crate) fn status(set: &AttributesPayload) -> Option<bool> {
    let status = set.attribute(ConfigAttribute::XAUTH_STATUS)?;
    Some(status.as_u64() == Some(u64::from(OK)))
}

/// Whether a reply of ours says that we cannot answer.
pub(crate) fn gives_up(reply: &[Attribute]) -> bool {
    reply.iter().any(|attribute| attribute.class == ConfigAttribute::XAUTH_STATUS.0)
}

/// XAUTH-TYPE; without one it is Generic (section 6.2).
fn xauth_type(attributes: &AttributesPayload) -> XauthType {
    let Some(attribute) = attributes.attribute(ConfigAttribute::XAUTH_TYPE) else {
        return XauthType::GENERIC;
    };
    XauthType(attribute.as_u64().and_then(|number| number.try_into().ok()).unwrap_or(u16::MAX))
}

/// Whether an answer is accepted that the edge device knows nothing about: what the user chooses, or names.
fn is_free(class: ConfigAttribute) -> bool {
    matches!(
        class,
        ConfigAttribute::XAUTH_NEXT_PIN | ConfigAttribute::XAUTH_ANSWER | ConfigAttribute::XAUTH_DOMAIN
    )
}

/// Whether a string is the expected one. Strings need not be null-terminated (section 6.2), and some hosts do it.
fn is_same(given: &[u8], expected: &[u8]) -> bool {
    let bare = given.strip_suffix(&[0]).unwrap_or(given);
    (given.ct_eq(expected) | bare.ct_eq(expected)).into()
}

/// `ID | MD5(ID | password | challenge)`: CHAP's identifier and response, as RADIUS has them in one attribute (RFC 2138
/// section 5.3). The draft says no more than that the challenge hides the password as in RADIUS.
fn chap_password(provider: &dyn CryptoProvider, id: u8, password: &[u8], challenge: &[u8]) -> Vec<u8> {
    let response = provider.hash(HashAlgorithm::Md5, &[slice::from_ref(&id), password, challenge]);
    [slice::from_ref(&id), &response].concat()
}

/// Random octets as an ASCII string.
fn ascii(random: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    random.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 0xf)]).collect()
}

#[cfg(test)]
mod tests;
