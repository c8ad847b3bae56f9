//! What every file looks like. Where clippy has a lint for it, the lint does it; these are the
//! rules that it does not have, and those that must also hold in tests.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Macro};

use crate::source::Source;

/// No file is longer; look again at four hundred.
const MAX_LINES: usize = 500;

/// The front door is shorter still.
const MAX_MAIN_LINES: usize = 99;

/// Calls that are forbidden everywhere, by the ends of their paths, and what to do instead.
const FORBIDDEN: [(&[&str], &str); 4] = [
    (
        &["tokio", "spawn"],
        "every task is owned and joined: use a JoinSet",
    ),
    (
        &["task", "spawn"],
        "every task is owned and joined: use a JoinSet",
    ),
    (
        &["thread", "sleep"],
        "wait with tokio, whose clock tests can pause",
    ),
    (
        &["time", "Instant"],
        "use tokio::time::Instant, which tests can pause",
    ),
];

/// Every sentence that these files break.
pub(crate) fn broken(sources: &[Source]) -> Vec<String> {
    let for_tests: Vec<_> = sources.iter().flat_map(test_modules).collect();
    let each = sources.iter().flat_map(|source| {
        let module = source.module();
        let in_test = for_tests.iter().any(|tests| module.starts_with(tests));
        of_one(source, in_test || source.path.starts_with("tests/"))
    });
    each.collect()
}

/// The modules in files of their own that a file declares for tests only.
pub(crate) fn test_modules(source: &Source) -> Vec<Vec<String>> {
    let declared = source.syntax.items.iter().filter_map(|item| match item {
        syn::Item::Mod(item) if item.content.is_none() && is_for_tests(&item.attrs) => {
            let mut module = source.module();
            module.push(item.ident.to_string());
            Some(module)
        }
        _ => None,
    });
    declared.collect()
}

fn of_one(source: &Source, in_test: bool) -> Vec<String> {
    let path = &source.path;
    let mut broken = Vec::new();
    if !source.text.starts_with("//!") {
        broken.push(format!("{path}: opens without //!"));
    }
    let lines = source.text.lines().count();
    let bound = if path == "src/main.rs" {
        MAX_MAIN_LINES
    } else {
        MAX_LINES
    };
    if lines > bound {
        broken.push(format!("{path}: has {lines} lines; at most {bound}"));
    }
    for mention in source.mentions() {
        let rule = FORBIDDEN.iter().find(|(end, _)| {
            let tokio_time = mention.names.first().is_some_and(|name| name == "tokio");
            let names: Vec<_> = mention.names.iter().map(String::as_str).collect();
            names.ends_with(end) && !(tokio_time && *end == ["time", "Instant"])
        });
        if let Some((_, instead)) = rule {
            let name = mention.names.join("::");
            broken.push(format!("{path}:{}: names {name}; {instead}", mention.line));
        }
    }
    let mut reader = Reader {
        path,
        in_test,
        broken: &mut broken,
    };
    reader.visit_file(&source.syntax);
    broken
}

/// Reads attributes and calls.
struct Reader<'a> {
    path: &'a str,
    in_test: bool,
    broken: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn say(&mut self, line: usize, sentence: &str) {
        self.broken
            .push(format!("{}:{line}: {sentence}", self.path));
    }

    fn unwraps(&mut self, tokens: TokenStream) {
        let mut after_dot = false;
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.unwraps(group.stream()),
                TokenTree::Ident(name) if after_dot && name == "unwrap" => {
                    self.say(name.span().start().line, "unwraps outside of tests");
                }
                TokenTree::Punct(punct) => {
                    after_dot = punct.as_char() == '.';
                    continue;
                }
                _ => {}
            }
            after_dot = false;
        }
    }
}

/// Whether an item is there for tests only.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => {
            list.path.is_ident("cfg") && list.tokens.to_string().trim() == "test"
        }
        syn::Meta::Path(path) => path
            .segments
            .last()
            .is_some_and(|last| last.ident == "test"),
        _ => false,
    })
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let before = self.in_test;
        self.in_test |= is_for_tests(&item.attrs);
        visit::visit_item_mod(self, item);
        self.in_test = before;
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let before = self.in_test;
        self.in_test |= is_for_tests(&item.attrs);
        visit::visit_item_fn(self, item);
        self.in_test = before;
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if !self.in_test && call.method == "unwrap" {
            self.say(call.method.span().start().line, "unwraps outside of tests");
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        if !self.in_test {
            self.unwraps(called.tokens.clone());
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let line = attribute.pound_token.span.start().line;
        let words = match &attribute.meta {
            syn::Meta::List(list) => list.tokens.to_string(),
            _ => String::new(),
        };
        let conditional = attribute.path().is_ident("cfg_attr");
        if attribute.path().is_ident("allow") || (conditional && words.contains("allow (")) {
            self.say(line, "allows a lint; expect it, with the reason");
        }
        if attribute.path().is_ident("expect") && !words.contains("reason") {
            self.say(line, "expects a lint without a reason");
        }
    }
}

/// A folder of Rust files needs a `mod.rs`, from the paths of all files.
pub(crate) fn folders_without_mod(paths: &[String]) -> Vec<String> {
    let mut folders: BTreeMap<&str, bool> = BTreeMap::new();
    for path in paths.iter().filter(|path| path.ends_with(".rs")) {
        let Some((folder, name)) = path.rsplit_once('/') else {
            continue;
        };
        *folders.entry(folder).or_default() |= name == "mod.rs" || name == "lib.rs";
    }
    let without = folders.into_iter().filter(|(_, shown)| !shown);
    without
        .map(|(folder, _)| format!("{folder}: is a folder without mod.rs"))
        .collect()
}

/// Weights are embedded by one file, in the room that reads pictures.
pub(crate) fn weights(sources: &[Source]) -> Vec<String> {
    struct Embeds(bool);
    impl<'ast> Visit<'ast> for Embeds {
        fn visit_macro(&mut self, called: &'ast Macro) {
            let name = called
                .path
                .segments
                .last()
                .map(|last| last.ident.to_string());
            let text = called.tokens.to_string();
            let here = name.is_some_and(|name| name == "include_bytes");
            self.0 |= (here || text.contains("include_bytes")) && text.contains("weights");
        }
    }
    let embedding = sources.iter().filter(|source| {
        let mut embeds = Embeds(false);
        embeds.visit_file(&source.syntax);
        embeds.0
    });
    let paths: Vec<_> = embedding.map(|source| source.path.as_str()).collect();
    let mut broken = Vec::new();
    for path in paths
        .iter()
        .filter(|path| !path.starts_with("src/local/ocr/"))
    {
        broken.push(format!("{path}: embeds weights outside of src/local/ocr"));
    }
    if paths.len() > 1 {
        broken.push(format!(
            "weights are embedded by several files: {}",
            paths.join(", ")
        ));
    }
    broken
}

/// Words that put work off, in any text file.
pub(crate) fn left_for_later(texts: &[(String, String)]) -> Vec<String> {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
    ];
    let mut broken = Vec::new();
    for (path, text) in texts {
        for (at, line) in text.lines().enumerate() {
            let found = words.into_iter().find(|word| {
                line.split(|c: char| !c.is_ascii_alphabetic() && c != ':')
                    .any(|part| part == *word || part.trim_end_matches(':') == *word)
            });
            if let Some(word) = found {
                broken.push(format!("{path}:{}: says {word}", at + 1));
            }
        }
    }
    broken
}

/// Fixtures that nobody names. A file is named by its name, by its quoted stem, or by its folder's
/// path up to the closing quote, which is how a whole folder is walked. The generator, manifests
/// and notices are no fixtures.
pub(crate) fn unused_fixtures(fixtures: &[String], users: &[String]) -> Vec<String> {
    let all = users.concat();
    let is_named = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        let mut below = folders.filter(|folder| folder.starts_with("tests/fixtures/"));
        let stem = name.split('.').next().unwrap_or(name);
        let called = all.contains(name) || all.contains(&format!("\"{stem}\""));
        called || below.any(|folder| all.contains(&format!("{folder}\"")))
    };
    let aside = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        path.starts_with("tests/fixtures/generate/")
            || name.starts_with('.')
            || BTreeSet::from(["manifest.json", "NOTICE.md", "README.md"]).contains(name)
    };
    let unused = fixtures
        .iter()
        .filter(|path| !aside(path) && !is_named(path));
    unused
        .map(|path| format!("{path}: no test uses it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, want: &[&str]) {
        let want: Vec<_> = want.iter().map(|w| format!("{path}:{w}")).collect();
        assert_eq!(broken(&[Source::new(path, text)]), want, "{text}");
    }

    #[test]
    fn files_open_with_their_purpose_and_end_in_time() {
        check("src/a.rs", "//! Why.\n", &[]);
        check("src/a.rs", "// Why.\n", &[" opens without //!"]);
        check("src/a.rs", &"//!\n".repeat(500), &[]);
        check(
            "src/a.rs",
            &"//!\n".repeat(501),
            &[" has 501 lines; at most 500"],
        );
        check(
            "src/main.rs",
            &"//!\n".repeat(100),
            &[" has 100 lines; at most 99"],
        );
        check(
            "tests/a.rs",
            &"//!\n".repeat(501),
            &[" has 501 lines; at most 500"],
        );
    }

    #[test]
    fn tasks_are_owned_and_waits_can_be_paused() {
        let one = |text: &str, want: &str| {
            let text = format!("//!\n{text}");
            check("tests/a.rs", &text, &[&format!("2: names {want}")]);
        };
        let joined = "every task is owned and joined: use a JoinSet";
        one(
            "fn f() { tokio::spawn(g()); }",
            &format!("tokio::spawn; {joined}"),
        );
        one(
            "use tokio::task::spawn;",
            &format!("tokio::task::spawn; {joined}"),
        );
        one(
            "fn f() { vec![task::spawn(g())]; }",
            &format!("task::spawn; {joined}"),
        );
        let paused = "wait with tokio, whose clock tests can pause";
        one(
            "use std::thread::sleep;",
            &format!("std::thread::sleep; {paused}"),
        );
        one(
            "fn f() { thread::sleep(D); }",
            &format!("thread::sleep; {paused}"),
        );
        let instant = "use tokio::time::Instant, which tests can pause";
        one(
            "use std::time::{Duration, Instant};",
            &format!("std::time::Instant; {instant}"),
        );
        check("tests/a.rs", "//!\nuse tokio::time::{Instant, sleep};", &[]);
    }

    #[test]
    fn nothing_is_unwrapped_outside_of_tests() {
        let found = ["2: unwraps outside of tests"];
        check("src/a.rs", "//!\nfn f() { g().unwrap(); }", &found);
        check(
            "src/a.rs",
            "//!\nfn f() { println!(\"{}\", g().unwrap()); }",
            &found,
        );
        check(
            "src/a.rs",
            "//!\n#[cfg(test)] mod tests { fn f() { g().unwrap(); } }",
            &[],
        );
        check("src/a.rs", "//!\n#[test] fn f() { g().unwrap(); }", &[]);
        check("src/a.rs", "//!\nfn f() { g().unwrap_or(1); }", &[]);
        let declared = "//!\n#[cfg(test)] mod tests;";
        let apart = [
            Source::new("src/a/mod.rs", declared),
            Source::new("src/a/tests.rs", "//!\nfn f() { g().unwrap(); }"),
            Source::new("src/a/b.rs", "//!\nfn f() { g().unwrap(); }"),
        ];
        assert_eq!(broken(&apart), ["src/a/b.rs:2: unwraps outside of tests"]);
        check("tests/a.rs", "//!\nfn f() { g().unwrap(); }", &[]);
    }

    #[test]
    fn lints_are_expected_with_a_reason() {
        let allows = ["2: allows a lint; expect it, with the reason"];
        check("src/a.rs", "//!\n#[allow(dead_code)] fn f() {}", &allows);
        check(
            "src/a.rs",
            "//!\n#[cfg_attr(test, allow(dead_code))] fn f() {}",
            &allows,
        );
        let bare = ["2: expects a lint without a reason"];
        check("src/a.rs", "//!\n#[expect(dead_code)] fn f() {}", &bare);
        check(
            "src/a.rs",
            "//!\n#[expect(dead_code, reason = \"x\")] fn f() {}",
            &[],
        );
    }

    #[test]
    fn folders_need_a_mod_rs() {
        let paths = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let whole = paths(&["src/lib.rs", "src/event/mod.rs", "src/event/s3.rs"]);
        assert_eq!(folders_without_mod(&whole), [""; 0]);
        let broken = folders_without_mod(&paths(&["src/lib.rs", "src/event/s3.rs"]));
        assert_eq!(broken, ["src/event: is a folder without mod.rs"]);
    }

    #[test]
    fn weights_have_one_place() {
        let text = "static W: &[u8] = include_bytes!(\"../../../config/weights/a.rten\");";
        let picture = "static P: &[u8] = include_bytes!(\"fixtures/demo/a.png\");";
        let one = || Source::new("src/local/ocr/weights.rs", text);
        let check = |sources: &[Source], want: &[&str]| assert_eq!(weights(sources), want);
        check(&[one(), Source::new("src/commands/demo.rs", picture)], &[]);
        let wrapped =
            "macro_rules! w { ($n:literal) => { include_bytes!(concat!(\"weights/\", $n)) }; }";
        check(
            &[Source::new("src/object/a.rs", wrapped)],
            &["src/object/a.rs: embeds weights outside of src/local/ocr"],
        );
        check(
            &[one(), Source::new("src/local/ocr/b.rs", text)],
            &["weights are embedded by several files: \
               src/local/ocr/weights.rs, src/local/ocr/b.rs"],
        );
    }

    #[test]
    fn words_that_put_off_are_found() {
        let text = concat!("fine\n// TO", "DO: later\nTO", "DOS and MASTO", "DON\n");
        let found = left_for_later(&[("src/a.rs".to_owned(), text.to_owned())]);
        assert_eq!(found, [concat!("src/a.rs:2: says TO", "DO")]);
    }

    #[test]
    fn fixtures_are_named_or_walked() {
        let check = |user: &str, used: bool| {
            let fixtures = ["tests/fixtures/event/put.json".to_owned()];
            let unused = unused_fixtures(&fixtures, &[user.to_owned()]);
            assert_eq!(unused.is_empty(), used, "{user}");
        };
        check("include_str!(\"../tests/fixtures/event/put.json\")", true);
        check("read_dir(\"tests/fixtures/event\")", true);
        check("concat!(\"tests/fixtures/event/\", $name)", false);
        check("fixture!(\"put\")", true);
        check("let put = 1; fixture!(\"output\")", false);
        check("read_dir(\"tests/fixtures\")", false);
        let aside = [
            "tests/fixtures/generate/a.py".to_owned(),
            "tests/fixtures/.keep".to_owned(),
        ];
        assert_eq!(unused_fixtures(&aside, &[]), [""; 0]);
    }
}
