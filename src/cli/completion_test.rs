use super::*;

#[test]
fn each_shell_gets_sub_commands_and_options() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let script = script(shell);
        for word in ["doctor", "read-only-workspace", "prune"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}
