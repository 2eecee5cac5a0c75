//! The same on another server: moto, where `MOTO_URL` names one (the README says how to start it).

use std::thread;

use mlops_core::{Clock, Digest, ManualClock, Seed, Span, SystemClock};
use mlops_store::{
    Appended, ArtifactStore, CommitLog, GarbageOptions, Location, Objects, S3Settings,
};

/// A place of this test alone; the bucket `registry` is there already.
fn locate(name: &str) -> Option<Location> {
    let url = std::env::var("MOTO_URL").ok()?;
    let settings = S3Settings::new("us-east-1")
        .endpoint(url)
        .credentials("testing", "testing");
    let url = format!("s3://registry/{name}-{}", SystemClock.now().micros());
    Some(Objects::new().with_s3(settings).locate(&url).unwrap())
}

#[test]
fn a_log_has_one_winner_a_number() {
    let Some(at) = locate("log") else {
        println!("MOTO_URL is not set");
        return;
    };
    CommitLog::at(&at).probe().unwrap();
    let won: usize = thread::scope(|scope| {
        let writers = ["a", "b", "c"].map(|name| {
            let log = CommitLog::at(&at);
            scope.spawn(move || {
                let (mut head, mut won) = (0, 0);
                while won < 10 {
                    let request = format!("{name}-{won}").parse().unwrap();
                    match log.append(head, &request, name.as_bytes()).unwrap() {
                        Appended::Won => {
                            won += 1;
                            head += 1;
                        }
                        Appended::Lost { number } => head = number,
                    }
                }
                won
            })
        });
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .sum()
    });
    let log = CommitLog::at(&at);
    assert_eq!((won, log.head().unwrap().unwrap().number), (30, 30));
    log.checkpoint(20, b"state").unwrap();
    assert_eq!(log.fold().unwrap(), 0);
    assert_eq!(log.latest_checkpoint().unwrap().unwrap().number, 20);
}

#[test]
fn artifacts_are_kept_shared_and_collected() {
    let Some(at) = locate("artifacts") else {
        println!("MOTO_URL is not set");
        return;
    };
    let store = ArtifactStore::at(&at).unwrap();
    let mut rng = Seed(1).rng();
    let mut bytes: Vec<u8> = (0..1 << 20)
        .flat_map(|_| rng.next_u64().to_le_bytes())
        .collect();
    let first = store.put(&bytes).unwrap();
    bytes.insert(3 << 20, 1);
    let second = store.put_from(bytes.as_slice()).unwrap();
    assert!(second.sent < 4 << 20);
    assert_eq!(store.get(&second.digest).unwrap(), bytes);
    let clock = ManualClock::new(SystemClock.now());
    for _ in 0..3 {
        clock.advance(Span::hours(2));
        store
            .collect([second.digest], GarbageOptions::new(Span::hours(1)), &clock)
            .unwrap();
    }
    assert_eq!(
        Digest::of(&store.get(&second.digest).unwrap()),
        second.digest
    );
    assert!(store.get(&first).is_err());
}
