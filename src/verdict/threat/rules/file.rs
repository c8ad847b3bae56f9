//! From the text of a file of rules to rules. All mistakes are noted, each with the rule, the field
//! and the remedy.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::condition::{Condition, Scalar, Test};
use super::form::Form;
use super::policy::Claim;
use super::reading::Pointer;
use super::rule::{Failed, Pattern, Rule};
use super::shown::MAX_DETAILS;
use crate::settings::Problems;
use crate::verdict::Threat;
use crate::verdict::threat::Words;

/// The longest title in characters: with a level before it and an attempt named, it still fits into
/// the 99 characters of a subject ("Publish", Amazon SNS API reference).
const MAX_TITLE: usize = 70;

/// The longest next step in characters: a few sentences, not a runbook.
const MAX_NEXT_STEP: usize = 600;

/// How deep conditions may lie in `any` and `not`.
const MAX_NESTING: u8 = 4;

const LEVELS: [(&str, Threat); 4] = [
    ("low", Threat::Low),
    ("medium", Threat::Medium),
    ("high", Threat::High),
    ("critical", Threat::Critical),
];

/// Reads a file. What it returns is to be used only when nothing was noted.
pub(super) fn read(text: &str, problems: &mut Problems) -> Vec<Rule> {
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            // The message of the parser, without the line that it quotes.
            let error: toml::de::Error = error;
            problems.add("file", format!("is no TOML: {}", error.message()));
            return Vec::new();
        }
    };
    let mut file = Form::new(&table, "file".to_owned());
    let entries = match file.get("rule") {
        Some(Value::Array(entries)) if !entries.is_empty() => entries.as_slice(),
        _ => {
            file.wrong(
                "rule",
                problems,
                "is missing; write one [[rule]] for each rule",
            );
            &[]
        }
    };
    file.finish(problems);
    let mut ids = BTreeSet::new();
    let mut rules = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let number = format!("rule number {}", at + 1);
        let Value::Table(table) = entry else {
            problems.add(number, "is no table; write it as [[rule]]");
            continue;
        };
        let id = table.get("id").and_then(Value::as_str);
        let place = id.map_or(number, |id| format!("rule `{id}`"));
        let form = Form::new(table, place);
        if let Some(id) = id
            && !ids.insert(id)
        {
            form.wrong(
                "id",
                problems,
                "stands twice; give each rule an id of its own",
            );
        }
        rules.extend(rule(form, problems));
    }
    rules
}

fn rule(mut form: Form<'_>, problems: &mut Problems) -> Option<Rule> {
    let id = form.text("id", problems).filter(|id| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let fits = id.bytes().all(plain);
        if !fits {
            form.wrong(
                "id",
                problems,
                "has other than lowercase letters, digits and `_`; leave them out",
            );
        }
        fits
    });
    let sources = patterns("source", &mut form, problems);
    let names = patterns("name", &mut form, problems);
    let level = form.word("level", &LEVELS, problems);
    let failed = match form.get("failed") {
        None => Some(Failed::default()),
        Some(_) => form.word("failed", &Failed::ALL, problems),
    };
    let title = words("title", MAX_TITLE, &mut form, problems);
    let next_step = words("next_step", MAX_NEXT_STEP, &mut form, problems);
    let when = match form.get("when") {
        None => Some(Vec::new()),
        Some(list) => conditions("when", list, 0, &form, problems),
    };
    let show = show(&mut form, problems);
    form.finish(problems);
    Some(Rule {
        id: id?.to_owned(),
        sources: sources?,
        names: names?,
        when: when?,
        failed: failed?,
        level: level?,
        title: title?,
        next_step: next_step?,
        show: show?,
    })
}

fn patterns(
    field: &'static str,
    form: &mut Form<'_>,
    problems: &mut Problems,
) -> Option<Vec<Pattern>> {
    let texts = form.texts(field, problems)?;
    let patterns: Option<Vec<_>> = texts.into_iter().map(Pattern::parse).collect();
    if patterns.is_none() {
        form.wrong(
            field,
            problems,
            "has a star elsewhere than at its end; put it there or list the names",
        );
    }
    patterns
}

/// A text in both languages. English has to be printable ASCII, as subjects of mails are.
fn words(
    field: &'static str,
    longest: usize,
    form: &mut Form<'_>,
    problems: &mut Problems,
) -> Option<Words> {
    let table = form.table(field, problems)?;
    let mut form = Form::new(table, format!("{} {field}", form.place()));
    let en = form.text("en", problems);
    let ko = form.text("ko", problems);
    for (language, text) in [("en", en), ("ko", ko)] {
        if text.is_some_and(|text| text.chars().count() > longest) {
            let message = format!("is too long; write at most {longest} characters");
            form.wrong(language, problems, message);
        }
    }
    if en.is_some_and(|text| !text.bytes().all(|b| (b' '..=b'~').contains(&b))) {
        form.wrong(
            "en",
            problems,
            "has other than printable ASCII; subjects of mails take no other",
        );
    }
    if en.is_some() && en == ko {
        form.wrong("ko", problems, "is the same as `en`; translate it");
    }
    form.finish(problems);
    Some(Words {
        en: en?.to_owned(),
        ko: ko?.to_owned(),
    })
}

fn show(form: &mut Form<'_>, problems: &mut Problems) -> Option<Vec<(String, Pointer)>> {
    if form.get("show").is_none() {
        return Some(Vec::new());
    }
    let table = form.table("show", problems)?;
    if table.len() > MAX_DETAILS {
        let message = format!("names too many fields; show at most {MAX_DETAILS}");
        form.wrong("show", problems, message);
    }
    let fields = table.iter().map(|(name, value)| {
        let pointer = value.as_str().and_then(Pointer::parse);
        if pointer.is_none() {
            let field = format!("show.{name}");
            form.wrong(
                &field,
                problems,
                "is no JSON pointer; write it like \"/requestParameters/bucketName\"",
            );
        }
        Some((name.clone(), pointer?))
    });
    // Gathered first: every mistake is to be noted.
    let fields: Vec<_> = fields.collect();
    fields.into_iter().collect()
}

fn conditions(
    field: &str,
    list: &Value,
    nesting: u8,
    form: &Form<'_>,
    problems: &mut Problems,
) -> Option<Vec<Condition>> {
    let Some(list) = list.as_array().filter(|list| !list.is_empty()) else {
        form.wrong(
            field,
            problems,
            "is no list of conditions; write it as [{ at = \"..\", .. }]",
        );
        return None;
    };
    let read = list.iter().enumerate().map(|(at, entry)| {
        let place = format!("{field}[{at}]");
        condition(&place, entry, nesting, form, problems)
    });
    let read: Vec<_> = read.collect();
    read.into_iter().collect()
}

fn condition(
    field: &str,
    entry: &Value,
    nesting: u8,
    outer: &Form<'_>,
    problems: &mut Problems,
) -> Option<Condition> {
    let Value::Table(table) = entry else {
        outer.wrong(
            field,
            problems,
            "is no condition; write it as { at = \"..\", .. }",
        );
        return None;
    };
    if nesting > MAX_NESTING {
        outer.wrong(
            field,
            problems,
            "lies too deep; take `any` and `not` apart into several rules",
        );
        return None;
    }
    let mut form = Form::new(table, format!("{} {field}", outer.place()));
    let condition = if let Some(inner) = form.get("not") {
        condition("not", inner, nesting + 1, &form, problems)
            .map(|inner| Condition::Not(Box::new(inner)))
    } else if let Some(list) = form.get("any") {
        conditions("any", list, nesting + 1, &form, problems).map(Condition::Any)
    } else if form.get("cross_account").is_some() {
        flag("cross_account", &mut form, problems).map(|()| Condition::CrossAccount)
    } else {
        at(&mut form, problems)
    };
    form.finish(problems);
    condition
}

/// A test of what stands at a field.
fn at(form: &mut Form<'_>, problems: &mut Problems) -> Option<Condition> {
    let texts = form.texts("at", problems);
    let is_named = texts.is_some();
    let fields: Option<Vec<_>> =
        texts.and_then(|texts| texts.into_iter().map(Pointer::parse).collect());
    if is_named && fields.is_none() {
        form.wrong(
            "at",
            problems,
            "has no JSON pointer; write it like \"/requestParameters/bucketName\"",
        );
    }
    if form.get("absent").is_some() {
        flag("absent", form, problems)?;
        return fields.map(Condition::Absent);
    }
    let test = test(form, problems)?;
    fields.map(|fields| Condition::At { fields, test })
}

fn test(form: &mut Form<'_>, problems: &mut Problems) -> Option<Test> {
    if let Some(value) = form.get("equals") {
        let wanted = scalar(value);
        if wanted.is_none() {
            form.wrong(
                "equals",
                problems,
                "is no text, flag or whole number; write one of these",
            );
        }
        return wanted.map(|wanted| Test::AnyOf(vec![wanted]));
    }
    if let Some(values) = form.get("any_of") {
        let wanted = values.as_array().filter(|values| !values.is_empty());
        let wanted = wanted.and_then(|values| values.iter().map(scalar).collect());
        if wanted.is_none() {
            form.wrong(
                "any_of",
                problems,
                "is no list of texts, flags or whole numbers; write one",
            );
        }
        return wanted.map(Test::AnyOf);
    }
    if form.get("contains").is_some() {
        let parts = form.texts("contains", problems)?;
        return Some(Test::Contains(
            parts.into_iter().map(str::to_owned).collect(),
        ));
    }
    if form.get("present").is_some() {
        return flag("present", form, problems).map(|()| Test::Present);
    }
    if let Some(least) = form.get("at_least") {
        let least = least
            .as_integer()
            .and_then(|least| u64::try_from(least).ok());
        if least.is_none() {
            form.wrong("at_least", problems, "is no whole number from 0; write one");
        }
        return least.map(Test::AtLeast);
    }
    if form.get("is_public_cidr").is_some() {
        return flag("is_public_cidr", form, problems).map(|()| Test::PublicCidr);
    }
    if form.get("policy").is_some() {
        return form.word("policy", &Claim::ALL, problems).map(Test::Policy);
    }
    let tests = "equals, any_of, contains, present, absent, at_least, is_public_cidr or policy";
    form.wrong("at", problems, format!("is not tested; add one of {tests}"));
    None
}

fn scalar(value: &Value) -> Option<Scalar> {
    match value {
        Value::String(text) => Some(Scalar::Text(text.clone())),
        Value::Boolean(flag) => Some(Scalar::Flag(*flag)),
        Value::Integer(number) => Some(Scalar::Number(*number)),
        _ => None,
    }
}

/// A flag that is only ever set: its opposite is written with `not`.
fn flag(field: &'static str, form: &mut Form<'_>, problems: &mut Problems) -> Option<()> {
    let is_set = form.get(field).and_then(Value::as_bool) == Some(true);
    if !is_set {
        form.wrong(
            field,
            problems,
            "is not `true`; write `true`, inside of `not` for the opposite",
        );
    }
    is_set.then_some(())
}
