//! The attributes that name a group or define one (RFC 2409 section 5.6 and Appendix A).

use crate::crypto::{Group, GroupKind, PrivateGroup};
use crate::wire::{Attribute, AttributeValue, GroupType, Phase1Attribute};

/// The first Group Description for private use (RFC 2409 section 5.6 and Appendix A).
pub(crate) const PRIVATE_DESCRIPTION_MIN: u16 = 0x8000;

/// The attributes that say a group: its Group Description, or the numbers of a private one.
pub(crate) fn of(group: &Group) -> Vec<Attribute> {
    match group {
        Group::Private(group) => definition(group).into(),
        known => known
            .id()
            .map(|id| Attribute::short(Phase1Attribute::GROUP_DESCRIPTION, id))
            .into_iter()
            .collect(),
    }
}

/// Type, prime and generator of a MODP group.
pub(crate) fn definition(group: &PrivateGroup) -> [Attribute; 3] {
    [
        Attribute::short(Phase1Attribute::GROUP_TYPE, GroupType::MODP.0),
        Attribute::variable(Phase1Attribute::GROUP_PRIME, group.prime().to_vec()),
        Attribute::variable(Phase1Attribute::GROUP_GENERATOR_ONE, group.generator().to_vec()),
    ]
}

/// What a transform says of its group.
#[derive(Debug, Default)]
pub(crate) struct GroupAttributes {
    description: Option<u16>,
    group_type: Option<u16>,
    field_size: Option<u16>,
    prime: Option<Vec<u8>>,
    generator: Option<Vec<u8>>,
}

impl GroupAttributes {
    /// Reads an attribute, if it is one of these.
    ///
    /// # Errors
    ///
    /// When it comes twice with different values, has a value that is too long for its class, or is one of an elliptic
    /// curve, of which no private ones are supported.
    pub(crate) fn takes(&mut self, attribute: &Attribute) -> Result<bool, String> {
        let class = Phase1Attribute(attribute.class);
        let short = || {
            let number = attribute.as_u64().and_then(|number| u16::try_from(number).ok());
            number.ok_or_else(|| format!("{class:?} is too long"))
        };
        let same = match class {
            Phase1Attribute::GROUP_DESCRIPTION => set(&mut self.description, short()?),
            Phase1Attribute::GROUP_TYPE => set(&mut self.group_type, short()?),
            Phase1Attribute::FIELD_SIZE => set(&mut self.field_size, short()?),
            Phase1Attribute::GROUP_PRIME => set(&mut self.prime, octets(attribute)),
            Phase1Attribute::GROUP_GENERATOR_ONE => set(&mut self.generator, octets(attribute)),
            Phase1Attribute::GROUP_GENERATOR_TWO
            | Phase1Attribute::GROUP_CURVE_A
            | Phase1Attribute::GROUP_CURVE_B
            | Phase1Attribute::GROUP_ORDER => {
                return Err(format!(
                    "{class:?} is for elliptic curves, of which no private ones are supported"
                ));
            }
            _ => return Ok(false),
        };
        if same { Ok(true) } else { Err(format!("{class:?} comes twice with different values")) }
    }

    /// The group of phase 1. One that is defined by the numbers of a known group is that group.
    ///
    /// # Errors
    ///
    /// When the group is not known, not complete, or its numbers contradict each other.
    pub(crate) fn group(self) -> Result<Group, String> {
        if !self.defines() {
            let id = self.description.ok_or("no group description")?;
            return Group::from_id(id).ok_or_else(|| format!("group {id} is not supported"));
        }
        let group = known(self.private()?);
        // A description beside the numbers must not say another group.
        match self.description {
            Some(id) if id < PRIVATE_DESCRIPTION_MIN && group.id() != Some(id) => {
                Err(format!("the group that is defined is not group {id}"))
            }
            _ => Ok(group),
        }
    }

    /// The Group Description and the numbers of New Group mode.
    ///
    /// # Errors
    ///
    /// When the description is not a private one, or the numbers define no MODP group.
    pub(crate) fn new_group(self) -> Result<(u16, PrivateGroup), String> {
        let id = self.description.ok_or("no group description")?;
        if id < PRIVATE_DESCRIPTION_MIN {
            return Err(format!("group description {id} is not for private use"));
        }
        Ok((id, self.private()?))
    }

    /// Whether the group is defined by its numbers.
    fn defines(&self) -> bool {
        self.group_type.is_some()
            || self.field_size.is_some()
            || self.prime.is_some()
            || self.generator.is_some()
    }

    fn private(&self) -> Result<PrivateGroup, String> {
        match self.group_type.map(GroupType) {
            Some(GroupType::MODP) => {}
            Some(other) => return Err(format!("no private groups of type {other:?} are supported")),
            None => return Err("no group type".into()),
        }
        let prime = self.prime.as_deref().ok_or("no group prime")?;
        let generator = self.generator.as_deref().ok_or("no group generator")?;
        let group = PrivateGroup::new(prime, generator).map_err(|error| error.to_string())?;
        let bits = group.prime_bits();
        match self.field_size {
            Some(size) if usize::from(size) != bits => {
                Err(format!("field size {size} for a prime of {bits} bits"))
            }
            _ => Ok(group),
        }
    }
}

/// The known group with these numbers, else the group itself.
fn known(group: PrivateGroup) -> Group {
    let same = |known: &&Group| match known.kind() {
        GroupKind::Modp(modp) => modp.prime == group.prime() && modp.generator == group.generator(),
        GroupKind::Ecp(_) | GroupKind::Ec2n(_) => false,
    };
    Group::ALL.iter().find(same).cloned().unwrap_or(Group::Private(group))
}

/// Sets a value, unless there is another one already.
fn set<T: PartialEq>(slot: &mut Option<T>, value: T) -> bool {
    match slot {
        Some(former) => *former == value,
        None => {
            *slot = Some(value);
            true
        }
    }
}

/// The value of an attribute that may be sent in either form (RFC 2409 Appendix A).
fn octets(attribute: &Attribute) -> Vec<u8> {
    match &attribute.value {
        AttributeValue::Short(number) => number.to_be_bytes().to_vec(),
        AttributeValue::Variable(octets) => octets.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// 2^1024 - 1 is no prime, which is not looked at here.
    const ODD: [u8; 128] = [0xff; 128];

    fn read(attributes: &[Attribute]) -> Result<GroupAttributes, String> {
        let mut read = GroupAttributes::default();
        for attribute in attributes {
            assert!(read.takes(attribute)?);
        }
        Ok(read)
    }

    fn short(class: Phase1Attribute, value: u16) -> Attribute {
        Attribute::short(class, value)
    }

    fn variable(class: Phase1Attribute, value: &[u8]) -> Attribute {
        Attribute::variable(class, value.to_vec())
    }

    #[test]
    fn what_is_said_of_a_group_is_read_as_that_group() {
        let private = Group::Private(PrivateGroup::new(&ODD, &[5]).unwrap());
        for group in Group::ALL.iter().chain([&private]) {
            assert_eq!(read(&of(group)).unwrap().group().as_ref(), Ok(group));
        }
    }

    #[test]
    fn the_numbers_of_a_known_group_are_that_group() {
        let GroupKind::Modp(modp) = Group::Modp1024.kind() else { unreachable!() };
        let spelled = definition(&PrivateGroup::new(modp.prime, modp.generator).unwrap());
        assert_eq!(read(&spelled).unwrap().group(), Ok(Group::Modp1024));
        let with = |id| {
            let description = short(Phase1Attribute::GROUP_DESCRIPTION, id);
            read(&[&spelled[..], &[description]].concat()).unwrap().group()
        };
        assert_eq!(with(2), Ok(Group::Modp1024));
        assert_eq!(with(40_000), Ok(Group::Modp1024));
        assert_eq!(with(14), Err("the group that is defined is not group 14".into()));
    }

    #[test]
    fn leading_zeros_and_the_basic_form_say_the_same_group() {
        let plain = definition(&PrivateGroup::new(&ODD, &[5]).unwrap());
        let other = [
            short(Phase1Attribute::GROUP_TYPE, 1),
            variable(Phase1Attribute::GROUP_PRIME, &[&[0, 0][..], &ODD].concat()),
            short(Phase1Attribute::GROUP_GENERATOR_ONE, 5),
            short(Phase1Attribute::FIELD_SIZE, 1024),
        ];
        assert_eq!(read(&plain).unwrap().group(), read(&other).unwrap().group());
    }

    #[rstest]
    #[case::nothing(&[], "no group description")]
    #[case::reserved_description(&[short(Phase1Attribute::GROUP_DESCRIPTION, 99)], "group 99 is not supported")]
    #[case::private_description_alone(
        &[short(Phase1Attribute::GROUP_DESCRIPTION, 40_000)], "group 40000 is not supported"
    )]
    #[case::no_type(&[variable(Phase1Attribute::GROUP_PRIME, &ODD)], "no group type")]
    #[case::curve(&[short(Phase1Attribute::GROUP_TYPE, 2)], "no private groups of type ECP are supported")]
    #[case::no_prime(&[short(Phase1Attribute::GROUP_TYPE, 1)], "no group prime")]
    #[case::no_generator(
        &[short(Phase1Attribute::GROUP_TYPE, 1), variable(Phase1Attribute::GROUP_PRIME, &ODD)], "no group generator"
    )]
    #[case::generator_zero(
        &[
            short(Phase1Attribute::GROUP_TYPE, 1), variable(Phase1Attribute::GROUP_PRIME, &ODD),
            variable(Phase1Attribute::GROUP_GENERATOR_ONE, &[])
        ],
        "the generator is not from 2 to p-2"
    )]
    #[case::field_size(
        &[
            short(Phase1Attribute::GROUP_TYPE, 1), variable(Phase1Attribute::GROUP_PRIME, &ODD),
            short(Phase1Attribute::GROUP_GENERATOR_ONE, 2), short(Phase1Attribute::FIELD_SIZE, 1023)
        ],
        "field size 1023 for a prime of 1024 bits"
    )]
    fn refuses_a_group_that_is_not_known_or_not_complete(
        #[case] attributes: &[Attribute],
        #[case] why: &str,
    ) {
        assert_eq!(read(attributes).unwrap().group(), Err(why.into()));
    }

    #[rstest]
    #[case::twice(
        &[short(Phase1Attribute::GROUP_DESCRIPTION, 1), short(Phase1Attribute::GROUP_DESCRIPTION, 2)],
        "group-description comes twice with different values"
    )]
    #[case::too_long(
        &[variable(Phase1Attribute::GROUP_DESCRIPTION, &[1, 0, 0])], "group-description is too long"
    )]
    #[case::curve(
        &[variable(Phase1Attribute::GROUP_CURVE_A, &[0])],
        "group-curve-a is for elliptic curves, of which no private ones are supported"
    )]
    fn refuses_attributes_that_say_no_group(#[case] attributes: &[Attribute], #[case] why: &str) {
        assert_eq!(read(attributes).unwrap_err(), why);
    }

    #[test]
    fn new_group_mode_takes_private_descriptions_only() {
        let numbers = definition(&PrivateGroup::new(&ODD, &[5]).unwrap());
        let with = |id| {
            let description = short(Phase1Attribute::GROUP_DESCRIPTION, id);
            read(&[&numbers[..], &[description]].concat()).unwrap().new_group()
        };
        assert_eq!(with(0x8000), Ok((0x8000, PrivateGroup::new(&ODD, &[5]).unwrap())));
        assert_eq!(with(0x7fff), Err("group description 32767 is not for private use".into()));
        assert_eq!(read(&numbers).unwrap().new_group(), Err("no group description".into()));
    }
}
