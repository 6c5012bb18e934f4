#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::Driver;
use crate::worker::{Context, WorkError};

struct Nothing;

impl Handler for Nothing {
    fn queue(&mut self, context: &mut Context, index: u16) -> Result<(), WorkError> {
        context.drain(index, |_, _| Ok(0))
    }
}

#[test]
fn a_handler_goes_to_work_and_comes_back() {
    let mut driver = Driver::new(&[4], 0);
    let mut slot = Slot::new(Nothing);
    assert!(slot.stop().is_empty(), "not at work");
    slot.start("nothing", driver.activation()).unwrap();
    assert!(slot.idle().is_none());
    assert!(slot.start("nothing", driver.activation()).is_err());
    driver.request(0, &[b"x"], &[]);
    assert_eq!(slot.stop()[0].queue.next_avail(), 1);
    assert!(slot.idle().is_some());
    driver.rings[0].clear();
    driver.rings[0].set_available(5);
    slot.start("nothing", driver.activation()).unwrap();
    driver.interrupt.wait_reset();
    assert_eq!(slot.stop().len(), 1);
    assert!(slot.idle().is_some(), "a broken queue costs the handler nothing");
}
