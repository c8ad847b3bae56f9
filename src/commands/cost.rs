//! `cost`: what looking at pictures costs, beside a hand-made workflow.

use clap::Args;
use serde_json::json;

use super::{Ink, Out, Refusal, exit, shown};
use crate::config::{Maintenance, Sources};
use crate::maintenance::cost::{
    self, ANSWER_TOKENS, BYTES_PER_PIXEL, Basis, Bill, Item, Rates, TRANSITIONS, Tasks, Workload,
};
use crate::model::{Prices, geography};

/// Estimate what looking at pictures costs, beside a hand-made workflow
#[derive(Clone, Debug, Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "Prices stand in config/prices.toml (model.prices names another table), each with \
    its page and the day on which it was read. Nothing is asked of AWS.\n\
    Exit codes: 0 done, 64 usage or configuration."
)]
pub struct Cost {
    /// How many pictures
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    pub images: u64,
    /// How large a stored picture is on average, in KB
    #[arg(long, value_name = "KB", value_parser = positive)]
    pub avg_kb: f64,
    /// How many of a hundred hold personal data
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0, value_parser = percent)]
    pub flagged_percent: f64,
    /// How large a picture is in pixels [default: by its KB, two bits a pixel, four to three]
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = pixels)]
    pub pixels: Option<(u32, u32)>,
    /// The model, as the id or ARN of an inference profile [default: model.id]
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub model: Option<String>,
    /// Over how many days the pictures come
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub days: u32,
    /// Tasks that run all the time; 0 where the service is scaled to none while nothing comes
    #[arg(long, value_name = "T", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub tasks: u32,
    /// Processors of a task
    #[arg(long, value_name = "N", default_value_t = 0.5, value_parser = positive)]
    pub vcpu: f64,
    /// Memory of a task
    #[arg(long, value_name = "GB", default_value_t = 1.0, value_parser = positive)]
    pub memory_gb: f64,
    /// Tasks run on ARM
    #[arg(long)]
    pub arm: bool,
    /// Subscriptions by mail to the alerts
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub mails: u32,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn number(written: &str) -> Result<f64, String> {
    let number: f64 = written.parse().map_err(|_| "is no number".to_owned())?;
    let finite = number.is_finite().then_some(number);
    finite.ok_or_else(|| "is no number".to_owned())
}

fn positive(written: &str) -> Result<f64, String> {
    match number(written)? {
        number if (0.001..=1e6).contains(&number) => Ok(number),
        _ => Err("out of range; from 0.001 to 1000000".to_owned()),
    }
}

fn percent(written: &str) -> Result<f64, String> {
    match number(written)? {
        // Nothing is added but its sign to a zero that has one.
        number if (0.0..=100.0).contains(&number) => Ok(number + 0.0),
        _ => Err("out of range; from 0 to 100".to_owned()),
    }
}

fn pixels(written: &str) -> Result<(u32, u32), String> {
    let edges = written.split_once('x');
    let edges = edges.and_then(|(width, height)| {
        let edge = |text: &str| text.parse().ok().filter(|edge: &u32| *edge >= 1);
        Some((edge(width)?, edge(height)?))
    });
    edges.ok_or_else(|| "write width and height, such as 1600x1200".to_owned())
}

impl Cost {
    pub(super) fn run(self, sources: Sources, mut out: Out) -> anyhow::Result<u8> {
        let settings = Maintenance::load(sources).map_err(|errors| Refusal::settings(&errors))?;
        let object = &settings.object;
        let bytes = self.avg_kb * 1_000.0;
        if bytes > object.max_bytes as f64 {
            return Err(Refusal::usage(format!(
                "--avg-kb: objects of more than {} KB are not read (object.max_bytes), and cost no \
                 look",
                object.max_bytes / 1_000
            ))
            .into());
        }
        let chosen = self.pixels;
        let pixels = chosen.unwrap_or_else(|| cost::assumed_pixels(bytes, &object.limits));
        if u64::from(pixels.0) * u64::from(pixels.1) > object.limits.max_pixels {
            return Err(Refusal::usage(format!(
                "--pixels: pictures of more than {} pixels are not decoded (object.max_pixels), and \
                 cost no look",
                object.limits.max_pixels
            ))
            .into());
        }
        let file = settings.model.prices.as_deref();
        let prices = Prices::load(file).map_err(Refusal::usage)?;
        let rates = Rates::load(file).map_err(Refusal::usage)?;
        let first = settings.model.models.first().cloned();
        let work = Workload {
            images: self.images,
            pixels,
            flagged: self.flagged_percent / 100.0,
            model: self.model.clone().or(first).unwrap_or_default(),
            days: self.days,
            mails: self.mails,
            tasks: Tasks {
                count: self.tasks,
                vcpu: self.vcpu,
                gb: self.memory_gb,
                arm: self.arm,
            },
        };
        let basis = Basis {
            rates: &rates,
            prices: &prices,
            limits: &object.limits,
        };
        let bills = (cost::service(&work, basis), cost::workflow(&work, basis));
        let assumed = self.assumed(&work, basis);
        if self.json {
            out.json(&described(&work, &bills, &assumed, &rates))?;
            return Ok(exit::DONE);
        }
        tell(&mut out, &work, &bills)?;
        out.line("Assumed:")?;
        for sentence in assumed {
            out.prose(None, &format!("-  {sentence}"))?;
        }
        Ok(exit::DONE)
    }

    fn assumed(&self, work: &Workload, basis: Basis<'_>) -> Vec<String> {
        let (width, height) = work.pixels;
        let tokens = cost::tokens(work, basis);
        let price = basis.prices.of(&work.model);
        let place = match geography(&work.model).0 {
            Some("global") => "sold worldwide; profiles of one geography are dearer",
            _ => "with the surcharge for one geography or Region",
        };
        let arm = if work.tasks.arm { "ARM" } else { "x86" };
        let shape = match self.pixels {
            Some(_) => "as was said".to_owned(),
            None => format!(
                "from its size at {BYTES_PER_PIXEL} bytes a pixel, as photos have it; --pixels says \
                 better"
            ),
        };
        vec![
            format!("A picture of {} KB has {width} x {height} pixels: {shape}.", self.avg_kb),
            format!(
                "One look by {}: {} tokens in (the picture by the tier of the model, the words by \
                 the estimate of the limiter, which is rather too high) and {ANSWER_TOKENS} out, at \
                 ${} and ${} a million ({place}). Pictures whose bytes were seen before cost none.",
                shown(&work.model),
                tokens.input,
                trimmed(price.input),
                trimmed(price.output),
            ),
            format!(
                "{} % are flagged and removed, each told by itself, to {} by mail.",
                self.flagged_percent, work.mails
            ),
            "Requests for a clean picture, as measured under load: GetObject 1, ReceiveMessage \
             0.10, DeleteMessageBatch 0.11, records 1/500; and the message that S3 sends. A flagged \
             one adds 4 PUT, 5 GET and one publish."
                .to_owned(),
            format!(
                "Compute is 15 ms of a processor a picture; standby is the rest of {} task(s) of {} \
                 vCPU and {} GB on {arm} over {} days, its polls and its vitals.",
                work.tasks.count, work.tasks.vcpu, work.tasks.gb, work.days
            ),
            format!(
                "The workflow: a data event of CloudTrail, EventBridge, Step Functions with \
                 {TRANSITIONS} transitions (one more where it deletes), a summary of the event and \
                 a check of the picture by the same model, 2 s of Lambda with 0.5 GB, and a mail \
                 about every upload. It is a sketch, with the smaller number where one was in \
                 doubt."
            ),
            format!(
                "List prices of {}, read on {}, without free tiers; other Regions differ. Not in it: \
                 storage, traffic, NAT gateways and endpoints, keys, taxes, and what is the same \
                 for both.",
                shown(&basis.rates.region),
                shown(&basis.rates.read)
            ),
        ]
    }
}

const fn name(item: Item) -> &'static str {
    match item {
        Item::Model => "model",
        Item::Queue => "queue, events",
        Item::Steps => "workflow steps",
        Item::Storage => "storage requests",
        Item::Compute => "compute",
        Item::Alerts => "alerts",
        Item::Logs => "logs",
        Item::Standby => "standby",
    }
}

fn tell(out: &mut Out, work: &Workload, (ours, old): &(Bill, Bill)) -> anyhow::Result<()> {
    let all = format!("for {}", grouped(work.images));
    let header = [
        "US dollars",
        "s3-warden, per 1,000",
        &all,
        "workflow, per 1,000",
        &all,
    ];
    let per_thousand = |bill: &Bill, item| match item {
        Item::Standby => "-".to_owned(),
        item => usd(bill.of(item, 1_000)),
    };
    let whole = |bill: &Bill, item| match item {
        Item::Standby => usd(bill.standby()),
        item => usd(bill.of(item, work.images)),
    };
    let mut rows: Vec<Vec<String>> = Item::ALL
        .iter()
        .map(|&item| {
            vec![
                name(item).to_owned(),
                per_thousand(ours, item),
                whole(ours, item),
                per_thousand(old, item),
                whole(old, item),
            ]
        })
        .collect();
    let total = |bill: &Bill| usd(bill.sum(work.images) + bill.standby());
    rows.push(vec![
        "total".to_owned(),
        usd(ours.sum(1_000)),
        total(ours),
        usd(old.sum(1_000)),
        total(old),
    ]);
    out.table(&header, rows)?;
    if let Some(sentence) = dearer(work.images, ours, old) {
        out.prose(Some(Ink::Faint), sentence)?;
    }
    Ok(())
}

/// Why the service is the dearer one, where it is.
fn dearer(images: u64, ours: &Bill, old: &Bill) -> Option<&'static str> {
    let (each, theirs) = (ours.sum(images), old.sum(images));
    if each >= theirs {
        return Some(
            "With this model looking itself costs more than all of the workflow, standing by or not: see \
             the row of the model.",
        );
    }
    (each + ours.standby() > theirs).then_some(
        "For so few pictures the tasks that stand by are dearer than the workflow, which runs only \
         when something comes; --tasks 0 shows the service scaled to none meanwhile.",
    )
}

/// Dollars with as many digits as can matter.
fn usd(usd: f64) -> String {
    if usd == 0.0 {
        return "0".to_owned();
    }
    if usd < 0.000_05 {
        return "< 0.0001".to_owned();
    }
    if usd < 10.0 {
        return format!("{usd:.4}");
    }
    let cents = (usd * 100.0).round();
    let whole = (cents / 100.0).floor();
    format!(
        "{}.{:02}",
        grouped(whole as u64),
        (cents - whole * 100.0) as u64
    )
}

/// A price without the dust of its arithmetic.
fn trimmed(usd: f64) -> String {
    let text = format!("{usd:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number in groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn described(
    work: &Workload,
    (ours, old): &(Bill, Bill),
    assumed: &[String],
    rates: &Rates,
) -> serde_json::Value {
    let bill = |bill: &Bill| {
        let items: serde_json::Map<_, _> = Item::ALL
            .iter()
            .filter(|item| **item != Item::Standby)
            .filter_map(|&item| {
                let key = serde_json::to_value(item).ok()?;
                Some((key.as_str()?.to_owned(), bill.of(item, 1_000).into()))
            })
            .collect();
        json!({
            "usd_per_thousand": items,
            "usd_per_thousand_total": bill.sum(1_000),
            "usd_standby": bill.standby(),
            "usd_total": bill.sum(work.images) + bill.standby(),
        })
    };
    json!({
        "images": work.images,
        "pixels": {"width": work.pixels.0, "height": work.pixels.1},
        "flagged": work.flagged,
        "model": work.model,
        "days": work.days,
        "service": bill(ours),
        "workflow": bill(old),
        "assumed": assumed,
        "rates": rates,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_digits_that_matter() {
        for (amount, expected) in [
            (0.0, "0"),
            (0.000_01, "< 0.0001"),
            (0.000_484, "0.0005"),
            (0.509_13, "0.5091"),
            (9.999_99, "10.0000"),
            (17.812, "17.81"),
            (1_234_567.891, "1,234,567.89"),
            (19.999, "20.00"),
        ] {
            assert_eq!(usd(amount), expected);
        }
        assert_eq!(
            [grouped(0), grouped(999), grouped(1_000)],
            ["0", "999", "1,000"]
        );
        assert_eq!(
            [trimmed(0.11), trimmed(0.110_000_000_1), trimmed(15.0)],
            ["0.11", "0.11", "15"]
        );
    }

    #[test]
    fn standing_by_is_blamed_only_for_what_it_costs() {
        let sentence = |model: &str, images, tasks| {
            let work = Workload {
                images,
                pixels: (1_600, 1_200),
                flagged: 0.01,
                model: model.to_owned(),
                days: 30,
                mails: 1,
                tasks: Tasks {
                    count: tasks,
                    vcpu: 0.5,
                    gb: 1.0,
                    arm: false,
                },
            };
            let (rates, prices) = (Rates::load(None).unwrap(), Prices::load(None).unwrap());
            let limits = crate::object::Limits::default();
            let basis = Basis {
                rates: &rates,
                prices: &prices,
                limits: &limits,
            };
            dearer(
                images,
                &cost::service(&work, basis),
                &cost::workflow(&work, basis),
            )
        };
        let haiku = "us.anthropic.claude-haiku-5-5";
        assert_eq!(sentence(haiku, 10_000_000, 1), None);
        assert_eq!(sentence(haiku, 1_000, 0), None);
        assert!(sentence(haiku, 1_000, 1).unwrap().contains("--tasks 0"));
    }

    #[test]
    fn arguments_out_of_range_are_refused() {
        for wrong in ["", "0", "-1", "nan", "inf", "1e9", "many"] {
            assert!(positive(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(
            percent("-0").map(|none| none.to_string()),
            Ok("0".to_owned())
        );
        for wrong in ["-0.1", "100.1", "nan"] {
            assert!(percent(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["", "100", "0x1", "1x0", "1x-1", "99999999999x1", "1X1"] {
            assert!(pixels(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(pixels("1600x1200"), Ok((1_600, 1_200)));
    }
}
