//! Security events in Korean.

use super::Korean;
use crate::alert::phrases::Activities;
use crate::alert::shown::number;
use crate::verdict::threat::Unassessed;

impl Activities for Korean {
    fn activity_title(
        &self,
        title: &str,
        rules: usize,
        count: u64,
        bucket: Option<&str>,
    ) -> String {
        let counted = match (count, rules) {
            (1, _) => title.to_owned(),
            (_, 0 | 1) => format!("{title} ({}건)", number(count)),
            (_, _) => format!("{title} 외 {}건", number(count.saturating_sub(1))),
        };
        match bucket {
            Some(bucket) => format!("{bucket} 버킷: {counted}"),
            None => counted,
        }
    }

    fn activity(&self, title: &str) -> String {
        // A rule's title is a noun or a whole sentence, which ends formally; nouns may end in 다.
        if title.ends_with("니다") {
            format!("{title}.")
        } else {
            format!("보안 이벤트가 탐지되었습니다: {title}.")
        }
    }

    fn activities(&self, title: &str, rules: usize, count: u64) -> String {
        let count = number(count);
        if rules > 1 {
            format!(
                "짧은 시간에 보안 이벤트 {count}건이 발생했습니다. 가장 위험한 이벤트: {title}."
            )
        } else {
            format!("짧은 시간에 같은 보안 이벤트가 {count}건 발생했습니다: {title}.")
        }
    }

    fn result(&self, error: Option<&str>) -> String {
        match error {
            Some(code) => format!("실패 ({code})"),
            None => "성공".to_owned(),
        }
    }

    fn rules_only(&self, why: Option<Unassessed>) -> &'static str {
        match why {
            None | Some(Unassessed::NotAsked) => "규칙만 적용: 모델에 묻지 않음",
            Some(Unassessed::Unavailable) => "규칙만 적용: 모델이 응답하지 않음",
            Some(Unassessed::Spent) => "규칙만 적용: 오늘의 모델 예산을 모두 사용함",
            Some(Unassessed::Unusable) => {
                "규칙만 적용: 설정이나 권한을 바로잡기 전까지 모델을 사용할 수 없음"
            }
            Some(Unassessed::Refused) => "규칙만 적용: 모델이 응답을 거부함",
            Some(Unassessed::Malformed) => "규칙만 적용: 모델이 유효한 응답을 반환하지 않음",
        }
    }

    fn more_activities(&self, count: u64) -> String {
        format!("그 외 {}건", number(count))
    }

    fn left_alone(&self) -> &'static str {
        "아무것도 변경하지 않았습니다. s3-warden은 보안 이벤트를 알리기만 하고 직접 조치하지 \
         않습니다. 되돌릴 것은 없습니다."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_a_noun_or_a_sentence() {
        let check = |title, told: &str| assert_eq!(Korean.activity(title), told);
        check("버킷 정책이 변경되었습니다", "버킷 정책이 변경되었습니다.");
        check("새 람다", "보안 이벤트가 탐지되었습니다: 새 람다.");
    }
}
