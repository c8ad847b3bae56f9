//! The arithmetic, against numbers worked out by hand.

use proptest::prelude::*;

use super::*;

fn work() -> Workload {
    Workload {
        images: 100_000,
        pixels: (1_260, 945),
        flagged: 0.01,
        model: "global.anthropic.claude-haiku-5-5".to_owned(),
        days: 30,
        mails: 2,
        tasks: Tasks {
            count: 1,
            vcpu: 0.5,
            gb: 1.0,
            arm: false,
        },
    }
}

fn bills(work: &Workload) -> (Bill, Bill) {
    let (rates, prices) = (Rates::embedded(), Prices::embedded());
    let basis = Basis {
        rates: &rates,
        prices: &prices,
        limits: &Limits::default(),
    };
    (service(work, basis), workflow(work, basis))
}

#[track_caller]
fn near(found: f64, by_hand: f64) {
    let off = (found - by_hand).abs();
    assert!(
        off <= by_hand.abs() * 1e-9 + 1e-12,
        "{found}, by hand {by_hand}"
    );
}

#[test]
fn the_service_costs_what_was_worked_out_by_hand() {
    let (bill, _) = bills(&work());
    // Polls, removals and the notification: 1.21 requests at 0.40 a million.
    near(bill.of(Item::Queue, 1_000), 0.000_484);
    // One in a hundred is flagged. PUT: 0.002 + 4 / 100 = 0.042, at 0.005 a thousand. GET: 1 + 5 / 100
    // = 1.05, at 0.0004 a thousand.
    near(bill.of(Item::Storage, 1_000), 0.000_21 + 0.000_42);
    // 15 ms of half a processor are 30 ms of a task; half a vCPU and 1 GB are 0.02024 + 0.004445 =
    // 0.024685 an hour: 30 s of that.
    near(bill.of(Item::Compute, 1_000), 0.024_685 * 30.0 / 3_600.0);
    // Ten publishes at 0.50 a million, twenty mails at 2 for 100,000.
    near(bill.of(Item::Alerts, 1_000), 0.000_005 + 0.000_4);
    // Ten times 2,000 bytes at 0.50 a GB.
    near(bill.of(Item::Logs, 1_000), 0.000_01);
    near(bill.of(Item::Steps, 1_000), 0.0);
    // Thirty days are 2,592,000 s, of which 100,000 pictures take 3,000 s.
    let polls = 2_589_000.0 / 20.0 * 0.4 / 1e6;
    let logs = 43_200.0 * 600.0 / 1e9 * 0.5;
    near(
        bill.standby(),
        0.024_685 * 2_589_000.0 / 3_600.0 + polls + logs,
    );
    near(bill.sum(100_000), bill.sum(1_000) * 100.0);
}

#[test]
fn the_model_costs_its_tokens() {
    let (rates, prices) = (Rates::embedded(), Prices::embedded());
    let basis = Basis {
        rates: &rates,
        prices: &prices,
        limits: &Limits::default(),
    };
    let tokens = service::tokens(&work(), basis);
    // 1260 by 945 pixels are 45 by 34 squares, 1530 tokens; the words take about 2,000 more.
    assert!((3_000..4_500).contains(&tokens.input), "{tokens:?}");
    assert_eq!(tokens.output, 200);
    let (bill, old) = bills(&work());
    // 0.10 and 0.50 a million tokens.
    let by_hand = (tokens.input as f64 * 0.1 + 200.0 * 0.5) / 1e6;
    near(bill.of(Item::Model, 1), by_hand);
    // Old: 3,000 and 300 bytes are 1,000 and 100 tokens; answers of 300 and 10.
    near(old.of(Item::Model, 1), (2_630.0 * 0.1 + 310.0 * 0.5) / 1e6);
    // A profile of one geography is dearer by a tenth.
    let local = Workload {
        model: "us.anthropic.claude-haiku-5-5".to_owned(),
        ..work()
    };
    near(bills(&local).0.of(Item::Model, 1), by_hand * 1.1);
}

#[test]
fn the_workflow_costs_what_was_worked_out_by_hand() {
    let (_, bill) = bills(&work());
    near(bill.of(Item::Queue, 1_000), 0.001);
    // 6.01 transitions each at 0.025 a thousand.
    near(bill.of(Item::Steps, 1_000), 0.150_25);
    near(bill.of(Item::Storage, 1_000), 0.000_4);
    // A GB-second each.
    near(bill.of(Item::Compute, 1_000), 0.000_2 + 0.016_666_7);
    near(bill.of(Item::Alerts, 1_000), 0.000_5 + 0.04);
    near(bill.of(Item::Logs, 1_000), 0.000_25);
    near(bill.standby(), 0.0);
}

#[test]
fn a_picture_of_so_many_bytes_has_a_size() {
    let check = |bytes: f64, expected: (u32, u32)| {
        let limits = Limits::default();
        assert_eq!(assumed_pixels(bytes, &limits), expected, "{bytes}");
    };
    // 300,000 bytes are 1.2 million pixels: 4 and 3 times the root of 100,000.
    check(300_000.0, (1_264, 948));
    check(1.0, (4, 3));
    // No more than is decoded: 100 million pixels.
    check(1e12, (11_544, 8_658));
}

proptest! {
    #[test]
    fn more_and_larger_pictures_never_cost_less(
        (some, more) in (1..1_000_000_000_u64, 0..1_000_000_000_u64),
        (kb, larger) in (0.1..50_000.0, 0.0..50_000.0),
        flagged in 0.0..1.0,
        max_edge in 200..8_000_u32,
        (family, tasks) in (0..2_usize, 0..5_u32),
    ) {
        let (rates, prices) = (Rates::embedded(), Prices::embedded());
        let limits = Limits { max_edge, ..Limits::default() };
        let basis = Basis { rates: &rates, prices: &prices, limits: &limits };
        let model = ["us.anthropic.claude-haiku-5-5", "us.anthropic.claude-haiku-4-5"][family];
        let of = |images: u64, kb: f64| {
            let work = Workload {
                images,
                pixels: assumed_pixels(kb * 1_000.0, &limits),
                flagged,
                model: model.to_owned(),
                tasks: Tasks { count: tasks, ..work().tasks },
                ..work()
            };
            [service(&work, basis), workflow(&work, basis)]
                .map(|bill| (bill.sum(images), bill.sum(images) + bill.standby()))
        };
        let (less, most) = (of(some, kb), of(some + more, kb + larger));
        for (less, more) in less.into_iter().zip(most) {
            prop_assert!(less.0 > 0.0 && less.0.is_finite() && more.1.is_finite());
            prop_assert!(more.0 >= less.0 * (1.0 - 1e-12), "{less:?} {more:?}");
            prop_assert!(more.1 >= less.1 * (1.0 - 1e-9), "{less:?} {more:?}");
        }
    }
}
