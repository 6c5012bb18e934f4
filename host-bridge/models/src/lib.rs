//! Models and the program that serves them: profiles, weights, downloads, arguments.
#![forbid(unsafe_code)]
