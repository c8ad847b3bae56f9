//! Where commands write: results to one side, progress to the other.
//!
//! Results go to standard output, so that they can be piped; progress and logs go to standard
//! error. Colours and moving bars are for terminals only. Names of files and keys come from
//! elsewhere and may hold anything: control characters are shown, never sent.

use std::io::{self, IsTerminal, Write};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// A colour with a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// All is well.
    Good,
    /// Somebody should look.
    Warn,
    /// Something bad was found.
    Bad,
    /// Beside the point.
    Faint,
    /// A heading.
    Strong,
}

/// The two sides that a command writes to.
pub struct Out {
    results: Box<dyn Write + Send>,
    colour: bool,
    moving: bool,
    width: u16,
}

impl std::fmt::Debug for Out {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Out")
            .field("colour", &self.colour)
            .field("moving", &self.moving)
            .finish()
    }
}

impl Out {
    /// The process's own standard output and error. `plain` turns colours off, as the variable
    /// `NO_COLOR` and a dumb terminal ask for.
    pub fn of_process(plain: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            results: Box::new(io::stdout()),
            colour: terminal && !plain,
            moving: io::stderr().is_terminal(),
            width: console_width(),
        }
    }

    /// Results into a buffer of the caller's, without colours and bars.
    pub fn into_writer(results: impl Write + Send + 'static) -> Self {
        Self {
            results: Box::new(results),
            colour: false,
            moving: false,
            width: 100,
        }
    }

    /// One line of the result.
    pub fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.results, "{}", text.as_ref())?;
        self.results.flush()
    }

    /// A paragraph, broken between words at the width of the terminal.
    pub fn prose(&mut self, ink: Option<Ink>, text: &str) -> io::Result<()> {
        for line in wrapped(text, usize::from(self.width)) {
            let line = ink.map_or_else(|| line.clone(), |ink| self.paint(ink, &line));
            self.line(line)?;
        }
        Ok(())
    }

    /// One JSON value on a line of its own.
    pub fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.results, value)?;
        writeln!(self.results)?;
        self.results.flush()
    }

    /// A text in its colour, where colours are shown.
    pub fn paint(&self, ink: Ink, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Good => "32",
            Ink::Warn => "33",
            Ink::Bad => "31",
            Ink::Faint => "2",
            Ink::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A table as wide as the terminal.
    pub fn table(&mut self, header: &[&str], rows: Vec<Vec<String>>) -> io::Result<()> {
        let table = self.arranged(header, rows);
        self.line(table.to_string())
    }

    /// The same with a first column that is never broken: what stands there is to be copied.
    pub fn table_of_ids(&mut self, header: &[&str], rows: Vec<Vec<String>>) -> io::Result<()> {
        let mut table = self.arranged(header, rows);
        if let Some(ids) = table.column_mut(0) {
            ids.set_constraint(ColumnConstraint::ContentWidth);
        }
        self.line(table.to_string())
    }

    fn arranged(&self, header: &[&str], rows: Vec<Vec<String>>) -> Table {
        let mut table = Table::new();
        table
            .load_style(UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(self.width)
            .set_header(header.to_vec());
        for row in rows {
            table.add_row(row);
        }
        table
    }

    /// A bar on standard error, invisible where that is no terminal.
    pub fn bar(&self, total: Option<u64>, what: &str) -> ProgressBar {
        if !self.moving {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        let template = if total.is_some() {
            "{msg} {wide_bar:.dim} {pos}/{len} {elapsed}"
        } else {
            "{spinner} {msg} {pos} {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar
    }
}

/// The width of the terminal; a hundred columns where there is none.
fn console_width() -> u16 {
    console::Term::stdout()
        .size_checked()
        .map_or(100, |(_, columns)| columns.clamp(40, 160))
}

/// A line broken between words, so that none is wider than `width` unless a word is. What follows
/// stands under the text of the first line, behind its indent and label. Blanks inside are kept.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let label = text.trim_start();
    let mut hanging = text.len() - label.len();
    // A label ends at two blanks, as columns do.
    if let Some((name, rest)) = label.split_once("  ") {
        let gap = 2 + rest.len() - rest.trim_start().len();
        hanging += console::measure_text_width(name) + gap;
    }
    let hanging = if hanging * 2 > width { 0 } else { hanging };
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        let wide =
            console::measure_text_width(&line) + console::measure_text_width(word.trim_end());
        if wide > width && !line.trim().is_empty() {
            lines.push(line.trim_end().to_owned());
            line = " ".repeat(hanging);
        }
        line.push_str(word);
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// A text that may hold anything, made safe to show: control and direction-changing characters
/// are written out.
pub fn shown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        let hidden = matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if char.is_control() || hidden {
            safe.extend(char.escape_default());
        } else {
            safe.push(char);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_break_between_words_and_hang_under_their_text() {
        let check = |text: &str, width, want: &[&str]| assert_eq!(wrapped(text, width), want);
        check("", 10, &[""]);
        check("one two three", 8, &["one two", "three"]);
        check("  a:  b c d", 80, &["  a:  b c d"]);
        check("  a:  b c d", 7, &["  a:  b", "c d"]);
        check(
            "What:   one two three",
            16,
            &["What:   one two", "        three"],
        );
        check("가나다 라마바", 10, &["가나다", "라마바"]);
        check("averylongword x", 4, &["averylongword", "x"]);
    }

    #[test]
    fn a_file_name_cannot_move_the_cursor_or_turn_the_line() {
        assert_eq!(shown("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(shown("x\u{202e}gpj.exe"), "x\\u{202e}gpj.exe");
        assert_eq!(shown("주민등록증.jpg"), "주민등록증.jpg");
    }
}
