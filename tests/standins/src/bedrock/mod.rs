//! A stand-in for Bedrock: Converse and `InvokeModel` over HTTP.
//!
//! It decodes the pictures of a request and looks at their pixels; it knows nothing of keys,
//! sizes, hashes or order. What it sees is defined in [`crate::pictures`]. It answers a forced
//! tool, a JSON schema or a plain prompt with a value that satisfies whatever schema it is given,
//! and it refuses what Bedrock and current Claude models refuse. How else it may behave is in
//! [`Behaviour`].
//!
//! Over HTTP: `POST /_standin/behave` takes a [`Change`] as JSON, `GET /_standin/requests` gives
//! the [`Sums`] and every [`Asked`].

mod ask;
mod behaviour;
mod book;
mod converse;
mod fault;
mod messages;
mod mind;
mod schema;
mod service;
mod voice;

use std::sync::Arc;
use std::time::Duration;

pub use behaviour::{Behaviour, Change, Nonsense, Quota, Step};
pub use book::{Api, Asked, Form, PictureFacts, Sums};
use service::Service;

use crate::serve::Server;

/// A running stand-in for Bedrock; dropping it ends it.
#[derive(Debug)]
pub struct Bedrock {
    server: Server,
    service: Arc<Service>,
}

impl Bedrock {
    /// Starts on a free port.
    ///
    /// # Panics
    ///
    /// When no port of the loopback interface can be bound.
    pub async fn start() -> Self {
        Self::start_on(0).await
    }

    /// Starts on a port; 0 takes a free one.
    ///
    /// # Panics
    ///
    /// When the port cannot be bound.
    pub async fn start_on(port: u16) -> Self {
        let service = Arc::new(Service::default());
        let shared = Arc::clone(&service);
        let server = Server::start(port, move |request| {
            let service = Arc::clone(&shared);
            async move { service.answer(request).await }
        })
        .await;
        Self { server, service }
    }

    /// Its base URL: the value for `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Behaves so from now on, for all models that have no behaviour of their own.
    pub fn behave(&self, behaviour: Behaviour) {
        self.change(Change {
            behaviour: Some(behaviour),
            ..Change::default()
        });
    }

    /// Behaves so from now on for one model, by the id that is asked for.
    pub fn behave_for(&self, model: &str, behaviour: Behaviour) {
        self.change(Change {
            models: [(model.to_owned(), behaviour)].into(),
            ..Change::default()
        });
    }

    /// Behaves so for the next `times` requests, before anything else that is set; several calls
    /// follow one another.
    pub fn next(&self, times: u32, behaviour: Behaviour) {
        let step = Step {
            model: None,
            times,
            behaviour,
        };
        self.change(Change {
            script: vec![step],
            ..Change::default()
        });
    }

    /// Takes so long for each answer, in whole milliseconds.
    pub fn latency(&self, latency: Duration) {
        self.change(Change {
            latency_ms: Some(u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)),
            ..Change::default()
        });
    }

    /// Answers what is above a quota with 429.
    pub fn quota(&self, quota: Quota) {
        self.change(Change {
            quota: Some(quota),
            ..Change::default()
        });
    }

    /// Makes any change, as `POST /_standin/behave` does.
    pub fn change(&self, change: Change) {
        self.service.change(change);
    }

    /// Keeps every request waiting that arrives, and is well formed, until the guard is dropped.
    #[must_use = "dropping it lets the requests go on"]
    pub fn hold(&self) -> Hold {
        self.service.hold(true);
        Hold {
            service: Arc::clone(&self.service),
        }
    }

    /// Waits until so many requests have arrived since the start or the last reset.
    pub async fn arrived(&self, requests: u64) {
        self.service.arrived(requests).await;
    }

    /// Every request so far, in order of arrival; the first 20,000 are kept.
    #[must_use]
    pub fn requests(&self) -> Vec<Asked> {
        self.service.requests()
    }

    /// Sums over all requests so far.
    #[must_use]
    pub fn sums(&self) -> Sums {
        self.service.sums()
    }
}

/// Keeps requests waiting while it lives.
#[derive(Debug)]
pub struct Hold {
    service: Arc<Service>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.service.hold(false);
    }
}
