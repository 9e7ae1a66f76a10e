//! Assertions over fields of messages.

use ikev1::wire::{Dissection, Field, FieldValue};

use super::messages::{Messages, SentMessage, describe};
use crate::model::{Check, FieldAssert, FieldOf};
use crate::verdict::Finding;

/// Bytes of a value that a finding shows.
const SHOWN_BYTES: usize = 64;

/// Checks the assertions over one message; each that does not hold is a finding.
///
/// # Errors
///
/// The message that one is about and that cannot be read, unless another one does not hold anyway.
pub(super) fn check_all(
    message: &SentMessage<'_>,
    asserts: &[FieldAssert],
    messages: &Messages<'_>,
) -> Result<Vec<Finding>, Unreadable> {
    let (mut findings, mut unreadable) = (Vec::new(), None);
    for assert in asserts {
        match check(message, assert, messages) {
            Ok(finding) => findings.extend(finding),
            Err(error) => unreadable = unreadable.or(Some(error)),
        }
    }
    match unreadable {
        Some(unreadable) if findings.is_empty() => Err(unreadable),
        _ => Ok(findings),
    }
}

/// A message whose body is encrypted, and of which nobody can say what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} cannot be decrypted, so what is in it is not known")]
pub(super) struct Unreadable(String);

impl Unreadable {
    pub(super) fn new(message: &SentMessage<'_>) -> Self {
        Self(format!("{} from the {}", message.name, message.from))
    }
}

/// A field of a message, if it is there.
fn field_of<'a>(
    message: &SentMessage<'_>,
    dissection: &'a Dissection,
    path: &str,
) -> Result<Option<&'a Field>, Unreadable> {
    let field = dissection.field(path);
    let in_the_body = !path.to_ascii_lowercase().starts_with("header");
    if field.is_none() && in_the_body && message.is_opaque() {
        return Err(Unreadable::new(message));
    }
    Ok(field)
}

fn check(
    message: &SentMessage<'_>,
    assert: &FieldAssert,
    messages: &Messages<'_>,
) -> Result<Option<Finding>, Unreadable> {
    let dissection = message.dissection();
    let field = field_of(message, &dissection, &assert.field)?;
    let bytes = dissection.bytes(&assert.field);
    let number = dissection.number(&assert.field);
    let holds = match &assert.check {
        Check::Absent => field.is_none(),
        check => {
            field.is_some()
                && holds(check, &assert.field, field, number, bytes.unwrap_or_default(), messages)?
        }
    };
    if holds {
        return Ok(None);
    }
    let got = match (field, number) {
        (None, _) => "no such field".to_owned(),
        (Some(_), Some(number)) => number.to_string(),
        (Some(_), None) => {
            format!("{} ({} bytes)", shown(bytes.unwrap_or_default()), bytes.map_or(0, <[u8]>::len))
        }
    };
    Ok(Some(Finding {
        requirements: Vec::new(),
        what: format!("`{}` of {} is not as it must be", assert.field, message.name),
        datagram: Some(message.first.n),
        field: Some(assert.field.clone()),
        offset: field.map(|f| f.offset),
        length: field.map(|f| f.len),
        expected: expected(&assert.check),
        got,
    }))
}

fn holds(
    check: &Check,
    path: &str,
    field: Option<&Field>,
    number: Option<u64>,
    bytes: &[u8],
    messages: &Messages<'_>,
) -> Result<bool, Unreadable> {
    let other = |of: &FieldOf| {
        let Some(message) = messages.find(&of.message, of.from) else { return Ok(None) };
        let (dissection, path) = (message.dissection(), of.field.as_deref().unwrap_or(path));
        field_of(message, &dissection, path)?;
        Ok(dissection.bytes(path).map(<[u8]>::to_vec))
    };
    Ok(match check {
        Check::Present => true,
        Check::Absent => false,
        Check::Equals(wanted) => number == Some(*wanted),
        Check::NotEquals(unwanted) => number.is_some_and(|n| n != *unwanted),
        Check::OneOf(wanted) => number.is_some_and(|n| wanted.contains(&n)),
        Check::AtMost(max) => number_in(bytes).is_some_and(|n| n <= *max),
        Check::Named(name) => {
            matches!(field.map(|f| &f.value), Some(FieldValue::Number(_, Some(known))) if known == name)
        }
        Check::Bytes(hex) => hex::decode(hex).is_ok_and(|wanted| wanted == bytes),
        Check::Zero => bytes.iter().all(|b| *b == 0),
        Check::NonZero => bytes.iter().any(|b| *b != 0),
        Check::Length(wanted) => bytes.len() == *wanted,
        Check::MinLength(min) => bytes.len() >= *min,
        Check::MaxLength(max) => bytes.len() <= *max,
        Check::SameAs(of) => other(of)?.is_some_and(|other| other == bytes),
        Check::DiffersFrom(of) => other(of)?.is_some_and(|other| other != bytes),
        Check::OneMoreThan(of) => {
            let before = other(of)?.and_then(|other| number_in(&other));
            before.is_some_and(|before| before.checked_add(1) == number_in(bytes))
        }
    })
}

/// The number that bytes are, when it has at most 64 bits.
fn number_in(bytes: &[u8]) -> Option<u64> {
    (!bytes.is_empty() && bytes.len() <= 8).then(|| bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
}

fn expected(check: &Check) -> String {
    let of = |of: &FieldOf| {
        let field =
            of.field.as_ref().map_or_else(|| "the same field".to_owned(), |field| format!("`{field}`"));
        format!("{field} of {} from the {}", describe(&of.message), of.from)
    };
    match check {
        Check::Present => "the field is there".into(),
        Check::Absent => "the field is not there".into(),
        Check::Equals(number) => number.to_string(),
        Check::NotEquals(number) => format!("anything but {number}"),
        Check::OneOf(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
            format!("one of {}", numbers.join(", "))
        }
        Check::AtMost(max) => format!("at most {max}"),
        Check::Named(name) => name.clone(),
        Check::Bytes(hex) => hex.clone(),
        Check::Zero => "only zero bytes".into(),
        Check::NonZero => "some byte that is not zero".into(),
        Check::Length(length) => format!("{length} bytes"),
        Check::MinLength(length) => format!("at least {length} bytes"),
        Check::MaxLength(length) => format!("at most {length} bytes"),
        Check::SameAs(field) => format!("the same as {}", of(field)),
        Check::DiffersFrom(field) => format!("not the same as {}", of(field)),
        Check::OneMoreThan(field) => format!("one more than {}", of(field)),
    }
}

fn shown(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN_BYTES) {
        Some(start) if bytes.len() > SHOWN_BYTES => format!("{}...", hex::encode(start)),
        _ => hex::encode(bytes),
    }
}
