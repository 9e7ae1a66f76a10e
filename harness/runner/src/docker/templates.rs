//! Files and commands of a peer with a control shell, filled in for a case.

use std::{collections::BTreeMap, fs};

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::{
    error::DockerError,
    manifest::{PeerDir, ShellControl},
};

/// The end of a file in a script. A line of a file that reads so would end it early; none does.
const END_OF_FILE: &str = "ikev1-harness-end-of-file";

/// The templates of a peer.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    /// Paths in the container, each with the name of its template.
    files: BTreeMap<String, String>,
}

impl Templates {
    /// Reads the templates that the manifest of `peer` names. A command is a template of its own name.
    ///
    /// # Errors
    /// A file that cannot be read, or a template that cannot be understood.
    pub fn load(peer: &PeerDir, control: &ShellControl) -> Result<Self, DockerError> {
        let mut environment = Environment::new();
        // A misspelt name must not come out as nothing; a field that is left out may be asked for.
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_keep_trailing_newline(true);
        let manifest = peer.path.join("peer.toml").display().to_string();
        let mut add = |name: String, text: String, file: &str| {
            environment
                .add_template_owned(name, text)
                .map_err(|source| DockerError::Template { path: file.to_owned(), source: Box::new(source) })
        };
        for file in control.files.values() {
            let path = peer.path.join(file);
            let shown = path.display().to_string();
            let text = fs::read_to_string(&path)
                .map_err(|source| DockerError::Read { path: shown.clone(), source })?;
            add(file.clone(), text, &shown)?;
        }
        for (name, command) in control.commands() {
            add(name.to_owned(), command.to_owned(), &manifest)?;
        }
        Ok(Self { environment, files: control.files.clone() })
    }

    /// A command with `context` filled in.
    ///
    /// # Errors
    /// There is no such command, or its template uses what is not in the context.
    pub fn command(&self, name: &str, context: &impl Serialize) -> Result<String, DockerError> {
        let rendered = self.environment.get_template(name).and_then(|template| template.render(context));
        rendered.map_err(|source| DockerError::Template { path: name.to_owned(), source: Box::new(source) })
    }

    /// A script that writes all files, with `context` filled in.
    ///
    /// # Errors
    /// A template uses what is not in the context.
    pub fn write_files(&self, context: &impl Serialize) -> Result<String, DockerError> {
        let mut script = "set -e\numask 077\n".to_owned();
        for (path, template) in &self.files {
            let mut text = self.command(template, context)?;
            if !text.ends_with('\n') {
                text.push('\n');
            }
            script.push_str(&format!("cat >'{path}' <<'{END_OF_FILE}'\n{text}{END_OF_FILE}\n"));
        }
        Ok(script)
    }
}
