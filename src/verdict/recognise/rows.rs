//! From boxes to passages: what a reader cut apart is put together again.
//!
//! A number may be cut into several boxes, and its label may stand left of it, or above it as the
//! head of a column. So every box is looked at, every row of boxes on one baseline, and every pair
//! of neighbouring rows; and each passage knows the words to the left of and above it. Boxes with a
//! wide gap between them are joined by a tab, rows by a newline: numbers may cross a blank, not
//! those.

use std::ops::Range;

use regex::Regex;

use super::finding::{Bounds, TextLine};
use super::{MAX_CHARS, MAX_LINES, MIN_SCORE, fold};

/// Characters looked back for a label.
const LABEL_REACH: usize = 48;
/// Boxes looked at, going up, for the head of a column. Longer tables lose their head.
const COLUMN_REACH: usize = 40;
/// A gap wider than this many line heights separates columns.
const COLUMN_GAP: f32 = 2.0;

struct Cell {
    text: String,
    bounds: Bounds,
    /// The words at the head of its column.
    head: String,
}

struct Part {
    range: Range<usize>,
    bounds: Bounds,
    head: String,
}

/// A stretch of text that belongs together, in three views, with its surroundings.
#[derive(Default)]
pub(super) struct Passage {
    /// As cleaned.
    pub(super) text: String,
    /// The view for words; same offsets.
    pub(super) words: String,
    /// The view for numbers; same offsets.
    pub(super) digits: String,
    parts: Vec<Part>,
    /// Words left of a single box.
    left: String,
}

impl Passage {
    fn new(pieces: &[(&str, &Cell)]) -> Self {
        let mut text = String::new();
        let mut parts = Vec::with_capacity(pieces.len());
        for (separator, cell) in pieces {
            text.push_str(separator);
            let start = text.len();
            text.push_str(&cell.text);
            let range = start..text.len();
            parts.push(Part {
                range,
                bounds: cell.bounds,
                head: cell.head.clone(),
            });
        }
        Self {
            words: fold::words(&text),
            digits: fold::digits(&text),
            text,
            parts,
            ..Self::default()
        }
    }

    /// The rectangle round the boxes that `range` touches.
    pub(super) fn bounds(&self, range: Range<usize>) -> Option<Bounds> {
        let touched = |part: &&Part| part.range.start < range.end && range.start < part.range.end;
        self.parts
            .iter()
            .filter(touched)
            .map(|part| part.bounds)
            .reduce(Bounds::union)
    }

    /// Where its boxes begin.
    pub(super) fn starts(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().map(|part| part.range.start)
    }

    /// The words that may name what begins at `start`: those before it in its own box; when there
    /// are none, those left of the box and those at the head of its column.
    pub(super) fn labels(&self, start: usize) -> Vec<&str> {
        let Some(part) = self.parts.iter().rfind(|part| part.range.start <= start) else {
            return Vec::new();
        };
        let near = tail(self.words.get(part.range.start..start).unwrap_or_default());
        if near.chars().any(char::is_alphabetic) {
            return vec![near];
        }
        let before = self.words.get(..part.range.start).unwrap_or_default();
        let left = before.rsplit('\n').next().unwrap_or_default();
        vec![tail(left), tail(&self.left), &part.head]
    }

    /// True when one of the words of `list` names what begins at `start`.
    pub(super) fn labelled(&self, start: usize, list: &Regex) -> bool {
        self.labels(start)
            .into_iter()
            .any(|label| list.is_match(label))
    }

    /// True when the number at `range` is not a piece of something longer.
    pub(super) fn stands_alone(&self, range: &Range<usize>) -> bool {
        let mut before = self
            .digits
            .get(..range.start)
            .unwrap_or_default()
            .chars()
            .rev();
        let mut after = self.digits.get(range.end..).unwrap_or_default().chars();
        !continues(&mut before) && !continues(&mut after)
    }

    /// The same, but a word may have lost the blank between itself and the number (`Tel010-…`).
    pub(super) fn stands_behind_word(&self, range: &Range<usize>) -> bool {
        let before = self.digits.get(..range.start).unwrap_or_default();
        let word = before
            .chars()
            .rev()
            .take(3)
            .filter(char::is_ascii_alphabetic)
            .count()
            == 3;
        let mut after = self.digits.get(range.end..).unwrap_or_default().chars();
        (word && !continues(&mut after)) || self.stands_alone(range)
    }
}

/// True when a number goes on in this direction: a letter or digit, at once or behind one sign.
fn continues(chars: &mut impl Iterator<Item = char>) -> bool {
    match chars.next() {
        Some(c) if c.is_ascii_alphanumeric() || c == '_' => true,
        Some('-' | '/' | '#') => chars.next().is_some_and(|c| c.is_ascii_alphanumeric()),
        Some('.' | ',' | '+' | '%' | ':' | '=' | '*') => {
            chars.next().is_some_and(|c| c.is_ascii_digit())
        }
        _ => false,
    }
}

/// The end of `words` after its last digit, at most [`LABEL_REACH`] characters.
fn tail(words: &str) -> &str {
    let from = words
        .char_indices()
        .rev()
        .take(LABEL_REACH)
        .take_while(|(_, c)| !c.is_ascii_digit())
        .last()
        .map_or(words.len(), |(at, _)| at);
    words.get(from..).unwrap_or_default()
}

/// A picture's text, cut in every way that the recognisers look at.
pub(super) struct Page {
    /// Boxes first, then rows, then pairs of rows.
    pub(super) passages: Vec<Passage>,
    /// The whole text in reading order; rows end in a newline.
    pub(super) whole: Passage,
}

impl Page {
    /// Cleans, sorts and joins. Lines beyond [`MAX_LINES`] are dropped, and so is noise.
    pub(super) fn new(lines: &[TextLine]) -> Self {
        let cells: Vec<Cell> = lines
            .iter()
            .filter(|line| line.score >= MIN_SCORE)
            .take(MAX_LINES)
            .map(|line| Cell {
                text: fold::clean(&line.text, MAX_CHARS),
                bounds: line.bounds,
                head: String::new(),
            })
            .filter(|cell| !cell.text.trim().is_empty())
            .collect();
        let rows = headed(rows(cells));
        let mut passages = Vec::new();
        for row in &rows {
            let mut left = String::new();
            for cell in row {
                let mut passage = Passage::new(&[("", cell)]);
                passage.left.clone_from(&left);
                left.push_str(&passage.words);
                left.push('\t');
                passages.push(passage);
            }
        }
        for row in rows.iter().filter(|row| row.len() > 1) {
            passages.push(Passage::new(&joined(row, "")));
        }
        for (upper, lower) in rows.iter().zip(rows.iter().skip(1)) {
            let mut pieces = joined(upper, "");
            pieces.extend(joined(lower, "\n"));
            passages.push(Passage::new(&pieces));
        }
        let pieces: Vec<_> = rows.iter().flat_map(|row| joined(row, "\n")).collect();
        Self {
            passages,
            whole: Passage::new(&pieces),
        }
    }
}

/// Gives every box the words at the head of its column: the first box above that holds words.
fn headed(mut rows: Vec<Vec<Cell>>) -> Vec<Vec<Cell>> {
    for index in 1..rows.len() {
        let (above, below) = rows.split_at_mut(index);
        for cell in below.iter_mut().take(1).flatten() {
            cell.head = above
                .iter()
                .rev()
                .flatten()
                .filter(|upper| overlap(upper.bounds, cell.bounds))
                .take(COLUMN_REACH)
                .find(|upper| is_wordy(&upper.text))
                .map(|upper| fold::words(&upper.text))
                .unwrap_or_default();
        }
    }
    rows
}

/// Words rather than a value: more letters than digits.
fn is_wordy(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    letters > 1 && letters > digits * 2
}

/// True when two boxes share at least a third of the narrower one's width.
fn overlap(a: Bounds, b: Bounds) -> bool {
    let shared = a.right().min(b.right()) - a.x.max(b.x);
    shared > a.width.min(b.width) / 3.0
}

/// The boxes of a row with what stands between them.
fn joined<'a>(row: &'a [Cell], first: &'static str) -> Vec<(&'static str, &'a Cell)> {
    let mut previous: Option<Bounds> = None;
    row.iter()
        .map(|cell| {
            let separator = match previous {
                None => first,
                Some(left) => {
                    let height = left.height.max(cell.bounds.height);
                    let wide = cell.bounds.x - left.right() > height * COLUMN_GAP;
                    if wide { "\t" } else { " " }
                }
            };
            previous = Some(cell.bounds);
            (separator, cell)
        })
        .collect()
}

/// Sorts boxes into rows, top to bottom, each from left to right. A box joins the row above it when
/// their centres differ by less than half of the lower height of the two.
fn rows(mut cells: Vec<Cell>) -> Vec<Vec<Cell>> {
    let centre = |bounds: Bounds| bounds.y + bounds.height / 2.0;
    cells.sort_by(|a, b| centre(a.bounds).total_cmp(&centre(b.bounds)));
    let mut out: Vec<Vec<Cell>> = Vec::new();
    for cell in cells {
        let level = out.last_mut().filter(|row| {
            row.last().is_some_and(|last| {
                let slack = last.bounds.height.min(cell.bounds.height) / 2.0;
                centre(cell.bounds) - centre(last.bounds) < slack
            })
        });
        match level {
            Some(row) => row.push(cell),
            None => out.push(vec![cell]),
        }
    }
    for row in &mut out {
        row.sort_by(|a, b| a.bounds.x.total_cmp(&b.bounds.x));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::page;
    use crate::verdict::recognise::vocabulary::vocabulary;

    fn texts(rows: &[&str]) -> Vec<String> {
        Page::new(&page(rows))
            .passages
            .into_iter()
            .map(|passage| passage.text)
            .collect()
    }

    #[test]
    fn boxes_rows_and_pairs_are_seen() {
        assert_eq!(
            texts(&["Name|Kim", "Phone"]),
            ["Name", "Kim", "Phone", "Name\tKim", "Name\tKim\nPhone"]
        );
    }

    #[test]
    fn order_is_by_place_not_by_arrival() {
        let mut lines = page(&["a|b", "c"]);
        lines.reverse();
        assert_eq!(Page::new(&lines).whole.text, "\na\tb\nc");
    }

    #[test]
    fn near_boxes_are_joined_by_a_blank() {
        let line = |text: &str, x: f32| TextLine {
            text: text.into(),
            score: 1.0,
            bounds: Bounds {
                x,
                y: 0.0,
                width: 40.0,
                height: 20.0,
            },
        };
        let page = Page::new(&[line("1111", 50.0), line("4111", 0.0), line("x", 200.0)]);
        assert_eq!(page.whole.text, "\n4111 1111\tx");
    }

    #[test]
    fn labels_stand_before_left_or_above() {
        let list = vocabulary(&["phone"]);
        let check = |rows: &[&str], expected: bool| {
            let page = Page::new(&page(rows));
            let found = page.passages.iter().any(|passage| {
                let number = passage.text.find("555-1");
                number.is_some_and(|at| passage.labelled(at, &list))
            });
            assert_eq!(found, expected, "{rows:?}");
        };
        check(&["Phone 555-1"], true);
        check(&["Phone|555-1"], true);
        check(&["Id|Phone", "7|444-1", "8|555-1"], true);
        check(&["Phone|Order", "444-1|555-1"], false);
        check(&["Phone 444-1 order 555-1"], false);
        check(&["Phone 444-1 555-1"], false);
    }

    #[test]
    fn the_place_is_that_of_the_box() {
        let page = Page::new(&page(&["a|b"]));
        let row = page.passages.last().unwrap();
        assert_eq!(row.text, "a\tb");
        assert_eq!(row.bounds(2..3), page.passages[1].bounds(0..1));
        assert_ne!(row.bounds(0..1), row.bounds(2..3));
    }

    #[test]
    fn limits_hold() {
        let lines = page(&vec!["x"; MAX_LINES + 50]);
        assert_eq!(Page::new(&lines).whole.text.matches('x').count(), MAX_LINES);
        let long = "y".repeat(MAX_CHARS * 3);
        assert_eq!(
            Page::new(&page(&[&long])).whole.text.matches('y').count(),
            MAX_CHARS
        );
    }
}
