use super::check;

#[test]
fn media_in_the_request_pass() {
    for body in [
        r#"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA","detail":"low"}}]}]}"#,
        r#"{"messages":[{"content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]}"#,
        r#"{"messages":[{"content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA"}}]}]}"#,
        r#"{"messages":[{"content":[{"type":"document","source":{"type":"text","data":"see http://x"}}]}]}"#,
        r#"{"messages":[{"content":[{"type":"tool_use","input":{"image_url":"http://x","source":{"type":"url","url":"http://x"}}}]}]}"#,
        r#"{"messages":[{"content":[{"type":"tool_result","content":[{"type":"image","source":{"type":"base64","data":"A"}}]}]}]}"#,
        r#"{"messages":[{"content":"look at http://x/a.png"}]}"#,
        r#"{"messages":[{"content":[{"type":"search_result","source":"https://x","title":"t"}]}]}"#,
        r#"{"tools":[{"input_schema":{"properties":{"image_url":{"default":"http://x"},"source":{"type":"url"}}}}]}"#,
        r#"{"input":[{"content":[{"type":"input_image","image_url":"data:,x"}]}]}"#,
        r#"{"metadata":{"type":"note","url":"http://x"}}"#,
    ] {
        assert!(check(body).is_ok(), "{body}: {:?}", check(body));
    }
}

#[test]
fn media_elsewhere_do_not() {
    for part in [
        r#"{"type":"image_url","image_url":{"url":"http://x"}}"#,
        r#"{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}"#,
        r#"{"type":"image_url","image_url":"https://x"}"#,
        r#"{"type":"image_url","image_url":"etc/passwd"}"#,
        r#"{"type":"image_url","image_url":["http://x"]}"#,
        r#"{"type":"image_url","image_url":[{"url":"http://x"}]}"#,
        r#"{"type":"image_url","image_url":{"url":"data:,","url":"http://x"}}"#,
        r#"{"type":"image_url","image_\u0075rl":{"\u0075rl":"ht\u0074p://x"}}"#,
        r#"{"type":"image_url","image_url":{"url":" data:,"}}"#,
        r#"{"type":"image_url","image_url":{"url":"DATA:,"}}"#,
        r#"{"type":"input_audio","input_audio":{"data":"http://x"}}"#,
        r#"{"type":"input_audio","input_audio":"file:///x"}"#,
        r#"{"type":"video_url","video_url":{"url":"http://x"}}"#,
        r#"{"type":"image","source":{"type":"url","url":"http://x"}}"#,
        r#"{"type":"image","source":{"type":"base64","url":"http://x"}}"#,
        r#"{"type":"image","source":{"type":"file","file_id":"f"}}"#,
        r#"{"type":"image","source":{"type":"file"}}"#,
        r#"{"type":"document","source":{"url":"http://x","type":"\u0075rl"}}"#,
        r#"{"type":"image","url":"http://x"}"#,
        r#"{"image":"http://x","type":"image"}"#,
        r#"{"type":"text","type":"image","url":"http://x"}"#,
        r#"{"type":"file","file":{"file_id":"f"}}"#,
        r#"{"type":"file","file":{"file_data":"http://x"}}"#,
        r#"{"type":"input_file","file_id":"f"}"#,
        r#"{"type":"input_file","file_url":"http://x"}"#,
        r#"{"type":"tool_result","content":[{"type":"image","source":{"type":"url","url":"http://x"}}]}"#,
    ] {
        for body in [
            format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#),
            format!(r#"{{"input":[{{"role":"user","content":[{part}]}}]}}"#),
            format!(r#"{{"input":{part}}}"#),
            format!(r#"{{"x":{{"y":[[{part}]]}}}}"#),
            format!("[{part}]"),
        ] {
            assert!(check(&body).is_err(), "{body}");
        }
    }
}
