//! What happened to objects, in Korean.

use super::Korean;
use super::words::format_name;
use crate::action::Outcome;
use crate::alert::OutcomeCount;
use crate::alert::phrases::{Digests, UploadKind, Uploads};
use crate::alert::shown::number;
use crate::object::{Format, Why};
use crate::verdict::{UndecidedReason, UnreadableReason};

const BREAKER: &str =
    "짧은 시간에 비정상적으로 많은 파일이 제거 대상이 되어 s3-warden이 제거를 중단한 상태입니다.";

impl Uploads for Korean {
    fn upload_title(
        &self,
        kind: UploadKind,
        outcomes: &[OutcomeCount],
        count: u64,
        bucket: &str,
    ) -> String {
        let many = count > 1;
        let number = number(count);
        let title = match kind {
            UploadKind::Flagged => flagged_title(outcomes, &number, many),
            UploadKind::Blocked if many => format!("개인정보 파일 {number}개 제거 실패"),
            UploadKind::Blocked => "개인정보 파일 제거 실패".to_owned(),
            UploadKind::Held if many => format!("개인정보 파일 {number}개 제거 보류"),
            UploadKind::Held => "개인정보 파일 제거 보류".to_owned(),
            UploadKind::Undecided if many => format!("이미지 {number}개 직접 확인 필요"),
            UploadKind::Undecided => "이미지 직접 확인 필요".to_owned(),
            UploadKind::Unreadable if many => format!("파일 {number}개 검사 실패"),
            UploadKind::Unreadable => "파일 검사 실패".to_owned(),
            UploadKind::Clean if many => format!("파일 {number}개 검사 완료, 개인정보 없음"),
            UploadKind::Clean => "파일 검사 완료, 개인정보 없음".to_owned(),
        };
        format!("{bucket} 버킷: {title}")
    }

    fn flagged(&self, outcome: Outcome) -> String {
        let told = match outcome {
            Outcome::Deleted => "개인정보가 포함된 파일이 업로드되어 삭제했습니다.",
            Outcome::Quarantined => "개인정보가 포함된 파일이 업로드되어 격리했습니다.",
            Outcome::Observed => {
                "개인정보가 포함된 파일이 업로드되었습니다. s3-warden이 관찰 모드(observe)로 \
                 설정되어 있어 파일은 그대로 남아 있습니다."
            }
            Outcome::Tagged | Outcome::TagFailed | Outcome::Kept => {
                "개인정보가 포함된 파일이 업로드되었으며, 제거하지 않고 그대로 두었습니다."
            }
            Outcome::AlreadyGone => {
                "개인정보가 포함된 파일이 업로드되었으나, 제거하려고 했을 때는 이미 없는 \
                 상태였습니다."
            }
            Outcome::Superseded => {
                "개인정보가 포함된 파일이 업로드되었으나, 제거하기 전에 다른 파일로 \
                 교체되었습니다."
            }
            Outcome::Blocked { .. } => {
                "개인정보가 포함된 파일이 업로드되었으나, 제거하지 못해 그대로 남아 있습니다."
            }
            Outcome::Held => {
                return format!(
                    "개인정보가 포함된 파일이 업로드되었고 아직 그대로 남아 있습니다. {BREAKER}"
                );
            }
        };
        told.to_owned()
    }

    fn undecided(&self, reason: UndecidedReason) -> String {
        let why = match reason {
            UndecidedReason::InstructionsInContent => {
                "이미지 안에 자동 검사를 겨냥한 지시문이 들어 있으며, 검사를 우회하려는 시도일 \
                 수 있습니다."
            }
            UndecidedReason::Contradiction => "자동 검사 결과가 서로 모순됩니다.",
            UndecidedReason::NothingFound => {
                "로컬 검사에서는 아무것도 발견되지 않았지만, 로컬 검사만으로는 모든 개인정보를 \
                 찾을 수 없으므로 이상 없음으로 판정하지 않도록 설정되어 있습니다."
            }
            UndecidedReason::Refused => "자동 검사 모델이 판정을 거부했습니다.",
            UndecidedReason::Malformed => "자동 검사 모델이 유효한 응답을 반환하지 않았습니다.",
            UndecidedReason::Truncated => {
                "자동 검사 모델의 응답이 설정된 최대 길이를 넘어 잘렸습니다."
            }
            UndecidedReason::Rejected => "자동 검사에서 처리할 수 없는 이미지입니다.",
        };
        format!("업로드된 이미지에 개인정보가 있는지 판정하지 못했습니다. {why}")
    }

    fn unreadable(&self, reason: UnreadableReason) -> String {
        let why = match reason {
            UnreadableReason::Unsupported(Format::Unknown) => {
                "파일 형식을 알 수 없습니다.".to_owned()
            }
            UnreadableReason::Unsupported(format) => {
                format!(
                    "s3-warden이 지원하지 않는 형식({})입니다.",
                    format_name(format)
                )
            }
            UnreadableReason::Damaged => "파일이 손상되었거나 일부가 누락되었습니다.".to_owned(),
            UnreadableReason::Empty => "내용이 없는 빈 파일입니다.".to_owned(),
            UnreadableReason::TooLarge => "설정된 최대 크기보다 큰 파일입니다.".to_owned(),
            UnreadableReason::TooManyPixels => {
                "설정된 최대 픽셀 수를 넘는 이미지입니다.".to_owned()
            }
            UnreadableReason::Denied(why) => why_not_read(why).to_owned(),
        };
        format!("업로드된 파일을 검사하지 못했습니다. {why}")
    }

    fn clean(&self) -> String {
        "업로드된 파일을 검사했으며, 개인정보는 발견되지 않았습니다.".to_owned()
    }

    fn many(&self, kind: UploadKind, outcomes: &[OutcomeCount], count: u64) -> String {
        let n = number(count);
        let start = match kind {
            UploadKind::Flagged => {
                format!("개인정보가 포함된 파일 {n}개가 업로드되었습니다.")
            }
            UploadKind::Blocked => {
                return format!(
                    "개인정보가 포함된 파일 {n}개가 업로드되었으나, 제거하지 못해 그대로 남아 \
                     있습니다."
                );
            }
            UploadKind::Held => {
                return format!(
                    "개인정보가 포함된 파일 {n}개가 업로드되었고 아직 그대로 남아 있습니다. \
                     {BREAKER}"
                );
            }
            UploadKind::Undecided => {
                format!("개인정보가 있는지 판정하지 못한 이미지 {n}개가 업로드되었습니다.")
            }
            UploadKind::Unreadable => format!("검사하지 못한 파일 {n}개가 업로드되었습니다."),
            UploadKind::Clean => {
                return format!(
                    "업로드된 파일 {n}개를 검사했으며, 개인정보는 발견되지 않았습니다."
                );
            }
        };
        if let [only] = outcomes {
            return format!("{start} {}", all(only.outcome));
        }
        let parts: Vec<_> = outcomes
            .iter()
            .map(|part| format!("{} {}개", self.ended(part.outcome), number(part.count)))
            .collect();
        format!("{start} 처리 결과는 {}입니다.", parts.join(", "))
    }
}

fn flagged_title(outcomes: &[OutcomeCount], number: &str, many: bool) -> String {
    let removed =
        |part: &OutcomeCount| matches!(part.outcome, Outcome::Deleted | Outcome::Quarantined);
    let files = if many {
        format!("개인정보 파일 {number}개")
    } else {
        "개인정보 파일".to_owned()
    };
    if !outcomes.is_empty() && outcomes.iter().all(removed) {
        return format!("{files} 제거");
    }
    match outcomes {
        [only] => match only.outcome {
            Outcome::AlreadyGone => format!("{files} 제거 전 이미 삭제됨"),
            Outcome::Superseded => format!("{files} 제거 전 다른 파일로 교체됨"),
            _ => format!("{files} 발견, 제거하지 않음"),
        },
        _ => format!("{files} 발견"),
    }
}

/// What became of all of several files, as a sentence.
const fn all(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Deleted => "모두 삭제했습니다.",
        Outcome::Quarantined => "모두 격리했습니다.",
        Outcome::AlreadyGone => "제거하려고 했을 때는 모두 이미 없는 상태였습니다.",
        Outcome::Superseded => "제거하기 전에 모두 다른 파일로 교체되었습니다.",
        Outcome::Blocked { .. } => "하나도 제거하지 못했습니다.",
        Outcome::Held => "모두 제거를 보류했습니다.",
        Outcome::Observed => "관찰 모드(observe)이므로 모두 그대로 남아 있습니다.",
        Outcome::Tagged => "모두 태그를 지정하고 그대로 두었습니다.",
        Outcome::TagFailed => "모두 그대로 두었으며, 태그는 지정하지 못했습니다.",
        Outcome::Kept => "모두 그대로 두었습니다.",
    }
}

const fn why_not_read(why: Why) -> &'static str {
    match why {
        Why::AccessDenied => "s3-warden에 이 파일을 읽을 권한이 없습니다.",
        Why::RequesterPays => {
            "요청자 지불(Requester Pays) 버킷이지만 s3-warden에는 비용 지불이 허용되어 있지 \
             않습니다."
        }
        Why::OtherOwner => "버킷을 소유한 계정이 설정에 지정된 계정과 다릅니다.",
        Why::KeyDenied => "s3-warden이 이 파일의 암호화 키를 사용할 수 없습니다.",
        Why::Archived => "아카이브된 파일이므로 먼저 복원해야 읽을 수 있습니다.",
        Why::NotAFile => "버킷 안의 일반 파일이 아닙니다.",
        Why::Locked | Why::MfaRequired | Why::TooBigToCopy | Why::CopyDiffers => {
            "저장소가 s3-warden의 읽기를 허용하지 않습니다."
        }
    }
}
