#![allow(clippy::unwrap_used)]

use std::{sync::mpsc, thread};

use super::*;

fn profile(id: &str) -> Profile {
    let source: models::Source = format!("/{id}.gguf").parse().unwrap();
    Profile::new(id.parse().unwrap(), source)
}

/// A supervisor of models `a`, `b` and `bad`, and what its main thread is told.
fn supervisor() -> (Arc<Supervisor>, mpsc::Receiver<Event>) {
    let (events, inbox) = mpsc::channel();
    let lookup = |choice: &Choice| match choice {
        Choice::Id(id) if ["a", "b", "bad"].contains(&id.as_str()) => Ok(profile(id)),
        other => Err(format!("{other:?}")),
    };
    let list = || vec![profile("a"), profile("b")];
    let supervisor = Supervisor::new(
        profile("a"),
        "program".into(),
        true,
        events,
        Box::new(lookup),
        Box::new(list),
    );
    (supervisor, inbox)
}

/// What the main thread does for each load: `bad` fails, and what was before is loaded again.
fn obey(supervisor: &Arc<Supervisor>, inbox: mpsc::Receiver<Event>) {
    let supervisor = Arc::clone(supervisor);
    thread::spawn(move || {
        for event in inbox {
            let Event::Load = event else { continue };
            let again = supervisor.update(|shared| {
                let bad = shared.profile.id.as_str() == "bad";
                if bad {
                    shared.failure = Some("bad: no good".into());
                }
                shared.state = if bad { State::Idle } else { State::Running };
                let fallback = if bad { shared.fallback.take() } else { None };
                let again = fallback.is_some();
                if let Some(profile) = fallback {
                    (shared.profile, shared.state) = (profile, State::Starting);
                }
                again
            });
            if again {
                supervisor.tell(Event::Load);
            }
        }
    });
}

#[test]
fn a_switch_waits_until_the_model_serves() {
    let (supervisor, inbox) = supervisor();
    obey(&supervisor, inbox);
    supervisor.settled();
    let status = supervisor.switch("b").unwrap();
    assert_eq!((status.model.as_str(), status.state), ("b", State::Running));
    let active: Vec<_> = supervisor.models().into_iter().map(|entry| entry.active).collect();
    assert_eq!(active, [false, true]);
}

#[test]
fn only_configured_ids_are_switched_to_by_a_guest() {
    let (supervisor, inbox) = supervisor();
    obey(&supervisor, inbox);
    supervisor.settled();
    for id in ["c", "", "../a", "/a.gguf", "org/repo"] {
        assert!(matches!(supervisor.switch(id), Err(Failure::Unknown(_))), "{id}");
    }
    assert_eq!(supervisor.status().model, "a");
}

#[test]
fn a_switch_that_fails_goes_back_and_tells_the_guest_no_secrets() {
    let (supervisor, inbox) = supervisor();
    obey(&supervisor, inbox);
    supervisor.settled();
    let Err(Failure::Down(why)) = supervisor.switch("bad") else { panic!() };
    assert!(!why.contains("no good"), "{why}");
    assert_eq!(supervisor.status().model, "a");
    assert_eq!(supervisor.status().state, State::Running);
    assert_eq!(supervisor.info().failure.unwrap(), "bad: no good");
}

#[test]
fn while_a_model_is_loaded_another_switch_is_refused_and_requests_may_not_wait() {
    let (supervisor, _inbox) = supervisor();
    assert_eq!(supervisor.switch("b"), Err(Failure::Busy));
    assert_eq!(supervisor.connect(false).unwrap_err(), Failure::Loading);
}

#[test]
fn a_server_that_ended_is_started_again_but_not_for_ever() {
    let (supervisor, inbox) = supervisor();
    let fail = || supervisor.update(|shared| shared.state = State::Idle);
    fail();
    for _ in 0..RESTARTS {
        assert_eq!(supervisor.connect(false).unwrap_err(), Failure::Loading);
        assert_eq!(supervisor.status().state, State::Starting);
        fail();
    }
    assert!(matches!(supervisor.connect(false), Err(Failure::Down(_))));
    assert_eq!(inbox.try_iter().count(), 1 + RESTARTS);
}
