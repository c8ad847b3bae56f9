//! What was done with objects, in Korean.

use super::Korean;
use crate::action::{Action, Outcome};
use crate::alert::phrases::{Deeds, UploadKind};
use crate::object::Why;

impl Deeds for Korean {
    fn done(&self, kind: UploadKind, outcome: Outcome, action: Option<Action>) -> String {
        match outcome {
            Outcome::Deleted => {
                "업로드된 바로 그 버전만 삭제했습니다. 같은 이름의 다른 버전이 있더라도 건드리지 \
                 않았습니다. 개인정보가 남지 않도록 사본을 보관하지 않으므로 되돌릴 수 없습니다. \
                 잘못 삭제된 파일이라면 탐지 ID로 `s3-warden restore --allow-only`를 실행한 뒤, 업로드한 \
                 사람에게 다시 업로드하도록 요청하십시오."
                    .to_owned()
            }
            Outcome::Quarantined => {
                "업로드된 바로 그 버전만 격리 버킷으로 옮겼으며, 격리 버킷에서는 탐지 ID로 찾을 수 \
                 있습니다. 되돌리려면 그 탐지 ID로 `s3-warden restore`를 실행하십시오. 파일을 원래 \
                 위치로 되돌리고, 그대로 두어도 되는 파일임을 기억합니다."
                    .to_owned()
            }
            Outcome::Observed => {
                let would = match action {
                    Some(Action::Quarantine) => "격리되었을",
                    _ => "삭제되었을",
                };
                format!(
                    "아무것도 변경하지 않았으므로 되돌릴 것이 없습니다. enforce 모드였다면 파일이 \
                     {would} 것입니다."
                )
            }
            Outcome::Tagged => format!(
                "{}파일에 `s3-warden` 태그를 지정하고 그대로 두었습니다. 되돌리려면 태그를 \
                 제거하십시오.",
                why_left(kind)
            ),
            Outcome::TagFailed => format!(
                "{}파일을 그대로 두었습니다. `s3-warden` 태그는 지정하지 못했습니다. 되돌릴 것은 \
                 없습니다.",
                why_left(kind)
            ),
            Outcome::Kept => format!(
                "{}파일을 그대로 두었습니다. 되돌릴 것은 없습니다.",
                why_left(kind)
            ),
            Outcome::AlreadyGone => {
                "제거할 파일이 남아 있지 않았습니다. s3-warden이 앞서 제거했거나 다른 누군가가 \
                 삭제한 것입니다. 되돌릴 것은 없습니다."
                    .to_owned()
            }
            Outcome::Superseded => {
                "같은 이름으로 다른 파일이 올라와 있어 아무것도 변경하지 않았습니다. 되돌릴 것은 \
                 없습니다."
                    .to_owned()
            }
            Outcome::Blocked { why } => format!(
                "{} 아무것도 변경하지 않았습니다. 되돌릴 것은 없습니다.",
                why_blocked(why, action)
            ),
            Outcome::Held => "아무것도 제거하지 않았으며, 파일은 업로드된 위치에 그대로 있습니다. \
                 되돌릴 것은 없습니다."
                .to_owned(),
        }
    }
}

/// Why the policy left a file in place.
const fn why_left(kind: UploadKind) -> &'static str {
    match kind {
        UploadKind::Flagged => {
            "이 종류의 개인정보 또는 이 정도의 신뢰도는 제거 대상으로 설정되어 있지 않아 "
        }
        UploadKind::Undecided => "판정하지 못한 파일은 삭제하지 않으므로 ",
        UploadKind::Unreadable => "읽지 못한 파일은 삭제하지 않으므로 ",
        UploadKind::Blocked | UploadKind::Held | UploadKind::Clean => "",
    }
}

const fn why_blocked(why: Why, action: Option<Action>) -> &'static str {
    match why {
        Why::AccessDenied if matches!(action, Some(Action::Quarantine)) => {
            "s3-warden에 격리 버킷의 쓰기 권한이나 이 버킷의 삭제 권한이 없어"
        }
        Why::AccessDenied => "s3-warden에 제거 권한이 없어",
        Why::RequesterPays => {
            "요청자 지불(Requester Pays) 버킷이지만 s3-warden에 비용 지불이 허용되어 있지 않아"
        }
        Why::OtherOwner => "버킷을 소유한 계정이 설정에 지정된 계정과 달라",
        Why::KeyDenied => "s3-warden이 이 파일의 암호화 키를 사용할 수 없어",
        Why::Archived => "아카이브된 파일이라 먼저 복원해야 하므로",
        Why::Locked => "보존 기간 또는 법적 보존(legal hold)으로 보호되어 있어",
        Why::MfaRequired => "버킷에 MFA 삭제(MFA Delete)가 설정되어 있어",
        Why::TooBigToCopy => "격리 버킷으로 한 번에 복사하기에는 파일이 너무 커서",
        Why::NotAFile => "버킷 안의 일반 파일이 아니어서",
        Why::CopyDiffers => "격리 버킷에 만든 사본이 원본과 일치하지 않아",
    }
}
