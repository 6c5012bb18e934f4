use super::*;

#[test]
fn a_path_is_taken_letter_by_letter() {
    for endpoint in ENDPOINTS {
        let method = if endpoint.reads() { Method::GET } else { Method::POST };
        let path = |text: &str| text.parse::<Uri>().map(|uri| find(&method, &uri));
        for same in [endpoint.path.into(), format!("{}?a=/slots", endpoint.path)] {
            assert!(matches!(path(&same), Ok(Ok(found)) if found == endpoint), "{same}");
        }
        for other in [
            format!("{}/", endpoint.path),
            format!("/{}", endpoint.path),
            format!("{}%20", endpoint.path),
            format!("/.{}", endpoint.path),
            format!("{};a", endpoint.path),
            format!("http://x{}", endpoint.path),
            endpoint.path.to_uppercase().replace('/', "%2F"),
        ] {
            assert!(!matches!(path(&other), Ok(Ok(_))), "{other}");
        }
    }
}
