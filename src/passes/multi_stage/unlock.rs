//! What would let a stage be split, by the reason why it is not.

/// Parts of reasons, the most telling first, and what to do about them.
const UNLOCKS: &[(&str, &str)] = &[
    ("ONBUILD", "nothing: builds elsewhere depend on it"),
    ("triggers", "a base image that is known to have no ONBUILD"),
    (
        "puts what it installs is not known",
        "a prefix of its own (`--prefix=/opt/app`), or install rules for programs and files only",
    ),
    ("which programs `", "the name of the program at the build (`--bin NAME`)"),
    ("which only the toolchain has", "code that does without the compiler"),
    ("is another one in the image without the toolchain", "that variable as ENV in the file"),
    ("the ENTRYPOINT of the base image", "an ENTRYPOINT in the file"),
    ("has it as its home", "the program in a directory of its own, such as `/app`"),
    (
        "the PATH is set in the file",
        "the program in a directory that every image has on the PATH, such as `/usr/local/bin`",
    ),
    ("names no platform of Linux", "a lock file for Linux (`bundle lock --add-platform x86_64-linux`)"),
    (
        "takes the place of the one with the toolchain",
        "a tag that names the release, such as `bookworm`; for Java a version that has a JRE",
    ),
    ("the server of files serves", "the served directory made by a RUN of the file"),
    ("without the build context", "`--context` with the directory of the build context"),
    ("Pipfile.lock is not known", "a lock file in the build context (`pipenv lock`)"),
    (
        "is not known without `",
        "that setting as ENV above the install, and a CMD that starts programs of that environment",
    ),
    (
        "installs what is lost",
        "a CMD that starts the program itself; for a stand-in, `corepack prepare` beside `corepack enable`",
    ),
    ("passes over virtual environments", "`--system` at the install in place of the variable"),
    ("another Python than that of the image", "a base image with the version that the project asks for"),
    (
        "runtime stage would stay on the full image",
        "what this needs in the tables, or a base image that is slim already",
    ),
    ("a container starts `", "a CMD that starts what the build makes, such as `node dist/server.js`"),
    ("may come with a development dependency", "the package among `dependencies`"),
    ("loads `", "the package among `dependencies`"),
    ("has workspaces", "an install of the one workspace without development dependencies, in a stage of its own"),
    ("installed more than once", "one project, or an install of each without development dependencies"),
    ("package.json is not known", "package.json in the build context"),
    ("not worth it", "nothing: the file is as lean without a split"),
    ("a RUN changes owners", "`COPY --chown` in place of `chown`"),
    ("belongs to several users", "one owner for what the program is made of (`COPY --chown`)"),
    (
        "may start `",
        "a program that does this without starting another one, or the package that brings it, installed in the last lines",
    ),
    ("calls `", "the command above the last install, so that it is part of the build"),
    ("installs packages, which may have to be compiled", "all installs above the last step that builds"),
    ("installs Python packages", "all installs of packages side by side, above what uses them"),
    ("names `", "the path by the variable or the command that finds it (`command -v`, `sys.prefix`)"),
    ("need that were compiled with", "a package with headers that the table of run-time libraries has"),
    ("which library programs need", "the package of the run-time library, named in the install"),
    ("in place", "an install that is not editable (`pip install .`)"),
    ("leaves behind is not known", "the command in a stage of its own, or a row for it in the tables"),
    ("what pip installs is known only when it runs", "requirements in a file, or as plain words"),
    ("only when it runs", "plain words in place of variables and substitutions"),
    ("not understood", "plain POSIX shell"),
    ("exec form", "the shell form of RUN"),
    ("for all users", "the package among the dependencies of package.json"),
    ("not all words", "plain names of packages"),
    ("not all options", "options that the command table knows"),
    ("does with `", "the install without that option"),
    ("with another PATH", "the programs of the environment by their whole path"),
    ("is set, or may be", "no such variable: the split brings an environment of its own"),
    ("PATH is set behind the install", "ENV PATH above the install"),
    ("is compiled when the program starts", "a configuration in plain JavaScript"),
    ("working directory is that of the base image", "WORKDIR with an absolute path"),
    ("working directory is not known", "WORKDIR with an absolute path"),
    ("is not known to be there", "the program by its absolute path, copied or installed in the file"),
    ("nothing is known of the base image", "an image that the tables know"),
    ("package manager of the base image", "a base image with apt or apk"),
    ("a mount stands over", "a mount beside what the command writes"),
    ("is lost", "the files below the directory of the program, or the command in the last lines"),
    ("volume is declared", "VOLUME in the last lines"),
    ("several lines", "FROM on one line"),
    ("is the name of something else", "another name for the stage"),
    (
        "writes to other places",
        "the package without its download (`--ignore-scripts`), or an image that has the browser",
    ),
    ("is not known", "what the reason names, written out in the file or in its build context"),
];

/// What to do about a reason.
pub(super) fn unlock(reason: &str) -> &'static str {
    let found = UNLOCKS.iter().find(|(part, _)| reason.contains(part));
    found.map_or("what the reason names in a stage of its own", |(_, unlock)| unlock)
}
