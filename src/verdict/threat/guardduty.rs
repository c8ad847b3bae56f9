//! The least that GuardDuty's own words allow to say.
//!
//! The level is GuardDuty's severity, in its own bands ("Severity levels of GuardDuty findings",
//! Amazon GuardDuty User Guide). Titles are ours: of a finding's type only the purpose before the
//! colon is taken, and only where it is one of the known ones.

use std::collections::BTreeMap;

use super::rules::{cut, shown};
use super::{Floor, Words};
use crate::event::Activity;
use crate::verdict::Threat;

/// What is said of a severity that cannot be read.
const UNKNOWN: &str = "unknown";

/// What a finding's type begins with ("GuardDuty finding format", Amazon GuardDuty User Guide), and
/// what that means.
const PURPOSES: [(&str, &str, &str); 20] = [
    (
        "AttackSequence",
        "Several steps of an attack seen",
        "여러 단계의 공격 탐지",
    ),
    (
        "Backdoor",
        "A resource is controlled by an attacker",
        "공격자가 리소스를 제어 중",
    ),
    (
        "Behavior",
        "Unusual behaviour of a resource",
        "리소스의 비정상적인 동작",
    ),
    (
        "CredentialAccess",
        "Somebody is after credentials",
        "자격 증명 탈취 시도",
    ),
    (
        "CryptoCurrency",
        "A resource mines cryptocurrency",
        "리소스에서 암호화폐 채굴",
    ),
    (
        "DefenseEvasion",
        "Somebody hides their traces",
        "탐지를 피하려는 활동",
    ),
    (
        "Discovery",
        "Somebody looks around in the account",
        "계정 내부 정찰 활동",
    ),
    (
        "Execution",
        "Suspicious code runs on a resource",
        "리소스에서 의심스러운 코드 실행",
    ),
    (
        "Exfiltration",
        "Data may be leaving the account",
        "데이터 유출 의심",
    ),
    (
        "Impact",
        "Data or resources may be damaged",
        "데이터 또는 리소스 훼손 의심",
    ),
    (
        "InitialAccess",
        "Somebody may have got in",
        "최초 침입 의심",
    ),
    (
        "Object",
        "A malicious object in a bucket",
        "버킷의 악성 객체",
    ),
    (
        "PenTest",
        "A tool for penetration tests is used",
        "침투 테스트 도구 사용",
    ),
    (
        "Persistence",
        "Somebody makes sure to come back",
        "지속적 접근 확보 시도",
    ),
    (
        "Policy",
        "Settings weaken the account",
        "계정 보안을 약화하는 설정",
    ),
    (
        "PrivilegeEscalation",
        "Somebody gains more rights",
        "권한 상승 시도",
    ),
    (
        "Recon",
        "Somebody explores the account from outside",
        "외부에서의 정찰 활동",
    ),
    (
        "Stealth",
        "Logs or watches are turned off",
        "로그 또는 감시 기능 해제",
    ),
    (
        "Trojan",
        "A resource runs a trojan",
        "리소스에서 트로이 목마 실행",
    ),
    (
        "UnauthorizedAccess",
        "Somebody unauthorised may have access",
        "무단 접근 의심",
    ),
];

/// The floor of a finding, by GuardDuty's severity.
pub(super) fn finding(activity: &Activity) -> Floor {
    let level = level(activity.severity);
    let purpose = activity.name.split(':').next().unwrap_or_default();
    let known = PURPOSES.iter().find(|(name, _, _)| *name == purpose);
    let (en, ko) = known.map_or(
        ("Finding of a kind of its own", "기타 탐지 결과"),
        |known| (known.1, known.2),
    );
    let fields = [
        ("title", "/title"),
        ("count", "/service/count"),
        ("resource", "/resource/resourceType"),
        ("first_seen", "/service/eventFirstSeen"),
        ("last_seen", "/service/eventLastSeen"),
    ];
    let mut details = shown(activity, fields);
    details.insert("type".to_owned(), cut(&activity.name));
    let severity = match level {
        Some(_) => activity.severity.map(|severity| severity.to_string()),
        None => None,
    };
    details.insert(
        "severity".to_owned(),
        severity.unwrap_or(UNKNOWN.to_owned()),
    );
    Floor {
        level: level.unwrap_or(Threat::High),
        rule: "guardduty_finding".to_owned(),
        title: words(&format!("GuardDuty: {en}"), &format!("GuardDuty: {ko}")),
        next_step: words(
            "Open the finding in GuardDuty and follow the remediation that it links. If it names \
             credentials, revoke them first; then look at what they were used for.",
            "GuardDuty에서 탐지 결과를 열고 안내된 해결 절차를 따르십시오. 자격 증명이 언급되어 있다면 \
             먼저 폐기한 뒤, 무엇에 사용되었는지 확인하십시오.",
        ),
        details,
    }
}

/// The level of a severity; `None` where there is none, or none that can be.
fn level(severity: Option<f64>) -> Option<Threat> {
    // Not a number is in no range.
    let severity = severity.filter(|severity| (0.0..=10.0).contains(severity))?;
    Some(match severity {
        severity if severity < 4.0 => Threat::Low,
        severity if severity < 7.0 => Threat::Medium,
        severity if severity < 9.0 => Threat::High,
        _ => Threat::Critical,
    })
}

/// The floor of a malware scan's result; `None` where nothing was found.
pub(super) fn malware_scan(activity: &Activity) -> Option<Floor> {
    let (level, rule, title, next_step) = match activity.name.as_str() {
        "NO_THREATS_FOUND" => return None,
        "THREATS_FOUND" => (
            Threat::High,
            "malware_found",
            words(
                "Malware found in an uploaded object",
                "업로드된 객체에서 맬웨어 발견",
            ),
            words(
                "Do not open the object. Deny reads of it by its tag or delete it, and find out who \
                 uploaded it and who has read it meanwhile.",
                "객체를 열지 마십시오. 태그 기반으로 읽기를 거부하거나 삭제하고, 누가 업로드했으며 그동안 \
                 누가 읽었는지 확인하십시오.",
            ),
        ),
        "ACCESS_DENIED" | "FAILED" => (
            Threat::Medium,
            "malware_scan_failed",
            words(
                "Object could not be scanned for malware",
                "객체의 맬웨어 검사 실패",
            ),
            words(
                "Nobody knows whether the object is harmless. Check that the role of GuardDuty may \
                 read the bucket and use its key, and have the object scanned again.",
                "객체가 안전한지 알 수 없습니다. GuardDuty 역할이 버킷을 읽고 키를 사용할 수 있는지 확인한 뒤 \
                 다시 검사하십시오.",
            ),
        ),
        "UNSUPPORTED" | "SKIPPED" => (
            Threat::Low,
            "malware_scan_skipped",
            words(
                "Object was not scanned for malware",
                "객체의 맬웨어 검사 생략",
            ),
            words(
                "GuardDuty does not scan objects of this size, form or encryption. Treat it as \
                 unknown before anyone opens it.",
                "GuardDuty는 이러한 크기, 형식 또는 암호화의 객체를 검사하지 않습니다. 열기 전에는 안전하지 \
                 않을 수 있다고 간주하십시오.",
            ),
        ),
        _ => (
            Threat::Medium,
            "malware_scan_unknown",
            words(
                "Result of a malware scan is unknown",
                "맬웨어 검사 결과를 알 수 없음",
            ),
            words(
                "GuardDuty answered in words that s3-warden does not know. Look at the object's tag \
                 GuardDutyMalwareScanStatus.",
                "GuardDuty가 s3-warden이 알지 못하는 결과를 보고했습니다. 객체의 \
                 GuardDutyMalwareScanStatus 태그를 확인하십시오.",
            ),
        ),
    };
    let fields = [
        ("scan", "/scanStatus"),
        ("threats", "/scanResultDetails/threats"),
    ];
    let mut details: BTreeMap<_, _> = shown(activity, fields);
    details.insert("result".to_owned(), cut(&activity.name));
    Some(Floor {
        level,
        rule: rule.to_owned(),
        title,
        next_step,
        details,
    })
}

fn words(en: &str, ko: &str) -> Words {
    Words {
        en: en.to_owned(),
        ko: ko.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_fall_into_the_bands_of_guardduty() {
        use Threat::{Critical, High, Low, Medium};
        for (severity, expected) in [
            (0.0, Some(Low)),
            (1.0, Some(Low)),
            (3.99, Some(Low)),
            (4.0, Some(Medium)),
            (6.99, Some(Medium)),
            (7.0, Some(High)),
            (8.9, Some(High)),
            (9.0, Some(Critical)),
            (10.0, Some(Critical)),
            (10.1, None),
            (-0.1, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(level(Some(severity)), expected, "{severity}");
        }
        assert_eq!(level(None), None);
    }

    #[test]
    fn titles_fit_into_subjects_in_both_languages() {
        for (purpose, en, ko) in PURPOSES {
            assert!(
                en.len() <= 60 && en.bytes().all(|b| (b' '..=b'~').contains(&b)),
                "{purpose}"
            );
            assert!(!ko.is_empty() && !ko.is_ascii(), "{purpose}");
        }
    }
}
