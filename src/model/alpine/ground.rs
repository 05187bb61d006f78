//! A stage on Debian seen from Alpine: package lines, accounts, commands, and what has to be installed beside.

use std::collections::BTreeMap;

use super::accounts::Accounts;
use super::{RunChange, packages, refusal};
use crate::model::base::Refusal;
use crate::model::needs::{self, Need, Needs, Use, What, When};
use crate::model::{Base, Model, Stage};
use crate::syntax::ast::InstructionKind;
use crate::syntax::image::ImageReference;
use crate::tables::{self, CommandKind, DistributionName, Fate, ImageFacts};

/// What packages of the old image are called in the new one, as the project says it.
pub(in crate::model) type Names = BTreeMap<String, Vec<String>>;

/// A stage with the stages that are built from it.
pub(in crate::model) struct Ground<'m> {
    pub(in crate::model) model: &'m Model<'m>,
    pub(in crate::model) stage: &'m Stage,
    pub(in crate::model) family: Vec<&'m Stage>,
    pub(in crate::model) full: &'m ImageFacts,
    pub(in crate::model) reference: &'m ImageReference,
}

/// What changes for a stage to be built on Alpine.
pub(in crate::model) struct Changes {
    /// The RUNs that change, in order.
    pub(in crate::model) runs: Vec<RunChange>,
    /// Packages that a new RUN right behind FROM installs, sorted.
    pub(in crate::model) packages: Vec<String>,
    /// The accounts that the file makes.
    pub(in crate::model) accounts: Accounts,
    /// Code that was looked through.
    pub(in crate::model) code: usize,
    /// Whether there is code that is not seen.
    pub(in crate::model) is_unseen: bool,
    /// Whether the time zones are there then.
    pub(in crate::model) has_time_zones: bool,
}

impl<'m> Ground<'m> {
    /// The stage, if it is built on an image that the tables know.
    pub(in crate::model) fn of(model: &'m Model<'m>, stage: &'m Stage) -> Option<Self> {
        let Base::Image(reference) = &stage.base else { return None };
        let mut family = vec![stage];
        family.extend(model.descendants(stage));
        Some(Self { model, stage, family, full: stage.image.as_deref()?, reference })
    }

    /// What it takes; `has` tells packages of Alpine that the new image has.
    pub(in crate::model) fn changes(
        &self,
        new: &ImageFacts,
        names: &Names,
        has: &dyn Fn(&str) -> bool,
    ) -> Result<Changes, Refusal> {
        let mut accounts = Accounts::default();
        let runs = self.package_lines(names, &mut accounts)?;
        let installed: Vec<String> = runs.iter().flat_map(RunChange::packages).map(str::to_owned).collect();
        let (mut packages, mut code, mut is_unseen) = (Vec::new(), 0, false);
        for stage in &self.family {
            let found = needs::needs_on_musl(self.model, stage);
            if let Some(gap) = found.gaps.first() {
                let span = self.model.instruction(gap.place.instruction).span;
                let reason = match &gap.place.file {
                    Some(file) => format!("whether it runs on Alpine is not known: {} (`{file}`)", gap.reason),
                    None => format!("whether it runs on Alpine is not known: {}", gap.reason),
                };
                return Err(refusal(span, reason, gap.unlock));
            }
            let target = Target { ground: self, new, has, installed: &installed, needs: &found };
            packages.extend(target.packages()?);
            code += found.code.iter().filter(|code| !code.path.is_empty() && code.text.is_some()).count();
            is_unseen |= found.has_packages || found.code.iter().any(|code| code.text.is_none());
        }
        // Last: cache-mounts may have put the mount there, and there is more to say of the rest.
        for change in &runs {
            packages::keeps_mounts(self.model, change.run)
                .map_err(|(reason, unlock)| refusal(self.model.instruction(change.run).span, reason, unlock))?;
        }
        packages.sort();
        packages.dedup();
        packages.retain(|package| !installed.contains(package));
        let zones = tables::alpine().time_zones();
        let has_time_zones = has(zones) || installed.iter().chain(&packages).any(|known| known == zones);
        Ok(Changes { runs, packages, accounts, code, is_unseen, has_time_zones })
    }

    /// The tag of the image that it is built on.
    pub(super) fn old_tag(&self) -> &str {
        self.reference.tag.as_deref().unwrap_or("latest")
    }

    /// What becomes of the package lines and of the commands that make accounts.
    fn package_lines(&self, names: &Names, accounts: &mut Accounts) -> Result<Vec<RunChange>, Refusal> {
        let known = self.full.distribution.known().filter(|known| known.name == DistributionName::Debian);
        let release = known.map(|known| known.release.as_deref().unwrap_or_default());
        let mut changes = Vec::new();
        for run in self.family.iter().flat_map(|stage| stage.instructions.clone()).filter(|run| self.model.is_run(*run))
        {
            let change = packages::change(self.model, run, &packages::Counterparts { release, names }, accounts)
                .map_err(|(reason, unlock)| refusal(self.model.instruction(run).span, reason, unlock))?;
            changes.extend(change);
        }
        Ok(changes)
    }

    /// The accounts that an instruction names.
    pub(in crate::model) fn accounts(&self, index: usize) -> Vec<String> {
        let instruction = self.model.instruction(index);
        let mut named = Vec::new();
        if let InstructionKind::User(user) = &instruction.kind {
            named.push(user.text.clone());
        }
        named.extend(instruction.flag("chown").and_then(|flag| flag.value.clone()));
        for call in self.model.calls(index).iter().filter(|call| tables::alpine().gives_away(call.program())) {
            let owner = call.operands().first().and_then(|operand| operand.text.clone());
            named.push(owner.unwrap_or_else(|| "$".to_owned()));
        }
        let names = named.iter().flat_map(|text| text.split(':')).map(|name| name.trim_matches('"').to_owned());
        names.filter(|name| !name.is_empty() && !name.bytes().all(|byte| byte.is_ascii_digit())).collect()
    }

    /// Checks that every account that is named is there, with the same numbers, or is `mapped`.
    pub(in crate::model) fn keeps_accounts(
        &self,
        accounts: &Accounts,
        new: &ImageFacts,
        place: &str,
        mapped: &dyn Fn(&str) -> bool,
    ) -> Result<(), Refusal> {
        let is_same = |name: &str| {
            let ids =
                |facts: &ImageFacts| facts.users.iter().find(|user| user.name == name).map(|user| (user.uid, user.gid));
            accounts.has(name) || mapped(name) || ids(self.full).is_some() && ids(self.full) == ids(new)
        };
        for index in self.family.iter().flat_map(|stage| stage.instructions.clone()) {
            if let Some(lost) = self.accounts(index).iter().find(|name| !is_same(name)) {
                let reason = format!("{place} is not known to have the account `{lost}` with the same number");
                let span = self.model.instruction(index).span;
                return Err(refusal(span, reason, "an account that the file makes, or a number"));
            }
        }
        Ok(())
    }
}

/// What one stage needs, seen from the variant on Alpine.
struct Target<'a, 'm> {
    ground: &'a Ground<'m>,
    new: &'a ImageFacts,
    /// Whether the new image has a package of Alpine.
    has: &'a dyn Fn(&str) -> bool,
    /// Packages of Alpine that the file installs then.
    installed: &'a [String],
    needs: &'a Needs,
}

impl Target<'_, '_> {
    /// The packages that have to be installed beside those of the file.
    fn packages(&self) -> Result<Vec<String>, Refusal> {
        let mut packages = Vec::new();
        for need in &self.needs.known {
            packages.extend(self.package(need)?);
        }
        for used in &self.needs.uses {
            packages.extend(self.applet(used)?);
        }
        let place = |file: &str| needs::Place { instruction: self.ground.stage.from, file: Some(file.to_owned()) };
        let is_library = |name: &str| name.contains(".so");
        for mention in self.needs.mentions(|name| is_library(name) || self.is_of_debian(name)) {
            let what =
                if is_library(&mention.name) { What::Library(mention.name) } else { What::Program(mention.name) };
            packages.extend(self.package(&Need { what, when: When::Run, place: place(&mention.path) })?);
        }
        for started in self.ground.model.context.started() {
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '/');
            let words = started.text.split(|c: char| !is_name(c)).map(|word| word.rsplit('/').next().unwrap_or(word));
            for word in words.filter(|word| self.is_of_debian(word)) {
                let need = Need { what: What::Program(word.to_owned()), when: When::Run, place: place(&started.file) };
                packages.extend(self.package(&need)?);
            }
        }
        Ok(packages)
    }

    /// Whether the image on Debian is known to have a program that Alpine is not known to have.
    fn is_of_debian(&self, name: &str) -> bool {
        let ground = self.ground;
        let table = tables::bases();
        let release = ground.full.distribution.known().and_then(|known| known.release.as_deref()).unwrap_or_default();
        let lost =
            table.slim_family(&ground.full.family, ground.old_tag()).and_then(|family| table.lost(family, release));
        let is_there = ground.full.programs.contains(name) || lost.is_some_and(|lost| lost.program(name) != Fate::Kept);
        is_there && !self.new.programs.contains(name)
    }

    fn refusal(&self, need: &Need, reason: impl Into<String>, unlock: &str) -> Refusal {
        refusal(self.ground.model.instruction(need.place.instruction).span, reason, unlock)
    }

    /// The package that has to be installed for a need, if one has to.
    fn package(&self, need: &Need) -> Result<Option<String>, Refusal> {
        let debian = "the image on Debian";
        match &need.what {
            What::Program(name) => self.program(need, name),
            What::Certificates => Ok(None),
            What::TimeZones if (self.has)(tables::alpine().time_zones()) => Ok(None),
            What::TimeZones => Ok(Some(tables::alpine().time_zones().to_owned())),
            What::Path(path) if tables::alpine().has_path(path) => {
                self.program(need, path.rsplit('/').next().unwrap_or(path))
            }
            What::Path(path) => Err(self.refusal(
                need,
                format!("whether Alpine has `{path}` is not known"),
                "a path of the application",
            )),
            What::Library(name) => Err(self.refusal(
                need,
                format!("which package of Alpine brings the library `{name}` is not known"),
                debian,
            )),
            What::Locale(name) if matches!(name.as_str(), "" | "C" | "POSIX") || name.starts_with("C.") => Ok(None),
            What::Locale(name) => {
                Err(self.refusal(need, format!("musl has no formats and no sorting of the locale `{name}`"), "C.UTF-8"))
            }
            What::Glibc => Err(self.refusal(need, "a program of the build context is built for glibc", debian)),
        }
    }

    fn program(&self, need: &Need, name: &str) -> Result<Option<String>, Refusal> {
        let table = tables::alpine();
        let is_ours = table.is_translated(name) && need.place.file.is_none() && need.when == When::Build;
        let is_of_alpine = tables::alpine().is_applet(name)
            && tables::needs().command(name, "").is_some_and(|row| row.kind == CommandKind::Packages);
        if is_of_alpine {
            let reason = format!("`{name}` is called although the image is one of Debian");
            return Err(self.refusal(need, reason, "the packages of one distribution only"));
        }
        if is_ours || self.new.programs.contains(name) || self.installed.iter().any(|package| package == name) {
            return Ok(None);
        }
        if let Some(package) = table.package_of(name) {
            return Ok(Some(package.to_owned()));
        }
        if self.is_of_debian(name) {
            let reason = format!("Alpine is not known to have the program `{name}`");
            return Err(self.refusal(need, reason, "a command that both have, or a row in the table of Alpine"));
        }
        // A program of the application comes with its packages.
        if self.needs.has_packages || self.new.interpreter.is_some() && self.installed.is_empty() {
            return Ok(None);
        }
        let reason = format!("which package of Alpine brings the program `{name}` is not known");
        Err(self.refusal(need, reason, "a program that the tables know"))
    }

    /// Checks that a command does the same with busybox; the package that has to be installed for it, if one has to.
    fn applet(&self, used: &Use) -> Result<Option<String>, Refusal> {
        let table = tables::alpine();
        let name = used.program.as_str();
        let span = self.ground.model.instruction(used.place.instruction).span;
        let is_ours = table.is_translated(name) && used.place.file.is_none() && used.when == When::Build;
        let has = |text: &str| used.words.iter().flatten().any(|word| word.contains(text));
        let is_fetch = tables::needs().command(name, "").is_some_and(|row| row.https);
        let is_local = has("//localhost") || has("//127.0.0.1") || has("//[::1]") || has("//0.0.0.0");
        if is_fetch && used.when == When::Build && !is_local {
            let reason = format!("what `{name}` downloads may be built for glibc");
            return Err(refusal(span, reason, "the file in the build context, or a package"));
        }
        if table.trusts_all(name) && has("https:") && !is_local {
            return Ok(table.package_of(name).map(str::to_owned));
        }
        let installed = self.installed.iter().map(String::as_str);
        let is_builtin = tables::programs().is_shell_word(name);
        if is_ours || is_builtin || !table.is_applet(name) || table.is_replaced(name, installed) {
            return Ok(None);
        }
        let words: Vec<Option<&str>> = used.words.iter().map(Option::as_deref).collect();
        match table.applet(name).map(|applet| applet.differs(&words)) {
            Some(None) => Ok(None),
            None if words.is_empty() => Ok(None),
            Some(Some(option)) => {
                let reason = format!("`{name} {option}` is not known to mean the same with busybox");
                Err(refusal(span, reason, "options that both know, or the package of the GNU program"))
            }
            None => {
                let reason = format!("`{name}` of busybox is not known to do the same");
                Err(refusal(span, reason, "a row in the table of Alpine, or the package of the GNU program"))
            }
        }
    }
}
