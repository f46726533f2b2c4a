//! Holds a token of another issuer against trust policies.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use tokio::task::JoinSet;

use crate::{
    app::App,
    clock::Timestamp,
    domain::{Finding, KeySource, MOST_SOURCES_PER_TREE, SignatureAlgorithm, Trust},
    peers::NotVerified,
    signing::{ForeignToken, Untrusted},
};

/// What one rule makes of a token.
#[derive(Clone, Debug)]
pub struct Trial {
    pub rule: Arc<Trust>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug)]
pub enum Outcome {
    /// Someone would have to be asked for its keys, and no one is to be.
    NotTried,
    /// The same, because too many others keep theirs elsewhere.
    OnePlaceTooMany,
    /// Its signature is not the issuer's, as far as can be known.
    NotVerified(NotVerified),
    /// Its signature is right, and what all tokens have to say is not.
    Refused(Untrusted),
    OtherAudience(Vec<String>),
    OtherAlgorithm(SignatureAlgorithm),
    /// It is a good token for this audience. The rule holds where each of these does.
    Judged {
        findings: Vec<Finding>,
        token: Arc<ForeignToken>,
    },
}

/// Where the keys to verify a token by may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysFrom {
    Anywhere,
    /// No one is asked.
    PinnedOnly,
}

/// What an assertion may call itself (RFC 7519, section 5.1; draft-ietf-oauth-rfc7523bis): other
/// types of tokens are meant for something else.
const TYPES: [&str; 2] = ["jwt", "authorization-grant+jwt"];
const LONGEST_SUBJECT: usize = 255;

impl Trial {
    pub fn holds(&self) -> bool {
        self.held().is_some()
    }

    /// What keeps the rule from holding.
    pub fn why(&self) -> String {
        match &self.outcome {
            Outcome::NotTried => "its keys are not pinned, so that it was not tried".to_owned(),
            Outcome::OnePlaceTooMany => {
                "its keys are tried only if the organization is named by organizationId, because \
                 others keep too many keys of this issuer, or at too many places"
                    .to_owned()
            }
            Outcome::NotVerified(why) => why.to_string(),
            Outcome::Refused(why) => why.to_string(),
            Outcome::OtherAudience(audiences) => {
                let (found, wanted) = (audiences.join("`, `"), &self.rule.terms.audience);
                format!("the token is for `{found}`, not for `{wanted}`")
            }
            Outcome::OtherAlgorithm(found) => {
                format!("the token is signed by {found}, not by {}", self.rule.terms.algorithms)
            }
            Outcome::Judged { findings, .. } => {
                let failed = findings.iter().filter(|finding| !finding.holds);
                failed.map(ToString::to_string).collect::<Vec<_>>().join("; ")
            }
        }
    }

    /// The token, where the rule holds.
    pub(super) fn held(&self) -> Option<&ForeignToken> {
        match &self.outcome {
            Outcome::Judged { findings, token } if findings.iter().all(|it| it.holds) => {
                Some(token)
            }
            _ => None,
        }
    }
}

/// One trial for each rule.
pub(super) async fn hold(
    app: &App,
    rules: Vec<Arc<Trust>>,
    token: &str,
    from: KeysFrom,
    now: Timestamp,
) -> Vec<Trial> {
    let verified = verify(app, &rules, token, from).await;
    let outcome = |rule: &Trust| match verified.get(&rule.terms.keys) {
        None if from == KeysFrom::PinnedOnly => Outcome::NotTried,
        None => Outcome::OnePlaceTooMany,
        Some(Ok(token)) => judge(rule, token, now),
        Some(Err(why)) => Outcome::NotVerified(*why),
    };
    rules.into_iter().map(|rule| Trial { outcome: outcome(&rule), rule }).collect()
}

/// By one source of keys a token is verified once; by all of them at the same time, so that no rule
/// waits for what another made one of their rules wait for.
async fn verify(
    app: &App,
    rules: &[Arc<Trust>],
    token: &str,
    from: KeysFrom,
) -> HashMap<KeySource, Result<Arc<ForeignToken>, NotVerified>> {
    let (mut tasks, mut left) = (JoinSet::new(), MOST_SOURCES_PER_TREE);
    for keys in sources(rules, from) {
        if matches!(keys, KeySource::Pinned(_)) && app.peers.have_key_for(keys, token).await {
            if left == 0 {
                continue;
            }
            left -= 1;
        }
        let (app, keys, token) = (app.clone(), keys.clone(), token.to_owned());
        tasks.spawn(async move {
            let verified = app.peers.verify(&keys, &token).await;
            (keys, verified.map(Arc::new))
        });
    }
    let mut verified = HashMap::new();
    while let Some(done) = tasks.join_next().await {
        match done {
            Ok((keys, outcome)) => verified.insert(keys, outcome),
            // Nothing cancels a task of this set: it panicked.
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        };
    }
    verified
}

/// Sets of pinned keys that are looked through for one that a token names.
const MOST_PINNED: usize = 32;

/// Where the keys of these rules are. Every caller may send a token, and every tenant may add rules
/// for its issuer, so only a few places count: those of the oldest rules, which a newer rule of
/// another tenant cannot displace. One organization may have only as many, so all of its places
/// count where a request names it.
fn sources(rules: &[Arc<Trust>], from: KeysFrom) -> Vec<&KeySource> {
    let (mut seen, mut places, mut pinned) = (HashSet::new(), 0, 0);
    let all = rules.iter().map(|rule| &rule.terms.keys).filter(|keys| seen.insert(*keys));
    all.filter(|keys| match (keys, from) {
        (KeySource::Issuer(_), KeysFrom::Anywhere) => true,
        (KeySource::Pinned(_), _) => {
            pinned += 1;
            pinned <= MOST_PINNED
        }
        (KeySource::Issuer(_) | KeySource::Uri(_), KeysFrom::PinnedOnly) => false,
        (KeySource::Uri(_), KeysFrom::Anywhere) => {
            places += 1;
            places <= MOST_SOURCES_PER_TREE
        }
    })
    .collect()
}

fn judge(rule: &Trust, token: &Arc<ForeignToken>, now: Timestamp) -> Outcome {
    let audiences = match check(rule, token, now) {
        Ok(audiences) => audiences,
        Err(why) => return Outcome::Refused(why),
    };
    if !rule.is_for(&audiences) {
        return Outcome::OtherAudience(audiences);
    }
    if !rule.terms.algorithms.allow(token.algorithm) {
        return Outcome::OtherAlgorithm(token.algorithm);
    }
    let findings = rule.findings(&token.claims);
    Outcome::Judged { findings, token: token.clone() }
}

/// What every token has to say, whatever the rule; gives whom it is for.
fn check(rule: &Trust, token: &ForeignToken, now: Timestamp) -> Result<Vec<String>, Untrusted> {
    if token.typ.as_deref().is_some_and(|typ| !TYPES.contains(&typ)) {
        return Err(Untrusted::WrongType);
    }
    token.check(now)?;
    if token.text("iss")? != rule.issuer {
        return Err(Untrusted::WrongIssuer);
    }
    let subject = token.text("sub")?;
    if !(1..=LONGEST_SUBJECT).contains(&subject.len()) || subject.chars().any(char::is_control) {
        return Err(Untrusted::MalformedClaim("sub"));
    }
    token.audiences()
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule `{}`: {}", self.rule.name, self.why())
    }
}
