//! What to do now about objects, in Korean.

use super::Korean;
use crate::action::{Action, Outcome};
use crate::alert::phrases::{Files, Steps, UploadKind};
use crate::object::Why;
use crate::verdict::UnreadableReason;

impl Steps for Korean {
    fn next_step(
        &self,
        kind: UploadKind,
        outcome: Outcome,
        action: Option<Action>,
        secrets: bool,
        files: Files,
    ) -> String {
        let file = match files {
            Files::One => "파일",
            Files::Several => "해당 파일",
            Files::SomeOf => "남아 있는 파일",
        };
        let step = match (kind, outcome) {
            (UploadKind::Clean, _) => "조치할 사항은 없습니다.".to_owned(),
            (_, Outcome::Blocked { why }) => self.blocked_step(kind, why, action, files),
            (UploadKind::Flagged, Outcome::Deleted) => {
                "추가로 제거할 것은 없습니다. 업로드한 사람에게 알리고, 그동안 누가 버킷에 접근할 \
                 수 있었는지 확인하십시오."
                    .to_owned()
            }
            (_, Outcome::Quarantined | Outcome::Deleted) => {
                "격리된 파일을 확인한 뒤, 안전한 곳에 보관할지 완전히 삭제할지 결정하십시오."
                    .to_owned()
            }
            (_, Outcome::AlreadyGone | Outcome::Superseded) => {
                "조치할 사항은 없습니다. 같은 이름의 파일이 새로 올라와 있다면 자동으로 검사됩니다."
                    .to_owned()
            }
            (_, Outcome::Held) => format!(
                "이러한 파일이 대량으로 업로드되는 것이 정상적인 상황인지 지금 확인하십시오. 정상이라면 \
                 s3-warden 운영 담당자에게 `s3-warden breaker reset --apply-held` 실행을 요청하십시오. \
                 {file}이 제거되고, 이후 발견되는 파일도 다시 제거됩니다. 아니라면 업로드를 \
                 중단시키십시오."
            ),
            (_, Outcome::Observed | Outcome::Tagged | Outcome::TagFailed | Outcome::Kept) => {
                format!("{file}을 확인하고, 개인정보가 있어서는 안 되는 곳이라면 삭제하십시오.")
            }
        };
        secrets_first(secrets, &step)
    }

    fn variously_blocked(&self, kind: UploadKind, secrets: bool) -> String {
        let step = if kind.is_judged() {
            "해당 파일에 대한 읽기 권한을 지금 제한하십시오. 그 밖의 조치는 원인에 따라 다르므로 \
             원인별 안내를 따르십시오."
        } else {
            "해당 파일을 지금 직접 확인하십시오. 개인정보가 있어서는 안 되는 곳이라면 원인별 \
             안내를 따르십시오."
        };
        secrets_first(secrets, step)
    }

    fn blocked_step(
        &self,
        kind: UploadKind,
        why: Why,
        action: Option<Action>,
        files: Files,
    ) -> String {
        let file = match files {
            Files::One => "파일",
            Files::Several => "해당 파일",
            Files::SomeOf => "남아 있는 파일",
        };
        let judged = kind.is_judged();
        let remove = if judged {
            format!("{file}을 지금 직접 삭제하십시오.")
        } else {
            format!(
                "{file}을 지금 직접 확인하고, 개인정보가 있어서는 안 되는 곳이라면 삭제하십시오."
            )
        };
        let restrict = if judged {
            format!("{file}에 대한 읽기 권한을 지금 제한하고,")
        } else {
            format!(
                "{file}을 지금 직접 확인하십시오. 개인정보가 있어서는 안 되는 곳이라면 읽기 \
                 권한을 제한하고,"
            )
        };
        match why {
            Why::AccessDenied => format!("{remove} {}", rights(action, files)),
            Why::RequesterPays => format!(
                "{remove} s3-warden이 요청 비용을 지불해도 된다면 aws.request_payer 설정을 켜십시오."
            ),
            Why::OtherOwner => format!(
                "버킷을 소유한 계정이 어디인지, {file}이 우리 조직의 것인지 지금 확인하십시오. \
                 올바른 버킷이라면 aws.expected_bucket_owner 설정을 수정하십시오."
            ),
            Why::KeyDenied => format!(
                "{remove} s3-warden 역할에는 암호화 키 사용 권한(kms:Decrypt, \
                 kms:GenerateDataKey)을 부여하십시오."
            ),
            Why::Archived => format!("{remove} 삭제할 때는 복원이 필요하지 않습니다."),
            Why::Locked => format!(
                "{restrict} 보존 기간이나 법적 보존(legal hold)을 설정한 담당자에게 해제할 수 \
                 있는지 문의하십시오."
            ),
            Why::MfaRequired => format!(
                "{restrict} 버킷 소유자에게 MFA를 사용하여 삭제해 달라고 요청하십시오. 다른 \
                 사람은 삭제할 수 없습니다."
            ),
            Why::TooBigToCopy => format!("{restrict} 직접 옮기십시오."),
            Why::NotAFile => {
                format!("{file}을 직접 확인하고, 있어서는 안 되는 것이라면 삭제하십시오.")
            }
            Why::CopyDiffers => format!(
                "{file}을 지금 직접 확인하고, 남아 있으면 안 되는 것은 삭제하십시오. 같은 일이 \
                 반복되면 격리 버킷을 점검하십시오."
            ),
        }
    }

    fn unreadable_step(&self, reason: UnreadableReason) -> String {
        let then = match reason {
            UnreadableReason::Empty => {
                return "조치할 사항은 없습니다. 빈 파일에는 데이터가 없습니다. 내용이 있어야 \
                        하는 파일이라면 업로드한 사람에게 알리십시오."
                    .to_owned();
            }
            UnreadableReason::Unsupported(format) if format.is_picture() => {
                " 같은 형식의 파일이 계속 올라온다면 JPEG 또는 PNG로 올려 달라고 요청하십시오."
            }
            UnreadableReason::Unsupported(_) => "",
            UnreadableReason::Damaged => " 파일이 열리지 않으면 다시 올려 달라고 요청하십시오.",
            UnreadableReason::TooLarge => {
                " 이런 파일이 자주 올라온다면 object.max_bytes 설정값을 늘리십시오."
            }
            UnreadableReason::TooManyPixels => {
                " 이런 파일이 자주 올라온다면 object.max_pixels 설정값을 늘리십시오."
            }
            UnreadableReason::Denied(Why::AccessDenied) => {
                " s3-warden 역할에 이 버킷의 읽기 권한(s3:GetObject, s3:GetObjectVersion)을 \
                 부여하십시오. 그 전까지 이 버킷의 파일은 검사되지 않습니다."
            }
            UnreadableReason::Denied(Why::KeyDenied) => {
                " s3-warden 역할에 암호화 키 사용 권한(kms:Decrypt)을 부여하십시오. 그 전까지 이 \
                 키로 암호화된 파일은 검사되지 않습니다."
            }
            UnreadableReason::Denied(Why::RequesterPays) => {
                " s3-warden이 요청 비용을 지불해도 된다면 aws.request_payer 설정을 켜십시오. 그 \
                 전까지 이 버킷의 파일은 검사되지 않습니다."
            }
            UnreadableReason::Denied(Why::OtherOwner) => {
                " 버킷을 소유한 계정을 확인하고, 올바른 버킷이라면 aws.expected_bucket_owner \
                 설정을 수정하십시오. 그 전까지 이 버킷의 파일은 검사되지 않습니다."
            }
            UnreadableReason::Denied(_) => "",
        };
        format!("파일을 직접 확인하고, 개인정보가 있어서는 안 되는 곳이라면 삭제하십시오.{then}")
    }
}

fn secrets_first(secrets: bool, step: &str) -> String {
    if secrets {
        format!(
            "노출되었을 수 있는 비밀번호와 액세스 키는 유출된 것으로 간주하고 즉시 교체하십시오. \
             {step}"
        )
    } else {
        step.to_owned()
    }
}

/// Which rights the role lacks: a move to the quarantine is written there before it is deleted here,
/// and either may have been denied.
fn rights(action: Option<Action>, files: Files) -> &'static str {
    match action {
        Some(Action::Quarantine) => {
            "s3-warden 역할에는 격리에 필요한 두 권한을 모두 부여하십시오: 격리 버킷에 쓰는 \
             권한(s3:PutObject, s3:PutObjectTagging)과 이 버킷에서 삭제하는 권한(s3:DeleteObject, \
             s3:DeleteObjectVersion)."
        }
        None if files != Files::One => {
            "s3-warden 역할에는 이 버킷의 삭제 권한(s3:DeleteObject, s3:DeleteObjectVersion)을 \
             부여하고, 격리하는 파일이 있다면 격리 버킷의 쓰기 권한(s3:PutObject, \
             s3:PutObjectTagging)도 부여하십시오."
        }
        _ => {
            "s3-warden 역할에는 이 버킷의 삭제 권한(s3:DeleteObject, s3:DeleteObjectVersion)을 \
             부여하십시오."
        }
    }
}
