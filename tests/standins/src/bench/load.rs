//! The pictures, and the notifications that announce them.

use std::ops::Range;

use image::{Rgb, RgbImage};
use serde_json::json;

use super::{INTAKE, QUEUE};
use crate::aws::{Aws, REGION};
use crate::pictures;

/// One picture, of which any number of distinct ones are made.
#[derive(Debug)]
pub(super) struct Load {
    jpeg: Vec<u8>,
}

impl Load {
    /// Paints a picture whose JPEG has about so many thousand bytes.
    pub(super) fn paint(kb: u32) -> Self {
        let wanted = f64::from(kb) * 1_000.0;
        let trial = pictures::encode_jpeg(&photo(640, 480), 85);
        // Bytes grow with the area; 4 to 3 is the form of most cameras.
        let scale = (wanted / trial.len() as f64).sqrt();
        let side = |of: f64| ((of * scale) as u32).clamp(64, 8_000);
        let jpeg = pictures::encode_jpeg(&photo(side(640.0), side(480.0)), 85);
        Self { jpeg }
    }

    /// The size of each picture.
    pub(super) fn bytes(&self) -> usize {
        self.jpeg.len() + COMMENT
    }

    /// Puts pictures into the bucket, and a notification for each on the queue.
    pub(super) fn send(&self, aws: &Aws, numbers: Range<u64>) {
        self.send_marked(aws, numbers, |_| false);
    }

    /// The same; some of the pictures hold [`MARK`].
    pub(super) fn send_marked(
        &self,
        aws: &Aws,
        numbers: Range<u64>,
        is_marked: impl Fn(u64) -> bool,
    ) {
        for number in numbers {
            let key = format!("uploads/{number:06}.jpg");
            let mark = if is_marked(number) { MARK } else { PLAIN };
            let body = self.distinct(number, mark);
            let size = body.len();
            let put = aws.put(INTAKE, &key, body);
            let (etag, version) = put.expect("the bucket was made before");
            let event = notification(&key, size, &etag, &version, number);
            aws.send(QUEUE, event.to_string());
        }
    }

    /// The picture with a comment of its own behind the first marker: other bytes, same pixels.
    fn distinct(&self, number: u64, mark: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes());
        let (start, rest) = self.jpeg.split_at(2.min(self.jpeg.len()));
        bytes.extend_from_slice(start);
        bytes.extend_from_slice(&[0xff, 0xfe, 0, 18]);
        bytes.extend_from_slice(format!("{mark}{number:010}").as_bytes());
        bytes.extend_from_slice(rest);
        bytes
    }
}

/// What a comment adds: marker, length, six letters and ten digits.
const COMMENT: usize = 20;

/// What the comment of a picture begins with in which something is to be found.
pub(super) const MARK: &str = "MARKED";
/// What the comment of any other begins with.
const PLAIN: &str = "NORMAL";

/// Something like a photograph: soft light, some edges, and the grain of a sensor.
fn photo(width: u32, height: u32) -> RgbImage {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    RgbImage::from_fn(width, height, |x, y| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let grain = (seed % 17) as i32 - 8;
        let (fx, fy) = (f64::from(x) / 97.0, f64::from(y) / 61.0);
        let light = 120.0 + 50.0 * (fx.sin() + (fy * 1.3).cos() * 0.6);
        let edge = if (x / 140 + y / 90) % 5 == 0 { 18 } else { 0 };
        let value = |tint: i32| (light as i32 + grain + edge + tint).clamp(0, 255) as u8;
        Rgb([value(6), value(0), value(-10)])
    })
}

fn notification(
    key: &str,
    size: usize,
    etag: &str,
    version: &str,
    number: u64,
) -> serde_json::Value {
    json!({"Records": [{
        "eventVersion": "2.6",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:STANDIN"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": format!("{number:016}")},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "bench",
            "bucket": {"name": INTAKE, "arn": format!("arn:aws:s3:::{INTAKE}"),
                "ownerIdentity": {"principalId": "STANDIN"}},
            "object": {"key": key, "size": size, "eTag": etag, "versionId": version,
                "sequencer": format!("{number:016X}")}
        }
    }]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::Seen;

    #[test]
    fn pictures_are_distinct_clean_and_as_large_as_wanted() {
        let load = Load::paint(300);
        let (one, two) = (load.distinct(1, PLAIN), load.distinct(2, MARK));
        assert_ne!(one, two);
        assert_eq!(one.len(), load.bytes());
        assert!((240_000..360_000).contains(&one.len()), "{}", one.len());
        let (one, two) = (
            image::load_from_memory(&one).unwrap().to_rgb8(),
            image::load_from_memory(&two).unwrap().to_rgb8(),
        );
        assert!(one == two, "only the comment differs");
        assert_eq!(pictures::see(&one), Seen::default());
    }
}
