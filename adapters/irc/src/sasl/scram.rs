//! SCRAM-SHA-256 (RFC 5802, RFC 7677) as a client without channel binding: both sides prove that
//! they know the password, and neither says it. Pure but for its nonce.
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::RngCore;
use ring::{
    digest::{self, SHA256, SHA256_OUTPUT_LEN},
    hmac::{self, HMAC_SHA256},
    pbkdf2::{self, PBKDF2_HMAC_SHA256},
};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use std::num::NonZeroU32;

/// Fewer are too easy to guess from. Services use some ten thousand at most; more would hold up
/// every other connection for a noticeable moment, at a stranger's word.
const ITERATIONS: std::ops::RangeInclusive<u32> = 4096..=100_000;
const NONCE_BYTES: usize = 18;
/// "n,,": no channel binding, and to act as nobody else.
const HEADER: &str = "n,,";

/// Why it does not go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The server says that the password is wrong.
    Refused,
    /// It does not behave as one that knows the password.
    Untrusted(&'static str),
}

#[derive(Debug)]
enum Step {
    First,
    Final,
    /// What the server must sign, and the key that it must sign with.
    Check {
        key: hmac::Key,
        said: String,
    },
    Proven,
}

#[derive(Debug)]
pub(super) struct Scram {
    account: String,
    password: SecretString,
    nonce: String,
    step: Step,
}

impl Scram {
    /// Fails for names and passwords that the protocol cannot carry.
    pub(super) fn new(account: &str, password: &str) -> Result<Self, String> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        Self::with_nonce(account, password, STANDARD.encode(nonce))
    }

    fn with_nonce(account: &str, password: &str, nonce: String) -> Result<Self, String> {
        let prepared = |what, text| {
            stringprep::saslprep(text).map_err(|_| format!("SCRAM cannot carry this {what}"))
        };
        let account = prepared("account name", account)?.replace('=', "=3D").replace(',', "=2C");
        let password = SecretString::from(prepared("password", password)?.into_owned());
        Ok(Self { account, password, nonce, step: Step::First })
    }

    pub(super) fn is_proven(&self) -> bool {
        matches!(self.step, Step::Proven)
    }

    /// What to say to the server's words; empty words end the exchange.
    pub(super) fn answer(&mut self, challenge: &[u8]) -> Result<Zeroizing<Vec<u8>>, Broken> {
        let challenge = std::str::from_utf8(challenge)
            .map_err(|_| Broken::Untrusted("the server says what nobody can read"))?;
        let (said, next) = match &self.step {
            Step::First => (format!("{HEADER}{}", self.introduction()), Step::Final),
            Step::Final => self.proof(challenge)?,
            Step::Check { key, said } => {
                verify(challenge, key, said)?;
                (String::new(), Step::Proven)
            }
            Step::Proven => (String::new(), Step::Proven),
        };
        self.step = next;
        Ok(Zeroizing::new(said.into_bytes()))
    }

    fn introduction(&self) -> String {
        format!("n={},r={}", self.account, self.nonce)
    }

    fn proof(&self, challenge: &str) -> Result<(String, Step), Broken> {
        let Challenge { nonce, salt, iterations } = self.read(challenge)?;
        let mut salted = Zeroizing::new([0; SHA256_OUTPUT_LEN]);
        let password = self.password.expose_secret().as_bytes();
        pbkdf2::derive(PBKDF2_HMAC_SHA256, iterations, &salt, password, &mut *salted);
        let salted = hmac::Key::new(HMAC_SHA256, &*salted);
        let unsigned = format!("c={},r={nonce}", STANDARD.encode(HEADER));
        let said = format!("{},{challenge},{unsigned}", self.introduction());

        let client_key = hmac::sign(&salted, b"Client Key");
        let stored = digest::digest(&SHA256, client_key.as_ref());
        let signature = hmac::sign(&hmac::Key::new(HMAC_SHA256, stored.as_ref()), said.as_bytes());
        let proof: Vec<_> =
            client_key.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let server_key = hmac::sign(&salted, b"Server Key");
        let key = hmac::Key::new(HMAC_SHA256, server_key.as_ref());
        Ok((format!("{unsigned},p={}", STANDARD.encode(proof)), Step::Check { key, said }))
    }

    fn read<'a>(&self, challenge: &'a str) -> Result<Challenge<'a>, Broken> {
        let broken = Broken::Untrusted("the server's challenge makes no sense");
        let mut parts = challenge.split(',');
        let mut part = |name| parts.next().and_then(|part| part.strip_prefix(name));
        let (Some(nonce), Some(salt), Some(iterations)) = (part("r="), part("s="), part("i="))
        else {
            return Err(broken);
        };
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(Broken::Untrusted("the server answers somebody else's question"));
        }
        let salt = STANDARD.decode(salt).map_err(|_| broken)?;
        let iterations = iterations.parse().ok().filter(|count| ITERATIONS.contains(count));
        let iterations = iterations.and_then(NonZeroU32::new);
        let iterations = iterations
            .ok_or(Broken::Untrusted("the server asks for too little work or too much"))?;
        Ok(Challenge { nonce, salt, iterations })
    }
}

struct Challenge<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: NonZeroU32,
}

fn verify(word: &str, key: &hmac::Key, said: &str) -> Result<(), Broken> {
    let wrong = Broken::Untrusted("the server did not prove that it knows the password");
    let first = word.split(',').next().unwrap_or_default();
    if first.starts_with("e=") {
        return Err(Broken::Refused);
    }
    let signature = first.strip_prefix("v=").and_then(|signature| STANDARD.decode(signature).ok());
    let Some(signature) = signature else { return Err(wrong) };
    hmac::verify(key, said.as_bytes(), &signature).map_err(|_| wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7677, section 3.
    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const CHALLENGE: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
        s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const PROOF: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    const VERIFIER: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    fn scram() -> Scram {
        Scram::with_nonce("user", "pencil", NONCE.into()).unwrap()
    }

    /// What follows each of the server's words.
    fn check(words: &[&str], expected: Result<&str, Broken>) -> Scram {
        let mut scram = scram();
        let mut last = Ok(Zeroizing::default());
        for word in words {
            last = scram.answer(word.as_bytes());
        }
        let last = last.map(|said| String::from_utf8(said.to_vec()).unwrap());
        assert_eq!(last, expected.map(str::to_owned), "{words:?}");
        scram
    }

    #[test]
    fn the_example_of_the_standard() {
        check(&[""], Ok("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
        assert!(!check(&["", CHALLENGE], Ok(PROOF)).is_proven());
        assert!(check(&["", CHALLENGE, VERIFIER], Ok("")).is_proven());
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_found_out() {
        let wrong =
            || Err(Broken::Untrusted("the server did not prove that it knows the password"));
        check(&["", CHALLENGE, ""], wrong());
        check(&["", CHALLENGE, "v="], wrong());
        check(&["", CHALLENGE, "v=AAAA"], wrong());
        check(&["", CHALLENGE, "v=????"], wrong());
        check(&["", CHALLENGE, &VERIFIER.replace('6', "7")], wrong());
        check(&["", CHALLENGE, "e=invalid-proof"], Err(Broken::Refused));
    }

    #[test]
    fn challenges_that_make_no_sense_are_not_answered() {
        let nonsense = || Err(Broken::Untrusted("the server's challenge makes no sense"));
        let stranger = || Err(Broken::Untrusted("the server answers somebody else's question"));
        let work = || Err(Broken::Untrusted("the server asks for too little work or too much"));
        check(&["", ""], nonsense());
        check(&["", "m=ext,r=a,s=b,i=4096"], nonsense());
        check(&["", &CHALLENGE.replace("s=W", "s=?")], nonsense());
        check(&["", "r=other,s=AAAA,i=4096"], stranger());
        check(&["", &format!("r={NONCE},s=AAAA,i=4096")], stranger());
        for count in ["0", "4095", "1000001", "99999999999", "-1", ""] {
            check(&["", &CHALLENGE.replace("i=4096", &format!("i={count}"))], work());
        }
        let mut scram = scram();
        assert!(scram.answer(b"\xff").is_err());
    }

    #[test]
    fn names_and_passwords_are_prepared() {
        let first = |account: &str| {
            let mut scram = Scram::with_nonce(account, "pencil", "n".into()).unwrap();
            String::from_utf8(scram.answer(b"").unwrap().to_vec()).unwrap()
        };
        assert_eq!(first("a=b,c"), "n,,n=a=3Db=2Cc,r=n");
        assert_eq!(first("I\u{ad}X"), "n,,n=IX,r=n");
        assert!(Scram::new("user", "a\u{7}").is_err());
        assert_ne!(Scram::new("a", "b").unwrap().nonce, Scram::new("a", "b").unwrap().nonce);
        assert!(!format!("{:?}", Scram::new("a", "hunter2").unwrap()).contains("hunter2"));
    }
}
