#![allow(clippy::unwrap_used)]

use super::*;

const ALL: [Phase; 6] =
    [Phase::Waiting, Phase::Index, Phase::Packages, Phase::Kernel, Phase::Root, Phase::Finish];

const KERNEL: [Phase; 6] =
    [Phase::Waiting, Phase::Index, Phase::Source, Phase::Unpack, Phase::Compile, Phase::Finish];

const LAYER: [Phase; 4] = [Phase::Waiting, Phase::Agents, Phase::Layer, Phase::Finish];

fn reporter(style: Style) -> Reporter {
    Reporter { what: "image", style, started: Instant::now(), last: None }
}

#[test]
fn the_scale_has_no_gaps_and_ends_at_100() {
    for scale in [&ALL[1..], &LAYER[1..], &KERNEL[1..]] {
        assert_eq!(scale[0].span().0, 0);
        for pair in scale.windows(2) {
            assert_eq!(pair[0].span().1, pair[1].span().0);
        }
    }
    assert_eq!(Progress { phase: Phase::Finish, done: 9, total: 9 }.percent(), 100);
    // More done than there was to do, as when packages pull in others.
    assert_eq!(Progress { phase: Phase::Packages, done: 11, total: 9 }.percent(), 84);
}

#[test]
fn lines_once_a_phase() {
    let mut reporter = reporter(Style::Lines);
    let mut out = Vec::new();
    for done in 0..5 {
        reporter.write(Progress { phase: Phase::Packages, done, total: 5 }, &mut out).unwrap();
    }
    reporter.write(Progress::start(Phase::Kernel), &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "qvm: image: installing packages\nqvm: image: unpacking the kernel\n"
    );
}

#[test]
fn quiet_is_quiet() {
    let mut reporter = reporter(Style::Quiet);
    let mut out = Vec::new();
    reporter.write(Progress::start(Phase::Index), &mut out).unwrap();
    assert!(out.is_empty());
}

#[test]
fn the_bar_fits_a_terminal() {
    for phase in ALL.into_iter().chain(LAYER).chain(KERNEL) {
        let line = bar("kernel", Progress { phase, done: 1, total: 2 }, Duration::from_secs(5999));
        assert!(line.chars().count() <= 79, "{line}");
    }
    let line = bar(
        "kernel",
        Progress { phase: Phase::Finish, done: 1, total: 1 },
        Duration::from_secs(61),
    );
    assert!(line.contains("100%") && line.contains(" 1:01") && !line.contains('·'), "{line}");
}
