//! Money: over days, restarts and tasks.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_budget_ends_calls_until_the_next_day() {
    let till = Till::new();
    let budget = till.task(1, 3.0);
    assert_eq!(budget.spent_ratio(), None, "nobody was asked yet");
    Till::open(&budget, async {
        assert!(budget.spent_ratio().unwrap().abs() < 1e-9);
        for _ in 0..3 {
            assert!((ask(&budget).await.unwrap() - 1.1).abs() < 1e-9);
        }
        assert!(
            (budget.spent_ratio().unwrap() - 1.1).abs() < 1e-9,
            "what was passed shows"
        );
        let until = refused(&budget).await;
        assert_eq!(until.as_secs(), 12 * 3600 + 1);
        refused(&budget).await;
        assert_eq!(till.meter.said("spent 3.30 3.00"), 1, "it is said once");
        assert_eq!(till.meter.said("started"), 3);
        tokio::time::sleep(until).await;
        assert!(budget.spent_ratio().unwrap().abs() < 1e-9, "of another day");
        ask(&budget).await.unwrap();
    })
    .await;
    let said = till.account.said.lock().unwrap();
    let days: Vec<_> = said
        .iter()
        .map(|((day, _), usd)| (day.day(), *usd))
        .collect();
    assert_eq!(days.len(), 2);
    assert!(
        (days[0].1 - 3.3).abs() < 1e-9 && (days[1].1 - 1.1).abs() < 1e-9,
        "{days:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_day_that_refuses_calls_is_spent_whatever_is_left_of_it() {
    let till = Till::new();
    let large = request(MODEL);
    let mut small = large.clone();
    small.max_tokens = 1;
    let prices = Prices::embedded();
    let most = prices.reservation_usd(&large);
    assert!(prices.reservation_usd(&small) < most / 2.0);
    // A call costs 1.1 dollars: what is left is half of the most that the next may cost.
    let budget = till.task(1, 1.1 + most / 2.0);
    Till::open(&budget, async {
        ask(&budget).await.unwrap();
        assert!(budget.spent_ratio().unwrap() < 1.0);
        let until = refused(&budget).await;
        assert!((budget.spent_ratio().unwrap() - 1.0).abs() < 1e-9);
        budget.converse(&small).await.unwrap();
        assert!(
            budget.spent_ratio().unwrap() >= 1.0,
            "who was refused still waits"
        );
        tokio::time::sleep(until).await;
        assert!(budget.spent_ratio().unwrap().abs() < 1e-9, "of another day");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_and_another_task_know_what_was_spent() {
    let till = Till::new();
    let first = till.task(1, 3.0);
    Till::open(&first, async {
        ask(&first).await.unwrap();
        ask(&first).await.unwrap();
    })
    .await;
    let second = till.task(2, 3.0);
    Till::open(&second, async {
        ask(&second).await.unwrap();
        refused(&second).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn tasks_side_by_side_hear_of_each_other() {
    let till = Till::new();
    let (one, other) = (till.task(1, 3.0), till.task(2, 3.0));
    let work = Till::open(&other, async {
        ask(&one).await.unwrap();
        ask(&one).await.unwrap();
        ask(&other).await.unwrap();
        tokio::time::sleep(SECOND * 31).await;
        assert!(
            (one.spent_ratio().unwrap() - 1.1).abs() < 1e-9,
            "of all tasks"
        );
        refused(&one).await;
        refused(&other).await;
    });
    Till::open(&one, work).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_spent_before_midnight_is_reported_after_it() {
    let till = Till::new();
    let budget = till.task(1, 9.0);
    Till::open(&budget, async {
        tokio::time::sleep(HOUR * 12 - SECOND).await;
        ask(&budget).await.unwrap();
        tokio::time::sleep(SECOND * 60).await;
    })
    .await;
    let said = till.account.said.lock().unwrap();
    let usd: Vec<_> = said.values().copied().collect();
    assert!((usd[0] - 1.1).abs() < 1e-9, "{usd:?}");
    assert_eq!(usd[1], 0.0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_called_while_the_account_cannot_be_read() {
    let till = Till::new();
    *till.account.down.lock().unwrap() = true;
    let budget = till.task(1, 3.0);
    Till::open(&budget, async {
        let error = ask(&budget).await.unwrap_err();
        assert_eq!(error.code(), "model_unavailable");
        assert!(error.to_string().contains("model.usd_per_day"), "{error}");
        *till.account.down.lock().unwrap() = false;
        tokio::time::sleep(SECOND * 15).await;
        ask(&budget).await.unwrap();
        // A passing fault stops nothing; one that lasts does.
        *till.account.down.lock().unwrap() = true;
        tokio::time::sleep(SECOND * 240).await;
        ask(&budget).await.unwrap();
        tokio::time::sleep(SECOND * 120).await;
        assert_eq!(ask(&budget).await.unwrap_err().code(), "model_unavailable");
    })
    .await;
    assert_eq!(till.meter.said("started"), 2);
}

#[tokio::test(start_paused = true)]
async fn the_first_call_waits_for_the_first_report() {
    let till = Till::new();
    let budget = till.task(1, 3.0);
    assert!(tokio::time::timeout(HOUR, ask(&budget)).await.is_err());
    Till::open(&budget, ask(&budget)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_under_way_are_set_aside_and_an_abandoned_one_is_booked() {
    let till = Till::new();
    let prices = Arc::new(Prices::embedded());
    let slow = Fake::answering(HOUR, |_| Ok(reply(Stop::EndTurn, Vec::new(), 0, 0)));
    let most = prices.reservation_usd(&request(MODEL));
    let account = Arc::clone(&till.account);
    let budget = Budget::new(
        slow,
        most * 2.5,
        Arc::new(Teller { account, task: 1 }),
        prices,
        Arc::new(NoMeter),
        Arc::new(till.clock),
    );
    Till::open(&budget, async {
        let both = async { futures::join!(ask(&budget), ask(&budget)) };
        let third = async {
            tokio::time::sleep(SECOND).await;
            refused(&budget).await;
        };
        let work = async { futures::join!(both, third) };
        assert!(tokio::time::timeout(SECOND * 2, work).await.is_err());
        refused(&budget).await;
    })
    .await;
    let booked: f64 = till.account.said.lock().unwrap().values().sum();
    assert!((booked - most * 2.0).abs() < 1e-12, "{booked} of {most}");
}
