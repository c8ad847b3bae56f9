//! Labels, names, numbers and times in Korean.

use super::Korean;
use crate::alert::phrases::{Label, Names};
use crate::alert::shown::number;
use crate::object::{Exposure, Format};
use crate::verdict::{Category, Confidence, Threat};

impl Names for Korean {
    fn label(&self, label: Label) -> &'static str {
        match label {
            Label::Account => "계정",
            Label::Activities => "규칙별 보안 이벤트",
            Label::AssessedBy => "판정 주체",
            Label::Bucket => "버킷",
            Label::Buckets => "버킷별 탐지 건수",
            Label::Certainty => "판정 신뢰도",
            Label::Cost => "비용",
            Label::Details => "이벤트 상세 내용",
            Label::Done => "s3-warden의 조치와 되돌리는 방법",
            Label::Exposure => "공개 여부",
            Label::File => "파일",
            Label::FileType => "파일 형식",
            Label::Files => "파일 수",
            Label::Finding | Label::Findings => "탐지 ID",
            Label::FirstFile => "첫 번째 파일",
            Label::Found => "탐지 항목",
            Label::From => "출발지 IP",
            Label::GoesOnAt => "재개 예정",
            Label::Gravest => "그중 가장 위험한 이벤트",
            Label::History => "전체 이력",
            Label::Levels => "위험도별 탐지 건수",
            Label::ModelNote => "AI 모델이 작성한 설명이며 사람이 검토하지 않았습니다",
            Label::OpenedAt => "작동 시각",
            Label::Outcomes => "파일 처리 결과",
            Label::Region => "리전",
            Label::Result => "호출 결과",
            Label::Rule => "탐지 규칙",
            Label::SentAgainAt => "발송 재개",
            Label::Service => "서비스",
            Label::Severity => "심각도",
            Label::Since => "시작 시각",
            Label::Slowest => "검사가 가장 오래 걸린 파일",
            Label::StoppedAt => "중단 시각",
            Label::Tasks => "태스크 수",
            Label::Threat => "위험도",
            Label::Until => "종료 시각",
            Label::UploadedAt => "업로드 시각",
            Label::Uploader => "업로드 주체",
            Label::Verdicts => "판정별 파일 수",
            Label::What => "이벤트",
            Label::WhatHappened => "발생한 이벤트",
            Label::When => "발생 시각",
            Label::Who => "수행 주체",
        }
    }

    fn time_format(&self) -> &'static str {
        "%Y년 %-m월 %-d일 %H:%M:%S UTC"
    }

    fn unknown(&self) -> &'static str {
        "확인되지 않음"
    }

    fn threat(&self, level: Threat) -> &'static str {
        match level {
            Threat::Low => "낮음(LOW)",
            Threat::Medium => "보통(MEDIUM)",
            Threat::High => "높음(HIGH)",
            Threat::Critical => "심각(CRITICAL)",
        }
    }

    fn confidence(&self, confidence: Confidence) -> &'static str {
        match confidence {
            Confidence::Low => "낮음(추정)",
            Confidence::Medium => "보통(가능성 있음)",
            Confidence::High => "높음(거의 확실)",
        }
    }

    fn category(&self, category: Category) -> &'static str {
        match category {
            Category::GovernmentId => "신분증",
            Category::Passport => "여권",
            Category::DrivingLicence => "운전면허증",
            Category::ResidentNumber => "주민등록번호 등 개인 식별번호",
            Category::FinancialCard => "신용·체크카드",
            Category::BankAccount => "은행 계좌",
            Category::Health => "건강 정보",
            Category::Face => "얼굴",
            Category::Name => "이름",
            Category::Address => "주소",
            Category::Phone => "전화번호",
            Category::Email => "개인 이메일 주소",
            Category::DateOfBirth => "생년월일",
            Category::Signature => "서명",
            Category::Credentials => "비밀번호·액세스 키",
            Category::Other => "기타 개인정보",
        }
    }

    fn exposure(&self, exposure: Exposure) -> Option<&'static str> {
        match exposure {
            Exposure::Unknown => None,
            Exposure::NotPublic => Some("비공개"),
            Exposure::Public => Some("전체 공개(누구나 읽을 수 있음)"),
        }
    }

    fn files(&self, count: u64) -> String {
        format!("파일 {}개", number(count))
    }

    fn duration(&self, seconds: u64) -> String {
        let (large, small) = match seconds {
            0..60 => return format!("{seconds}초"),
            60..3_600 => (format!("{}분", seconds / 60), None),
            3_600..86_400 => (
                format!("{}시간", seconds / 3_600),
                Some((seconds % 3_600 / 60, "분")),
            ),
            _ => (
                format!("{}일", number(seconds / 86_400)),
                Some((seconds % 86_400 / 3_600, "시간")),
            ),
        };
        match small {
            Some((count, unit)) if count > 0 => format!("{large} {count}{unit}"),
            _ => large,
        }
    }

    fn reported(&self, principal: &str) -> String {
        format!("{principal} (업로드 이벤트 기준)")
    }

    fn several_uploaders(&self) -> &'static str {
        "여러 주체(각각의 업로드 주체는 탐지 기록에 있습니다)"
    }

    fn several_ips(&self) -> &'static str {
        "여러 주소"
    }

    fn more_findings(&self, count: u64, place: Option<&str>) -> String {
        let count = number(count);
        match place {
            Some(place) => format!("그 외 {count}건은 기록 버킷의 {place} 경로에 있습니다"),
            None => format!("그 외 {count}건은 기록 버킷에 있습니다"),
        }
    }

    fn places(&self, first: &str, last: &str) -> String {
        format!("{first} ~ {last}")
    }
}

pub(super) const fn format_name(format: Format) -> &'static str {
    match format {
        Format::Jpeg => "JPEG 이미지",
        Format::Png => "PNG 이미지",
        Format::Gif => "GIF 이미지",
        Format::Webp => "WebP 이미지",
        Format::Bmp => "BMP 이미지",
        Format::Tiff => "TIFF 이미지",
        Format::Heic => "HEIC 이미지",
        Format::Avif => "AVIF 이미지",
        Format::Svg => "SVG 이미지",
        Format::Pdf => "PDF 문서",
        Format::Html => "웹 페이지",
        Format::Ico => "아이콘 파일",
        Format::JpegXl => "JPEG XL 이미지",
        Format::Jpeg2000 => "JPEG 2000 이미지",
        Format::Psd => "포토샵 파일",
        Format::Zip => "압축 파일 또는 오피스 문서",
        Format::IsoMedia => "동영상",
        Format::Text => "텍스트 파일",
        Format::Unknown => "알 수 없는 형식",
    }
}
