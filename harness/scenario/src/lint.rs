//! What a scenario may not say although its JSON is in the format: names that do not exist, steps that can
//! never apply, cases that assert nothing, duplicates.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use ikev1::keylog::Label;
use ikev1::wire::{ConfigAttribute, IpsecAttribute, NotifyType, Phase1Attribute};

use crate::case::Case;
use crate::expand::{DEFAULT_GROUP, expand};
use crate::load::LoadedScenario;
use crate::model::{
    Acceptance, Check, Condition, Contains, Count, DatagramOp, EditOp, Exchange, ExpectState, FieldAssert,
    FragmentationMode, HashTreatment, Inject, InjectBytes, Role, Scenario, Selector, Side, SideConfig, Step,
    When,
};
use crate::pki::CREDENTIALS_FOLDER;
use crate::requirement::Requirements;
use crate::select::nearest;

/// Something wrong with a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// JSON path.
    pub place: String,
    /// The text that is wrong, to find its line; may be empty.
    pub value: String,
    /// What is wrong.
    pub problem: String,
    /// Known names that look like the wrong one.
    pub nearest: Vec<String>,
}

/// What is wrong with a count of at least nothing.
const AT_LEAST_0: &str = "at least 0 is any number, so it asserts nothing";

/// Octets of a payload's body at most: its length, which counts the generic header of four, has 16 bits.
const FIELD_MAX: usize = 65_531;

/// Collects problems at places.
#[derive(Default)]
struct Linter {
    problems: Vec<Problem>,
}

/// Checks one scenario.
pub fn lint(loaded: &LoadedScenario, requirements: &Requirements) -> Vec<Problem> {
    let mut linter = Linter::default();
    linter.head(loaded, requirements);
    for (index, step) in loaded.scenario.steps.iter().enumerate() {
        linter.step(&format!("steps[{index}].{}", step.name()), step);
    }
    for (index, acceptance) in loaded.scenario.accept.iter().enumerate() {
        linter.acceptance(&format!("accept[{index}]"), acceptance);
    }
    linter.unreachable_outcomes(&loaded.scenario.accept);
    linter.unreachable_steps(&loaded.scenario.steps);
    if linter.problems.is_empty() {
        for case in expand(loaded, DEFAULT_GROUP) {
            linter.case(&case);
            linter.credentials(loaded, &case);
        }
        let named = |step: &Step| matches!(step, Step::Fault(fault) if fault.operator.is_none());
        let axis = loaded.scenario.matrix.as_ref().is_some_and(|matrix| matrix.fault.is_some());
        if axis && !loaded.scenario.steps.iter().any(named) {
            let problem =
                "no step `fault` leaves its operator to the matrix, so all these cases would be the same";
            linter.add("matrix.fault", "", problem, Vec::new());
        }
        linter.problems.sort_by(|a, b| (&a.place, &a.problem).cmp(&(&b.place, &b.problem)));
        linter.problems.dedup();
    }
    linter.problems
}

/// Checks scenarios against each other: no case ID twice, no two files that say the same.
pub fn lint_all(scenarios: &[LoadedScenario]) -> Vec<(PathBuf, Problem)> {
    let mut found = Vec::new();
    let mut ids: BTreeMap<(String, Role), &str> = BTreeMap::new();
    let mut contents: BTreeMap<String, &str> = BTreeMap::new();
    let mut report = |loaded: &LoadedScenario, problem: String| {
        let problem = Problem { place: String::new(), value: String::new(), problem, nearest: Vec::new() };
        found.push((loaded.path.clone(), problem));
    };
    for loaded in scenarios {
        for case in expand(loaded, DEFAULT_GROUP) {
            if let Some(other) = ids.insert((case.id.clone(), case.role), &loaded.id) {
                report(loaded, format!("case `{}` is also in scenario `{other}`", case.id));
            }
        }
        let mut scenario = loaded.scenario.clone();
        scenario.description.clear();
        scenario.lenient = None;
        scenario.requirements.clear();
        let content = serde_json::to_string(&scenario).unwrap_or_default();
        if let Some(other) = contents.insert(content, &loaded.id) {
            report(loaded, format!("configuration, steps and outcomes are those of scenario `{other}`"));
        }
    }
    found
}

impl Linter {
    fn add(&mut self, place: &str, value: &str, problem: impl Into<String>, nearest: Vec<String>) {
        let (place, value) = (place.to_owned(), value.to_owned());
        self.problems.push(Problem { place, value, problem: problem.into(), nearest });
    }

    fn head(&mut self, loaded: &LoadedScenario, requirements: &Requirements) {
        let scenario = &loaded.scenario;
        if scenario.version != 1 {
            let problem = format!("version {} of the format is unknown, expected 1", scenario.version);
            self.add("version", "", problem, Vec::new());
        }
        for (place, empty) in [
            ("description", scenario.description.trim().is_empty()),
            ("requirements", scenario.requirements.is_empty()),
            ("roles", scenario.roles.is_empty()),
            ("steps", scenario.steps.is_empty()),
            ("accept", scenario.accept.is_empty()),
        ] {
            if empty {
                self.add(place, "", "is empty, so the case would assert nothing", Vec::new());
            }
        }
        let mut roles = scenario.roles.clone();
        roles.sort();
        roles.dedup();
        if roles.len() < scenario.roles.len() {
            self.add("roles", "", "a role is there twice", Vec::new());
        }
        for (index, id) in scenario.requirements.iter().enumerate() {
            if scenario.requirements[..index].contains(id) {
                self.add(&format!("requirements[{index}]"), id.as_str(), "is there twice", Vec::new());
            }
            if requirements.get(id).is_none() {
                let problem = format!("requirement `{id}` is not in the register");
                self.add(&format!("requirements[{index}]"), id.as_str(), problem, requirements.nearest(id));
            }
        }
        self.level(&loaded.scenario, requirements);
        let config = &scenario.config;
        for (name, side) in [("common", &config.common), ("harness", &config.harness), ("peer", &config.peer)]
        {
            self.groups(name, side);
            let Some(phase2) = &side.phase2 else { continue };
            for (field, network) in [("client", &phase2.client), ("remote_client", &phase2.remote_client)] {
                if let Some(network) = network.as_deref().filter(|n| !is_network(n)) {
                    let place = format!("config.{name}.phase2.{field}");
                    let problem = format!("`{network}` is no IPv4 network like 10.11.0.0/24");
                    self.add(&place, network, problem, Vec::new());
                }
            }
        }
    }

    /// A deviation counts as much as the clause that it is judged by binds: never more, and less only with a reason.
    fn level(&mut self, scenario: &Scenario, requirements: &Requirements) {
        let Some(first) = scenario.requirements.first().and_then(|id| requirements.get(id)) else { return };
        let (level, binding) = (scenario.level, first.level);
        let excuse = scenario.lenient.as_deref().map(str::trim);
        // `must` comes first.
        let problem = match level.cmp(&binding) {
            Ordering::Less => {
                format!(
                    "`{level}` counts a deviation for more than {}, which is a `{binding}`; name the clause that the case \
                     is judged by first, or lower the level",
                    first.id
                )
            }
            Ordering::Greater if excuse.is_none_or(str::is_empty) => {
                format!(
                    "`{level}` counts a deviation for less than {}, which is a `{binding}`; name the clause that the case \
                     is judged by first, raise the level, or say in `lenient` why",
                    first.id
                )
            }
            Ordering::Equal if excuse.is_some() => {
                let problem = format!(
                    "says why the level is lower than that of {}, which it is not; leave it out",
                    first.id
                );
                return self.add("lenient", "", problem, Vec::new());
            }
            _ => return,
        };
        self.add("level", level.name(), problem, Vec::new());
    }

    /// Beside a group that is named, one that is not would be another one or the same, depending on the peer.
    fn groups(&mut self, name: &str, side: &SideConfig) {
        let transforms = side.phase1.iter().flat_map(|phase1| phase1.transforms.iter().flatten());
        let named: Vec<bool> = transforms.map(|transform| transform.group.is_some()).collect();
        let Some(index) = named.iter().position(|named| !named) else { return };
        if named.contains(&true) {
            let place = format!("config.{name}.phase1.transforms[{index}]");
            let problem = "names no group although another transform does, so whether they are the same depends on \
                           the peer; name the group of every transform or of none";
            self.add(&place, "", problem, Vec::new());
        }
    }

    fn step(&mut self, place: &str, step: &Step) {
        match step {
            Step::Expect(expect) => {
                self.selector(&format!("{place}.message"), &expect.message, true);
                self.asserts(place, &expect.assert);
            }
            Step::Fault(fault) => self.selector(&format!("{place}.message"), &fault.message, false),
            Step::Edit(edit) => {
                self.selector(&format!("{place}.message"), &edit.message, true);
                let by_hash = !matches!(edit.hash, HashTreatment::Keep | HashTreatment::Recompute);
                if !by_hash && !edit.in_the_clear && edit.iv.is_right() {
                    self.nonempty(&format!("{place}.apply"), edit.apply.len());
                }
                for (index, op) in edit.apply.iter().enumerate() {
                    self.edit_op(&format!("{place}.apply[{index}]"), op);
                }
            }
            Step::EditDatagram(edit) => {
                self.selector(&format!("{place}.message"), &edit.message, false);
                self.nonempty(&format!("{place}.apply"), edit.apply.len());
                self.datagram_ops(&format!("{place}.apply"), &edit.apply);
            }
            Step::Drop(drop) => self.selector(&format!("{place}.message"), &drop.message, false),
            Step::Duplicate(duplicate) => {
                self.selector(&format!("{place}.message"), &duplicate.message, false)
            }
            Step::Delay(delay) => self.selector(&format!("{place}.message"), &delay.message, false),
            Step::Replay(replay) => {
                self.selector(&format!("{place}.message"), &replay.message, false);
                if replay.to_port.is_some() && replay.from == Side::Peer {
                    let problem = "only a message of the harness can go to another port of the peer";
                    self.add(&format!("{place}.to_port"), "", problem, Vec::new());
                }
            }
            Step::Inject(inject) => self.inject(place, inject),
            Step::Notify(notify) => self.hex(&format!("{place}.data_hex"), &notify.data_hex),
            Step::ExpectState(ExpectState { isakmp_sas, ipsec_sas, .. })
                if [isakmp_sas, ipsec_sas].iter().any(|count| **count == Some(Count::AtLeast(0))) =>
            {
                self.add(place, "", AT_LEAST_0, Vec::new());
            }
            Step::ExpectState(state) if state.isakmp_sas.is_none() && state.ipsec_sas.is_none() => {
                self.add(place, "", "expects nothing; give `isakmp_sas`, `ipsec_sas` or both", Vec::new());
            }
            _ => {}
        }
    }

    /// Steps that can never be met or applied: they want what nothing before them has begun, or wait for messages when nothing
    /// happens any more.
    fn unreachable_steps(&mut self, steps: &[Step]) {
        let mut begun = false;
        for (index, step) in steps.iter().enumerate() {
            let place = format!("steps[{index}].{}", step.name());
            match step {
                Step::Start(_) => begun = true,
                Step::Inject(inject) if inject.when == When::Now => begun = true,
                step if arms(step) && steps.iter().skip(index + 1).all(arms) => {
                    let problem = "nothing happens behind this step, so it never applies";
                    self.add(&place, "", problem, Vec::new());
                }
                Step::Advance(_) | Step::Settle(_) | Step::Rebind(_) => {}
                step if !begun && !arms(step) => {
                    let problem = "nothing has begun yet: a step `start`, or an `inject` that acts now, must stand in front";
                    self.add(&place, "", problem, Vec::new());
                }
                _ => {}
            }
        }
    }

    fn inject(&mut self, place: &str, inject: &Inject) {
        match &inject.when {
            When::Now => {
                if matches!(inject.datagram, InjectBytes::Copy { .. }) {
                    let problem = "a copy needs the message that it is made of, in `when`";
                    self.add(&format!("{place}.datagram.copy"), "", problem, Vec::new());
                }
            }
            When::Before(message) => self.selector(&format!("{place}.when.before"), message, false),
            When::After(message) => self.selector(&format!("{place}.when.after"), message, false),
        }
        match &inject.datagram {
            InjectBytes::Hex(hex) => self.hex(&format!("{place}.datagram.hex"), hex),
            InjectBytes::Random { length, .. } if *length > 65_507 => {
                let problem = format!("{length} bytes do not fit a UDP datagram, expected at most 65507");
                self.add(&format!("{place}.datagram.random.length"), "", problem, Vec::new());
            }
            InjectBytes::Random { .. } => {}
            InjectBytes::Copy { apply } => self.datagram_ops(&format!("{place}.datagram.copy.apply"), apply),
        }
    }

    /// The first outcome whose conditions hold gives the verdict, so one that wants all that an earlier one wants, and more,
    /// gives none.
    fn unreachable_outcomes(&mut self, accept: &[Acceptance]) {
        for (index, acceptance) in accept.iter().enumerate() {
            let earlier = accept.iter().take(index).position(|earlier| {
                !earlier.all.is_empty() && earlier.all.iter().all(|wanted| acceptance.all.contains(wanted))
            });
            if let Some(earlier) = earlier {
                let problem =
                    format!("accept[{earlier}] holds whenever this one does, so it gives no verdict");
                self.add(&format!("accept[{index}]"), &acceptance.because, problem, Vec::new());
            }
        }
    }

    fn acceptance(&mut self, place: &str, acceptance: &Acceptance) {
        if acceptance.because.trim().is_empty() {
            self.add(
                &format!("{place}.because"),
                "",
                "is empty, so a report would give no reason",
                Vec::new(),
            );
        }
        self.nonempty(&format!("{place}.all"), acceptance.all.len());
        for (index, condition) in acceptance.all.iter().enumerate() {
            let place = format!("{place}.all[{index}]");
            match condition {
                Condition::Established { isakmp_sas: None, ipsec_sas: None, .. } => {
                    self.add(
                        &place,
                        "",
                        "expects nothing; give `isakmp_sas`, `ipsec_sas` or both",
                        Vec::new(),
                    );
                }
                Condition::Established { isakmp_sas, ipsec_sas, .. }
                    if [isakmp_sas, ipsec_sas].iter().any(|count| **count == Some(Count::AtLeast(0))) =>
                {
                    self.add(&place, "", AT_LEAST_0, Vec::new());
                }
                Condition::Exchanges { count: Count::AtLeast(0), .. }
                | Condition::Fragments { count: Count::AtLeast(0), .. }
                | Condition::KeepAlives { count: Count::AtLeast(0), .. }
                | Condition::Retransmitted { times: Count::AtLeast(0), .. }
                | Condition::TrafficReplies(Count::AtLeast(0)) => {
                    self.add(&place, "", AT_LEAST_0, Vec::new());
                }
                Condition::Silence { after, .. } => {
                    self.selector(&format!("{place}.silence.after"), after, true)
                }
                Condition::Unreadable { after, .. } => {
                    self.selector(&format!("{place}.unreadable.after"), after, true);
                }
                Condition::Notify { after, types, .. } => {
                    self.selector(&format!("{place}.notify.after"), after, true);
                    self.nonempty(&format!("{place}.notify.types"), types.len());
                    types.iter().for_each(|name| self.notify_name(&format!("{place}.notify.types"), name));
                }
                Condition::Message { message, assert, .. } => {
                    self.selector(&format!("{place}.message.message"), message, true);
                    self.asserts(&format!("{place}.message"), assert);
                }
                Condition::NoMessage { message, .. } => {
                    self.selector(&format!("{place}.no_message.message"), message, true);
                }
                Condition::Fragments { message, .. } => {
                    self.selector(&format!("{place}.fragments.message"), message, true);
                }
                Condition::Port { message, .. } => {
                    self.selector(&format!("{place}.port.message"), message, true)
                }
                Condition::Retransmitted { message, .. } => {
                    self.selector(&format!("{place}.retransmitted.message"), message, true);
                }
                Condition::ValuesAgree { labels } => {
                    self.nonempty(&format!("{place}.values_agree.labels"), labels.len());
                    for label in labels.iter().filter(|l| Label::from_name(l).is_none()) {
                        let known = nearest(label, Label::ALL.iter().map(|(_, name)| *name));
                        let problem = format!("`{label}` is no derived value");
                        self.add(&format!("{place}.values_agree.labels"), label, problem, known);
                    }
                }
                _ => {}
            }
        }
    }

    fn asserts(&mut self, place: &str, asserts: &[FieldAssert]) {
        for (index, assert) in asserts.iter().enumerate() {
            let place = format!("{place}.assert[{index}]");
            self.field(&place, &assert.field);
            match &assert.check {
                Check::Bytes(hex) => self.hex(&place, hex),
                Check::MinLength(0) | Check::AtMost(u64::MAX) => {
                    self.add(&place, "", "holds of every field, so it asserts nothing", Vec::new());
                }
                Check::OneOf(numbers) if numbers.is_empty() => {
                    self.add(&place, "", "no number is one of none, so it never holds", Vec::new());
                }
                Check::SameAs(of) | Check::DiffersFrom(of) | Check::OneMoreThan(of) => {
                    self.selector(&format!("{place}.check.message"), &of.message, true);
                    of.field.iter().for_each(|field| self.field(&place, field));
                }
                _ => {}
            }
        }
    }

    fn edit_op(&mut self, place: &str, op: &EditOp) {
        match op {
            EditOp::Set { field, hex } | EditOp::Replace { field, hex } => {
                self.field(place, field);
                self.hex(place, hex);
            }
            EditOp::SetNumber { field, .. }
            | EditOp::Resize { field, .. }
            | EditOp::Xor { field, .. }
            | EditOp::RemovePayload { field }
            | EditOp::Fill { field, .. }
            | EditOp::Add { field, .. }
            | EditOp::SetAll { field, .. }
            | EditOp::Grow { field, .. }
            | EditOp::DuplicatePayload { field } => self.field(place, field),
            EditOp::SwapPayloads { a, b } => [a, b].into_iter().for_each(|field| self.field(place, field)),
            EditOp::Append { hex }
            | EditOp::InsertPayload { hex, .. }
            | EditOp::AppendPayload { hex, .. } => {
                self.hex(place, hex);
            }
            EditOp::Truncate { .. } | EditOp::Reorder { .. } | EditOp::InsertCertificate { .. } => {}
        }
        if matches!(op, EditOp::Xor { mask: 0, .. }) {
            self.add(place, "", "a mask of 0 changes nothing", Vec::new());
        }
        if matches!(op, EditOp::Add { by: 0, .. } | EditOp::Grow { by: 0, .. }) {
            self.add(place, "", "0 changes nothing", Vec::new());
        }
        let octets = match op {
            EditOp::Resize { length, .. } | EditOp::Fill { length, .. } => *length,
            EditOp::Grow { by, .. } => usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX),
            _ => 0,
        };
        if octets > FIELD_MAX {
            let problem = format!("no field has more than {FIELD_MAX} octets");
            self.add(place, &octets.to_string(), problem, Vec::new());
        }
    }

    fn datagram_ops(&mut self, place: &str, ops: &[DatagramOp]) {
        for (index, op) in ops.iter().enumerate() {
            let place = format!("{place}[{index}]");
            match op {
                DatagramOp::Set { hex, .. } | DatagramOp::Append { hex } => self.hex(&place, hex),
                DatagramOp::Xor { mask: 0, .. } => {
                    self.add(&place, "", "a mask of 0 changes nothing", Vec::new())
                }
                DatagramOp::Cut { octets: 0 } => {
                    self.add(&place, "", "0 bytes cut change nothing", Vec::new());
                }
                _ => {}
            }
        }
    }

    fn selector(&mut self, place: &str, selector: &Selector, contents_known: bool) {
        let last = last_number(selector.exchange);
        if !(1..=last).contains(&selector.number) || selector.occurrence == 0 {
            let problem = format!(
                "{} has no message {} of exchange {}, expected 1 to {last} of exchange 1 or later",
                selector.exchange, selector.number, selector.occurrence
            );
            self.add(place, "", problem, Vec::new());
        }
        match &selector.contains {
            None => {}
            Some(_) if !contents_known => {
                let problem = "a rule on datagrams cannot look into encrypted messages, so `contains` has no meaning here";
                self.add(place, "contains", problem, Vec::new());
            }
            Some(Contains::Notify(name)) => self.notify_name(&format!("{place}.contains"), name),
            Some(Contains::Payload(name)) => self.field(&format!("{place}.contains"), name),
            Some(Contains::VendorId(hex)) => self.hex(&format!("{place}.contains"), hex),
        }
    }

    fn notify_name(&mut self, place: &str, name: &str) {
        if NotifyType::from_name(name).is_none() {
            let known = nearest(name, NotifyType::all().iter().map(|(known, _)| *known));
            self.add(place, name, format!("`{name}` is no notify message type"), known);
        }
    }

    fn hex(&mut self, place: &str, text: &str) {
        if let Err(error) = hex::decode(text) {
            self.add(place, text, format!("`{text}` is no hex: {error}"), Vec::new());
        }
    }

    fn nonempty(&mut self, place: &str, len: usize) {
        if len == 0 {
            self.add(place, "", "is empty", Vec::new());
        }
    }

    fn field(&mut self, place: &str, path: &str) {
        let normal = path.replace('-', "_").to_ascii_lowercase();
        let mut parent = "";
        for part in normal.split('.') {
            let name = part.split('[').next().unwrap_or(part);
            let known = children(parent);
            if !known.iter().any(|child| child == name) {
                let near = nearest(name, known.iter().map(String::as_str));
                let within = if parent.is_empty() { "a message".to_owned() } else { format!("`{parent}`") };
                self.add(place, path, format!("`{path}`: {within} has no field `{name}`"), near);
                return;
            }
            parent = name;
        }
    }

    /// Checks that the keys and certificates of a case are there.
    fn credentials(&mut self, loaded: &LoadedScenario, case: &Case) {
        for (index, step) in case.steps.iter().enumerate() {
            let Step::Edit(edit) = step else { continue };
            for (op_index, op) in edit.apply.iter().enumerate() {
                // One whose file is there has become one of plain bytes.
                if let EditOp::InsertCertificate { file, .. } = op {
                    let place = format!("steps[{index}].edit.apply[{op_index}].insert_certificate.file");
                    let problem =
                        format!("{CREDENTIALS_FOLDER}/{file}.pem has no certificate or revocation list");
                    self.add(&place, file, problem, nearest(file, loaded.credentials.names()));
                }
            }
        }
        for side in Side::ALL {
            let Some(pki) = &case.config.side(*side).pki else { continue };
            for (field, file) in pki.files().filter(|(_, file)| file.pem.is_empty()) {
                let name = &file.name;
                // The file's name without what its kind puts before it, as the scenario has it.
                let value = match field {
                    "certificates" | "raw_keys" => name.as_str(),
                    _ => name.split_once('-').map_or(name.as_str(), |(_, value)| value),
                };
                let problem = format!(
                    "{CREDENTIALS_FOLDER}/{name}.pem is missing or empty; name another file or make it with \
                     make-credentials.sh"
                );
                let near = nearest(name, loaded.credentials.names());
                self.add(&format!("config.{side}.pki.{field}"), value, problem, near);
            }
        }
    }

    /// Checks that fault operators are named just where they are wanted, and apply to their messages.
    fn faults(&mut self, case: &Case) {
        for (index, step) in case.steps.iter().enumerate() {
            if matches!(step, Step::Fault(_)) {
                let problem = "names no operator, and the matrix has no `fault`, so nothing would be wrong";
                self.add(&format!("steps[{index}].fault"), "", problem, Vec::new());
            }
        }
        for fault in &case.faults {
            if !fault.operator.place().holds(&fault.message, &case.config.harness) {
                let problem = format!(
                    "`{}` applies to {}, which {} message {} of case `{}` is not",
                    fault.operator,
                    fault.operator.place(),
                    fault.message.exchange,
                    fault.message.number,
                    case.id
                );
                self.add(&format!("steps[{}].fault", fault.step), fault.operator.name(), problem, Vec::new());
            }
        }
    }

    /// Checks that every rule and expectation of a case can meet its message.
    fn case(&mut self, case: &Case) {
        self.faults(case);
        let overridden = case.steps.iter().any(|s| matches!(s, Step::Start(start) if start.by.is_some()));
        let phase1 = Exchange::from(case.config.side(case.initiator()).exchange);
        let fragmented = case.config.harness.fragmentation.mode;
        let fragmented = matches!(fragmented, FragmentationMode::On | FragmentationMode::Force);
        for (index, step) in case.steps.iter().enumerate() {
            let place = format!("steps[{index}].{}", step.name());
            if fragmented && matches!(step, Step::Edit(edit) if edit.sealed) {
                let problem = "a sealed edit cannot be compared with what it changed when the message goes out in \
                               fragments; switch off the harness's fragmentation";
                self.add(&format!("{place}.sealed"), "sealed", problem, Vec::new());
            }
            let wanted = match step {
                Step::Expect(expect) => Some((&expect.message, expect.from)),
                Step::Replay(replay) => Some((&replay.message, replay.from)),
                _ => step.arms().map(|(message, from, _)| (message, from)),
            };
            let Some((message, from)) = wanted else { continue };
            let is_phase1 = matches!(message.exchange, Exchange::MainMode | Exchange::AggressiveMode);
            if is_phase1 && message.exchange != phase1 {
                let problem =
                    format!("no {} takes place in case `{}`, which uses {phase1}", message.exchange, case.id);
                self.add(&place, "", problem, Vec::new());
            }
            let ordered = is_phase1 || message.exchange == Exchange::QuickMode;
            let sender = if message.number % 2 == 1 { case.initiator() } else { case.initiator().other() };
            if ordered && message.occurrence == 1 && !overridden && sender != from {
                let problem = format!(
                    "with the harness as {}, {} message {} comes from the {sender}, not from the {from}",
                    case.role, message.exchange, message.number
                );
                self.add(&place, "", problem, Vec::new());
            }
        }
        for (index, acceptance) in case.accept.iter().enumerate() {
            for condition in &acceptance.all {
                let (Condition::Silence { after, from }
                | Condition::Unreadable { after, from }
                | Condition::Notify { after, from, .. }) = condition
                else {
                    continue;
                };
                let ordered = matches!(
                    after.exchange,
                    Exchange::MainMode | Exchange::AggressiveMode | Exchange::QuickMode
                );
                let sender = if after.number % 2 == 1 { case.initiator() } else { case.initiator().other() };
                if ordered && after.occurrence == 1 && !overridden && sender == *from {
                    let problem = format!(
                        "with the harness as {}, {} message {} comes from the {from} itself",
                        case.role, after.exchange, after.number
                    );
                    self.add(&format!("accept[{index}]"), "", problem, Vec::new());
                }
            }
        }
    }
}

/// Whether a step only arms a rule for messages that are still to come.
fn arms(step: &Step) -> bool {
    matches!(step, Step::Fault(_)) || step.arms().is_some()
}

/// The highest message number that an exchange has.
fn last_number(exchange: Exchange) -> u8 {
    match exchange {
        Exchange::MainMode => 6,
        Exchange::AggressiveMode => 3,
        // A fourth message answers the commit bit.
        Exchange::QuickMode => 4,
        Exchange::Informational => 1,
        Exchange::NewGroupMode => 2,
        Exchange::Transaction => u8::MAX,
    }
}

fn is_network(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| {
        address.parse::<Ipv4Addr>().is_ok() && bits.parse::<u8>().is_ok_and(|bits| bits <= 32)
    })
}

/// Names that may follow `parent` in a field path; `""` is the message.
fn children(parent: &str) -> Vec<String> {
    let own: &[&str] = match parent {
        "" => {
            return [
                "header",
                "sa",
                "ke",
                "id",
                "cert",
                "cert_request",
                "hash",
                "sig",
                "nonce",
                "notification",
                "delete",
                "vendor_id",
                "attributes",
                "nat_d",
                "nat_oa",
                "fragment",
                "unknown",
                "padding",
                "encrypted",
            ]
            .map(str::to_owned)
            .to_vec();
        }
        "header" => {
            return ["cky_i", "cky_r", "next_payload", "version", "exchange_type", "flags", "m_id", "length"]
                .map(str::to_owned)
                .to_vec();
        }
        "attribute" => return ["type", "length", "value"].map(str::to_owned).to_vec(),
        "sa" => &["doi", "situation", "labels", "proposal", "trailing"],
        "proposal" => &["number", "protocol", "spi_size", "transform_count", "spi", "transform", "trailing"],
        "transform" => {
            let phase1 = Phase1Attribute::all().iter().map(|(name, _)| *name);
            let classes = phase1.chain(IpsecAttribute::all().iter().map(|(name, _)| *name));
            let fixed = ["next_payload", "reserved", "length", "number", "id", "reserved2", "attribute"];
            let normal = |name: &str| name.replace('-', "_").to_ascii_lowercase();
            return classes.map(normal).chain(fixed.map(str::to_owned)).collect();
        }
        "ke" | "nonce" | "hash" | "sig" | "vendor_id" | "unknown" => &["data"],
        "nat_d" => &["hash"],
        "id" => &["type", "protocol", "port", "data"],
        "cert" => &["encoding", "data"],
        "cert_request" => &["type", "authority"],
        "notification" => &["doi", "protocol", "spi_size", "type", "spi", "data"],
        "delete" => &["doi", "protocol", "spi_size", "spi_count", "spi", "data"],
        "nat_oa" => &["type", "reserved2", "reserved3", "data"],
        "attributes" => {
            let classes = ConfigAttribute::all().iter().map(|(name, _)| *name);
            let fixed =
                ["next_payload", "reserved", "length", "type", "reserved2", "identifier", "attribute"];
            let normal = |name: &str| name.replace('-', "_").to_ascii_lowercase();
            return classes.map(normal).chain(fixed.map(str::to_owned)).collect();
        }
        "fragment" => &["id", "number", "flags", "data"],
        _ => return Vec::new(),
    };
    ["next_payload", "reserved", "length"].iter().chain(own).map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests;
