//! Data files for requests: lines of text, and tables of comma-separated values (RFC 4180).

use std::collections::HashMap;
use std::sync::Arc;

/// Data files, each read once.
#[derive(Default)]
pub(crate) struct Files {
    lines: HashMap<String, Arc<Vec<String>>>,
    tables: HashMap<String, Vec<Vec<String>>>,
}

impl Files {
    fn text(path: &str) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|e| format!("plan: data file {path:?}: {e}"))
    }

    pub(crate) fn lines(&mut self, path: &str) -> Result<Arc<Vec<String>>, String> {
        if let Some(lines) = self.lines.get(path) {
            return Ok(Arc::clone(lines));
        }
        let lines: Vec<String> = Self::text(path)?.lines().map(str::to_owned).collect();
        if lines.is_empty() {
            return Err(format!("plan: data file {path:?} is empty"));
        }
        let lines = Arc::new(lines);
        self.lines.insert(path.to_owned(), Arc::clone(&lines));
        Ok(lines)
    }

    pub(crate) fn column(&mut self, path: &str, column: &str) -> Result<Arc<Vec<String>>, String> {
        if !self.tables.contains_key(path) {
            let rows = rows(&Self::text(path)?).map_err(|e| format!("plan: {path:?}: {e}"))?;
            self.tables.insert(path.to_owned(), rows);
        }
        let (header, rows) =
            self.tables[path]
                .split_first()
                .filter(|(_, rows)| !rows.is_empty())
                .ok_or_else(|| format!("plan: data file {path:?} has no rows below its header"))?;
        let index = header.iter().position(|name| name == column).ok_or_else(|| {
            format!(
                "plan: data file {path:?} has no column {column:?}; it has: {}",
                header.join(", ")
            )
        })?;
        rows.iter()
            .map(|row| row.get(index).cloned())
            .collect::<Option<Vec<_>>>()
            .map(Arc::new)
            .ok_or_else(|| format!("plan: data file {path:?} has a row without column {column:?}"))
    }
}

/// The rows of a text, the header row first. Quoted fields may hold commas, line ends and
/// doubled quotes; empty lines are passed over.
fn rows(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut rows = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                if !(row.is_empty() && field.is_empty()) {
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
            }
            other => field.push(other),
        }
    }
    if quoted {
        return Err("a quoted field is not closed".into());
    }
    if !(row.is_empty() && field.is_empty()) {
        row.push(field);
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn quoted_fields_hold_commas_quotes_and_line_ends() {
        let text = "id,name\r\n1,\"a,\"\"b\"\"\nc\"\n\n2,d";
        assert_eq!(rows(text).unwrap(), [["id", "name"], ["1", "a,\"b\"\nc"], ["2", "d"]]);
        assert!(rows("a\n\"b").is_err());
    }
}
