//! A thousand of each kind: look-alikes that must not flag, and identifiers that must be found.
//!
//! Everything is drawn from a fixed seed. The noise is what readers of pictures do: letters for
//! digits and back, blanks lost and added, a colon read as a semicolon.

use super::testing::page;
use super::{Findings, Kind, Strength, opinion, recognise};
use crate::verdict::Opinion;

const EACH: usize = 1000;

/// A small generator (xorshift), so that a failure can be repeated.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % limit
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[usize::try_from(self.below(list.len() as u64)).unwrap()]
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Fills a pattern: `#` digit, `@` capital letter, `x` hex digit, `%` base32, `&` small letter.
    fn fill(&mut self, pattern: &str) -> String {
        let mut pick = |signs: &str| {
            let at = usize::try_from(self.below(signs.len() as u64)).unwrap();
            signs.chars().nth(at).unwrap()
        };
        let draw = |c| match c {
            '#' => pick("0123456789"),
            '@' => pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            'x' => pick("0123456789abcdef"),
            '%' => pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
            '&' => pick("abcdefghijklmnopqrstuvwxyz"),
            other => other,
        };
        pattern.chars().map(draw).collect()
    }

    /// What a reader makes of `text`.
    fn misread(&mut self, text: &str) -> String {
        let mut out = String::new();
        for c in text.chars() {
            match c {
                '0' if self.chance(4) => out.push('O'),
                'O' if self.chance(10) => out.push('0'),
                '1' if self.chance(4) => out.push('l'),
                'I' if self.chance(10) => out.push('1'),
                '8' if self.chance(1) => out.push('B'),
                ':' if self.chance(30) => out.push(';'),
                ' ' if self.chance(10) => {}
                '-' | '@' | '.' if self.chance(5) => {
                    out.push(' ');
                    out.push(c);
                }
                '-' | '@' | '.' if self.chance(5) => {
                    out.push(c);
                    out.push(' ');
                }
                c => out.push(c),
            }
        }
        out
    }
}

fn firm(findings: &Findings) -> bool {
    findings
        .hits
        .iter()
        .any(|hit| hit.strength > Strength::Hint)
}

/// Of a thousand look-alikes drawn by `make`, at most `allowed` are taken for the real thing.
fn check_quiet(name: &str, allowed: usize, make: impl Fn(&mut Draw) -> String) {
    let mut draw = Draw(0x5EED_0001);
    let mut flagged = Vec::new();
    for _ in 0..EACH {
        let text = make(&mut draw);
        let findings = recognise(&page(&[&text]));
        if firm(&findings) || opinion(&findings, 0) != Opinion::Clean {
            flagged.push(text);
        }
    }
    assert!(
        flagged.len() <= allowed,
        "{name}: {} flagged, such as {:?}",
        flagged.len(),
        flagged.first()
    );
}

/// Of a thousand identifiers drawn by `make`, 99 % are found as written and 90 % as misread.
fn check_found(kind: Kind, make: impl Fn(&mut Draw) -> String) {
    let mut draw = Draw(0x5EED_0002);
    let mut missed = [Vec::new(), Vec::new()];
    for _ in 0..EACH {
        let clean = make(&mut draw);
        let noisy = draw.misread(&clean);
        for (text, missed) in [clean, noisy].into_iter().zip(&mut missed) {
            let rows: Vec<&str> = text.lines().collect();
            let findings = recognise(&page(&rows));
            let found = findings
                .hits
                .iter()
                .any(|hit| hit.kind == kind && hit.strength > Strength::Hint);
            if !found {
                missed.push(text);
            }
        }
    }
    let [clean, noisy] = missed;
    let (lost, lost_noisy) = (clean.len(), noisy.len());
    assert!(
        lost <= EACH / 100,
        "{kind:?}: {lost} missed, such as {:?}",
        clean.first()
    );
    assert!(
        lost_noisy <= EACH / 10,
        "{kind:?}: {lost_noisy} missed when misread, such as {:?}",
        noisy.iter().take(8).collect::<Vec<_>>()
    );
}

#[test]
fn look_alikes_flag_nothing() {
    for (name, pattern) in [
        ("reference", "################"),
        ("grouped reference", "#### #### #### ####"),
        ("labelled reference", "Ref. 4###-####-####-####"),
        ("long id", "###################"),
        ("long id in a log", "id=################### done"),
        ("lot", "LOT ######-#######"),
        ("article number", "880##########"),
        ("book number", "978-#-####-####-#"),
        ("order", "###-###-####"),
        ("labelled order", "Order no: ###-###-####"),
        ("part", "###-##-####"),
        ("business number", "###-##-#####"),
        ("labelled business number", "사업자등록번호 ###-##-#####"),
        ("tracking", "JD################"),
        ("tracking in groups", "#### #### ####"),
        ("postal tracking", "RR#########KR"),
        ("parcel", "1Z###@@########"),
        ("hash", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        (
            "long hash",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ),
        ("uuid", "xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx"),
        ("mac", "xx:xx:xx:xx:xx:xx"),
        ("imei", "IMEI 35#############"),
        ("licence key", "@@@@@-#####-@@@@@-#####"),
        ("vat", "VAT DE#########"),
        ("serial", "S/N @@########"),
        ("file", "IMG_2026####_######.jpg"),
        ("handle", "follow @&&&&&&& today"),
        ("package", "&&&&&&@#.##.#"),
    ] {
        check_quiet(name, 0, |draw| draw.fill(pattern));
    }
}

#[test]
fn dates_times_addresses_and_sums_flag_nothing() {
    check_quiet("time stamp", 0, |draw| {
        let (month, day, hour) = (1 + draw.below(12), 1 + draw.below(28), draw.below(24));
        let rest = draw.fill("##:##.###");
        format!("2026-{month:02}-{day:02}T{hour:02}:{rest}Z INFO started")
    });
    check_quiet("date", 0, |draw| {
        let (month, day) = (1 + draw.below(12), 1 + draw.below(28));
        match draw.below(3) {
            0 => format!("{}-{month:02}-{day:02}", 1950 + draw.below(80)),
            1 => format!("{day:02}.{month:02}.{}", 1950 + draw.below(80)),
            _ => format!("Date: {month:02}/{day:02}/{}", 1950 + draw.below(80)),
        }
    });
    check_quiet("compact time", 0, |draw| {
        let (month, day) = (1 + draw.below(12), 1 + draw.below(28));
        let rest = draw.fill("######");
        format!("2026{month:02}{day:02}{rest}")
    });
    check_quiet("ip", 0, |draw| {
        let mut part = || draw.below(256);
        format!("{}.{}.{}.{}:8080", part(), part(), part(), part())
    });
    check_quiet("sum", 0, |draw| match draw.below(3) {
        0 => draw.fill("1,###,###.## EUR"),
        1 => draw.fill("+## ### ###"),
        _ => draw.fill("Total 12.###.###,##"),
    });
    check_quiet("role mailbox", 0, |draw| {
        let role = draw.of(&[
            "support", "info", "no-reply", "sales", "kontakt", "help", "billing",
        ]);
        let host = draw.fill("&&&&&&");
        let end = draw.of(&["com", "de", "co.kr", "example.com"]);
        format!("{role}@{host}.{end}")
    });
    check_quiet("service line", 0, |draw| {
        let head = draw.of(&[
            "1588-",
            "1544-",
            "1600-",
            "080-###-",
            "0800 ###",
            "1-800-555-",
            "Tel. 1577-",
        ]);
        draw.fill(&format!("{head}####"))
    });
    // Without any label the shape alone lets two in a thousand through: date and check digit agree.
    check_quiet("six and seven digits", 5, |draw| {
        draw.fill("######-#######")
    });
}

/// Appends the digit for which `valid` says yes.
fn completed(base: &str, valid: impl Fn(&str) -> bool) -> String {
    (0..10)
        .map(|digit| format!("{base}{digit}"))
        .find(|number| valid(number))
        .unwrap()
}

fn luhn(number: &str) -> bool {
    let digits: Vec<u32> = number
        .chars()
        .rev()
        .map(|c| c.to_digit(10).unwrap())
        .collect();
    let double = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let odd: u32 = digits.iter().step_by(2).sum();
    let even: u32 = digits
        .iter()
        .skip(1)
        .step_by(2)
        .map(|digit| double(*digit))
        .sum();
    (odd + even).is_multiple_of(10)
}

fn birth_date(draw: &mut Draw) -> (u64, u64, u64) {
    (
        1930 + draw.below(75),
        1 + draw.below(12),
        1 + draw.below(28),
    )
}

#[test]
fn cards_are_found() {
    check_found(Kind::PaymentCard, |draw| {
        let pattern = draw_pattern(draw.below(4));
        let base = draw.fill(pattern);
        let number = completed(&base, luhn);
        let signs: Vec<char> = number.chars().collect();
        let groups: Vec<String> = signs
            .chunks(4)
            .map(|group| group.iter().collect())
            .collect();
        let number = groups.join(draw.of(&[" ", "-", ""]));
        let label = draw.of(&[
            "Card number: ",
            "VISA ",
            "Kartennummer: ",
            "Credit Card\n",
            "Valid thru 08/29\n",
        ]);
        format!("{label}{number}")
    });
}

const fn draw_pattern(which: u64) -> &'static str {
    match which {
        0 => "4##############",
        1 => "53#############",
        2 => "6011###########",
        _ => "94#############",
    }
}

#[test]
fn accounts_are_found() {
    check_found(Kind::Iban, |draw| {
        let (country, pattern) = match draw.below(4) {
            0 => ("DE", "##################"),
            1 => ("GB", "@@@@##############"),
            2 => ("NL", "@@@@##########"),
            _ => ("FR", "#######################"),
        };
        let body = draw.fill(pattern);
        let spelled: String = format!("{body}{country}00")
            .chars()
            .map(|c| c.to_digit(36).unwrap().to_string())
            .collect();
        let rest = spelled
            .chars()
            .fold(0, |sum, c| (sum * 10 + c.to_digit(10).unwrap()) % 97);
        let number: Vec<char> = format!("{country}{:02}{body}", 98 - rest).chars().collect();
        let groups: Vec<String> = number
            .chunks(4)
            .map(|group| group.iter().collect())
            .collect();
        let label = draw.of(&["IBAN: ", "IBAN ", "", "Bankverbindung "]);
        format!("{label}{}", groups.join(draw.of(&[" ", " ", ""])))
    });
}

#[test]
fn register_numbers_are_found() {
    check_found(Kind::KoreanRrn, |draw| {
        let (year, month, day) = birth_date(draw);
        let sex = if year < 2000 {
            1 + draw.below(2)
        } else {
            3 + draw.below(2)
        };
        let base = format!(
            "{:02}{month:02}{day:02}{sex}{}",
            year % 100,
            draw.fill("#####")
        );
        let number = completed(&base, |number| {
            let weights = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];
            let digits: Vec<u32> = number.chars().map(|c| c.to_digit(10).unwrap()).collect();
            let sum: u32 = digits
                .iter()
                .zip(weights)
                .map(|(digit, weight)| digit * weight)
                .sum();
            (11 - sum % 11) % 10 == digits[12]
        });
        let label = draw.of(&["", "주민등록번호 ", "早民 ", "RRN: "]);
        let (date, rest) = number.split_at(6);
        format!("{label}{date}-{rest}")
    });
    check_found(Kind::UsSsn, |draw| {
        let label = draw.of(&[
            "SSN: ",
            "Social Security No. ",
            "SSN\n",
            "Social Security Number: ",
        ]);
        format!(
            "{label}{}-{}-{}",
            100 + draw.below(500),
            10 + draw.below(89),
            1000 + draw.below(8999)
        )
    });
}

#[test]
fn zones_are_found() {
    fn check_digit(field: &str) -> u32 {
        let weighted = field.chars().zip([7, 3, 1].into_iter().cycle());
        weighted
            .map(|(c, weight)| c.to_digit(36).unwrap_or(0) * weight)
            .sum::<u32>()
            % 10
    }
    check_found(Kind::PassportMrz, |draw| {
        let number = draw.fill("M########");
        let (year, month, day) = birth_date(draw);
        let birth = format!("{:02}{month:02}{day:02}", year % 100);
        let expiry = format!("3{}{month:02}{day:02}", draw.below(5));
        let nation = draw.of(&["KOR", "USA", "GBR", "D<<"]);
        let second = format!(
            "{number}{}{nation}{birth}{}F{expiry}{}<<<<<<<<<<<<<<00",
            check_digit(&number),
            check_digit(&birth),
            check_digit(&expiry),
        );
        let first = format!("P<{nation}{}<<{}", draw.fill("@@@@@@"), draw.fill("@@@@@<"));
        format!("{first:<<44}\n{second}")
    });
}

#[test]
fn contacts_are_found() {
    check_found(Kind::Email, |draw| {
        let name = draw.of(&[
            "minjun.kim",
            "anna_schmidt",
            "jane.miller",
            "park87",
            "seo-yeon.lee",
        ]);
        let extra = draw.fill("##");
        let host = draw.of(&[
            "naver.com",
            "gmail.com",
            "gmx.de",
            "web.de",
            "hanmail.net",
            "acme.co.kr",
        ]);
        let label = draw.of(&["", "E-Mail: ", "Email ", "이메일 "]);
        format!("{label}{name}{extra}@{host}")
    });
    check_found(Kind::Phone, |draw| {
        let pattern = draw.of(&[
            "010-####-####",
            "+82 10-3###-####",
            "(212) 4##-####",
            "+1 415-6##-####",
            "+49 176 4#######",
            "Tel. 030 4######",
            "Phone: 415-2##-####",
            "Mobil: 0151 2#######",
        ]);
        draw.fill(pattern)
    });
    check_found(Kind::LabelledDateOfBirth, |draw| {
        let (year, month, day) = birth_date(draw);
        let label = draw.of(&[
            "Date of birth: ",
            "DOB ",
            "Geburtsdatum: ",
            "생년월일 ",
            "Birth date\n",
            "geb. am ",
        ]);
        match draw.below(4) {
            0 => format!("{label}{day:02}.{month:02}.{year}"),
            1 => format!("{label}{month:02}/{day:02}/{year}"),
            2 => format!("{label}{year}-{month:02}-{day:02}"),
            _ => format!("{label}{day} MAR {year}"),
        }
    });
}

#[test]
fn keys_are_found() {
    check_found(Kind::AwsAccessKey, |draw| {
        let label = draw.of(&[
            "",
            "aws_access_key_id = ",
            "export AWS_ACCESS_KEY_ID=",
            "AccessKeyId: ",
        ]);
        let key = draw.fill("%%%%%%%%%%%%%%%%");
        format!("{label}{}{key}", draw.of(&["AKIA", "ASIA"]))
    });
    check_found(Kind::Token, |draw| {
        let rest = draw.fill("k7##&&@@##&&@@##&&@@##&&@@##&&@@##&&");
        format!("{}_{rest}", draw.of(&["ghp", "gho", "ghs"]))
    });
}

#[test]
fn hostile_text_costs_bounded_time() {
    let nasty = "1-".repeat(400) + &"a@".repeat(400) + &"A<".repeat(400);
    let rows: Vec<&str> = std::iter::repeat_n(nasty.as_str(), 300).collect();
    assert!(
        recognise(&page(&rows))
            .hits
            .iter()
            .all(|hit| hit.strength == Strength::Hint)
    );
}
