//! What the service says of itself, in Korean.

use super::Korean;
use crate::alert::Stopped;
use crate::alert::phrases::{ServiceKind, Services};
use crate::alert::shown::number;

impl Services for Korean {
    fn service_title(&self, kind: ServiceKind) -> &'static str {
        match kind {
            ServiceKind::Paused(Stopped::Uploads) => "s3-warden 업로드 검사 중단",
            ServiceKind::Paused(Stopped::Events) => "s3-warden 보안 이벤트 처리 중단",
            ServiceKind::Paused(Stopped::Both) => "s3-warden 업로드 검사 및 보안 이벤트 처리 중단",
            ServiceKind::BreakerOpen => "s3-warden 파일 제거 중단",
            ServiceKind::BudgetSpent => "일일 예산 소진으로 업로드 검사 대기",
            ServiceKind::Recovered => "s3-warden 알림 발송 재개",
        }
    }

    fn paused(&self, stopped: Stopped, why: &str) -> String {
        let what = match stopped {
            Stopped::Uploads => "업로드 검사를 중단했습니다",
            Stopped::Events => "보안 이벤트 처리를 중단했습니다",
            Stopped::Both => "업로드 검사와 보안 이벤트 처리를 모두 중단했습니다",
        };
        format!("s3-warden이 {what}. 상세(영문): {why}.")
    }

    fn breaker_open(&self, limit_per_minute: u32) -> String {
        format!(
            "s3-warden이 파일 제거를 중단했습니다. 1분 동안 제거하려던 개인정보 파일이 \
             limits.deletions_per_minute에 설정된 {}개를 넘었습니다. 지금부터 발견되는 파일은 \
             그대로 두고 제거를 보류합니다.",
            number(u64::from(limit_per_minute))
        )
    }

    fn budget_spent(&self, budget: Option<&str>, until: &str, events_flow: bool) -> String {
        let events = if events_flow {
            "보안 이벤트는 규칙만으로 판정하여 계속 알립니다."
        } else {
            "같은 큐로 들어오는 보안 이벤트도 함께 대기합니다. 전용 큐(queue.events_url)를 설정하면 \
             보안 이벤트는 대기하지 않습니다."
        };
        let budget = budget.map(|budget| format!("({budget})"));
        format!(
            "오늘의 모델 사용 예산{}을 모두 소진했습니다. 업로드된 파일은 큐에서 \
             대기하며 {until}부터 검사합니다. {events}",
            budget.unwrap_or_default()
        )
    }

    fn recovered(&self, lasted: &str, failures: u32) -> String {
        format!(
            "{lasted} 동안 알림을 발송하지 못했으나(발송 실패 {}회) 이제 다시 발송할 수 있습니다. \
             밀린 알림이 이어서 발송됩니다.",
            number(u64::from(failures))
        )
    }

    fn service_step(&self, kind: ServiceKind) -> &'static str {
        match kind {
            ServiceKind::Paused(Stopped::Uploads) => {
                "원인을 해결하십시오. 그동안 업로드된 파일은 큐에서 대기하며, 해결되면 s3-warden이 \
                 자동으로 재개하여 검사합니다."
            }
            ServiceKind::Paused(Stopped::Events) => {
                "원인을 해결하십시오. 그동안 보안 이벤트는 큐에서 대기하며, 해결되면 s3-warden이 \
                 자동으로 재개하여 알립니다. 업로드 검사에는 영향이 없습니다."
            }
            ServiceKind::Paused(Stopped::Both) => {
                "원인을 해결하십시오. 그동안 업로드된 파일과 보안 이벤트는 큐에서 대기하며, 해결되면 \
                 s3-warden이 자동으로 재개하여 처리합니다."
            }
            ServiceKind::BreakerOpen => {
                "이러한 파일이 대량으로 업로드되는 것이 정상적인 상황인지 지금 확인하십시오. 정상이라면 \
                 `s3-warden breaker reset --apply-held`를 실행하십시오. 보류된 파일이 제거되고, 이후 \
                 발견되는 파일도 다시 제거됩니다. --apply-held 없이 실행하면 보류된 파일은 그대로 \
                 남습니다. 아니라면 먼저 업로드를 중단시키십시오. 보류된 파일은 `s3-warden breaker \
                 status`로 확인할 수 있습니다."
            }
            ServiceKind::BudgetSpent => {
                "그때까지 기다릴 수 없다면 model.usd_per_day 설정값을 늘리십시오. 그 외에 조치할 \
                 사항은 없습니다."
            }
            ServiceKind::Recovered => {
                "이어서 도착하는 알림에는 발송하지 못한 동안 일어난 일이 담겨 있을 수 있으므로, 각 \
                 알림에 적힌 시각을 확인하십시오."
            }
        }
    }
}
