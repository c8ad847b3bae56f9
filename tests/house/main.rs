//! The rules of the house, kept by a test: who may see whom, and what every file looks like.
//!
//! Each rule is a function from sources to broken sentences. It is proved to be able to fail on
//! snippets of its own, and then it reads the project.

mod fields;
mod imports;
mod policies;
mod settings_table;
mod source;
mod tidy;
mod vitals;

use source::rust_files;

fn fail_on(broken: &[String]) {
    assert!(broken.is_empty(), "broken rules:\n{}", broken.join("\n"));
}

#[test]
fn rooms_look_left_never_right() {
    let sources = rust_files("src");
    let seen: usize = sources.iter().map(|source| source.mentions().len()).sum();
    assert!(
        seen > 50,
        "the reader has lost its eyes: {seen} paths in all of src"
    );
    fail_on(&imports::broken(&sources));
}

#[test]
fn every_file_is_tidy() {
    let mut sources = rust_files("src");
    sources.extend(rust_files("tests"));
    fail_on(&tidy::broken(&sources));
}

#[test]
fn log_fields_come_from_the_vocabulary() {
    fail_on(&fields::broken(&rust_files("src")));
}

#[test]
fn every_folder_of_src_shows_its_noun_in_mod_rs() {
    fail_on(&tidy::folders_without_mod(&source::files("src")));
}

#[test]
fn weights_are_embedded_by_one_file() {
    fail_on(&tidy::weights(&rust_files("src")));
}

#[test]
fn nothing_is_left_for_later() {
    let folders = ["src", "config", "tests", "deploy", ".github", ".ci"];
    let mut texts = Vec::new();
    for path in folders.into_iter().flat_map(source::files) {
        // What is not text, such as a picture, is passed over.
        if let Ok(text) = std::fs::read_to_string(source::root().join(&path)) {
            texts.push((path, text));
        }
    }
    fail_on(&tidy::left_for_later(&texts));
}

#[test]
fn every_fixture_is_used() {
    let mut users = Vec::new();
    for path in source::files("tests")
        .into_iter()
        .chain(source::files("src"))
    {
        if [".rs", ".sh", "/manifest.json"]
            .iter()
            .any(|end| path.ends_with(end))
        {
            let text = std::fs::read_to_string(source::root().join(&path));
            users.push(text.expect("sources are readable text"));
        }
    }
    fail_on(&tidy::unused_fixtures(
        &source::files("tests/fixtures"),
        &users,
    ));
}
