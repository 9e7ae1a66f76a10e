//! The attributes that name a group or define one (RFC 2409 section 5.6 and Appendix A).

use crate::crypto::{Ec2n, Group, GroupKind, PrivateEc2n, PrivateGroup};
use crate::wire::{Attribute, AttributeValue, GroupType, Phase1Attribute};

/// The first Group Description for private use (RFC 2409 section 5.6 and Appendix A).
pub(crate) const PRIVATE_DESCRIPTION_MIN: u16 = 0x8000;

/// The attributes that say a group: its Group Description, or the numbers of a private one.
pub(crate) fn of(group: &Group) -> Vec<Attribute> {
    match group {
        Group::Private(group) => definition(group),
        known => known
            .id()
            .map(|id| Attribute::short(Phase1Attribute::GROUP_DESCRIPTION, id))
            .into_iter()
            .collect(),
    }
}

/// Type, prime and generator of a MODP group; type, polynomial, both coordinates of the generator, a, b and order of an EC2N
/// group (RFC 2409 section 5.6).
pub(crate) fn definition(group: &PrivateGroup) -> Vec<Attribute> {
    match group {
        PrivateGroup::Modp(group) => vec![
            Attribute::short(Phase1Attribute::GROUP_TYPE, GroupType::MODP.0),
            Attribute::variable(Phase1Attribute::GROUP_PRIME, group.prime().to_vec()),
            Attribute::variable(Phase1Attribute::GROUP_GENERATOR_ONE, group.generator().to_vec()),
        ],
        PrivateGroup::Ec2n(group) => ec2n_definition(group),
    }
}

/// Elements of the field, and the order, are as long as the field's size says (RFC 2409 Appendix A).
fn ec2n_definition(group: &PrivateEc2n) -> Vec<Attribute> {
    let numbers = group.numbers();
    let len = numbers.degree().div_ceil(8);
    let padded = |class, number: &[u8]| {
        let zeros = vec![0; len.saturating_sub(number.len())];
        Attribute::variable(class, [&zeros, number].concat())
    };
    vec![
        Attribute::short(Phase1Attribute::GROUP_TYPE, GroupType::EC2N.0),
        Attribute::variable(Phase1Attribute::GROUP_PRIME, numbers.polynomial.to_vec()),
        padded(Phase1Attribute::GROUP_GENERATOR_ONE, numbers.generator),
        padded(Phase1Attribute::GROUP_GENERATOR_TWO, group.generator_y()),
        padded(Phase1Attribute::GROUP_CURVE_A, numbers.a),
        padded(Phase1Attribute::GROUP_CURVE_B, numbers.b),
        padded(Phase1Attribute::GROUP_ORDER, numbers.order),
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
    generator_two: Option<Vec<u8>>,
    curve_a: Option<Vec<u8>>,
    curve_b: Option<Vec<u8>>,
    order: Option<Vec<u8>>,
}

impl GroupAttributes {
    /// Reads an attribute, if it is one of these.
    ///
    /// # Errors
    ///
    /// When it comes twice with different values, or has a value that is too long for its class.
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
            Phase1Attribute::GROUP_GENERATOR_TWO => set(&mut self.generator_two, octets(attribute)),
            Phase1Attribute::GROUP_CURVE_A => set(&mut self.curve_a, octets(attribute)),
            Phase1Attribute::GROUP_CURVE_B => set(&mut self.curve_b, octets(attribute)),
            Phase1Attribute::GROUP_ORDER => set(&mut self.order, octets(attribute)),
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
    /// When the description is not a private one, or the numbers define no group.
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
            || self.is_curve()
    }

    /// Whether there are numbers that only a curve has.
    fn is_curve(&self) -> bool {
        [&self.generator_two, &self.curve_a, &self.curve_b, &self.order].iter().any(|number| number.is_some())
    }

    fn private(&self) -> Result<PrivateGroup, String> {
        let (group, size) = match self.group_type.map(GroupType) {
            Some(GroupType::MODP) => self.modp()?,
            Some(GroupType::EC2N) => self.ec2n()?,
            Some(other) => return Err(format!("no private groups of type {other:?} are supported")),
            None => return Err("no group type".into()),
        };
        match self.field_size {
            Some(stated) if usize::from(stated) != size => {
                Err(format!("field size {stated} for a field of {size} bits"))
            }
            _ => Ok(group),
        }
    }

    /// A MODP group, and the length of its prime in bits.
    fn modp(&self) -> Result<(PrivateGroup, usize), String> {
        if self.is_curve() {
            return Err("a MODP group with attributes of an elliptic curve".into());
        }
        let prime = self.prime.as_deref().ok_or("no group prime")?;
        let generator = self.generator.as_deref().ok_or("no group generator")?;
        let group = PrivateGroup::modp(prime, generator).map_err(|error| error.to_string())?;
        let size = if let PrivateGroup::Modp(group) = &group { group.prime_bits() } else { 0 };
        Ok((group, size))
    }

    /// An EC2N group, and the degree of its polynomial.
    fn ec2n(&self) -> Result<(PrivateGroup, usize), String> {
        let numbers = Ec2n {
            polynomial: self.prime.as_deref().ok_or("no irreducible polynomial")?,
            a: self.curve_a.as_deref().ok_or("no curve a")?,
            b: self.curve_b.as_deref().ok_or("no curve b")?,
            generator: self.generator.as_deref().ok_or("no group generator")?,
            order: self.order.as_deref().ok_or("no group order")?,
        };
        let generator_y = self.generator_two.as_deref().ok_or("no second group generator")?;
        let group = PrivateGroup::ec2n(&numbers, generator_y).map_err(|error| error.to_string())?;
        let size = if let PrivateGroup::Ec2n(group) = &group { group.numbers().degree() } else { 0 };
        Ok((group, size))
    }
}

/// The known group with these numbers, else the group itself.
fn known(group: PrivateGroup) -> Group {
    let same = |known: &&Group| match (known.kind(), &group) {
        (GroupKind::Modp(modp), PrivateGroup::Modp(group)) => {
            modp.prime == group.prime() && modp.generator == group.generator()
        }
        // Whether it is the curve's order or the generator's that is stated.
        (GroupKind::Ec2n(ec2n), PrivateGroup::Ec2n(group)) => {
            let stated = group.numbers();
            let order_fits = [Some(ec2n.order), known.curve_order()].contains(&Some(stated.order));
            Ec2n { order: ec2n.order, ..stated } == ec2n && order_fits
        }
        _ => false,
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

    /// B-163 of FIPS 186-4: polynomial, a, b, both coordinates of the generator, order of the curve.
    const B_163: [&str; 6] = [
        "0800000000000000000000000000000000000000c9",
        "000000000000000000000000000000000000000001",
        "020a601907b8c953ca1481eb10512f78744a3205fd",
        "03f0eba16286a2d57ea0991168d4994637e8343e36",
        "00d51fbc6c71a0094fa2cdd545b11c5c0c797324f1",
        "080000000000000000000525fcefce182548469866",
    ];

    fn b_163() -> PrivateGroup {
        let [polynomial, a, b, x, y, order] = B_163.map(|digits| hex::decode(digits).unwrap());
        let numbers = Ec2n { polynomial: &polynomial, a: &a, b: &b, generator: &x, order: &order };
        PrivateGroup::ec2n(&numbers, &y).unwrap()
    }

    /// The attributes of B-163 but one.
    fn b_163_without(left_out: Phase1Attribute) -> Vec<Attribute> {
        let mut attributes = definition(&b_163());
        attributes.retain(|attribute| attribute.class != left_out.0);
        assert_eq!(attributes.len(), 6);
        attributes
    }

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
        let private = Group::Private(PrivateGroup::modp(&ODD, &[5]).unwrap());
        let curve = Group::Private(b_163());
        for group in Group::ALL.iter().chain([&private, &curve]) {
            assert_eq!(read(&of(group)).unwrap().group().as_ref(), Ok(group));
        }
    }

    #[test]
    fn the_numbers_of_a_known_group_are_that_group() {
        let GroupKind::Modp(modp) = Group::Modp1024.kind() else { unreachable!() };
        let spelled = definition(&PrivateGroup::modp(modp.prime, modp.generator).unwrap());
        assert_eq!(read(&spelled).unwrap().group(), Ok(Group::Modp1024));
        let with = |id| {
            let description = short(Phase1Attribute::GROUP_DESCRIPTION, id);
            read(&[&spelled[..], &[description]].concat()).unwrap().group()
        };
        assert_eq!(with(2), Ok(Group::Modp1024));
        assert_eq!(with(40_000), Ok(Group::Modp1024));
        assert_eq!(with(14), Err("the group that is defined is not group 14".into()));
    }

    /// RFC 2409 section 6.3 with the y coordinate of RFC 2412 Appendix E.3, in their shortest forms.
    #[test]
    fn the_numbers_of_a_known_curve_are_that_group() {
        let spelled = |order: &str| {
            let polynomial = hex::decode("0800000000000000000000004000000000000001").unwrap();
            let attributes = [
                short(Phase1Attribute::GROUP_TYPE, 3),
                short(Phase1Attribute::FIELD_SIZE, 155),
                variable(Phase1Attribute::GROUP_PRIME, &polynomial),
                short(Phase1Attribute::GROUP_GENERATOR_ONE, 0x7b),
                short(Phase1Attribute::GROUP_GENERATOR_TWO, 0x1c8),
                short(Phase1Attribute::GROUP_CURVE_A, 0),
                variable(Phase1Attribute::GROUP_CURVE_B, &[0x07, 0x33, 0x8f]),
                variable(Phase1Attribute::GROUP_ORDER, &hex::decode(order).unwrap()),
            ];
            read(&attributes).unwrap().group().unwrap()
        };
        assert_eq!(spelled("0800000000000000000057db5698537193aef944"), Group::Ec2n155);
        assert_eq!(spelled("02aaaaaaaaaaaaaaaaaac7f3c7881bd0868fa86c"), Group::Ec2n155);
        assert!(matches!(spelled("02aaaaaaaaaaaaaaaaaac7f3c7881bd0868fa86a"), Group::Private(_)));
    }

    #[test]
    fn a_curve_is_defined_by_the_attributes_of_section_5_6() {
        let attributes = definition(&b_163());
        let classes: Vec<u16> = attributes.iter().map(|attribute| attribute.class).collect();
        assert_eq!(classes, [5, 6, 7, 8, 9, 10, 16]);
        assert_eq!(attributes[0], short(Phase1Attribute::GROUP_TYPE, 3));
        let [polynomial, a, b, x, y, order] = B_163.map(|digits| hex::decode(digits).unwrap());
        for (attribute, octets) in attributes[1..].iter().zip([polynomial, x, y, a, b, order]) {
            assert_eq!(attribute.value, AttributeValue::Variable(octets.into()));
        }
    }

    #[rstest]
    #[case::none(None, true)]
    #[case::the_first_private_one(Some(0x8000), true)]
    #[case::the_last_of_the_registry(Some(0x7fff), false)]
    #[case::another_group(Some(2), false)]
    fn a_description_beside_the_numbers_must_not_name_another_group(
        #[case] description: Option<u16>,
        #[case] good: bool,
    ) {
        let mut attributes = definition(&b_163());
        attributes.extend(description.map(|id| short(Phase1Attribute::GROUP_DESCRIPTION, id)));
        assert_eq!(read(&attributes).unwrap().group().is_ok(), good);
    }

    #[test]
    fn leading_zeros_and_the_basic_form_say_the_same_group() {
        let plain = definition(&PrivateGroup::modp(&ODD, &[5]).unwrap());
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
    #[case::ecp(&[short(Phase1Attribute::GROUP_TYPE, 2)], "no private groups of type ECP are supported")]
    #[case::curve_without_a_type(&[variable(Phase1Attribute::GROUP_CURVE_A, &[0])], "no group type")]
    #[case::modp_with_an_order(
        &[
            short(Phase1Attribute::GROUP_TYPE, 1), variable(Phase1Attribute::GROUP_PRIME, &ODD),
            short(Phase1Attribute::GROUP_GENERATOR_ONE, 2), variable(Phase1Attribute::GROUP_ORDER, &ODD)
        ],
        "a MODP group with attributes of an elliptic curve"
    )]
    #[case::no_polynomial(&b_163_without(Phase1Attribute::GROUP_PRIME), "no irreducible polynomial")]
    #[case::no_generator_one(&b_163_without(Phase1Attribute::GROUP_GENERATOR_ONE), "no group generator")]
    #[case::no_generator_two(&b_163_without(Phase1Attribute::GROUP_GENERATOR_TWO), "no second group generator")]
    #[case::no_curve_a(&b_163_without(Phase1Attribute::GROUP_CURVE_A), "no curve a")]
    #[case::no_curve_b(&b_163_without(Phase1Attribute::GROUP_CURVE_B), "no curve b")]
    #[case::no_order(&b_163_without(Phase1Attribute::GROUP_ORDER), "no group order")]
    #[case::field_size_of_a_curve(
        &[&definition(&b_163())[..], &[short(Phase1Attribute::FIELD_SIZE, 164)]].concat(),
        "field size 164 for a field of 163 bits"
    )]
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
        "field size 1023 for a field of 1024 bits"
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
    fn refuses_attributes_that_say_no_group(#[case] attributes: &[Attribute], #[case] why: &str) {
        assert_eq!(read(attributes).unwrap_err(), why);
    }

    #[test]
    fn new_group_mode_takes_private_descriptions_only() {
        let numbers = definition(&PrivateGroup::modp(&ODD, &[5]).unwrap());
        let with = |id| {
            let description = short(Phase1Attribute::GROUP_DESCRIPTION, id);
            read(&[&numbers[..], &[description]].concat()).unwrap().new_group()
        };
        assert_eq!(with(0x8000), Ok((0x8000, PrivateGroup::modp(&ODD, &[5]).unwrap())));
        assert_eq!(with(0x7fff), Err("group description 32767 is not for private use".into()));
        assert_eq!(read(&numbers).unwrap().new_group(), Err("no group description".into()));
    }
}
