//! The settings of the ops endpoint.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::Problems;

/// `[ops]` as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawOps {
    /// `ops.listen`: where health, readiness and metrics are served, as `ADDRESS:PORT`. Default
    /// `127.0.0.1:9090`; port 0 takes any that is free; empty serves nothing.
    pub listen: String,
}

impl Default for RawOps {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:9090".to_owned(),
        }
    }
}

/// `[ops]`, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpsSettings {
    /// Where to listen; `None` serves nothing.
    pub listen: Option<SocketAddr>,
}

impl RawOps {
    /// The settings, or `None` with a problem added.
    pub fn validate(&self, problems: &mut Problems) -> Option<OpsSettings> {
        let written = self.listen.trim();
        if written.is_empty() {
            return Some(OpsSettings { listen: None });
        }
        match written.parse() {
            Ok(listen) => Some(OpsSettings {
                listen: Some(listen),
            }),
            Err(_) => {
                problems.add(
                    "ops.listen",
                    "not an IP address with a port, such as 127.0.0.1:9090 or [::1]:9090; leave \
                     it empty to serve nothing",
                );
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(listen: &str, expected: Option<Option<&str>>) {
        let raw = RawOps {
            listen: listen.to_owned(),
        };
        let mut problems = Problems::new();
        let settings = raw.validate(&mut problems);
        let found = settings.map(|settings| settings.listen.map(|listen| listen.to_string()));
        assert_eq!(found, expected.map(|it| it.map(str::to_owned)), "{listen}");
        assert_eq!(problems.is_empty(), expected.is_some(), "{listen}");
    }

    #[test]
    fn an_address_with_a_port_or_nothing() {
        check(&RawOps::default().listen, Some(Some("127.0.0.1:9090")));
        check("0.0.0.0:0", Some(Some("0.0.0.0:0")));
        check("[::1]:9090", Some(Some("[::1]:9090")));
        check(" ", Some(None));
        for wrong in [
            "9090",
            ":9090",
            "localhost:9090",
            "127.0.0.1",
            "1.2.3.4:99999",
        ] {
            check(wrong, None);
        }
    }
}
