use super::*;

#[test]
fn tokens_with_and_without_a_suffix() {
    assert_eq!(tokens("32768"), Ok(32768));
    assert_eq!(tokens("32k"), Ok(32768));
    assert_eq!(tokens("1M"), Ok(1 << 20));
    for wrong in ["", "k", "32 k", "-1", "+1", "3.5k", "32kb", "é"] {
        assert_eq!(tokens(wrong), Err(UnitError::Tokens), "{wrong}");
    }
    for wrong in ["0", "99999999999", "4000m"] {
        assert_eq!(tokens(wrong), Err(UnitError::TokensOutOfRange), "{wrong}");
    }
}

#[test]
fn lengths_of_time() {
    assert_eq!(duration("0"), Ok(Duration::ZERO));
    assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
    assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
    assert_eq!(duration("2d"), Ok(Duration::from_secs(172_800)));
    for wrong in ["", "m", "5 m", "-5m", "5w", "99999999999999999999", "1000d"] {
        assert_eq!(duration(wrong), Err(UnitError::Duration), "{wrong}");
    }
}
