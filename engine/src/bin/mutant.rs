//! `syncline-mutant NAME < plan.json > result.json`: a load by a deliberately wrong engine.
//!
//! The calibration tests run it to show that each of them catches what it is there to catch.
//! The name `none` is the engine as it is.

use std::io::Read;

use syncline_engine::mutant;
use syncline_engine::run::Run;

fn main() {
    let name = std::env::args().nth(1).unwrap_or_default();
    if name != "none" {
        let Some((_, chosen)) = mutant::NAMES.iter().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = mutant::NAMES.iter().map(|(name, _)| *name).collect();
            exit(&format!("unknown mutant {name:?}; known are: {}", names.join(", ")));
        };
        mutant::become_mutant(*chosen);
    }
    let mut plan = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut plan) {
        exit(&error.to_string());
    }
    let run = Run::start(&plan).unwrap_or_else(|error| exit(&error.to_string()));
    let result = run.finish().unwrap_or_else(|error| exit(&error));
    match serde_json::to_string(&result) {
        Ok(text) => println!("{text}"),
        Err(error) => exit(&error.to_string()),
    }
}

fn exit(message: &str) -> ! {
    eprintln!("{message}");
    std::process::exit(2)
}
