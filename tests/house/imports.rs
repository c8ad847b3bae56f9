//! The import rule: look left, never right.
//!
//! The rooms stand in one order, in which data flows; beside them stand the wings, which see the
//! rooms left of the worker and one another only where the table says so.

use std::collections::BTreeSet;

use crate::source::{Mention, Source};

/// The rooms from left to right.
const ORDER: [&str; 18] = [
    "settings",
    "clock",
    "retry",
    "telemetry",
    "shutdown",
    "event",
    "model",
    "object",
    "verdict",
    "action",
    "record",
    "alert",
    "maintenance",
    "worker",
    "config",
    "app",
    "commands",
    "main",
];

/// What stands beside the corridor: these see the rooms left of `worker`.
const WINGS: [&str; 5] = ["aws", "local", "assistant", "ops", "console"];

/// The corridor. What is right of it may see the wings.
const CORRIDOR: &str = "worker";

/// Who sees something of a wing or, from a wing, something to its right; `*` is all of a room.
const DOORS: [(&str, &str, &str); 11] = [
    ("console", "assistant", "*"),
    ("ops", "worker", "vitals"),
    ("ops", "worker", "snapshot"),
    ("ops", "worker", "observer"),
    ("app", "*", "*"),
    ("commands", "assistant", "*"),
    ("commands", "ops", "*"),
    ("commands", "console", "*"),
    ("main", "ops", "*"),
    ("main", "console", "*"),
    ("main", "assistant", "*"),
];

/// Adapters are built in one place.
const ADAPTERS: [&str; 2] = ["aws", "local"];

/// Crates that only some rooms may name: the beginning of the name, and the rooms.
const CRATES: [(&str, &[&str]); 2] = [("aws_", &["aws"]), ("anyhow", &["main", "app", "commands"])];

/// Every sentence of the rule that these files break.
pub(crate) fn broken(sources: &[Source]) -> Vec<String> {
    let settings = settings_items(sources);
    let mut broken = Vec::new();
    for source in sources {
        let room = source.room();
        if room == "lib" {
            let places = module_names(source)
                .into_iter()
                .filter(|n| position(n).is_none());
            let strange = places.filter(|name| !WINGS.contains(&name.as_str()));
            broken.extend(strange.map(|name| {
                format!(
                    "{}: {name} is a room that the floor plan does not know",
                    source.path
                )
            }));
            continue;
        }
        for mention in source.mentions() {
            let sentence = if mention.local {
                about_rooms(room, &mention, &settings)
            } else {
                about_crates(room, &mention)
            };
            if let Some(sentence) = sentence {
                broken.push(format!("{}:{}: {sentence}", source.path, mention.line));
            }
        }
    }
    broken
}

fn about_crates(room: &str, mention: &Mention) -> Option<String> {
    let name = mention.names.first()?;
    CRATES.iter().find_map(|(beginning, rooms)| {
        (name.starts_with(beginning) && !rooms.contains(&room))
            .then(|| format!("{room} names {name}, which only {} may", rooms.join(", ")))
    })
}

fn about_rooms(room: &str, mention: &Mention, settings: &Settings) -> Option<String> {
    let (other, rest) = match mention.names.as_slice() {
        [] => return Some(format!("{room} names the whole crate; name the room")),
        [other, ..] if other == "*" => {
            return Some(format!(
                "{room} takes everything of the crate; name the room"
            ));
        }
        [other, rest @ ..] => (other.as_str(), rest),
    };
    let item = rest.first().map(String::as_str);
    let door = DOORS.iter().any(|(from, to, what)| {
        let to_it = *to == other || (*to == "*" && WINGS.contains(&other));
        *from == room && to_it && (*what == "*" || item.is_some_and(|item| same(item, what)))
    });
    if room == other || door {
        return None;
    }
    match (position(room), position(other)) {
        (Some(here), Some(there)) if there < here => None,
        (Some(_), Some(_)) => Some(format!("{room} sees {other}, which stands to its right")),
        (None, Some(there)) if Some(there) < position(CORRIDOR) => None,
        (None, Some(_)) => Some(format!(
            "{room} sees {other}, and only the rooms left of {CORRIDOR} are seen from there"
        )),
        (_, None) if !WINGS.contains(&other) => None,
        (Some(_), None) if room == "config" => {
            let of_settings = item.is_some_and(|item| settings.contains(&key(other, item)));
            (!of_settings).then(|| format!("config sees more of {other} than its settings"))
        }
        (Some(_), None) if ADAPTERS.contains(&other) => Some(format!(
            "{room} sees {other}, whose adapters only app builds"
        )),
        (Some(_), None) => Some(format!(
            "{room} sees {other}, which stands beside the corridor"
        )),
        (None, None) => Some(format!(
            "{room} sees {other}, and wings do not see one another"
        )),
    }
}

/// `vitals` the module and `Vitals` the type.
fn same(item: &str, what: &str) -> bool {
    item.eq_ignore_ascii_case(what)
}

fn position(room: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == room)
}

/// What the wings' `settings.rs` hold, as `room::Item`, and the modules themselves.
type Settings = BTreeSet<String>;

fn key(room: &str, item: &str) -> String {
    format!("{room}::{item}")
}

fn settings_items(sources: &[Source]) -> Settings {
    let mut items = BTreeSet::new();
    for source in sources {
        if source.path == format!("src/{}/settings.rs", source.room()) {
            items.insert(key(source.room(), "settings"));
            for item in &source.syntax.items {
                let name = match item {
                    syn::Item::Struct(item) => &item.ident,
                    syn::Item::Enum(item) => &item.ident,
                    syn::Item::Const(item) => &item.ident,
                    _ => continue,
                };
                items.insert(key(source.room(), &name.to_string()));
            }
        }
    }
    items
}

fn module_names(source: &Source) -> Vec<String> {
    let modules = source.syntax.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    modules.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts a text into a file and wants exactly these sentences.
    fn check(path: &str, text: &str, want: &[&str]) {
        let settings = "pub struct RawLocal; pub enum NothingFound {}";
        let sources = [
            Source::new("src/local/settings.rs", settings),
            Source::new(path, text),
        ];
        let want: Vec<_> = want.iter().map(|w| format!("{path}:{w}")).collect();
        assert_eq!(broken(&sources), want, "{text}");
    }

    #[test]
    fn looking_left_is_fine() {
        check(
            "src/object/tiles.rs",
            "use crate::event::Key; use super::Format;",
            &[],
        );
        check(
            "src/worker/mod.rs",
            "use crate::{event::Key, verdict, retry::*};",
            &[],
        );
        check(
            "src/commands/watch.rs",
            "use crate::worker::Worker; use crate::app;",
            &[],
        );
        check(
            "src/main.rs",
            "fn main() { s3_warden::commands::run(); anyhow::Ok(()); }",
            &[],
        );
        check(
            "src/local/queue.rs",
            "use crate::event::Queue; use crate::alert::Alert;",
            &[],
        );
        check(
            "src/app.rs",
            "use crate::local::Folder; use crate::aws::Sqs;",
            &[],
        );
        check("src/console/mod.rs", "use crate::assistant::Answer;", &[]);
        check("src/ops/mod.rs", "use crate::worker::Vitals;", &[]);
        check("src/aws/sqs.rs", "use aws_sdk_sqs::Client;", &[]);
        check(
            "src/config/mod.rs",
            "use crate::local::{RawLocal, settings::NothingFound};",
            &[],
        );
        check(
            "src/event/mod.rs",
            "/// See [`crate::worker::Worker`].\npub(crate) fn f() {}",
            &[],
        );
    }

    #[test]
    fn looking_right_is_found_however_it_is_written() {
        let sentence = "object sees verdict, which stands to its right";
        for text in [
            "use crate::verdict::Verdict;",
            "use crate::{event::Key, verdict};",
            "use crate::verdict as v;",
            "use super::super::verdict::Verdict;",
            "use s3_warden::verdict::Verdict;",
            "fn f() -> crate::verdict::Verdict { loop {} }",
            "type T = Vec<Option<crate::verdict::Verdict>>;",
            "fn f() { println!(\"{}\", crate::verdict::NAME); }",
            "fn f() { tokio::select! { () = crate::verdict::wait() => {} } }",
            "#[serde(with = \"crate::verdict::text\")] struct S;",
            "#[cfg(test)] mod tests { use crate::verdict::Verdict; }",
            "#[cfg(test)] mod tests { use super::super::super::verdict::Verdict; }",
            "mod inner { fn f() { vec![super::super::super::verdict::f()]; } }",
            "macro_rules! m { () => { $crate::verdict::f() }; }",
        ] {
            check("src/object/tiles.rs", text, &[&format!("1: {sentence}")]);
        }
        check(
            "src/object/tiles.rs",
            "//! Why.\n\nuse crate::event::Key;\nuse crate::{\n    retry,\n    verdict::Verdict,\n};",
            &[&format!("6: {sentence}")],
        );
    }

    #[test]
    fn nothing_is_taken_from_the_crate_as_a_whole() {
        check(
            "src/event/mod.rs",
            "use crate::*;",
            &["1: event takes everything of the crate; name the room"],
        );
        check(
            "src/event/mod.rs",
            "use crate as house;",
            &["1: event names the whole crate; name the room"],
        );
        check(
            "src/clock.rs",
            "use super::*;",
            &["1: clock takes everything of the crate; name the room"],
        );
    }

    #[test]
    fn wings_keep_to_themselves() {
        let only_left = "and only the rooms left of worker are seen from there";
        let apart = "and wings do not see one another";
        let check_one = |path: &str, text: &str, want: &str| {
            check(path, text, &[&format!("1: {want}")]);
        };
        check_one(
            "src/aws/s3.rs",
            "use crate::local::Folder;",
            &format!("aws sees local, {apart}"),
        );
        check_one(
            "src/assistant/mod.rs",
            "use crate::console::Page;",
            &format!("assistant sees console, {apart}"),
        );
        for (room, other) in [("local", "worker"), ("aws", "config"), ("ops", "app")] {
            check_one(
                &format!("src/{room}/x.rs"),
                &format!("use crate::{other}::Thing;"),
                &format!("{room} sees {other}, {only_left}"),
            );
        }
        check_one(
            "src/ops/mod.rs",
            "use crate::worker::Worker;",
            &format!("ops sees worker, {only_left}"),
        );
    }

    #[test]
    fn only_app_builds() {
        for room in ["worker", "verdict", "main", "commands"] {
            let want = format!("1: {room} sees local, whose adapters only app builds");
            check(
                &format!("src/{room}.rs"),
                "fn f() { crate::local::Folder::new(); }",
                &[&want],
            );
        }
        check(
            "src/worker/mod.rs",
            "use crate::assistant::Answer;",
            &["1: worker sees assistant, which stands beside the corridor"],
        );
        let more = "1: config sees more of local than its settings";
        check("src/config/mod.rs", "use crate::local::Folder;", &[more]);
        check("src/config/mod.rs", "use crate::local;", &[more]);
    }

    #[test]
    fn no_room_sees_config() {
        for room in ["event", "verdict", "worker"] {
            let want = format!("1: {room} sees config, which stands to its right");
            check(
                &format!("src/{room}/a.rs"),
                "use crate::config::Config;",
                &[&want],
            );
        }
    }

    #[test]
    fn some_crates_belong_to_some_rooms() {
        check(
            "src/worker/mod.rs",
            "use aws_sdk_s3::Client;",
            &["1: worker names aws_sdk_s3, which only aws may"],
        );
        check(
            "src/event/mod.rs",
            "fn f() -> anyhow::Result<()> { Ok(()) }",
            &["1: event names anyhow, which only main, app, commands may"],
        );
    }

    #[test]
    fn every_room_stands_on_the_floor_plan() {
        check(
            "src/lib.rs",
            "pub mod event; pub mod local; use crate::config::Config;",
            &[],
        );
        let strange = " cellar is a room that the floor plan does not know";
        check("src/lib.rs", "pub mod cellar;", &[strange]);
    }
}
