//! What a line says: one picture of a line through the recognition network, decoded.

use image::RgbImage;

use super::dictionary::Dictionary;
use super::net::{Net, NetError, Tensor};
use super::raster::{planes, resized};

/// Height of a line as the network was trained, in pixels.
pub(super) const HEIGHT: u32 = 48;
/// Longest line at that height: about 80 letters. A longer one is squeezed: the network gives some
/// 18,000 numbers for every step, and this many steps hold 15 MB.
const MAX_WIDTH: f32 = 1600.0;
/// Shortest: a single letter needs some room round it.
const MIN_WIDTH: u32 = 64;
/// The network makes one step of 8 pixels.
const STEP: u32 = 8;

/// Text and how sure the network is of it: the mean over its letters, 0 to 1.
pub(super) struct Spelled {
    pub(super) text: String,
    pub(super) score: f32,
}

/// Reads one line.
pub(super) fn spell(
    net: &dyn Net,
    dictionary: &Dictionary,
    line: &RgbImage,
) -> Result<Spelled, NetError> {
    let width = width_at_height(line.width(), line.height());
    let padded = width.next_multiple_of(STEP).max(MIN_WIDTH) as usize;
    let mut table = [0.0; 256];
    for (value, byte) in table.iter_mut().zip(0_u8..=255) {
        *value = f32::from(byte) / 127.5 - 1.0;
    }
    let input = Tensor {
        shape: vec![1, 3, HEIGHT as usize, padded],
        data: planes(&resized(line, width, HEIGHT), padded, &[table; 3]),
    };
    let output = net.run(input)?;
    if output.shape.last() != Some(&dictionary.classes()) {
        return Err(NetError(format!("classes of shape {:?}", output.shape)));
    }
    Ok(decode(&output.data, dictionary))
}

fn width_at_height(width: u32, height: u32) -> u32 {
    let width = width as f32 * HEIGHT as f32 / height.max(1) as f32;
    width.ceil().clamp(1.0, MAX_WIDTH) as u32
}

/// The likeliest class of every step; repeats and blanks are dropped.
fn decode(steps: &[f32], dictionary: &Dictionary) -> Spelled {
    let mut text = String::new();
    let (mut sum, mut letters) = (0.0, 0.0);
    let mut before = Dictionary::BLANK;
    for step in steps.chunks_exact(dictionary.classes()) {
        let (class, probability) = likeliest(step);
        if class != Dictionary::BLANK && class != before {
            text.push_str(dictionary.letter(class));
            sum += probability;
            letters += 1.0;
        }
        before = class;
    }
    let score = if letters > 0.0 { sum / letters } else { 0.0 };
    Spelled { text, score }
}

/// The greatest of the probabilities, whose sum is 1.
fn likeliest(step: &[f32]) -> (usize, f32) {
    let mut best = (Dictionary::BLANK, 0.0);
    for (class, probability) in step.iter().enumerate() {
        if *probability > best.1 {
            best = (class, *probability);
            // Nothing can be greater, and most steps end here without a walk over all classes.
            if best.1 > 0.5 {
                break;
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps over blank, a, b, space.
    fn steps(rows: &[[f32; 4]]) -> Vec<f32> {
        rows.concat()
    }

    fn abc() -> Dictionary {
        Dictionary::parse("blank\na\nb\n \n", 4).unwrap()
    }

    #[test]
    fn repeats_fold_and_blanks_part() {
        let a = [0.1, 0.8, 0.1, 0.0];
        let blank = [0.9, 0.1, 0.0, 0.0];
        let b = [0.0, 0.3, 0.4, 0.3];
        let space = [0.0, 0.0, 0.4, 0.6];
        let spelled = decode(&steps(&[a, a, blank, a, space, b, b, blank]), &abc());
        assert_eq!(spelled.text, "aa b");
        assert!((spelled.score - (0.8 + 0.8 + 0.6 + 0.4) / 4.0).abs() < 1e-6);
    }

    #[test]
    fn nothing_but_blanks_is_an_empty_line() {
        let spelled = decode(&steps(&[[1.0, 0.0, 0.0, 0.0]; 3]), &abc());
        assert_eq!((spelled.text.as_str(), spelled.score), ("", 0.0));
    }

    #[test]
    fn a_line_keeps_its_proportions_up_to_the_longest() {
        assert_eq!(width_at_height(200, 24), 400);
        assert_eq!(width_at_height(1, 400), 1);
        assert_eq!(width_at_height(90_000, 10), 1600);
    }
}
