//! The sources as the rules read them: text, syntax, and every path that is named anywhere.
//!
//! Paths are taken from `use` declarations, from code, and from the insides of macros and
//! attributes, which syn leaves as tokens. `crate`, `self` and `super` are resolved, so that a
//! path can't hide behind another way of writing it. Doc comments are not read: a link there
//! binds nobody.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, File, ItemMod, ItemUse, Macro, UseTree};

/// One Rust file.
pub(crate) struct Source {
    /// Where it lies, from the root of the project, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) syntax: File,
}

impl Source {
    /// Reads a text; a syntax error is a panic that names the file.
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path, text, syntax }
    }

    /// The names of its module from the root of the crate: `src/event/s3.rs` is `event`, `s3`.
    /// The roots of the library and of the program have none.
    pub(crate) fn module(&self) -> Vec<String> {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut names: Vec<_> = inside.split('/').map(str::to_owned).collect();
        if names.last().is_some_and(|last| last == "mod") {
            names.pop();
        }
        match names.as_slice() {
            [root] if root == "lib" || root == "main" => Vec::new(),
            _ => names,
        }
    }

    /// The room it belongs to: the first name below `src`.
    pub(crate) fn room(&self) -> &str {
        let inside = self.path.trim_start_matches("src/");
        let first = inside.split('/').next().unwrap_or(inside);
        first.trim_end_matches(".rs")
    }

    /// Every path that it names.
    pub(crate) fn mentions(&self) -> Vec<Mention> {
        let mut reader = Reader {
            module: self.module(),
            found: Vec::new(),
        };
        reader.visit_file(&self.syntax);
        reader.found
    }
}

/// A path that a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    /// Counted from 1.
    pub(crate) line: usize,
    /// Its names: from the root of this crate when `local`, else as they are written.
    pub(crate) names: Vec<String>,
    /// Whether it begins at the root of this crate.
    pub(crate) local: bool,
}

/// All Rust files below a folder of the project, in the order of their names.
pub(crate) fn rust_files(folder: &str) -> Vec<Source> {
    let rust = files(folder)
        .into_iter()
        .filter(|path| path.ends_with(".rs"));
    rust.map(|path| {
        let text = std::fs::read_to_string(root().join(&path)).expect("sources are readable text");
        Source::new(path, text)
    })
    .collect()
}

/// The paths of all files below a folder of the project, sorted.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let walk = walkdir::WalkDir::new(root().join(folder)).sort_by_file_name();
    walk.into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| relative(entry.path()))
        .collect()
}

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn relative(path: &Path) -> String {
    let inside = path
        .strip_prefix(root())
        .expect("the walk began at the root");
    let text = inside.to_str().expect("names of the project are Unicode");
    text.replace('\\', "/")
}

/// Collects the paths of one file.
struct Reader {
    module: Vec<String>,
    found: Vec<Mention>,
}

impl Reader {
    fn add(&mut self, span: Span, written: &[String]) {
        let mut names = written.iter();
        let mut base = self.module.clone();
        let mut local = true;
        let mut rest = Vec::new();
        match names.next().map(String::as_str) {
            Some("crate" | "s3_warden") => base.clear(),
            Some("self") => {}
            Some("super") => {
                base.pop();
            }
            Some(other) => {
                local = false;
                base = vec![other.to_owned()];
            }
            None => return,
        }
        for name in names {
            if name == "super" && rest.is_empty() {
                base.pop();
            } else if name != "self" {
                rest.push(name.clone());
            }
        }
        base.extend(rest);
        self.found.push(Mention {
            line: span.start().line,
            names: base,
            local,
        });
    }

    fn use_tree(&mut self, tree: &UseTree, above: &mut Vec<String>, span: Span) {
        match tree {
            UseTree::Path(path) => {
                above.push(path.ident.to_string());
                self.use_tree(&path.tree, above, path.ident.span());
                above.pop();
            }
            UseTree::Name(name) => self.use_name(above, &name.ident),
            UseTree::Rename(rename) => self.use_name(above, &rename.ident),
            UseTree::Glob(_) => {
                above.push("*".to_owned());
                self.add(span, above);
                above.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(tree, above, span);
                }
            }
        }
    }

    fn use_name(&mut self, above: &mut Vec<String>, name: &syn::Ident) {
        above.push(name.to_string());
        self.add(name.span(), above);
        above.pop();
    }

    /// Finds `name::name` in tokens, also inside text such as `with = "crate::hex"`.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut names: Vec<String> = Vec::new();
        let mut span = Span::call_site();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(name) if colons == 2 && !names.is_empty() => {
                    names.push(name.to_string());
                    colons = 0;
                }
                token => {
                    self.flush(span, &mut names);
                    colons = 0;
                    match token {
                        TokenTree::Ident(name) => {
                            span = name.span();
                            names.push(name.to_string());
                        }
                        TokenTree::Group(group) => {
                            if group.delimiter() == Delimiter::Brace {
                                self.group_of_uses(&group.stream());
                            }
                            self.tokens(group.stream());
                        }
                        TokenTree::Literal(literal) => self.literal(&literal),
                        TokenTree::Punct(_) => {}
                    }
                }
            }
        }
        self.flush(span, &mut names);
    }

    /// `use` declarations in a macro's block are read as such where they can be.
    fn group_of_uses(&mut self, tokens: &TokenStream) {
        if let Ok(block) = syn::parse2::<File>(tokens.clone()) {
            for item in &block.items {
                if let syn::Item::Use(item) = item {
                    self.visit_item_use(item);
                }
            }
        }
    }

    /// A path of this crate in quotes. Others are left alone: a log target looks like one.
    fn literal(&mut self, literal: &proc_macro2::Literal) {
        let text = literal.to_string();
        let Ok(path) = syn::parse_str::<syn::Path>(text.trim_matches('"')) else {
            return;
        };
        let names: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let roots = ["crate", "self", "super", "s3_warden"];
        if names.len() > 1
            && names
                .first()
                .is_some_and(|first| roots.contains(&first.as_str()))
        {
            self.add(literal.span(), &names);
        }
    }

    fn flush(&mut self, span: Span, names: &mut Vec<String>) {
        if names.len() > 1 {
            self.add(span, names);
        }
        names.clear();
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let span = item.use_token.span;
        self.use_tree(&item.tree, &mut Vec::new(), span);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let span = path.segments.first().map(|s| s.ident.span());
        if let Some(span) = span.filter(|_| names.len() > 1) {
            self.add(span, &names);
        }
        visit::visit_path(self, path);
    }

    /// `pub(super)` and `pub(in path)` take nothing from anybody.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return;
        }
        self.visit_path(attribute.path());
        match &attribute.meta {
            syn::Meta::List(list) => self.tokens(list.tokens.clone()),
            syn::Meta::NameValue(pair) => visit::visit_expr(self, &pair.value),
            _ => {}
        }
    }
}
