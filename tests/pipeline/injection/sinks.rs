//! Everything that leaves the service about a finding, as the text that it is.

use std::io;
use std::sync::{Arc, Mutex};

use s3_warden::alert::{Alert, AlertSettings, body, subject};
use s3_warden::record::Finding;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;

/// What was told about a finding.
#[derive(Debug)]
pub(crate) struct Told {
    /// The stored finding.
    pub(crate) finding: String,
    /// The alert as JSON, its subject and its mail, where there is an alert.
    pub(crate) alert: Option<(String, String, String)>,
}

impl Told {
    pub(crate) fn about(finding: &Finding) -> Self {
        let alert = Alert::about(finding, &AlertSettings::default());
        Self {
            finding: serde_json::to_string(finding).unwrap(),
            alert: alert.map(|alert| {
                let json = serde_json::to_string(&alert).unwrap();
                (json, subject(&alert), body(&alert))
            }),
        }
    }

    /// All texts.
    pub(crate) fn texts(&self) -> Vec<&str> {
        let mut texts = vec![self.finding.as_str()];
        if let Some((json, subject, mail)) = &self.alert {
            texts.extend([json.as_str(), subject, mail]);
        }
        texts
    }

    /// Nothing in it breaks a line, hides, or turns others around.
    #[track_caller]
    pub(crate) fn is_escaped(&self, name: &str) {
        // The stored form is for programs: one line of JSON, in which text stands as it came.
        assert!(!self.finding.contains(|c| c < ' '), "{name}");
        let Some((json, subject, mail)) = &self.alert else {
            return;
        };
        assert!(!json.chars().any(hides), "{name}: {json:?}");
        let plain = |c: char| matches!(c, ' '..='~');
        assert!(subject.chars().all(plain), "{name}: {subject:?}");
        assert!(subject.len() < 100, "{name}: {subject:?}");
        assert!(
            !mail.chars().any(|c| c != '\n' && hides(c)),
            "{name}: {mail:?}"
        );
        for line in mail.lines() {
            for header in ["Bcc:", "Subject:", "2026-11-20T10:15:30Z ERROR"] {
                assert!(!line.trim_start().starts_with(header), "{name}: {line}");
            }
        }
    }
}

/// Written down here and not taken from the code that it checks.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The lines that our own code logs on this thread, at every level.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Begins to listen, until the guard is dropped.
    pub(crate) fn listen() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer()
            .json()
            .with_writer(move || writer.clone())
            .with_filter(filter_fn(|it| it.target().starts_with("s3_warden")));
        let registry = tracing_subscriber::registry().with(layer);
        (lines, tracing::subscriber::set_default(registry))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}
