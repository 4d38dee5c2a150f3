//! One connection out of many addresses: they are tried in a staggered race (RFC 8305), so that
//! a family or an address that does not answer costs a moment and not the whole time-out.
use std::{io, net::SocketAddr, time::Duration};
use tokio::{task::JoinSet, time::sleep};

/// What each address is ahead of the next one.
const HEAD_START: Duration = Duration::from_millis(250);

/// The first connection that is made; the others are dropped.
pub(super) async fn race<T, F>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut waiting = addresses.into_iter();
    let mut running = JoinSet::new();
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "no address to try");
    loop {
        if let Some(address) = waiting.next() {
            running.spawn(connect(address));
        }
        tokio::select! {
            ended = running.join_next() => match ended {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(error))) => failed = error,
                Some(Err(error)) => failed = error.into(),
                None => return Err(failed),
            },
            () = sleep(HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

/// One family after the other in turn, beginning with that of the first address.
pub(super) fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut mixed = vec![];
    loop {
        let pair = [one.next(), other.next()];
        if pair == [None, None] {
            return mixed;
        }
        mixed.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    fn addresses(text: &[&str]) -> Vec<SocketAddr> {
        text.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 6697)).collect()
    }

    #[test]
    fn families_take_turns() {
        let check = |from: &[&str], expected: &[&str]| {
            assert_eq!(interleaved(addresses(from)), addresses(expected));
        };
        check(
            &["::1", "::2", "::3", "1.1.1.1", "2.2.2.2"],
            &["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"],
        );
        check(&["1.1.1.1", "2.2.2.2", "::1"], &["1.1.1.1", "::1", "2.2.2.2"]);
        check(&["1.1.1.1"], &["1.1.1.1"]);
        check(&[], &[]);
    }

    /// Each address answers after so many milliseconds, or fails then; who won, and when.
    async fn check(answers: &'static [(u64, bool)], expected: (Result<usize, &str>, u128)) {
        let all: Vec<_> = (0..answers.len())
            .map(|n| SocketAddr::from(([10, 0, 0, 1], u16::try_from(n).unwrap())))
            .collect();
        let began = Instant::now();
        let won = race(all, |address| async move {
            let index = usize::from(address.port());
            let (millis, works) = answers[index];
            sleep(Duration::from_millis(millis)).await;
            if works { Ok(index) } else { Err(io::Error::other("refused")) }
        });
        let won = won.await.map_err(|error| error.to_string());
        let expected = (expected.0.map_err(str::to_owned), expected.1);
        assert_eq!((won, began.elapsed().as_millis()), expected, "{answers:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_to_answer_wins() {
        check(&[(100, true), (0, true)], (Ok(0), 100)).await;
        check(&[(60_000, true), (10, true)], (Ok(1), 260)).await;
        check(&[(300, true), (100, true)], (Ok(0), 300)).await;
        check(&[(400, false), (60_000, true), (10, true)], (Ok(2), 410)).await;
        check(&[(10, false), (10, true)], (Ok(1), 20)).await;
        check(&[(10, false), (20, false)], (Err("refused"), 30)).await;
        check(&[], (Err("no address to try"), 0)).await;
    }
}
