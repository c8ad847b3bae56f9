//! The commands that the runbook tells people to type: each exists, with each option, since nobody has
//! time at night to find out that one was renamed.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory};
use s3_warden::commands::Cli;

use super::text;
use super::yaml::template;

/// What stands after the program's name, up to the end of the code or of the line.
fn typed(document: &str) -> Vec<Vec<&str>> {
    let mut all = Vec::new();
    for line in document.lines() {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("s3-warden ") {
            let end = after.find(['`', '#', ',', '|', ')']).unwrap_or(after.len());
            let (code, beyond) = after.split_at(end);
            all.push(code.split_whitespace().collect());
            rest = beyond;
        }
    }
    all
}

/// What is wrong with one of them.
fn wrong(words: &[&str]) -> Option<String> {
    let root = Cli::command();
    let mut command: &Command = &root;
    let mut options = Vec::new();
    for word in words {
        if let Some(option) = word.strip_prefix("--") {
            options.push(option);
        } else if let Some(found) = command.find_subcommand(word) {
            command = found;
        } else if command.has_subcommands() {
            return Some(format!("there is no `{word}` in `{}`", words.join(" ")));
        }
    }
    let known = |option: &str| {
        let mut arguments = command.get_arguments().chain(root.get_arguments());
        arguments.any(|it| it.get_long() == Some(option))
    };
    let unknown = options.into_iter().find(|option| !known(option));
    unknown.map(|option| format!("`{}` has no --{option}", words.join(" ")))
}

#[test]
fn every_command_of_the_runbook_exists() {
    let runbook = text("deploy/RUNBOOK.md");
    let typed = typed(&runbook);
    assert!(typed.len() > 20, "the reader has lost its eyes");
    let wrong: BTreeSet<_> = typed.iter().filter_map(|words| wrong(words)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_does_not_exist_is_found() {
    let document = "Say `s3-warden pause --reason \"x\"`, then `s3-warden breaker rest`.\n\
                    s3-warden breaker status --jsn   # look\n";
    let found: Vec<_> = typed(document).iter().map(|words| wrong(words)).collect();
    assert_eq!(
        found,
        [
            None,
            Some("there is no `rest` in `breaker rest`".to_owned()),
            Some("`breaker status --jsn` has no --jsn".to_owned()),
        ]
    );
}

/// What is wrong with a call of the shell function `deploy`: it names no parameter, which the AWS CLI
/// refuses, or one that the template does not have.
fn undeployable(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().skip(1);
    let name = words.next().unwrap_or_default();
    let template = template(&format!("deploy/{name}.yaml"));
    let given = words.filter_map(|word| word.split_once('='));
    let given: Vec<_> = given.map(|(parameter, _)| parameter).collect();
    if given.is_empty() {
        return Some(format!("`deploy {name}` names no parameter"));
    }
    let known = &template["Parameters"];
    let unknown = given.into_iter().find(|it| known.get(it).is_none());
    unknown.map(|parameter| format!("{name}.yaml has no parameter {parameter}"))
}

#[test]
fn what_is_deployed_has_the_parameters_that_are_given() {
    for path in ["README.md", "deploy/RUNBOOK.md"] {
        let document = text(path).replace("\\\n", " ");
        let calls = document.lines();
        let calls: Vec<_> = calls.filter(|it| it.starts_with("deploy ")).collect();
        assert!(calls.len() >= 5, "{path}: the reader has lost its eyes");
        let wrong: Vec<_> = calls.into_iter().filter_map(undeployable).collect();
        assert!(wrong.is_empty(), "{path}: {wrong:#?}");
    }
}
