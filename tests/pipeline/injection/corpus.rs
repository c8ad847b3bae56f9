//! The corpus: texts that try to talk to whoever judges, each in the field of a record.

use std::path::{Path, PathBuf};

use s3_warden::event::{Activity, Body, Delivery, Job, MessageId, Options, Receipt, plan};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One class of attacks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    #[serde(rename = "what")]
    _what: String,
    event: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    at: String,
    text: String,
    obeyed: bool,
    repeat: Option<(String, usize)>,
}

/// One attack.
#[derive(Debug)]
pub(crate) struct Attack {
    /// The file and the entry, for messages.
    pub(crate) name: String,
    /// What it says.
    pub(crate) text: String,
    /// Whether the gullible stand-in follows it.
    pub(crate) obeyed: bool,
    /// The record that carries it.
    pub(crate) activity: Activity,
    /// Whether it is the key of an object.
    pub(crate) is_key: bool,
}

/// All of them.
pub(crate) fn attacks() -> Vec<Attack> {
    let folder = fixtures("tests/fixtures/injection");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    let each = files.iter().flat_map(|path| {
        let class: Class = read(path);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let event: Value =
            read(&fixtures("tests/fixtures/events").join(format!("{}.json", class.event)));
        let attacks = class.entries.into_iter().enumerate();
        attacks.map(move |(n, entry)| attack(format!("{name} {n}"), &event, entry))
    });
    each.collect()
}

fn attack(name: String, event: &Value, entry: Entry) -> Attack {
    let before = entry.repeat.map(|(text, times)| text.repeat(times));
    let text = before.unwrap_or_default() + &entry.text;
    let mut event = event.clone();
    let path: Vec<_> = entry.at.trim_start_matches('/').split('/').collect();
    put(&mut event, &path, &text);
    let delivery = Delivery {
        id: MessageId("m-1".to_owned()),
        receipt: Receipt("r-1".to_owned()),
        body: Body::new(event.to_string()),
        receive_count: 1,
        sent_at: "2026-11-20T10:16:00Z".parse().unwrap(),
        redriven: 0,
    };
    let mut plan = plan(&delivery, &Options::default());
    let Some(Job::Assess(activity)) = plan.jobs.pop() else {
        panic!(
            "{name}: not an event that is assessed: {:?}",
            plan.unreadable
        );
    };
    Attack {
        name,
        text,
        obeyed: entry.obeyed,
        activity,
        is_key: entry.at.ends_with("/key"),
    }
}

/// Puts a text at a place, and makes the way there.
fn put(value: &mut Value, path: &[&str], text: &str) {
    let [first, rest @ ..] = path else {
        *value = Value::from(text);
        return;
    };
    if let Value::Array(list) = value {
        let place: usize = first.parse().unwrap();
        if list.len() <= place {
            list.resize(place + 1, Value::Null);
        }
        return put(&mut list[place], rest, text);
    }
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let field = value.as_object_mut().unwrap().entry(*first);
    put(field.or_insert(Value::Null), rest, text);
}

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_corpus_covers_what_it_should() {
    let attacks = attacks();
    assert!(attacks.len() > 40, "{}", attacks.len());
    assert!(attacks.iter().filter(|attack| attack.obeyed).count() > 25);
    assert!(attacks.iter().any(|attack| attack.text.len() > 200_000));
    assert!(attacks.iter().filter(|attack| attack.is_key).count() > 5);
    let all: String = attacks.iter().map(|attack| attack.text.as_str()).collect();
    for sign in [
        '\r', '\0', '\u{1b}', '\u{202e}', '\u{200b}', '\u{2028}', '위', '请', 'م',
    ] {
        assert!(all.contains(sign), "{sign:?}");
    }
}
