//! Text with words of the wire in it, between backticks.

pub(super) struct Prose {
    pub(super) parts: Vec<Part>,
}

pub(super) struct Part {
    pub(super) text: String,
    pub(super) is_code: bool,
}

impl Prose {
    pub(super) fn new(text: &str) -> Self {
        let parts = text.split('`').enumerate();
        let part = |(index, text): (usize, &str)| Part {
            text: text.replace('\n', " "),
            is_code: index % 2 == 1,
        };
        Self { parts: parts.map(part).collect() }
    }
}
