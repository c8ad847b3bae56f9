//! The whole reader on a real page, with the embedded weights.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::LazyLock;

use image::RgbImage;

use super::{Reader, Reading, Turn, Weights, turned};

static READER: LazyLock<Reader> =
    LazyLock::new(|| Reader::load(&Weights::default()).expect("the embedded weights load"));

/// The lower half of an invoice, where its account stands.
fn page() -> RgbImage {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/demo/invoice-2026-0418.png");
    let page = image::open(file).unwrap();
    let (width, height) = (page.width(), page.height());
    page.crop_imm(0, height / 2, width, height / 2).into_rgb8()
}

/// Reads up to the line that begins with the account's word.
fn read(page: &RgbImage) -> Reading {
    let mut found = |lines: &[crate::verdict::recognise::TextLine]| match lines.last() {
        Some(line) if line.text.contains("IBAN") => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    READER.read(page, &mut found).unwrap()
}

#[track_caller]
fn check(as_lying: Turn, turned_back: Turn) {
    let reading = read(&turned(page(), as_lying));
    assert_eq!(reading.turn, turned_back);
    assert!(
        reading.stopped,
        "no line has the account, of {}",
        reading.lines.len()
    );
    assert!(reading.lines.last().unwrap().score > 0.9);
}

#[test]
fn an_upright_page_is_read() {
    check(Turn::Upright, Turn::Upright);
}

#[test]
fn a_page_on_its_head_is_turned() {
    check(Turn::Half, Turn::Half);
}

#[test]
fn a_page_on_its_side_is_turned() {
    check(Turn::Quarter, Turn::ThreeQuarters);
    check(Turn::ThreeQuarters, Turn::Quarter);
}
