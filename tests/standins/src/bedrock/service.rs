//! From a request to an answer, in the order in which the service checks: account, model, body.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::{Method, Request};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::ask::{Ask, Picture, check_model};
use super::behaviour::{Behaviour, Change, Manners};
use super::book::{Api, Asked, Book, PictureFacts, Sums};
use super::fault::Fault;
use super::{converse, messages, voice};
use crate::pictures::{self, Seen};
use crate::serve::{self, HangUp, Reply};

/// All that the stand-in knows.
#[derive(Debug, Default)]
pub(super) struct Service {
    manners: Mutex<Manners>,
    book: Mutex<Book>,
    traffic: Mutex<Traffic>,
    held: watch::Sender<bool>,
    arrivals: watch::Sender<u64>,
}

/// Requests in progress and in the last minute.
#[derive(Debug, Default)]
struct Traffic {
    current: u32,
    starts: VecDeque<Instant>,
}

/// Counts a request as in progress while it lives, also when its caller has gone away.
struct Present<'a>(&'a Service);

impl Drop for Present<'_> {
    fn drop(&mut self) {
        lock(&self.0.traffic).current -= 1;
    }
}

impl Service {
    pub(super) fn change(&self, change: Change) {
        if change.reset {
            *lock(&self.book) = Book::default();
            lock(&self.traffic).starts.clear();
            self.arrivals.send_replace(0);
        }
        lock(&self.manners).change(change);
    }

    pub(super) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    pub(super) async fn arrived(&self, requests: u64) {
        let mut arrivals = self.arrivals.subscribe();
        // The sender lives in self, so that waiting ends by the condition only.
        let waited = arrivals.wait_for(|arrived| *arrived >= requests).await;
        drop(waited);
    }

    pub(super) fn requests(&self) -> Vec<Asked> {
        lock(&self.book).asked.clone()
    }

    pub(super) fn sums(&self) -> Sums {
        lock(&self.book).sums.clone()
    }

    pub(super) async fn answer(&self, request: Request<Bytes>) -> Result<Reply, HangUp> {
        let path = request.uri().path().to_owned();
        match (request.method(), path.as_str()) {
            (&Method::POST, "/_standin/behave") => Ok(self.behave(request.body())),
            (&Method::GET, "/_standin/requests") => Ok(self.report()),
            (&Method::POST, _) => match called(&path) {
                Some((model, api)) => self.model(&model, api, request.body()).await,
                None => Ok(unknown()),
            },
            _ => Ok(unknown()),
        }
    }

    fn behave(&self, body: &[u8]) -> Reply {
        match serde_json::from_slice(body) {
            Ok(change) => {
                self.change(change);
                serve::json(200, &json!({"ok": true}))
            }
            Err(error) => serve::json(400, &json!({"error": error.to_string()})),
        }
    }

    fn report(&self) -> Reply {
        let book = lock(&self.book);
        serve::json(200, &json!({"sums": book.sums, "requests": book.asked}))
    }

    async fn model(&self, model: &str, api: Api, body: &[u8]) -> Result<Reply, HangUp> {
        let began = Instant::now();
        let (behaviour, latency, over) = self.enter(model, began);
        let _present = Present(self);
        let number = lock(&self.book).begin(model, api, behaviour.clone());
        self.arrivals.send_modify(|arrived| *arrived += 1);
        let ended = match over {
            true => Err(Fault::of(&Behaviour::Throttle).unwrap_or_else(|| Fault::invalid(""))),
            false => {
                self.judged(model, api, body, &behaviour, latency, number)
                    .await?
            }
        };
        let mut book = lock(&self.book);
        match ended {
            Ok(said) => {
                let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                book.sums.input_tokens += said.input_tokens;
                book.sums.output_tokens += said.output_tokens;
                *book.sums.by_status.entry("200".to_owned()).or_default() += 1;
                book.note(number, |asked| {
                    asked.status = Some(200);
                    asked.stop_reason = Some(said.stop.to_owned());
                    asked.input_tokens = said.input_tokens;
                    asked.output_tokens = said.output_tokens;
                });
                Ok(said.reply(api, number, took))
            }
            Err(fault) => {
                *book
                    .sums
                    .by_status
                    .entry(fault.status.to_string())
                    .or_default() += 1;
                book.note(number, |asked| {
                    asked.status = Some(fault.status);
                    asked.error = Some(fault.code.to_owned());
                });
                Ok(fault.reply())
            }
        }
    }

    /// Counts a request in, and says how it is treated and whether it is above the quota.
    fn enter(&self, model: &str, now: Instant) -> (Behaviour, Duration, bool) {
        let mut manners = lock(&self.manners);
        let mut traffic = lock(&self.traffic);
        while let Some(start) = traffic.starts.front()
            && now.duration_since(*start) >= Duration::from_secs(60)
        {
            traffic.starts.pop_front();
        }
        traffic.current += 1;
        let quota = manners.quota;
        let started = u32::try_from(traffic.starts.len()).unwrap_or(u32::MAX);
        let over = quota.concurrent.is_some_and(|most| traffic.current > most)
            || quota.starts_per_minute.is_some_and(|most| started >= most);
        if !over && quota.starts_per_minute.is_some() {
            traffic.starts.push_back(now);
        }
        let mut book = lock(&self.book);
        book.sums.max_concurrent = book.sums.max_concurrent.max(traffic.current);
        let behaviour = if over {
            Behaviour::Throttle
        } else {
            manners.next(model)
        };
        (behaviour, Duration::from_millis(manners.latency_ms), over)
    }

    /// Reads, checks, waits, looks and speaks.
    async fn judged(
        &self,
        model: &str,
        api: Api,
        body: &[u8],
        behaviour: &Behaviour,
        latency: Duration,
        number: u64,
    ) -> Result<Result<voice::Said, Fault>, HangUp> {
        match behaviour {
            Behaviour::HangUp => {
                let mut book = lock(&self.book);
                *book.sums.by_status.entry("hang_up".to_owned()).or_default() += 1;
                return Err(HangUp);
            }
            Behaviour::TimeOut => std::future::pending().await,
            _ => {}
        }
        let read = match Fault::of(behaviour) {
            // A broken model still gets the request, so that tests can read it.
            Some(fault) => {
                if let Ok(ask) = read(api, body) {
                    self.note(number, &ask);
                }
                Err(fault)
            }
            None => self.read(model, api, body, behaviour, number),
        };
        let ask = match read {
            Ok(ask) => ask,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut held = self.held.subscribe();
        drop(held.wait_for(|held| !held).await);
        // Looking is part of what takes time, as it is for a model.
        let until = Instant::now() + latency;
        let seen = match behaviour {
            Behaviour::Blind => Ok(Seen::default()),
            Behaviour::Marked(mark) => Ok(marked(&ask.pictures, mark.as_bytes())),
            _ => look(&ask.pictures),
        };
        tokio::time::sleep_until(until).await;
        Ok(seen.map(|seen| {
            let looks = !matches!(behaviour, Behaviour::Blind | Behaviour::Marked(_));
            let looked = looks && !ask.pictures.is_empty();
            lock(&self.book).note(number, |asked| asked.seen = looked.then_some(seen));
            voice::say(&ask, behaviour, seen)
        }))
    }

    fn read(
        &self,
        model: &str,
        api: Api,
        body: &[u8],
        behaviour: &Behaviour,
        number: u64,
    ) -> Result<Ask, Fault> {
        check_model(model)?;
        let ask = read(api, body)?;
        self.note(number, &ask);
        ask.check(behaviour)?;
        Ok(ask)
    }

    fn note(&self, number: u64, ask: &Ask) {
        let facts = ask.pictures.iter().map(|picture| {
            let (width, height) = picture.size();
            PictureFacts {
                format: picture.format.clone(),
                bytes: picture.bytes.len(),
                width,
                height,
            }
        });
        let facts: Vec<_> = facts.collect();
        let mut book = lock(&self.book);
        *book.sums.by_form.entry(ask.form).or_default() += 1;
        book.note(number, |asked| {
            asked.form = Some(ask.form);
            asked.tool = ask.tool.clone();
            asked.pictures = facts;
            asked.picture_last = ask.picture_last;
            asked.system = ask.system.clone();
            asked.text = ask.text.clone();
            asked.max_tokens = ask.max_tokens;
        });
    }
}

/// Reads a body as the API has it.
fn read(api: Api, body: &[u8]) -> Result<Ask, Fault> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|_| Fault::new(400, "SerializationException", "the body is not JSON"))?;
    match api {
        Api::Converse => converse::read(&body),
        Api::InvokeModel => messages::read(&body),
    }
}

/// Looks for a text in the bytes.
fn marked(all: &[Picture], mark: &[u8]) -> Seen {
    let holds = |picture: &Picture| {
        let mut windows = picture.bytes.windows(mark.len().max(1));
        windows.any(|window| window == mark)
    };
    Seen {
        passport: all.iter().any(holds),
        ..Seen::default()
    }
}

/// Decodes the pictures and looks at all of them.
fn look(all: &[Picture]) -> Result<Seen, Fault> {
    let mut seen = Seen::default();
    for picture in all {
        let decoded = image::load_from_memory(&picture.bytes).map_err(|_| {
            Fault::invalid("The model returned the following errors: Could not process image")
        })?;
        seen = seen.and(pictures::see(&decoded.to_rgb8()));
    }
    Ok(seen)
}

/// The model and the API that a path calls.
fn called(path: &str) -> Option<(String, Api)> {
    let (model, api) = path.strip_prefix("/model/")?.rsplit_once('/')?;
    let api = match api {
        "converse" => Api::Converse,
        "invoke" => Api::InvokeModel,
        _ => return None,
    };
    let model = percent_decode_str(model).decode_utf8().ok()?;
    Some((model.into_owned(), api))
}

fn unknown() -> Reply {
    Fault::new(
        404,
        "UnknownOperationException",
        "there is no such operation",
    )
    .reply()
}

/// A lock that a panic elsewhere does not poison for the report.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
