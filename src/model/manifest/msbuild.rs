//! Project and solution files of .NET (MSBuild reference; "Solution (.sln) file").

/// What a project file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// Other projects, relative to the file, with `/`.
    pub projects: Vec<String>,
    /// Files that it imports, or packages that it takes from a directory.
    pub imports: Vec<String>,
    /// Whether a property or condition decides on a reference, so that the lists are not certain.
    pub is_computed: bool,
}

/// Reads a project file: the attributes of the elements that name other files.
#[must_use]
pub fn read(text: &str) -> Option<Project> {
    if !text.contains("<Project") {
        return None;
    }
    let mut found = Project::default();
    for element in elements(text) {
        let value = |name: &str| attribute(element, name).map(|path| path.replace('\\', "/"));
        let name = element.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        let path = match name {
            "ProjectReference" => value("Include"),
            "Import" => value("Project"),
            _ => None,
        };
        let Some(path) = path else { continue };
        found.is_computed |= path.contains(['$', '*', ';', '%']);
        if name == "ProjectReference" { &mut found.projects } else { &mut found.imports }.push(path);
    }
    Some(found)
}

/// The projects of a solution file, relative to it, with `/`; solution folders have no file.
#[must_use]
pub fn read_solution(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.trim_start().starts_with("Project("));
    let path = |line: &str| line.split('"').nth(5).map(|path| path.replace('\\', "/"));
    lines.filter_map(path).filter(|path| path.ends_with("proj")).collect()
}

/// What stands between `<` and `>`, comments left out.
fn elements(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find('<')?;
            rest = &rest[start + 1..];
            if let Some(comment) = rest.strip_prefix("!--") {
                rest = &comment[comment.find("-->")?..];
                continue;
            }
            let end = rest.find('>')?;
            let element = &rest[..end];
            rest = &rest[end..];
            return Some(element);
        }
    })
}

fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let at = element.match_indices(name).map(|(at, _)| at).find(|at| element[..*at].ends_with(char::is_whitespace))?;
    let value = element[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects() {
        let text = "<Project Sdk=\"Microsoft.NET.Sdk.Web\">\n<ItemGroup>\n<!-- <ProjectReference Include=\"no\" /> -->\n\
                    <ProjectReference Include=\"..\\Core\\Core.csproj\" />\n<PackageReference Include=\"A\" Version=\"1\"/>\n\
                    </ItemGroup>\n<Import Project=\"$(Root)x.props\" />\n</Project>\n";
        let found = read(text).expect("it is read");
        assert_eq!(found.projects, ["../Core/Core.csproj"]);
        assert_eq!(found.imports, ["$(Root)x.props"]);
        assert!(found.is_computed);
        assert_eq!(read("x"), None);
    }

    #[test]
    fn solutions() {
        let text = "Project(\"{A}\") = \"Web\", \"src\\Web\\Web.csproj\", \"{B}\"\nEndProject\nProject(\"{C}\") = \"docs\", \"docs\", \"{D}\"\n";
        assert_eq!(read_solution(text), ["src/Web/Web.csproj"]);
    }
}
