//! Extending and acknowledging, ten entries a call.
//!
//! HTTP 200 says nothing about the entries: each one's own answer is read. What failed by the
//! queue's fault is asked for again, briefly; failed calls are not, since the SDK has repeated them
//! already.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry as Change,
    DeleteMessageBatchRequestEntry as Delete,
};
use futures::StreamExt;

use super::{LONGEST_VISIBILITY, SqsQueue, short, whole_seconds};
use crate::aws::fault::{Fault, Told};
use crate::event::{EntryError, Receipt};
use crate::retry::Backoff;

/// The largest batch (API reference, `DeleteMessageBatch`).
const BATCH: usize = 10;

/// Calls under way at once for one list: a thousand leases then take a few round trips, and no
/// burst that SQS would throttle.
const CALLS: usize = 8;

/// Tries of one entry. With the waits below an entry is answered within a second or two, well
/// inside the half of a lease that is left when it is extended.
const TRIES: u32 = 3;

const BETWEEN: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));

type Answers = Vec<Result<(), EntryError>>;

/// One entry of a list.
#[derive(Clone, Debug)]
struct Entry {
    receipt: String,
    act: Act,
}

/// What is to be done; the same for all entries of a list.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Sets what is left of the lease, in seconds.
    Extend(i32),
    /// Removes the message.
    Delete,
}

/// What one call answered: the entries done, and those that failed, by their places.
struct Answered {
    done: Vec<String>,
    failed: Vec<BatchResultErrorEntry>,
}

impl SqsQueue {
    pub(super) async fn extend_all(&self, entries: &[(Receipt, Duration)]) -> Answers {
        let entries = entries.iter().map(|(receipt, left)| Entry {
            receipt: receipt.0.clone(),
            act: Act::Extend(whole_seconds(*left, LONGEST_VISIBILITY)),
        });
        self.in_batches(entries.collect()).await
    }

    pub(super) async fn ack_all(&self, receipts: &[Receipt]) -> Answers {
        let entries = receipts.iter().map(|receipt| Entry {
            receipt: receipt.0.clone(),
            act: Act::Delete,
        });
        self.in_batches(entries.collect()).await
    }

    /// All entries, in calls of ten, with their answers in order.
    async fn in_batches(&self, entries: Vec<Entry>) -> Answers {
        let batches: Vec<Vec<Entry>> = entries.chunks(BATCH).map(<[_]>::to_vec).collect();
        let answers = futures::stream::iter(batches).map(|batch| self.one_batch(batch));
        answers.buffered(CALLS).concat().await
    }

    async fn one_batch(&self, entries: Vec<Entry>) -> Answers {
        let unanswered = || Err(EntryError::Failed("no answer about this entry".to_owned()));
        let mut answers: Answers = entries.iter().map(|_| unanswered()).collect();
        let mut open: Vec<(usize, Entry)> = entries.into_iter().enumerate().collect();
        for attempt in 0..TRIES {
            let answered = match self.call(&open).await {
                Ok(answered) => answered,
                Err(fault) => {
                    for (place, _) in open {
                        set(
                            &mut answers,
                            place,
                            Err(EntryError::Failed(fault.sentence())),
                        );
                    }
                    break;
                }
            };
            let failed: HashMap<&str, &BatchResultErrorEntry> = answered
                .failed
                .iter()
                .map(|entry| (entry.id.as_str(), entry))
                .collect();
            let mut again = Vec::new();
            for (place, entry) in open {
                let id = place.to_string();
                if let Some(failed) = failed.get(id.as_str()) {
                    set(&mut answers, place, Err(sorted(failed)));
                    if !failed.sender_fault {
                        again.push((place, entry));
                    }
                } else if answered.done.contains(&id) {
                    set(&mut answers, place, Ok(()));
                } else {
                    again.push((place, entry));
                }
            }
            open = again;
            if open.is_empty() {
                break;
            }
            if attempt + 1 < TRIES {
                tokio::time::sleep(BETWEEN.wait(attempt, self.jitter.unit())).await;
            }
        }
        answers
    }

    /// One call about at most ten entries of one act.
    async fn call(&self, entries: &[(usize, Entry)]) -> Result<Answered, Fault> {
        let mut changes = Vec::new();
        let mut deletes = Vec::new();
        for (place, entry) in entries {
            match entry.act {
                Act::Extend(left) => changes.push(
                    Change::builder()
                        .id(place.to_string())
                        .receipt_handle(&entry.receipt)
                        .visibility_timeout(left)
                        .build()
                        .expect("an entry has an id and a handle"),
                ),
                Act::Delete => deletes.push(
                    Delete::builder()
                        .id(place.to_string())
                        .receipt_handle(&entry.receipt)
                        .build()
                        .expect("an entry has an id and a handle"),
                ),
            }
        }
        if deletes.is_empty() {
            self.change(changes).await
        } else {
            self.delete(deletes).await
        }
    }

    async fn change(&self, entries: Vec<Change>) -> Result<Answered, Fault> {
        let answer = self
            .client
            .change_message_visibility_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .customize()
            .config_override(short())
            .send()
            .await
            .map_err(|error| Fault::of("sqs:ChangeMessageVisibility", &error, Told::Code))?;
        Ok(Answered {
            done: answer
                .successful
                .into_iter()
                .map(|entry| entry.id)
                .collect(),
            failed: answer.failed,
        })
    }

    async fn delete(&self, entries: Vec<Delete>) -> Result<Answered, Fault> {
        let answer = self
            .client
            .delete_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .customize()
            .config_override(short())
            .send()
            .await
            .map_err(|error| Fault::of("sqs:DeleteMessage", &error, Told::Code))?;
        Ok(Answered {
            done: answer
                .successful
                .into_iter()
                .map(|entry| entry.id)
                .collect(),
            failed: answer.failed,
        })
    }
}

fn set(answers: &mut Answers, place: usize, answer: Result<(), EntryError>) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = answer;
    }
}

/// Whether the lease is over, or something else is wrong. Only the code is told.
fn sorted(failed: &BatchResultErrorEntry) -> EntryError {
    let code = failed.code.as_str();
    let message = failed.message.as_deref().unwrap_or_default();
    // An expired handle is an invalid value of this parameter; a lease that is too long in all is
    // an invalid value of another one.
    let expired = code == "InvalidParameterValue"
        && (message.contains("ReceiptHandle") || message.contains("receipt handle"));
    if expired || code.ends_with("ReceiptHandleIsInvalid") || code.ends_with("MessageNotInflight") {
        EntryError::Gone
    } else {
        EntryError::Failed(code.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::scripted::{Answer, Scripted};
    use crate::aws::sqs::open::tests::queue;
    use crate::event::Queue;

    fn done(ids: impl IntoIterator<Item = usize>) -> Value {
        ids.into_iter()
            .map(|id| json!({"Id": id.to_string()}))
            .collect()
    }

    fn failed(id: usize, code: &str, ours: bool, message: &str) -> Value {
        json!({"Id": id.to_string(), "Code": code, "SenderFault": ours, "Message": message})
    }

    fn answer(done: Value, failed: Vec<Value>) -> Answer {
        Answer::new(
            200,
            json!({"Successful": done, "Failed": failed}).to_string(),
        )
    }

    fn receipts(count: usize) -> Vec<Receipt> {
        (0..count)
            .map(|number| Receipt(format!("r{number}")))
            .collect()
    }

    fn ids(asked: &Value) -> Vec<&str> {
        let entries = asked["Entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["Id"].as_str().unwrap())
            .collect()
    }

    #[tokio::test]
    async fn only_what_failed_by_the_queue_is_asked_for_again() {
        let service = Scripted::start([
            answer(
                done([0]),
                vec![
                    failed(1, "InternalError", false, "try again"),
                    failed(2, "ReceiptHandleIsInvalid", true, "bad handle"),
                ],
            ),
            // Nothing at all about the entry is no success either.
            answer(done([]), vec![]),
            answer(done([1, 3]), vec![]),
        ])
        .await;
        let queue = queue(&service).await;
        let answers = queue.ack(&receipts(4)).await;
        assert_eq!(answers, [Ok(()), Ok(()), Err(EntryError::Gone), Ok(())]);
        let asked: Vec<Value> = service.asked().iter().map(|asked| asked.json()).collect();
        assert_eq!(asked.len(), 3);
        assert_eq!(ids(&asked[1]), ["1", "3"]);
        assert_eq!(ids(&asked[2]), ["1", "3"]);
    }

    #[tokio::test]
    async fn an_entry_that_goes_on_failing_is_told_with_its_code_only() {
        let failing = || {
            answer(
                done([]),
                vec![failed(0, "InternalError", false, "a secret")],
            )
        };
        let service = Scripted::start([failing(), failing(), failing()]).await;
        let answers = queue(&service).await.ack(&receipts(1)).await;
        assert_eq!(
            answers,
            [Err(EntryError::Failed("InternalError".to_owned()))]
        );
    }

    #[tokio::test]
    async fn a_call_that_fails_fails_all_its_entries() {
        let service = Scripted::start([Answer::new(503, "{}")]).await;
        let answers = queue(&service).await.ack(&receipts(2)).await;
        assert_eq!(answers.len(), 2);
        for answer in answers {
            assert!(matches!(answer, Err(EntryError::Failed(why)) if why.contains("503")));
        }
    }

    #[tokio::test]
    async fn long_lists_go_in_tens() {
        let service = Scripted::start((0..3).map(|_| answer(done(0..10), vec![]))).await;
        let queue = queue(&service).await;
        let entries: Vec<_> = receipts(25)
            .into_iter()
            .map(|receipt| (receipt, Duration::from_millis(2_500)))
            .collect();
        let answers = queue.extend(&entries).await;
        assert_eq!(answers.len(), 25);
        assert!(answers.iter().all(Result::is_ok));
        let mut handles = Vec::new();
        let mut sizes = Vec::new();
        for asked in service.asked() {
            let asked = asked.json();
            let entries = asked["Entries"].as_array().unwrap();
            sizes.push(entries.len());
            for entry in entries {
                assert_eq!(entry["VisibilityTimeout"], 3, "rounded up");
                handles.push(entry["ReceiptHandle"].as_str().unwrap().to_owned());
            }
        }
        sizes.sort_unstable();
        assert_eq!(sizes, [5, 10, 10]);
        handles.sort();
        handles.dedup();
        assert_eq!(handles.len(), 25);
    }

    #[test]
    fn a_lease_is_over_by_any_of_its_names() {
        let check = |code: &str, message: &str, gone: bool| {
            let entry = BatchResultErrorEntry::builder()
                .id("0")
                .code(code)
                .message(message)
                .sender_fault(true)
                .build()
                .unwrap();
            assert_eq!(
                sorted(&entry) == EntryError::Gone,
                gone,
                "{code}: {message}"
            );
        };
        check("ReceiptHandleIsInvalid", "", true);
        check("MessageNotInflight", "", true);
        check("AWS.SimpleQueueService.MessageNotInflight", "", true);
        let expired = "Value r1 for parameter ReceiptHandle is invalid. Reason: The receipt handle \
                       has expired.";
        check("InvalidParameterValue", expired, true);
        let total = "Value 9 for parameter VisibilityTimeout is invalid. Reason: Total \
                     VisibilityTimeout for the message is beyond the limit [43200 seconds].";
        check("InvalidParameterValue", total, false);
        check("InternalError", "", false);
    }
}
