//! The names of log fields come from one file.
//!
//! Operators build on them, so they are constants of `telemetry::vocabulary`, written
//! `{ NAME } = value`: a field named in place would be another name for the same thing.

use proc_macro2::{TokenStream, TokenTree};
use syn::Macro;
use syn::visit::{self, Visit};

use crate::source::Source;
use crate::tidy::{is_for_tests, test_modules};

/// The macros that take fields.
const MACROS: [&str; 10] = [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "trace_span",
    "debug_span",
    "info_span",
    "warn_span",
    "error_span",
];

/// Every field that is named in place.
pub(crate) fn broken(sources: &[Source]) -> Vec<String> {
    let for_tests: Vec<_> = sources.iter().flat_map(test_modules).collect();
    let mut broken = Vec::new();
    for source in sources {
        let module = source.module();
        if for_tests.iter().any(|tests| module.starts_with(tests)) {
            continue;
        }
        let mut reader = Reader {
            path: &source.path,
            broken: &mut broken,
        };
        reader.visit_file(&source.syntax);
    }
    broken
}

struct Reader<'a> {
    path: &'a str,
    broken: &'a mut Vec<String>,
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        let names: Vec<_> = item
            .path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        let of_tracing = names.first().is_some_and(|name| name == "tracing")
            && names
                .last()
                .is_some_and(|name| MACROS.contains(&name.as_str()));
        if of_tracing {
            self.arguments(item.tokens.clone());
        } else {
            self.inside(item.tokens.clone());
        }
        visit::visit_macro(self, item);
    }
}

impl Reader<'_> {
    /// Macros inside of another macro, such as `select!`, are only tokens.
    fn inside(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else {
                continue;
            };
            let before = tokens.get(at.saturating_sub(5)..at).unwrap_or_default();
            let before: String = before.iter().map(ToString::to_string).collect();
            let called = before
                .strip_prefix("tracing::")
                .and_then(|n| n.strip_suffix('!'));
            if called.is_some_and(|name| MACROS.contains(&name)) {
                self.arguments(group.stream());
            } else {
                self.inside(group.stream());
            }
        }
    }

    fn arguments(&mut self, tokens: TokenStream) {
        let mut first = true;
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            if let TokenTree::Punct(punct) = &token
                && punct.as_char() == ','
            {
                first = true;
                continue;
            }
            if std::mem::take(&mut first) {
                let next = tokens.peek().map(ToString::to_string);
                if !is_fine(&token, next.as_deref()) {
                    let line = token.span().start().line;
                    self.broken.push(format!(
                        "{}:{line}: names a log field in place; take it from \
                         telemetry::vocabulary, as `{{ NAME }} = value`",
                        self.path
                    ));
                }
            }
        }
    }
}

/// Whether an argument may begin so: a constant's field, a message, a span's name, a target.
fn is_fine(token: &TokenTree, next: Option<&str>) -> bool {
    match token {
        TokenTree::Group(_) | TokenTree::Literal(_) => true,
        TokenTree::Ident(name) => {
            let name = name.to_string();
            let constant = name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            constant || next == Some(":") && ["target", "parent", "name"].contains(&name.as_str())
        }
        TokenTree::Punct(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, count: usize) {
        let sources = [Source::new("src/worker/x.rs", text)];
        let found = broken(&sources);
        assert_eq!(found.len(), count, "{text}: {found:?}");
    }

    #[test]
    fn fields_named_in_place_are_found() {
        check(
            "fn f() { tracing::info!({ ERROR_CODE } = c, \"x {y}\"); }",
            0,
        );
        check(
            "fn f() { tracing::info_span!(SPAN, { A } = 1, { B } = g(1, 2)); }",
            0,
        );
        check("fn f() { tracing::warn!(target: \"t\", \"x\"); }", 0);
        check("fn f() { tracing::warn!(%error, \"x\"); }", 1);
        check("fn f() { tracing::warn!(error.code = c, why, \"x\"); }", 2);
        check(
            "fn f() { select! { a = b => tracing::warn!(why, \"x\") } }",
            1,
        );
        check(
            "#[cfg(test)] mod tests { fn f() { tracing::warn!(why); } }",
            0,
        );
    }
}
