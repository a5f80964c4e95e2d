//! Comma-separated data files (RFC 4180), for request data.

/// The rows of a text, the header row first. Quoted fields may hold commas, line ends and
/// doubled quotes; empty lines are passed over.
pub fn rows(text: &str) -> Result<Vec<Vec<String>>, String> {
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
