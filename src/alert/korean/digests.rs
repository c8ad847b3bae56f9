//! Digests in Korean.

use super::Korean;
use crate::action::Outcome;
use crate::alert::phrases::{Digests, Looked, Names, Sums};
use crate::alert::shown::number;

impl Digests for Korean {
    fn digest_title(&self, sums: &Sums) -> String {
        let mut parts = Vec::new();
        if sums.checked > 0 || sums.activities == 0 {
            parts.push(format!("{} 검사", self.files(sums.checked)));
            parts.push(format!("개인정보 파일 {}개", number(sums.flagged)));
        }
        if sums.activities > 0 {
            parts.push(format!("보안 이벤트 {}건", number(sums.activities)));
        }
        format!("s3-warden 요약 보고: {}", parts.join(", "))
    }

    fn digest(&self, sums: &Sums, lasted: &str) -> String {
        let files = number(sums.checked);
        let checked = match (sums.checked, sums.flagged) {
            (0, _) => "검사한 파일은 없습니다.".to_owned(),
            (_, 0) => format!("파일 {files}개를 검사했으며, 개인정보는 발견되지 않았습니다."),
            (_, flagged) => format!(
                "파일 {files}개를 검사했으며, 그중 {}개에서 개인정보를 발견했습니다.",
                number(flagged)
            ),
        };
        let events = match sums.activities {
            0 => String::new(),
            count => format!(" 보안 이벤트는 {}건 있었습니다.", number(count)),
        };
        format!("최근 {lasted} 동안의 요약입니다. {checked}{events}")
    }

    fn digest_step(&self, sums: &Sums) -> String {
        let grave = [(sums.critical, "심각(CRITICAL)"), (sums.high, "높음(HIGH)")];
        let grave: Vec<_> = grave
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, level)| format!("{level} {}건", number(count)))
            .collect();
        let grave = (!grave.is_empty()).then(|| {
            format!(
                "위험도가 높은 탐지가 있습니다({}). 담당자가 처리했는지 확인하십시오.",
                grave.join(", ")
            )
        });
        if sums.nothing_open() {
            let calm = sums.flagged == 0 && sums.activities == 0;
            return match grave {
                Some(grave) => grave,
                None if calm => "조치할 사항은 없습니다.".to_owned(),
                None => {
                    "긴급한 건은 발생 즉시 알렸으며, 그 외에 조치할 사항은 없습니다.".to_owned()
                }
            };
        }
        let open = [
            (sums.blocked, "제거하지 못한 파일"),
            (sums.held, "제거가 보류된 파일"),
            (sums.observed, "관찰 모드(observe)로 남겨 둔 파일"),
            (sums.unsure, "검사하지 못한 파일"),
        ];
        let mut parts: Vec<_> = open
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{what} {}개", number(count)))
            .collect();
        if sums.left.count > 0 {
            let most = if sums.left.or_fewer { "최대 " } else { "" };
            let left = number(sums.left.count);
            parts.push(format!("개인정보가 있지만 그대로 둔 파일 {most}{left}개"));
        }
        let open = format!("직접 확인이 필요한 항목이 있습니다: {}.", parts.join(", "));
        match grave {
            Some(grave) => format!("{grave} {open}"),
            None => open,
        }
    }

    fn looked(&self, verdict: Looked) -> &'static str {
        match verdict {
            Looked::Flagged => "개인정보 포함",
            Looked::Undecided => "판정하지 못함",
            Looked::Unreadable => "읽지 못함",
            Looked::Clean => "이상 없음",
        }
    }

    fn ended(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Deleted => "삭제",
            Outcome::Quarantined => "격리",
            Outcome::AlreadyGone => "이미 없음",
            Outcome::Superseded => "다른 파일로 교체됨",
            Outcome::Blocked { .. } => "제거 실패",
            Outcome::Held => "제거 보류",
            Outcome::Observed => "관찰만 함(observe)",
            Outcome::Tagged => "태그 지정 후 유지",
            Outcome::TagFailed => "유지(태그 지정 실패)",
            Outcome::Kept => "유지",
        }
    }

    fn another(&self, code: &str) -> String {
        format!("기타({code})")
    }

    fn the_rest(&self) -> &'static str {
        "그 외"
    }
}
